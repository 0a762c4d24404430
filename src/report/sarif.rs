//! SARIF 2.1.0, as GitHub code scanning takes it.
//!
//! Sources: the OASIS specification "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's "SARIF support for code scanning".
//!
//! * One SARIF run a subject, each with a category of its own (`automationDetails.id`): GitHub takes no two runs of one category, and closes the alerts of
//!   a category that a later upload no longer has.
//! * A rule is what found something: a check, a secret rule, or an advisory.
//! * GitHub tells alerts apart by rule, file and `partialFingerprints`; the fingerprint is the finding's id, so an alert survives a rebuild of the image.
//! * A file is a path below `ROOTPATH`. The configuration has no path; its parts are logical locations of an artifact named [`CONFIG_ARTIFACT`].
//! * What was not read or not checked is a notification of the invocation: a partial run must not look like a clean one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use super::contract::{Finding, Location, Report, Reports, severity_rank};
use super::escape::{markdown, sarif_message, write_json};
use super::{RenderOptions, ReportFormat, osv_address};
use crate::check::CHECKS;
use crate::secret;

/// The schema that GitHub names in its documentation.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What stands for the image configuration where SARIF wants a file.
const CONFIG_ARTIFACT: &str = "image-configuration";

/// Locations of one result; GitHub takes 1,000 and shows 100.
const MAX_LOCATIONS: usize = 100;

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

#[derive(Serialize)]
struct Sarif {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: AutomationDetails,
    invocations: [Invocation; 1],
    original_uri_base_ids: BTreeMap<&'static str, ArtifactLocation>,
    column_kind: &'static str,
    results: Vec<SarifResult>,
    properties: RunProperties,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    version: String,
    semantic_version: String,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_configuration_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<SarifLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    subject: String,
    digest: Option<String>,
    media_type: String,
    evaluated_at: String,
    advisories: String,
    verdict: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    #[serde(rename = "security-severity")]
    security_severity: String,
    precision: String,
    tags: Vec<&'static str>,
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: Vec<SarifLocation>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "imgguardFindingId/v1")]
    finding_id: String,
    /// The only one that GitHub reads.
    #[serde(rename = "primaryLocationLineHash")]
    primary_location_line_hash: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties {
    kind: String,
    severity: String,
    confidence: String,
    platforms: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    packages: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixed_in: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss: Option<f64>,
    kev: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<LocationProperties>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
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

/// The rule that made `findings`; there is at least one.
fn rule(id: &str, findings: &[&Finding], names: &Names<'_>) -> Rule {
    let words = describe(id, findings, names);
    let worst = findings.iter().min_by_key(|finding| severity_rank(&finding.severity));
    let severity = worst.map_or("unknown", |finding| finding.severity.as_str());
    let cvss = findings.iter().filter_map(|finding| finding.cvss).reduce(f64::max);
    Rule {
        id: id.to_owned(),
        short_description: text(&words.short),
        full_description: Message { text: paragraphs(&words.full), markdown: None },
        help: Message {
            text: paragraphs(&format!("{}\n\n{}", words.full, words.remediation)),
            markdown: Some(format!("{}\n\n**What to do:** {}", words.markdown, markdown(&words.remediation))),
        },
        help_uri: words.uri,
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            security_severity: security_severity(severity, cvss),
            precision: worst.map_or("medium", |finding| finding.confidence.as_str()).to_owned(),
            tags: vec!["security", tag(findings)],
        },
    }
}

/// Packages' names by their purls.
type Names<'a> = BTreeMap<&'a str, &'a str>;

/// The words of a rule.
struct Words {
    short: String,
    full: String,
    markdown: String,
    remediation: String,
    uri: Option<String>,
}

fn describe(id: &str, findings: &[&Finding], names: &Names<'_>) -> Words {
    let first = findings.first();
    let remediation = first.and_then(|finding| finding.remediation.clone()).unwrap_or_default();
    if let Some(check) = CHECKS.iter().map(|check| check.meta()).find(|meta| meta.name == id) {
        let full = check.doc.replace("**", "");
        return Words { short: check.summary.into(), full, markdown: check.doc.into(), remediation, uri: None };
    }
    let is_secret = first.is_some_and(|finding| finding.kind == "secret");
    if let Some(rule) = is_secret.then(|| secret::rule(id)).flatten() {
        let full = format!("{} in a layer or in the configuration of the image", rule.title);
        return Words { short: rule.title.clone(), markdown: markdown(&full), full, remediation, uri: None };
    }
    let aliases = first.map(|finding| finding.aliases.join(", ")).unwrap_or_default();
    let also = if aliases.is_empty() { String::new() } else { format!(" (also {aliases})") };
    let full = match first.map(|finding| finding.kind.as_str()) {
        Some("informational") => format!("An installed package is named by the notice {id}{also}"),
        _ => format!("An installed package is affected by {id}{also}"),
    };
    // Several packages have several fixes; each result names its own.
    let remediation = if findings.len() > 1 { "update the packages, as each result says".into() } else { remediation };
    let packages = findings.iter().flat_map(|finding| &finding.packages);
    let packages: BTreeSet<&str> = packages.filter_map(|purl| names.get(purl.as_str()).copied()).collect();
    let short = format!("{id} in {}", packages.into_iter().take(3).collect::<Vec<_>>().join(", "));
    Words { short, markdown: markdown(&full), full, remediation, uri: osv_address(id) }
}

fn tag(findings: &[&Finding]) -> &'static str {
    match findings.first().map(|finding| finding.kind.as_str()) {
        Some("secret") => "secret",
        Some("vulnerability") => "vulnerability",
        Some("informational") => "informational",
        _ => "configuration",
    }
}

fn level(severity: &str) -> &'static str {
    match severity {
        "critical" | "high" => "error",
        "medium" | "unknown" => "warning",
        _ => "note",
    }
}

/// GitHub's number for a severity: above 9.0 critical, from 7.0 high, from 4.0 medium, above 0 low. The CVSS score where it says the same as the word, which
/// may be a distribution's own judgement; else the middle of the word's band.
fn security_severity(severity: &str, cvss: Option<f64>) -> String {
    let (band, middle) = match severity {
        "critical" => (9.1..=10.0, 9.5),
        "high" => (7.0..=9.0, 8.0),
        "low" => (0.1..=3.9, 2.0),
        "negligible" => (0.1..=0.1, 0.1),
        _ => (4.0..=6.9, 5.5),
    };
    format!("{:.1}", cvss.filter(|score| band.contains(score)).unwrap_or(middle))
}

fn result(finding: &Finding, rule_index: usize) -> SarifResult {
    let locations: Vec<SarifLocation> = finding.locations.iter().take(MAX_LOCATIONS).map(location).collect();
    let is_open = finding.disposition.state == "open";
    let suppression = || Suppression {
        kind: "external",
        status: "accepted",
        justification: finding.disposition.reason.as_deref().map(sarif_message),
    };
    SarifResult {
        rule_id: finding.rule.clone(),
        rule_index,
        level: level(&finding.severity),
        message: message(finding),
        // GitHub drops a result without a place; what is nowhere is in the configuration.
        locations: if locations.is_empty() { vec![plain(config_artifact())] } else { locations },
        partial_fingerprints: Fingerprints {
            finding_id: finding.id.clone(),
            primary_location_line_hash: format!("{}:1", finding.id),
        },
        suppressions: if is_open { Vec::new() } else { vec![suppression()] },
        properties: ResultProperties {
            kind: finding.kind.clone(),
            severity: finding.severity.clone(),
            confidence: finding.confidence.clone(),
            platforms: finding.platforms.clone(),
            packages: finding.packages.clone(),
            fixed_in: finding.fixed_in.clone(),
            aliases: finding.aliases.clone(),
            cvss: finding.cvss,
            kev: finding.kev,
        },
    }
}

/// What is wrong, where from, on which platforms, and what to do.
fn message(finding: &Finding) -> Message {
    let mut message = finding.title.clone();
    if finding.kind == "secret"
        && let Some(evidence) = &finding.evidence
    {
        message.push_str(": ");
        message.push_str(evidence);
    }
    if let Some(instruction) = finding.locations.iter().find_map(|location| location.instruction.as_deref()) {
        message.push_str(&format!("; put there by `{instruction}`"));
    }
    message.push_str(&format!(" ({})", finding.platforms.join(", ")));
    if let Some(remediation) = &finding.remediation {
        message.push_str(". What to do: ");
        message.push_str(remediation);
    }
    text(&message)
}

/// Text of ours with empty lines between its paragraphs.
fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(sarif_message).collect::<Vec<_>>().join("\n\n")
}

fn text(text: &str) -> Message {
    Message { text: sarif_message(text), markdown: None }
}

fn location(place: &Location) -> SarifLocation {
    let mut logical = Vec::new();
    let artifact = match (&place.path, &place.config) {
        (Some(path), _) => file(path),
        (None, config) => {
            let name = config.as_deref().unwrap_or("configuration");
            logical.push(LogicalLocation {
                name: name.rsplit(':').next().unwrap_or(name).to_owned(),
                fully_qualified_name: name.to_owned(),
                kind: "configuration",
            });
            config_artifact()
        }
    };
    if let (Some(layer), Some(index)) = (&place.layer, place.layer_index) {
        logical.push(LogicalLocation {
            name: format!("layer {}", index + 1),
            fully_qualified_name: layer.clone(),
            kind: "layer",
        });
    }
    SarifLocation {
        physical_location: PhysicalLocation {
            artifact_location: artifact,
            // GitHub wants a line; the whole file stands at its first.
            region: Region { start_line: place.line.unwrap_or(1).max(1) },
        },
        logical_locations: logical,
        message: place.layer_index.map(|index| text(&in_layer(place, index))),
        properties: (place.path.is_some() || !place.platforms.is_empty()).then(|| LocationProperties {
            layer: place.layer.clone(),
            layer_index: place.layer_index,
            instruction: place.instruction.clone(),
            state: place.state.clone(),
            platforms: place.platforms.clone(),
        }),
    }
}

fn in_layer(place: &Location, index: usize) -> String {
    let state = match place.state.as_deref() {
        Some(state @ ("deleted" | "overwritten")) => format!(", {state} by a later one"),
        _ => String::new(),
    };
    let instruction = place.instruction.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("layer {}{state}{instruction}", index + 1)
}

fn plain(artifact_location: ArtifactLocation) -> SarifLocation {
    SarifLocation {
        physical_location: PhysicalLocation { artifact_location, region: Region { start_line: 1 } },
        logical_locations: Vec::new(),
        message: None,
        properties: None,
    }
}

fn config_artifact() -> ArtifactLocation {
    ArtifactLocation { uri: CONFIG_ARTIFACT.to_owned(), uri_base_id: None }
}

/// A file of the image as a relative reference (RFC 3986, section 4.2).
fn file(path: &str) -> ArtifactLocation {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    ArtifactLocation { uri, uri_base_id: Some("ROOTPATH") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_says_what_the_word_says() {
        for (severity, cvss, expected) in [
            ("critical", Some(9.8), "9.8"),
            ("critical", None, "9.5"),
            // CVSS calls 9.0 critical, GitHub's scale calls it high.
            ("critical", Some(9.0), "9.5"),
            ("low", Some(9.8), "2.0"),
            ("high", Some(7.5), "7.5"),
            ("unknown", None, "5.5"),
            ("negligible", None, "0.1"),
        ] {
            assert_eq!(security_severity(severity, cvss), expected, "{severity} {cvss:?}");
        }
    }

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(file("/srv/a b:[c]%\u{e9}.env").uri, "srv/a%20b%3A%5Bc%5D%25%C3%A9.env");
        assert_eq!(file("/app.jar!conf/x").uri, "app.jar!conf/x");
    }
}
