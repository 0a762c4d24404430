//! What was found in one image to the report contract.

mod base;
mod packages;
mod platform;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use base::stand;
use packages::packages;

use super::Stage;
use super::findings::Found;
use super::run::{ScannedImage, ScannedPlatform};
use crate::advisory::exploitation::{Exploited, Score};
use crate::advisory::model::{Severity, Status};
use crate::advisory::{CoverageData, Store};
use crate::digest::Digest;
use crate::facts::{Confidence, Effect};
use crate::finding::{self, Finding, Location};
use crate::policy;
use crate::report::contract;
use crate::secret::Scanner;
use crate::source::Image;
use crate::source::sbom::Seal;
use crate::version;

/// The verdict on one image, with the policy's name.
pub struct Judgement {
    /// The policy.
    pub policy: String,
    /// What it says.
    pub verdict: policy::Verdict,
    /// False when no policy was asked for and this is a preview.
    pub asked: bool,
}

/// The report of one image; `secrets` says whether they were looked for.
#[must_use]
pub(super) fn report(
    scanned: &ScannedImage,
    found: &[Found],
    findings: &[(String, Finding)],
    judgement: &Judgement,
    stage: Stage<'_>,
    evaluated_at: jiff::civil::Date,
    secrets: bool,
) -> contract::Report {
    let covered = scanned.platforms.iter().zip(found);
    let mut report = contract::Report {
        advisories: match stage {
            Stage::Everything(store) => advisories(store),
            Stage::Secrets => contract::Advisories { digest: String::new(), sources: Vec::new() },
        },
        coverage: covered.flat_map(|(platform, found)| coverage(platform, found)).collect(),
        unknowns: unknowns(scanned, found),
        verdict: verdict(judgement),
        ..inventory(scanned, evaluated_at, secrets)
    };
    if matches!(stage, Stage::Secrets) {
        // Packages were listed to know whose files are whose, and nothing was asked of them.
        report.packages.clear();
        report.skipped.extend(["checks", "packages", "vulnerabilities"].map(str::to_owned));
    }
    report.findings = findings.iter().map(|(id, finding)| self::finding(id, finding, &report)).collect();
    report.sort();
    report
}

/// The part of a report that needs no advisory and no policy: what is there.
#[must_use]
pub(super) fn inventory(scanned: &ScannedImage, evaluated_at: jiff::civil::Date, secrets: bool) -> contract::Report {
    let image = &scanned.image;
    let mut report = contract::Report {
        schema_version: contract::SCHEMA_VERSION.to_owned(),
        tool: contract::Tool { name: "imgguard".into(), version: env!("CARGO_PKG_VERSION").into() },
        evaluated_at: evaluated_at.to_string(),
        subject: contract::Subject {
            reference: image.reference.clone(),
            transport: image.transport.to_owned(),
            digest: image.digest.as_ref().map(Digest::to_string),
            media_type: image.media_type.clone(),
        },
        advisories: contract::Advisories { digest: String::new(), sources: Vec::new() },
        coverage: Vec::new(),
        skipped: skipped(image, secrets),
        platforms: scanned.platforms.iter().map(|platform| platform::platform(image, platform)).collect(),
        packages: packages(scanned),
        findings: Vec::new(),
        signatures: signature(image).into_iter().collect(),
        controls: Vec::new(),
        unknowns: unknowns(scanned, &[]),
        verdict: contract::Verdict { result: "none".into(), policy: String::new(), gates: Vec::new() },
    };
    report.sort();
    report
}

/// What is around a bill of materials, which is not verified here.
fn signature(image: &Image) -> Option<serde_json::Value> {
    let listing = image.manifests.first()?.listing.as_ref()?;
    let (kind, reason) = match listing.seal {
        Seal::None => ("none", "the bill of materials is not signed"),
        Seal::Statement => ("statement", "the statement around the bill of materials is not signed"),
        Seal::Envelope => ("dsse", "the envelope's signature was not verified"),
        Seal::Bundle => ("bundle", "the bundle's signature was not verified"),
    };
    Some(serde_json::json!({"kind": kind, "identity": null, "verified": false, "reason": reason}))
}

/// What was not looked at. An image itself has no signature to look at: that is what `verify` is for.
fn skipped(image: &Image, secrets: bool) -> Vec<String> {
    let has_layers = image.has_layers();
    let all = [
        ("configuration", image.has_config()),
        ("files", has_layers),
        ("secrets", secrets && has_layers),
        ("signature", has_layers),
    ];
    all.into_iter().filter(|(_, looked_for)| !looked_for).map(|(what, _)| what.to_owned()).collect()
}

fn advisories(store: &Store) -> contract::Advisories {
    let source = |source: &crate::advisory::store::Source| contract::Source {
        name: source.name.clone(),
        modified: source.modified.clone(),
        records: source.records.into(),
    };
    contract::Advisories {
        digest: store.digest().to_string(),
        sources: store.provenance().sources.iter().map(source).collect(),
    }
}

fn coverage(platform: &ScannedPlatform, found: &Found) -> Vec<contract::Coverage> {
    let row = |row: &crate::advisory::Coverage| contract::Coverage {
        platform: platform.manifest.platform.to_string(),
        ecosystem: row.ecosystem.clone(),
        packages: row.packages,
        data: match row.data {
            CoverageData::None => "none",
            CoverageData::Stale => "stale",
            CoverageData::FixedOnly => "fixed_only",
            CoverageData::Full => "full",
        }
        .to_owned(),
        modified: row.modified.clone(),
    };
    found.coverage.iter().map(row).collect()
}

/// One finding; `report` has the platforms and packages that it refers to.
pub(super) fn finding(id: &str, finding: &Finding, report: &contract::Report) -> contract::Finding {
    let first = finding.packages.first();
    let ecosystem = first.and_then(|purl| report.packages.iter().find(|package| package.purl == *purl));
    let scheme = ecosystem.and_then(|package| version::for_osv_ecosystem(&package.ecosystem));
    contract::Finding {
        id: id.to_owned(),
        kind: finding.kind.name().to_owned(),
        rule: finding.rule.clone(),
        severity: severity(finding.severity).to_owned(),
        title: finding.title.clone(),
        platforms: finding.platforms.iter().cloned().collect(),
        package: first.cloned(),
        packages: finding.packages.iter().cloned().collect(),
        status: finding.status.map(|status| self::status(status).to_owned()),
        fixed_in: ascending(&finding.fixed_in, scheme),
        aliases: finding.aliases.clone(),
        cvss: finding.cvss,
        epss: finding.exploitation.score.map(Score::probability),
        epss_percentile: finding.exploitation.score.map(Score::percentile),
        loaded: loaded(finding, &report.packages),
        kev: finding.exploitation.exploited.is_some(),
        kev_added: finding.exploitation.exploited.and_then(Exploited::date_added).map(|date| date.to_string()),
        kev_ransomware: finding.exploitation.exploited.is_some_and(|entry| entry.ransomware),
        confidence: match finding.confidence {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
        .to_owned(),
        in_base: false,
        disposition: disposition(finding),
        locations: finding
            .locations
            .iter()
            .map(|(place, platforms)| contract::Location {
                platforms: some_of(platforms, report.platforms.len()),
                ..location(place)
            })
            .collect(),
        evidence: finding.evidence.clone(),
        remediation: finding.remediation.clone(),
        activity: finding.activity.map(|activity| activity.name().to_owned()),
        values: finding.values.iter().map(|value| String::from_utf8_lossy(value.expose()).into_owned()).collect(),
    }
}

/// Whether one of a finding's packages is loaded; none where that is not known of all.
fn loaded(finding: &Finding, packages: &[contract::Package]) -> Option<bool> {
    let own = packages.iter().filter(|package| finding.packages.contains(&package.purl));
    own.map(|package| package.loaded).reduce(packages::either).flatten()
}

fn disposition(finding: &Finding) -> contract::Disposition {
    let set_aside = finding.set_aside.as_ref();
    // An expired waiver is told and changes nothing.
    let told = set_aside.or(finding.lapsed.as_ref());
    contract::Disposition {
        state: set_aside.map_or("open", |set_aside| set_aside.state).to_owned(),
        by: told.map(|told| told.by.clone()),
        reason: told.map(|told| told.reason.clone()),
        expires: told.and_then(|told| told.expires.clone()),
    }
}

/// Versions in the order of their scheme, as far as it can order them.
fn ascending(versions: &[String], scheme: Option<&version::Scheme>) -> Vec<String> {
    let mut sorted: Vec<String> = Vec::with_capacity(versions.len());
    for version in versions {
        let is_below =
            |other: &String| scheme.is_some_and(|s| s.compare(other, version).is_ok_and(std::cmp::Ordering::is_lt));
        // Not a sort: the order is only partial where a version does not parse.
        let place = sorted.iter().take_while(|other| is_below(other)).count();
        sorted.insert(place, version.clone());
    }
    sorted
}

/// The platforms of a place, where they are not all of the report's.
fn some_of(platforms: &BTreeSet<String>, all: usize) -> Vec<String> {
    if platforms.len() < all { platforms.iter().cloned().collect() } else { Vec::new() }
}

fn location(location: &Location) -> contract::Location {
    match location {
        Location::Config(config) => {
            contract::Location { config: Some(config.clone()), ..contract::Location::default() }
        }
        Location::Commit { path, line, state, commit } => contract::Location {
            path: Some(path.clone()),
            line: *line,
            state: Some((*state).to_owned()),
            commit: Some(contract::Commit {
                id: commit.id.clone(),
                author: commit.author.clone(),
                date: commit.date.clone(),
            }),
            ..contract::Location::default()
        },
        Location::Source { path, region, text, fix } => contract::Location {
            path: Some(path.clone()),
            line: Some(region.line),
            column: Some(region.column),
            end_line: Some(region.end_line),
            end_column: Some(region.end_column),
            text: text.clone(),
            fix: fix.as_ref().map(self::fix),
            ..contract::Location::default()
        },
        finding::Location::File { path, layer, layer_index, line, state, instruction } => contract::Location {
            path: Some(path.clone()),
            layer: layer.as_ref().map(Digest::to_string),
            layer_index: *layer_index,
            line: *line,
            state: Some((*state).to_owned()),
            instruction: instruction.as_deref().map(|text| Scanner::in_use().redact(text)),
            ..contract::Location::default()
        },
    }
}

fn fix(fix: &finding::Fix) -> contract::Fix {
    let edit = |(region, text): &(finding::Region, String)| contract::Edit {
        line: region.line,
        column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
        text: text.clone(),
    };
    contract::Fix { title: fix.title.clone(), edits: fix.edits.iter().map(edit).collect() }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "negligible",
        Severity::Unknown => "unknown",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Affected => "affected",
        Status::Fixed => "fixed",
        Status::NotAffected => "not_affected",
        Status::UnderInvestigation => "under_investigation",
        Status::WontFix => "wont_fix",
        Status::Deferred => "deferred",
        Status::EndOfLife => "end_of_life",
    }
}

/// Why, with who could not read it; a layer's errors name the layer themselves.
fn unknown_reason(unknown: &crate::facts::Unknown) -> String {
    if unknown.by == "layer" { unknown.reason.clone() } else { format!("{}: {}", unknown.by, unknown.reason) }
}

fn unknowns(scanned: &ScannedImage, found: &[Found]) -> Vec<contract::Unknown> {
    let mut unknowns: BTreeMap<String, contract::Unknown> = BTreeMap::new();
    let mut add = |path: Option<String>, layer: Option<String>, effect: Effect, reason: String, platform: String| {
        let text = [path.as_deref().unwrap_or_default(), layer.as_deref().unwrap_or_default(), &reason].join("\0");
        let id = Digest::sha256(text.as_bytes()).hex().get(..16).unwrap_or_default().to_owned();
        let effect = if effect == Effect::Required { "required" } else { "optional" }.to_owned();
        let entry = unknowns.entry(id.clone()).or_insert(contract::Unknown {
            id,
            path,
            layer,
            effect,
            reason,
            platforms: Vec::new(),
        });
        if !entry.platforms.contains(&platform) {
            entry.platforms.push(platform);
        }
    };
    for (index, platform) in scanned.platforms.iter().enumerate() {
        let name = platform.manifest.platform.to_string();
        let layer_digest = |index: usize| {
            platform.manifest.layers.get(index).and_then(|layer| layer.digest.as_ref()).map(Digest::to_string)
        };
        for (layer, unknown) in &platform.inventory.unknowns {
            let path = unknown.path.as_ref().map(ToString::to_string);
            add(path, layer.and_then(layer_digest), unknown.effect, unknown_reason(unknown), name.clone());
        }
        for note in Scanner::in_use().notes() {
            add(None, None, Effect::Optional, format!("secret rules: {note}"), name.clone());
        }
        for unknown in found.get(index).into_iter().flat_map(|found| &found.unjudged) {
            add(None, None, unknown.effect, unknown_reason(unknown), name.clone());
        }
        for (package, reason) in found.get(index).into_iter().flat_map(|found| &found.undetermined) {
            let Some(installed) = platform.inventory.packages.get(*package) else { continue };
            let reason = format!(
                "advisories: {} {} could not be matched: {reason}",
                installed.fact.name, installed.fact.version
            );
            add(
                Some(installed.place().to_string()),
                layer_digest(installed.layer),
                Effect::Optional,
                reason,
                name.clone(),
            );
        }
    }
    unknowns.into_values().collect()
}

pub(super) fn verdict(judgement: &Judgement) -> contract::Verdict {
    let result = match (judgement.asked, judgement.verdict.result) {
        (false, _) => "none",
        (true, policy::Outcome::Pass) => "pass",
        (true, policy::Outcome::Fail) => "fail",
        (true, policy::Outcome::Incomplete) => "incomplete",
    };
    let gate = |gate: &policy::GateVerdict| contract::GateResult {
        name: gate.name.clone(),
        result: if gate.passed { "pass" } else { "fail" }.to_owned(),
        findings: gate.findings.clone(),
    };
    contract::Verdict {
        result: result.to_owned(),
        policy: judgement.policy.clone(),
        gates: judgement.verdict.gates.iter().map(gate).collect(),
    }
}
