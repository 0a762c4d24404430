//! Rules: what found something, with its words for people.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Configuration, Message, Rule, RuleProperties};
use super::{paragraphs, text};
use crate::base;
use crate::check;
use crate::lint;
use crate::report::contract::{Finding, severity_rank};
use crate::report::escape::markdown;
use crate::report::osv_address;
use crate::secret;

/// The rule that made `findings`; there is at least one.
pub(super) fn rule(id: &str, findings: &[&Finding], names: &Names<'_>) -> Rule {
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
pub(super) type Names<'a> = BTreeMap<&'a str, &'a str>;

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
    // A history is judged by the rules about Dockerfiles, too; where a check has the same name, it is meant.
    let is_check = |finding: &&Finding| finding.kind == "config" && check::metas().any(|meta| meta.name == id);
    let by_file = lint::rule(id).filter(|_| !first.is_some_and(is_check));
    if let Some(meta) = by_file.map(|rule| &rule.meta) {
        let full = format!("{}. {}", meta.summary, meta.why);
        return Words { short: meta.summary.into(), markdown: markdown(&full), full, remediation, uri: None };
    }
    if let Some(check) = check::metas().find(|meta| meta.name == id) {
        let full = check.doc.replace("**", "");
        return Words { short: check.summary.into(), full, markdown: check.doc.into(), remediation, uri: None };
    }
    if let Some((_, summary)) = base::findings::RULES.iter().find(|(rule, _)| *rule == id) {
        return Words {
            short: (*summary).into(),
            full: (*summary).into(),
            markdown: markdown(summary),
            remediation,
            uri: None,
        };
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
        Some("lint") => "maintainability",
        _ => "configuration",
    }
}

pub(super) fn level(severity: &str) -> &'static str {
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
}
