//! Packages that a record forgot.
//!
//! AlmaLinux's records name binary packages and omit some: a fix is of a source, so every package built from it has the flaw. Where an
//! installed package of the same source build matched a record that does not name its sibling at all, the sibling gets the match, too.

use std::collections::BTreeMap;

use super::evaluate::{Hit, Judged};
use super::{Candidate, Confidence};
use crate::facts::PackageKind;

/// Adds the matches of siblings.
pub(super) fn add(packages: &[Candidate<'_>], judged: &mut [Judged]) {
    let mut builds: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, candidate) in packages.iter().enumerate() {
        if let (PackageKind::Rpm, Some(source)) = (candidate.package.kind, &candidate.package.source) {
            builds.entry((&source.name, &source.version)).or_default().push(index);
        }
    }
    for members in builds.values().filter(|members| members.len() > 1) {
        let hits: BTreeMap<u32, Hit> = members
            .iter()
            .filter_map(|index| judged.get(*index))
            .flat_map(|package| &package.hits)
            .map(|hit| (hit.number, hit.clone()))
            .collect();
        for index in members {
            if let Some(package) = judged.get_mut(*index) {
                let forgotten = hits.values().filter(|hit| !package.seen.contains(&hit.number));
                let forgotten: Vec<Hit> = forgotten
                    .map(|hit| Hit { confidence: hit.confidence.min(Confidence::Medium), ..hit.clone() })
                    .collect();
                package.hits.extend(forgotten);
            }
        }
    }
}
