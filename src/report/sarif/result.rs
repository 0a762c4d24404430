//! Results: one a finding.

use super::model::{Fingerprints, Message, ResultProperties, SarifLocation, SarifResult, Suppression};
use super::place::{config_artifact, fix, location, plain};
use super::rule::level;
use super::text;
use crate::report::contract::Finding;
use crate::report::escape::sarif_message;

/// Locations of one result; GitHub takes 1,000 and shows 100.
const MAX_LOCATIONS: usize = 100;

pub(super) fn result(finding: &Finding, rule_index: usize) -> SarifResult {
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
        fixes: finding.locations.iter().filter_map(fix).take(MAX_LOCATIONS).collect(),
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
            loaded: finding.loaded,
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
    if !finding.platforms.is_empty() {
        message.push_str(&format!(" ({})", finding.platforms.join(", ")));
    }
    if let Some(remediation) = &finding.remediation {
        message.push_str(". What to do: ");
        message.push_str(remediation);
    }
    text(&message)
}
