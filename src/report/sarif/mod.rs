//! SARIF 2.1.0, as GitHub code scanning takes it.
//!
//! Sources: the OASIS specification "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's "SARIF support for code scanning".
//!
//! * One SARIF run a subject, each with a category of its own (`automationDetails.id`): GitHub takes no two runs of one category, and closes the alerts of
//!   a category that a later upload no longer has.
//! * A rule is what found something: a check, a secret rule, or an advisory.
//! * GitHub tells alerts apart by rule, file and `partialFingerprints`; the fingerprint is the finding's id, so an alert survives a rebuild of the image.
//! * A file is a path below `ROOTPATH`. The configuration has no path; its parts are logical locations of an artifact named `image-configuration`.
//! * What was not read or not checked is a notification of the invocation: a partial run must not look like a clean one.

mod model;
mod place;
mod result;
mod rule;

use std::collections::BTreeMap;
use std::io::{self, Write};

use model::{
    ArtifactLocation, AutomationDetails, Driver, Invocation, Message, Notification, Run, RunProperties, Sarif, Tool,
};
use place::{file, plain};
use result::result;
use rule::rule;

use super::contract::{Finding, Report, Reports};
use super::escape::{sarif_message, write_json};
use super::{RenderOptions, ReportFormat};

/// The schema that GitHub names in its documentation.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// `sarif`.
#[derive(Debug)]
pub(super) struct SarifFormat;

impl ReportFormat for SarifFormat {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn summary(&self) -> &'static str {
        "SARIF 2.1.0, for GitHub code scanning and editors"
    }

    fn render(&self, reports: &Reports, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        write_json(&Sarif { schema: SCHEMA, version: "2.1.0", runs: reports.reports.iter().map(run).collect() }, out)
    }
}

fn run(report: &Report) -> Run {
    let mut found_by: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        found_by.entry(&finding.rule).or_default().push(finding);
    }
    let index: BTreeMap<&str, usize> = found_by.keys().enumerate().map(|(index, rule)| (*rule, index)).collect();
    let names = report.packages.iter().map(|package| (package.purl.as_str(), package.name.as_str())).collect();
    let subject = &report.subject;
    Run {
        tool: Tool {
            driver: Driver {
                name: report.tool.name.clone(),
                version: report.tool.version.clone(),
                semantic_version: report.tool.version.clone(),
                rules: found_by.iter().map(|(id, findings)| rule(id, findings, &names)).collect(),
            },
        },
        automation_details: AutomationDetails { id: format!("imgguard/{}/", subject.reference) },
        invocations: [invocation(report)],
        original_uri_base_ids: [("ROOTPATH", ArtifactLocation { uri: "file:///".into(), uri_base_id: None })].into(),
        column_kind: "unicodeCodePoints",
        results: report
            .findings
            .iter()
            .map(|finding| result(finding, index.get(finding.rule.as_str()).copied().unwrap_or_default()))
            .collect(),
        properties: RunProperties {
            subject: subject.reference.clone(),
            digest: subject.digest.clone(),
            media_type: subject.media_type.clone(),
            evaluated_at: report.evaluated_at.clone(),
            advisories: report.advisories.digest.clone(),
            verdict: report.verdict.result.clone(),
        },
    }
}

/// What was not read, and what there was no data for.
fn invocation(report: &Report) -> Invocation {
    let unread = report.unknowns.iter().map(|unknown| {
        let place = unknown.path.as_deref().or(unknown.layer.as_deref()).unwrap_or("the image");
        Notification {
            level: if unknown.effect == "required" { "error" } else { "note" },
            message: text(&format!("{place} was not read: {}", unknown.reason)),
            locations: unknown.path.as_deref().map(|path| plain(file(path))).into_iter().collect(),
        }
    });
    let unchecked = report.coverage.iter().filter(|row| row.data == "none").map(|row| Notification {
        level: "warning",
        message: text(&format!(
            "NOT CHECKED for vulnerabilities: no advisory data for {} ({} packages on {})",
            row.ecosystem, row.packages, row.platform
        )),
        locations: Vec::new(),
    });
    let skipped = report.skipped.iter().map(|what| Notification {
        level: "warning",
        message: text(&format!("NOT CHECKED: {what}")),
        locations: Vec::new(),
    });
    Invocation {
        execution_successful: report.platforms.iter().all(|platform| platform.complete),
        tool_execution_notifications: unread.collect(),
        tool_configuration_notifications: unchecked.chain(skipped).collect(),
    }
}

/// Text of ours with empty lines between its paragraphs.
fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(sarif_message).collect::<Vec<_>>().join("\n\n")
}

fn text(text: &str) -> Message {
    Message { text: sarif_message(text), markdown: None }
}
