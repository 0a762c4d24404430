//! The base that an image is most like, where neither layers nor claims tell one: the same distribution, and mostly the same packages.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claim;
use super::{Evidence, Holds, Match, Source, Subject};
use crate::base::catalogue::{Catalogue, CatalogueError};
use crate::base::name;
use crate::facts::{Confidence, InstalledPackage};

/// Least likeness that is worth telling: a half of all packages of both are the same.
const LEAST: f64 = 0.5;

/// How alike two sets are (Jaccard): the part of all their members that both have.
fn likeness<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> f64 {
    let (both, all) = (one.intersection(other).count(), one.union(other).count());
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

/// Packages of the distribution, by name and version.
type Packages<'a> = BTreeSet<(&'a str, &'a str)>;

fn packages<'a>(installed: impl IntoIterator<Item = &'a InstalledPackage>) -> Packages<'a> {
    let own = installed.into_iter().map(|package| &package.fact).filter(|fact| fact.kind.is_os());
    own.map(|fact| (fact.name.as_str(), fact.version.as_str())).collect()
}

/// How alike the packages of two images are. Updated packages are still the same ones, so names count as much as versions.
fn score(one: &Packages<'_>, other: &Packages<'_>) -> f64 {
    (likeness(one, other) + likeness(&names(one), &names(other))) / 2.0
}

fn names<'a>(packages: &Packages<'a>) -> BTreeSet<&'a str> {
    packages.iter().map(|(name, _)| *name).collect()
}

/// The base of the same distribution that is most like the image; evidence of it goes into `evidence`.
pub(super) fn nearest<'c>(
    subject: &Subject<'_>,
    catalogue: &'c Catalogue,
    told: &[Claim],
    evidence: &mut Vec<Evidence>,
) -> Result<Option<Match<'c>>, CatalogueError> {
    let own = packages(&subject.inventory.packages);
    let Some(os) = subject.inventory.os.as_ref().filter(|_| !own.is_empty()) else { return Ok(None) };
    // Images mostly share their lists of packages.
    let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
    let mut best: Option<(f64, Match<'c>)> = None;
    for (manifest, image) in &catalogue.content().images {
        let is_candidate =
            image.os.as_ref().is_some_and(|other| (&other.id, &other.version_id) == (&os.id, &os.version_id))
                && image.platform.satisfies(&subject.manifest.platform);
        if !is_candidate {
            continue;
        }
        let (list, rows) = catalogue.listed(image)?;
        let score = *scores.entry(list).or_insert_with(|| score(&own, &packages(rows)));
        if score < LEAST || best.as_ref().is_some_and(|(known, _)| *known >= score) {
            continue;
        }
        if let Some(name) = name::of(catalogue, manifest, told) {
            best = Some((score, Match { manifest, image, name, layers: 0, by: Source::Packages, is_proven: false }));
        }
    }
    let Some((score, found)) = best else { return Ok(None) };
    let (percent, name) = ((score * 100.0).round(), found.name.full());
    evidence.push(Evidence {
        source: Source::Packages,
        name: Some(name.clone()),
        digest: Some(found.name.root.clone()),
        confidence: Confidence::Low,
        holds: Holds::Unchecked,
        detail: format!("its {} {} packages are like those of {name}, by {percent} %", os.id, os.version_id),
        pinned: None,
    });
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_the_part_that_both_have() {
        let set = |members: &[u8]| members.iter().copied().collect::<BTreeSet<_>>();
        assert!((likeness(&set(&[1, 2, 3]), &set(&[2, 3, 4])) - 0.5).abs() < 1e-9);
        assert!(likeness(&set(&[]), &set(&[])).abs() < 1e-9);
        assert!((likeness(&set(&[7]), &set(&[7])) - 1.0).abs() < 1e-9);
    }
}
