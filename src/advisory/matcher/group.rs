//! Hits of one package ▸ one match per flaw.
//!
//! Records belong together when they are in one alias group, or when both are about the same single CVE (`DEBIAN-CVE-…`, `ALPINE-CVE-…`
//! and a GHSA are no aliases of each other). A record about several CVEs (a DSA) joins no two flaws: where each of its CVEs has a match of
//! its own, it is told there; otherwise it is a match by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::{Hit, Judged};
use super::{Confidence, Match};
use crate::advisory::aliases::Groups;
use crate::advisory::exploitation::Exploitation;
use crate::advisory::model::{Advisory, Status};
use crate::advisory::store::Store;
use crate::version::for_osv_ecosystem;

/// The matches of package number `package`, sorted by id.
pub(super) fn group(store: &Store, package: usize, judged: Judged) -> Vec<Match> {
    let Judged { hits, cleared, .. } = judged;
    let hits: Vec<Hit> = hits.into_iter().filter(|hit| !is_cleared(&hit.advisory, &cleared)).collect();
    let mut flaws: Vec<Flaw> = sets(hits).into_values().map(Flaw::new).collect();
    fold_collections(&mut flaws);
    let mut matches: Vec<Match> = flaws.into_iter().filter_map(|flaw| flaw.into_match(store, package)).collect();
    matches.sort_by(|a, b| a.id.cmp(&b.id));
    matches
}

/// A negative statement clears a record by its id, or when it covers all its CVEs.
fn is_cleared(advisory: &Advisory, cleared: &BTreeSet<String>) -> bool {
    cleared.contains(&advisory.id)
        || (!advisory.cves.is_empty() && advisory.cves.iter().all(|cve| cleared.contains(cve)))
}

/// Hits by flaw.
fn sets(hits: Vec<Hit>) -> BTreeMap<u32, Vec<Hit>> {
    let links: Vec<(String, Vec<String>)> =
        hits.iter().map(|hit| (hit.advisory.id.clone(), links(&hit.advisory))).collect();
    let groups = Groups::of(links.iter().map(|(id, links)| (id.as_str(), links.as_slice())));
    let mut sets: BTreeMap<u32, Vec<Hit>> = BTreeMap::new();
    for hit in hits {
        sets.entry(groups.of_id(&hit.advisory.id).unwrap_or_default()).or_default().push(hit);
    }
    sets
}

/// Ids that name the same flaw as the record.
fn links(advisory: &Advisory) -> Vec<String> {
    match advisory.cves.as_slice() {
        [single] => advisory.aliases.iter().chain([single]).cloned().collect(),
        _ => advisory.aliases.clone(),
    }
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
        let fixed_in = self.fixes();
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
        let of = |hit: &Hit| {
            [std::slice::from_ref(&hit.advisory.id), &hit.advisory.aliases, &hit.advisory.upstream].concat()
        };
        let mut ids: BTreeSet<String> = self.hits.iter().flat_map(of).chain(self.cves.iter().cloned()).collect();
        ids.extend(self.collections.iter().map(|hit| hit.advisory.id.clone()));
        ids.remove(shown);
        ids.into_iter().collect()
    }

    /// All fixed versions in ascending order.
    fn fixes(&self) -> Vec<String> {
        let mut fixes: Vec<String> = Vec::new();
        for hit in self.all() {
            let scheme = for_osv_ecosystem(&hit.ecosystem);
            for fix in &hit.fixed_in {
                let below = |other: &String| {
                    scheme.is_some_and(|scheme| scheme.compare(other, fix).is_ok_and(std::cmp::Ordering::is_lt))
                };
                let at = fixes.iter().take_while(|other| below(other)).count();
                if !fixes.contains(fix) {
                    fixes.insert(at, fix.clone());
                }
            }
        }
        fixes
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
