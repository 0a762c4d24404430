//! Hits of one package ▸ one match per flaw.
//!
//! Records belong together when they are in one alias group, or when both are about the same single CVE (`DEBIAN-CVE-…`, `ALPINE-CVE-…`
//! and a GHSA are no aliases of each other). A record about several CVEs (a DSA) joins no two flaws: where each of its CVEs has a match of
//! its own, it is told there; otherwise it is a match by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::{Hit, Judged, containing};
use super::{Confidence, Match};
use crate::advisory::aliases;
use crate::advisory::error::AdvisoryError;
use crate::advisory::exploitation::Exploitation;
use crate::advisory::model::{Advisory, Severity, Status};
use crate::advisory::store::Store;
use crate::version::for_osv_ecosystem;

/// The matches of package number `package`, sorted by id.
///
/// # Errors
/// When the store is damaged.
pub(super) fn group(store: &Store, package: usize, judged: Judged) -> Result<Vec<Match>, AdvisoryError> {
    let Judged { hits, cleared, .. } = judged;
    let hits: Vec<Hit> = hits.into_iter().filter(|hit| !is_cleared(&hit.advisory, &cleared)).collect();
    let mut flaws: Vec<Flaw> = sets(hits).into_values().map(Flaw::new).collect();
    fold_collections(&mut flaws);
    let mut matches: Vec<Match> = flaws.into_iter().filter_map(|flaw| flaw.into_match(store, package)).collect();
    matches.sort_by(|a, b| a.id.cmp(&b.id));
    for found in matches.iter_mut().filter(|found| found.severity == Severity::Unknown) {
        rate_elsewhere(store, found)?;
    }
    Ok(matches)
}

/// Where no record that matched rates the flaw (most Debian and Go records), takes the worst that others say about the same single CVE: those with a CVSS vector before
/// those with a word, by which a distribution rates its own builds.
fn rate_elsewhere(store: &Store, found: &mut Match) -> Result<(), AdvisoryError> {
    let [cve] = found.cves.as_slice() else { return Ok(()) };
    let mut ratings = Vec::new();
    for number in store.id(cve)?.unwrap_or_default().records {
        let advisory = store.advisory(number)?;
        ratings.extend((advisory.cves == [cve.as_str()]).then_some(advisory.rating));
    }
    let best =
        ratings.into_iter().max_by_key(|rating| (rating.cvss_tenths.is_some(), rating.severity, rating.cvss_tenths));
    if let Some(best) = best {
        (found.severity, found.cvss) = (best.severity, best.cvss());
    }
    Ok(())
}

/// A negative statement clears a record by its id, or when it covers all its CVEs.
fn is_cleared(advisory: &Advisory, cleared: &BTreeSet<String>) -> bool {
    cleared.contains(&advisory.id)
        || (!advisory.cves.is_empty() && advisory.cves.iter().all(|cve| cleared.contains(cve)))
}

/// Hits by flaw.
fn sets(hits: Vec<Hit>) -> BTreeMap<u32, Vec<Hit>> {
    let numbers = aliases::numbers(hits.iter().map(|hit| (hit.advisory.id.as_str(), links(&hit.advisory))));
    let mut sets: BTreeMap<u32, Vec<Hit>> = BTreeMap::new();
    for (number, hit) in numbers.into_iter().zip(hits) {
        sets.entry(number).or_default().push(hit);
    }
    sets
}

/// Ids that name the same flaw as the record.
fn links(advisory: &Advisory) -> impl Iterator<Item = &str> {
    let single = match advisory.cves.as_slice() {
        [single] => Some(single),
        _ => None,
    };
    advisory.aliases.iter().chain(single).map(String::as_str)
}

/// Records about one flaw, the best first.
struct Flaw {
    hits: Vec<Hit>,
    cves: BTreeSet<String>,
    /// Records about several flaws that were folded into this one.
    collections: Vec<Hit>,
}

/// Best record first: vulnerabilities before notices, surer before less sure ones, the ecosystem's own database before GitHub's copy.
fn rank(hit: &Hit) -> (bool, std::cmp::Reverse<Confidence>, bool, String) {
    let advisory = &hit.advisory;
    (
        advisory.informational.is_some(),
        std::cmp::Reverse(hit.confidence),
        advisory.id.starts_with("GHSA-"),
        advisory.id.clone(),
    )
}

impl Flaw {
    fn new(mut hits: Vec<Hit>) -> Self {
        hits.sort_by_cached_key(rank);
        let cves = hits.iter().flat_map(|hit| &hit.advisory.cves).cloned().collect();
        Self { hits, cves, collections: Vec::new() }
    }

    fn all(&self) -> impl Iterator<Item = &Hit> {
        self.hits.iter().chain(&self.collections)
    }

    fn into_match(self, store: &Store, package: usize) -> Option<Match> {
        let best = self.hits.first()?;
        let id = self.id(best);
        let (fixed_in, subscription_fixes) = (self.fixes(|hit| &hit.fixed_in), self.fixes(|hit| &hit.subscription));
        let ratings = || self.hits.iter().map(|hit| hit.row.rating.unwrap_or(hit.advisory.rating));
        let statuses = || self.hits.iter().map(|hit| hit.row.status);
        let own = self.hits.iter().map(|hit| hit.advisory.informational);
        let source = store.provenance().sources.get(best.advisory.source as usize);
        Some(Match {
            package,
            aliases: self.other_ids(&id),
            status: if statuses().any(|status| status == Status::Affected) {
                Status::Affected
            } else {
                best.row.status
            },
            urgency: self.hits.iter().map(|hit| hit.row.urgency).max().unwrap_or_default(),
            fixed_in,
            subscription_fixes,
            severity: ratings().map(|rating| rating.severity).max().unwrap_or_default(),
            cvss: ratings().filter_map(|rating| rating.cvss_tenths).max().map(|tenths| f64::from(tenths) / 10.0),
            exploitation: Exploitation::default(), // asked for later, of the whole list
            source: source.map(|source| source.name.clone()).unwrap_or_default(),
            license: best.advisory.license.clone(),
            range: best.range.clone(),
            confidence: best.confidence,
            published: self.all().filter_map(|hit| hit.advisory.published).min(),
            modified: self.all().filter_map(|hit| hit.advisory.modified).max(),
            informational: own.min()?, // `None`, the least, as soon as one record calls it a vulnerability
            cves: self.cves.into_iter().collect(),
            id,
        })
    }

    fn id(&self, best: &Hit) -> String {
        match self.cves.first().filter(|_| self.cves.len() == 1) {
            Some(cve) => cve.clone(),
            None => best.advisory.id.clone(),
        }
    }

    fn other_ids(&self, shown: &str) -> Vec<String> {
        let mut ids: BTreeSet<&String> = self.cves.iter().collect();
        for Hit { advisory, .. } in &self.hits {
            ids.extend(std::iter::once(&advisory.id).chain(&advisory.aliases).chain(&advisory.upstream));
        }
        ids.extend(self.collections.iter().map(|hit| &hit.advisory.id));
        ids.into_iter().filter(|id| *id != shown).cloned().collect()
    }

    /// Fixed versions in ascending order, without those that another record about the flaw still calls affected.
    fn fixes(&self, of: impl Fn(&Hit) -> &[String]) -> Vec<String> {
        let mut fixes: Vec<String> = Vec::new();
        for hit in self.all() {
            let scheme = for_osv_ecosystem(&hit.ecosystem);
            for fix in of(hit) {
                let below = |other: &String| {
                    scheme.is_some_and(|scheme| scheme.compare(other, fix).is_ok_and(std::cmp::Ordering::is_lt))
                };
                let at = fixes.iter().take_while(|other| below(other)).count();
                if !fixes.contains(fix) {
                    fixes.insert(at, fix.clone());
                }
            }
        }
        // What the ordinary stream says of versions of a longer supported one counts for nothing there.
        let overrides = |fix: &String| self.all().any(|hit| hit.is_overriding && of(hit).contains(fix));
        let good: Vec<String> = fixes.iter().filter(|fix| overrides(fix) || !self.contains(fix)).cloned().collect();
        if good.is_empty() { fixes } else { good }
    }

    /// Whether a record about the flaw calls a version affected.
    fn contains(&self, version: &str) -> bool {
        self.hits.iter().any(|hit| {
            for_osv_ecosystem(&hit.ecosystem)
                .is_some_and(|scheme| matches!(containing(&hit.row, &hit.ecosystem, version, scheme), Ok(Some(_))))
        })
    }
}

/// Moves records about several CVEs into the flaws they are about, if every one of them has its own match.
fn fold_collections(flaws: &mut Vec<Flaw>) {
    let single: BTreeSet<String> =
        flaws.iter().filter(|flaw| flaw.cves.len() == 1).flat_map(|flaw| flaw.cves.iter().cloned()).collect();
    let (collections, mut kept): (Vec<Flaw>, Vec<Flaw>) =
        std::mem::take(flaws).into_iter().partition(|flaw| flaw.cves.len() > 1 && flaw.cves.is_subset(&single));
    for collection in collections {
        for flaw in kept.iter_mut().filter(|flaw| flaw.cves.len() == 1 && flaw.cves.is_subset(&collection.cves)) {
            flaw.collections.extend(collection.hits.iter().cloned());
        }
    }
    *flaws = kept;
}
