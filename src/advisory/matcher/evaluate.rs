//! Which rows of a package contain its version.

use std::collections::BTreeSet;

use super::target::Target;
use super::{Confidence, Reason, module};
use crate::advisory::ecosystem;
use crate::advisory::error::AdvisoryError;
use crate::advisory::model::{Advisory, Row, Upper};
use crate::advisory::range;
use crate::advisory::store::Store;
use crate::facts::{Evidence, PackageFact};
use crate::version::{Scheme, VersionError, for_osv_ecosystem};

/// A row that contains the version, with its record.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) number: u32,
    pub(super) advisory: Advisory,
    pub(super) row: Row,
    pub(super) ecosystem: String,
    pub(super) range: String,
    pub(super) fixed_in: Vec<String>,
    pub(super) confidence: Confidence,
}

/// What the rows say about one package.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) hits: Vec<Hit>,
    /// Records that name the package, whatever they say.
    pub(super) seen: BTreeSet<u32>,
    /// Ids of flaws that a source says the package does not have.
    pub(super) cleared: BTreeSet<String>,
    pub(super) undetermined: Vec<Reason>,
}

/// Judges a package by all its targets.
pub(super) fn judge(store: &Store, package: &PackageFact, targets: &[Target<'_>]) -> Result<Judged, AdvisoryError> {
    let mut judged = Judged::default();
    let overriding = overriding_records(store, targets)?;
    // A version that no package manager recorded may be one that its builder corrected without changing it.
    let surest = if package.evidence == Evidence::Record { Confidence::High } else { Confidence::Medium };
    for target in targets {
        let mut rows = store.rows(&target.ecosystem, target.name)?;
        rows.retain(|(_, row)| row.arch.is_none() || package.arch.is_none() || row.arch == package.arch);
        let Some(scheme) = for_osv_ecosystem(&target.ecosystem) else {
            judged.undetermined.extend((!rows.is_empty()).then_some(Reason::NoScheme));
            continue;
        };
        if scheme.compare(&target.version, &target.version).is_err() {
            judged.undetermined.push(Reason::Version);
            continue;
        }
        let rows = if ecosystem::is_rpm(&target.ecosystem) {
            module::of_same_stream(rows, package, &target.version)
        } else {
            with_high_confidence(rows)
        };
        for (number, row, confidence) in rows {
            if target.overrides || !overriding.contains(&number) {
                judged.take(store, target, scheme, (number, row, confidence.min(surest)))?;
            }
        }
    }
    Ok(judged)
}

fn with_high_confidence(rows: Vec<(u32, Row)>) -> Vec<(u32, Row, Confidence)> {
    rows.into_iter().map(|(number, row)| (number, row, Confidence::High)).collect()
}

fn overriding_records(store: &Store, targets: &[Target<'_>]) -> Result<BTreeSet<u32>, AdvisoryError> {
    let mut numbers = BTreeSet::new();
    for target in targets.iter().filter(|target| target.overrides) {
        numbers.extend(store.rows(&target.ecosystem, target.name)?.into_iter().map(|(number, _)| number));
    }
    Ok(numbers)
}

impl Judged {
    fn take(
        &mut self,
        store: &Store,
        target: &Target<'_>,
        scheme: &Scheme,
        (number, row, confidence): (u32, Row, Confidence),
    ) -> Result<(), AdvisoryError> {
        self.seen.insert(number);
        let range = containing(&row, &target.ecosystem, &target.version, scheme);
        if !row.status.is_exposure() {
            // A negative statement without ranges is about every version.
            let speaks = row.intervals.is_empty() && row.versions.is_empty() || matches!(range, Ok(Some(_)));
            if speaks {
                let advisory = store.advisory(number)?;
                self.cleared.insert(advisory.id);
                self.cleared.extend(advisory.cves);
            }
            return Ok(());
        }
        let Ok(Some(range)) = range else {
            if row.unevaluable || range.is_err() {
                self.undetermined.push(Reason::Range(store.advisory(number)?.id));
            }
            return Ok(());
        };
        let advisory = store.advisory(number)?;
        let fixed_in = fixes_above(&row, &target.version, scheme);
        let confidence = if row.inferred { confidence.min(Confidence::Medium) } else { confidence };
        self.hits.push(Hit {
            number,
            advisory,
            row,
            ecosystem: target.ecosystem.clone().into_owned(),
            range,
            fixed_in,
            confidence,
        });
        Ok(())
    }
}

/// The range or listed version of a row that contains `version`, as evidence.
fn containing(row: &Row, ecosystem: &str, version: &str, scheme: &Scheme) -> Result<Option<String>, VersionError> {
    // OSV compares listed versions as texts, except where one version has several spellings.
    let respelled = matches!(ecosystem::base(ecosystem), "PyPI" | "Maven");
    let equal = |listed: &str| {
        listed == version || (respelled && scheme.compare(listed, version).is_ok_and(std::cmp::Ordering::is_eq))
    };
    if row.versions.iter().any(|listed| equal(listed)) {
        return Ok(Some(format!("= {version}")));
    }
    Ok(range::containing(&row.intervals, version, scheme)?.map(ToString::to_string))
}

/// The row's fixed versions that are greater than `version`, ascending.
fn fixes_above(row: &Row, version: &str, scheme: &Scheme) -> Vec<String> {
    let fixes = row.intervals.iter().filter_map(|interval| match &interval.to {
        Upper::Fixed(fix) => Some(fix),
        _ => None,
    });
    fixes.filter(|fix| scheme.compare(fix, version).is_ok_and(std::cmp::Ordering::is_gt)).cloned().collect()
}
