//! Two reports to what differs, platform by platform.

use std::collections::BTreeSet;

use super::configuration::configuration;
use super::packages::packages;
use super::{Comparison, Difference, FindingSummary, OnlyOne, SCHEMA_VERSION, Side, Size};
use crate::oci;
use crate::report::contract::{Finding, Layer, Platform, Report, Tool, severity_rank};

/// Compares platforms of the same name. Where both have but one, these are compared, whatever their names: a bill of materials may not tell its CPU.
#[must_use]
pub fn compare(from: &Report, to: &Report) -> Difference {
    let pairs: Vec<(&Platform, &Platform)> = match (from.platforms.as_slice(), to.platforms.as_slice()) {
        ([old], [new]) => vec![(old, new)],
        (old, new) => old.iter().filter_map(|old| Some((old, named(new, &old.platform)?))).collect(),
    };
    let only = |all: &[Platform], paired: BTreeSet<&str>| {
        let names = all.iter().map(|platform| platform.platform.clone());
        names.filter(|name| !paired.contains(name.as_str())).collect::<Vec<_>>()
    };
    let platforms = OnlyOne {
        added: only(&to.platforms, pairs.iter().map(|(_, new)| new.platform.as_str()).collect()),
        removed: only(&from.platforms, pairs.iter().map(|(old, _)| old.platform.as_str()).collect()),
    };
    difference(from, to, platforms, &pairs)
}

/// Compares two platforms of one report; none where it lacks one of them.
#[must_use]
pub fn compare_platforms(report: &Report, from: &oci::Platform, to: &oci::Platform) -> Option<Difference> {
    let is = |wanted: &oci::Platform, platform: &Platform| {
        platform.platform.parse::<oci::Platform>().is_ok_and(|platform| platform.satisfies(wanted))
    };
    let find = |wanted: &oci::Platform| report.platforms.iter().find(|platform| is(wanted, platform));
    let pair = (find(from)?, find(to)?);
    Some(difference(report, report, OnlyOne { added: Vec::new(), removed: Vec::new() }, &[pair]))
}

fn named<'a>(platforms: &'a [Platform], name: &str) -> Option<&'a Platform> {
    platforms.iter().find(|platform| platform.platform == name)
}

fn difference(from: &Report, to: &Report, platforms: OnlyOne<String>, pairs: &[(&Platform, &Platform)]) -> Difference {
    let skipped = from.skipped.iter().chain(&to.skipped);
    let mut not_compared: BTreeSet<String> = skipped.filter(|what| *what != "signature").cloned().collect();
    let comparisons: Vec<Comparison> = pairs
        .iter()
        .map(|(old, new)| Comparison {
            from: old.platform.clone(),
            to: new.platform.clone(),
            packages: packages((from, &old.platform), (to, &new.platform)),
            findings: findings((from, &old.platform), (to, &new.platform), &not_compared),
            configuration: configuration(old, new),
            size: size(old, new),
        })
        .collect();
    if comparisons.iter().any(|comparison| comparison.size.is_none()) {
        not_compared.insert("size".to_owned());
    }
    Difference {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "imgguard".into(), version: env!("CARGO_PKG_VERSION").into() },
        from: side(from),
        to: side(to),
        differs: !platforms.is_empty() || comparisons.iter().any(Comparison::differs),
        not_compared: not_compared.into_iter().collect(),
        platforms,
        comparisons,
    }
}

fn side(report: &Report) -> Side {
    Side {
        subject: report.subject.clone(),
        evaluated_at: report.evaluated_at.clone(),
        advisories: report.advisories.clone(),
        complete: report.platforms.iter().all(|platform| platform.complete),
    }
}

impl Comparison {
    pub(super) fn differs(&self) -> bool {
        let packages = &self.packages;
        let sizes = self.size.as_ref().is_some_and(|size| size.from != size.to || !size.layers.is_empty());
        let same_packages = packages.added.is_empty() && packages.removed.is_empty() && packages.changed.is_empty();
        !same_packages || !self.findings.is_empty() || !self.configuration.is_empty() || sizes
    }
}

/// Findings that only one platform has. A kind that one of the two was not looked through for is left out.
fn findings(
    (from, old): (&Report, &str),
    (to, new): (&Report, &str),
    not_compared: &BTreeSet<String>,
) -> OnlyOne<FindingSummary> {
    let is_compared = |finding: &&Finding| match finding.kind.as_str() {
        "secret" => !not_compared.contains("secrets") && !not_compared.contains("files"),
        "signature" => !not_compared.contains("signature"),
        "config" => !not_compared.contains("configuration") && !not_compared.contains("files"),
        _ => true,
    };
    let on = |report: &'_ Report, platform: &str| -> Vec<Finding> {
        let is_on = |finding: &&Finding| finding.platforms.iter().any(|name| name == platform);
        report.findings.iter().filter(is_on).filter(is_compared).cloned().collect()
    };
    let (before, after) = (on(from, old), on(to, new));
    let lacks = |others: &[Finding], finding: &Finding| !others.iter().any(|other| other.id == finding.id);
    let only = |all: &[Finding], others: &[Finding]| {
        let mut found: Vec<FindingSummary> = all.iter().filter(|finding| lacks(others, finding)).map(summary).collect();
        found.sort_by_key(|finding| (severity_rank(&finding.severity), finding.rule.clone(), finding.id.clone()));
        found
    };
    OnlyOne { added: only(&after, &before), removed: only(&before, &after) }
}

fn summary(finding: &Finding) -> FindingSummary {
    FindingSummary {
        id: finding.id.clone(),
        kind: finding.kind.clone(),
        rule: finding.rule.clone(),
        severity: finding.severity.clone(),
        title: finding.title.clone(),
        package: finding.package.clone(),
    }
}

fn size(old: &Platform, new: &Platform) -> Option<Size> {
    if old.layers.is_empty() || new.layers.is_empty() {
        return None;
    }
    let sum = |layers: &[Layer]| layers.iter().map(|layer| layer.size).sum();
    let lacks = |others: &[Layer], layer: &Layer| !others.iter().any(|other| other.digest == layer.digest);
    let only = |all: &[Layer], others: &[Layer]| -> Vec<Layer> {
        all.iter().filter(|layer| lacks(others, layer)).cloned().collect()
    };
    let layers = OnlyOne { added: only(&new.layers, &old.layers), removed: only(&old.layers, &new.layers) };
    let shared = new.layers.len() - layers.added.len();
    Some(Size { from: sum(&old.layers), to: sum(&new.layers), layers, shared })
}
