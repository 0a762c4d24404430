//! OpenVEX 0.2.0: what was set aside, as statements that other scanners read.
//!
//! Source: <https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>. Only what somebody decided is stated; an open finding is no judgement. Where nothing was
//! set aside the list of statements is empty, which `vexctl` reads and the JSON schema does not foresee.

use std::io::{self, Write};

use serde::Serialize;

use super::bom::subject::Image;
use super::bom::uuid;
use super::contract::{Finding, Report, Reports};
use super::{RenderOptions, ReportFormat};

/// The format.
#[derive(Debug)]
pub(super) struct OpenVex;

/// Reasons that the specification has words for.
const JUSTIFICATIONS: &[&str] = &[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

#[derive(Serialize)]
struct Document {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: &'static str,
    timestamp: String,
    version: u32,
    tooling: String,
    statements: Vec<Statement>,
}

#[derive(Serialize, PartialEq)]
struct Statement {
    vulnerability: Vulnerability,
    products: Vec<Product>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact_statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_statement: Option<String>,
}

#[derive(Serialize, PartialEq)]
struct Vulnerability {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

#[derive(Serialize, PartialEq)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subcomponents: Vec<Component>,
}

#[derive(Serialize, PartialEq)]
struct Component {
    #[serde(rename = "@id")]
    id: String,
}

impl ReportFormat for OpenVex {
    fn name(&self) -> &'static str {
        "openvex"
    }

    fn summary(&self) -> &'static str {
        "what was set aside and why, as OpenVEX statements"
    }

    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        let date = reports.reports.first().map_or("1970-01-01", |report| report.evaluated_at.as_str());
        let timestamp = options.created.map_or_else(|| format!("{date}T00:00:00Z"), |created| created.to_string());
        let document = Document {
            context: "https://openvex.dev/ns/v0.2.0",
            id: format!("urn:uuid:{}", uuid(reports)),
            author: "imgguard",
            timestamp,
            version: 1,
            tooling: format!("imgguard {}", env!("CARGO_PKG_VERSION")),
            statements: reports.reports.iter().flat_map(statements).collect(),
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }
}

fn statements(report: &Report) -> Vec<Statement> {
    let image = Image::of(report).purl(report.subject.digest.as_deref(), None);
    let set_aside = report.findings.iter().filter(|finding| finding.kind == "vulnerability");
    let mut statements: Vec<Statement> = Vec::new();
    for statement in
        set_aside.filter(|f| f.disposition.state != "open").map(|finding| statement(finding, image.as_deref()))
    {
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    statements
}

/// One finding's statement: about packages in the image, or about the packages themselves where the subject has no name.
fn statement(finding: &Finding, image: Option<&str>) -> Statement {
    let components = || finding.packages.iter().cloned();
    let products = match image {
        Some(image) => {
            let subcomponents = components().map(|id| Component { id }).collect();
            vec![Product { id: image.to_owned(), subcomponents }]
        }
        None => components().map(|id| Product { id, subcomponents: Vec::new() }).collect(),
    };
    let disposition = &finding.disposition;
    let reason = disposition.reason.as_deref().unwrap_or("no reason given");
    let statement = Statement {
        vulnerability: Vulnerability { name: finding.rule.clone(), aliases: finding.aliases.clone() },
        products,
        status: "not_affected",
        status_notes: disposition.by.as_ref().map(|by| format!("says {by}")),
        justification: None,
        impact_statement: None,
        action_statement: None,
    };
    let because = |word: &str| reason.strip_prefix(word).map(|rest| rest.trim_start_matches(": ").to_owned());
    match (disposition.state.as_str(), because("fixed"), because("not affected")) {
        ("vex", Some(_), _) => Statement { status: "fixed", ..statement },
        ("vex", _, Some(reason)) if JUSTIFICATIONS.contains(&reason.as_str()) => {
            Statement { justification: Some(reason), ..statement }
        }
        ("vex", _, Some(reason)) => Statement { impact_statement: Some(reason), ..statement },
        // A risk that somebody took is still one.
        ("waived", ..) => Statement { status: "affected", action_statement: Some(reason.to_owned()), ..statement },
        _ => Statement { impact_statement: Some(reason.to_owned()), ..statement },
    }
}
