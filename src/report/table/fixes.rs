//! Vulnerabilities by the source package that one update would change.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Report, severity_rank};
use crate::version::{Scheme, for_osv_ecosystem};

/// Vulnerabilities of one version of one source package.
pub(super) struct Group<'a> {
    /// The source package.
    pub(super) source: &'a str,
    /// Its installed version.
    pub(super) version: &'a str,
    /// The version to update to; empty without any.
    pub(super) fix: String,
    /// The worst severity.
    pub(super) severity: &'a str,
    /// Advisory ids with the worst severity of each: binary packages of one source share a flaw.
    pub(super) ids: BTreeMap<&'a str, &'a str>,
    /// Platforms that have one of them.
    pub(super) platforms: Vec<String>,
    /// Whether the image's command is known to load none of the packages.
    pub(super) is_unloaded: bool,
    /// Whether one is known to be exploited.
    pub(super) is_exploited: bool,
}

/// What a purl stands for.
#[derive(Clone, Copy)]
struct Known<'a> {
    source: &'a str,
    version: &'a str,
    ecosystem: &'a str,
}

/// One group a source package and version, the worst first. A finding of several versions is in each of their groups.
pub(super) fn by_source<'a>(report: &'a Report, findings: &[&'a Finding]) -> Vec<Group<'a>> {
    let known: BTreeMap<&str, Known<'_>> = report
        .packages
        .iter()
        .map(|package| {
            let (source, version) = (package.source.name.as_str(), package.source.version.as_str());
            (package.purl.as_str(), Known { source, version, ecosystem: &package.ecosystem })
        })
        .collect();
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let found = finding.packages.iter().filter_map(|purl| known.get(purl.as_str()));
        let places: BTreeSet<_> = found.map(|known| (known.source, known.version, known.ecosystem)).collect();
        for place in places {
            groups.entry(place).or_default().push(finding);
        }
    }
    let mut groups: Vec<Group<'_>> = groups.into_iter().map(|(place, findings)| group(place, &findings)).collect();
    groups.sort_by_key(|group| {
        let count = std::cmp::Reverse(group.ids.len());
        (severity_rank(group.severity), !group.is_exploited, count, group.source, group.version)
    });
    groups
}

fn group<'a>((source, version, ecosystem): (&'a str, &'a str, &'a str), findings: &[&'a Finding]) -> Group<'a> {
    let worst = findings.iter().min_by_key(|finding| severity_rank(&finding.severity));
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in findings {
        let known = ids.entry(&finding.rule).or_insert(&finding.severity);
        if severity_rank(&finding.severity) < severity_rank(known) {
            *known = &finding.severity;
        }
    }
    let platforms: BTreeSet<&String> = findings.iter().flat_map(|finding| &finding.platforms).collect();
    Group {
        source,
        version,
        fix: fix(findings, for_osv_ecosystem(ecosystem)),
        severity: worst.map_or("unknown", |finding| &finding.severity),
        ids,
        platforms: platforms.into_iter().cloned().collect(),
        is_unloaded: findings.iter().all(|finding| finding.loaded == Some(false)),
        is_exploited: findings.iter().any(|finding| finding.kev),
    }
}

/// The highest of the nearest fixes: with it, every finding that has a fix is mended. Where versions cannot be ordered, up to three are named.
fn fix(findings: &[&Finding], scheme: Option<&Scheme>) -> String {
    let nearest: BTreeSet<&str> =
        findings.iter().filter_map(|finding| finding.fixed_in.first()).map(String::as_str).collect();
    let highest = scheme.and_then(|scheme| {
        let mut fixes = nearest.iter().copied();
        let first = fixes.next()?;
        fixes.try_fold(first, |best, fix| Some(if scheme.compare(best, fix).ok()?.is_lt() { fix } else { best }))
    });
    match highest {
        Some(highest) => highest.to_owned(),
        None if nearest.len() <= 3 => nearest.into_iter().collect::<Vec<_>>().join(" | "),
        None => format!("one of {} versions", nearest.len()),
    }
}
