//! What each row of a package's look-ups says about its version.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::target::{Role, Target};
use super::{Confidence, Reason, module};
use crate::advisory::ecosystem;
use crate::advisory::error::AdvisoryError;
use crate::advisory::model::{Advisory, Interval, Row, Upper};
use crate::advisory::range;
use crate::advisory::store::Store;
use crate::facts::{Evidence, PackageFact, PackageKind};
use crate::version::{Scheme, VersionError, for_osv_ecosystem};

/// One row with what it comes to.
#[derive(Debug, Clone)]
pub(in crate::advisory) struct Step {
    /// Place of the look-up among the targets.
    pub(in crate::advisory) target: usize,
    /// The record's number.
    pub(in crate::advisory) number: u32,
    /// What the record states.
    pub(in crate::advisory) row: Row,
    /// What that means for the version.
    pub(in crate::advisory) verdict: Verdict,
}

/// What a row means for the version.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::advisory) enum Verdict {
    /// The version is affected; `range` contains it.
    Affected { range: String, fixed_in: Vec<String>, confidence: Confidence },
    /// No range and no listed version is the version.
    Outside,
    /// The source says that the version does not have the flaw.
    Cleared,
    /// The row is about another module stream, or not about modules at all.
    OtherStream,
    /// The record has a row for the installed build's own minor release, and this is not it.
    OtherBuild,
    /// The same record speaks of the version in a look-up that counts more, or another does there of the same flaws, whose fix is installed.
    Overridden,
    /// The range cannot be read.
    Unreadable,
}

/// A row that contains the version, with its record.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) number: u32,
    pub(super) advisory: Arc<Advisory>,
    pub(super) row: Row,
    pub(super) ecosystem: String,
    pub(super) range: String,
    pub(super) fixed_in: Vec<String>,
    /// Fixes that only subscribers get.
    pub(super) subscription: Vec<String>,
    pub(super) confidence: Confidence,
    /// It is of the stream that the image takes before the ordinary one.
    pub(super) is_overriding: bool,
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
    let (steps, undetermined) = steps(store, package, targets)?;
    let mut judged = Judged { undetermined, ..Judged::default() };
    for step in steps {
        if let Some(target) = targets.get(step.target) {
            judged.take(store, target, step)?;
        }
    }
    Ok(judged)
}

/// Every row of the targets with its verdict, in the order of targets and records; and why targets could not be judged.
pub(in crate::advisory) fn steps(
    store: &Store,
    package: &PackageFact,
    targets: &[Target<'_>],
) -> Result<(Vec<Step>, Vec<Reason>), AdvisoryError> {
    let (mut steps, mut undetermined) = (Vec::new(), Vec::new());
    let overriding = Overriding::of(store, package, targets)?;
    // A version that no package manager recorded may be one that its builder corrected without changing it.
    let surest = if package.evidence == Evidence::Record { Confidence::High } else { Confidence::Medium };
    for (index, target) in targets.iter().enumerate() {
        let mut rows = store.rows(&target.ecosystem, target.name)?;
        rows.retain(|(_, row)| row.arch.is_none() || package.arch.is_none() || row.arch == package.arch);
        let Some(scheme) = for_osv_ecosystem(&target.ecosystem) else {
            undetermined.extend((!rows.is_empty()).then_some(Reason::NoScheme));
            continue;
        };
        if scheme.compare(&target.version, &target.version).is_err() {
            undetermined.push(Reason::Version);
            continue;
        }
        for (number, mut row, fit) in module::fitting(rows, package, target) {
            if epoch_is_unknown(package, target) {
                row.intervals.iter_mut().for_each(drop_epochs);
            }
            let verdict = match fit {
                _ if target.role != Role::Overriding && overriding.holds(store, number)? => Verdict::Overridden,
                Ok(confidence) => verdict(&row, target, scheme, confidence.min(surest)),
                Err(verdict) => verdict,
            };
            steps.push(Step { target: index, number, row, verdict });
        }
    }
    Ok((steps, undetermined))
}

/// Bills of materials often leave out rpm's epoch. Taken for 0 it would make every fix with an epoch a match; so then nobody's epoch counts.
fn epoch_is_unknown(package: &PackageFact, target: &Target<'_>) -> bool {
    package.kind == PackageKind::Rpm && package.evidence == Evidence::Listed && !target.version.contains(':')
}

fn drop_epochs(interval: &mut Interval) {
    let to = match &mut interval.to {
        Upper::Open => None,
        Upper::Fixed(version) | Upper::Before(version) | Upper::Through(version) => Some(version),
    };
    for version in interval.from.iter_mut().chain(to) {
        if let Some((_, rest)) = version.split_once(':') {
            *version = rest.to_owned();
        }
    }
}

/// What look-ups that count more say.
#[derive(Default)]
struct Overriding {
    /// Records that speak of the package there.
    numbers: BTreeSet<u32>,
    /// Flaws whose fix, as a record there tells it, is installed.
    fixed: BTreeSet<String>,
}

impl Overriding {
    fn of(store: &Store, package: &PackageFact, targets: &[Target<'_>]) -> Result<Self, AdvisoryError> {
        let mut overriding = Self::default();
        for target in targets.iter().filter(|target| target.role == Role::Overriding) {
            let Some(scheme) = for_osv_ecosystem(&target.ecosystem) else { continue };
            for (number, row, fit) in module::fitting(store.rows(&target.ecosystem, target.name)?, package, target) {
                overriding.numbers.insert(number);
                if fit.is_ok() && has_fix(&row, &target.version, scheme) {
                    overriding.fixed.extend(store.advisory(number)?.cves.iter().cloned());
                }
            }
        }
        Ok(overriding)
    }

    /// Whether a row of another look-up counts no more.
    fn holds(&self, store: &Store, number: u32) -> Result<bool, AdvisoryError> {
        if self.numbers.contains(&number) {
            return Ok(true);
        }
        if self.fixed.is_empty() {
            return Ok(false);
        }
        let cves = &store.advisory(number)?.cves;
        Ok(!cves.is_empty() && cves.iter().all(|cve| self.fixed.contains(cve)))
    }
}

/// Whether a version is at or above every fix of a row.
fn has_fix(row: &Row, version: &str, scheme: &Scheme) -> bool {
    let is_above = |interval: &Interval| match &interval.to {
        Upper::Fixed(fix) => scheme.compare(fix, version).is_ok_and(std::cmp::Ordering::is_le),
        _ => false,
    };
    row.status.is_exposure() && !row.intervals.is_empty() && row.intervals.iter().all(is_above)
}

fn verdict(row: &Row, target: &Target<'_>, scheme: &Scheme, confidence: Confidence) -> Verdict {
    let range = containing(row, &target.ecosystem, &target.version, scheme);
    if !row.status.is_exposure() {
        // A negative statement without ranges is about every version.
        let speaks = row.intervals.is_empty() && row.versions.is_empty() || matches!(range, Ok(Some(_)));
        return if speaks { Verdict::Cleared } else { Verdict::Outside };
    }
    match range {
        Ok(Some(range)) => Verdict::Affected {
            range,
            fixed_in: fixes_above(row, &target.version, scheme),
            confidence: if row.inferred { confidence.min(Confidence::Medium) } else { confidence },
        },
        Ok(None) if !row.unevaluable => Verdict::Outside,
        Ok(None) | Err(_) => Verdict::Unreadable,
    }
}

impl Judged {
    fn take(&mut self, store: &Store, target: &Target<'_>, step: Step) -> Result<(), AdvisoryError> {
        let Step { number, row, verdict, .. } = step;
        let known = match verdict {
            Verdict::OtherStream | Verdict::OtherBuild | Verdict::Overridden => return Ok(()),
            _ => !self.seen.insert(number),
        };
        match verdict {
            Verdict::Cleared => {
                let advisory = store.advisory(number)?;
                self.cleared.insert(advisory.id.clone());
                self.cleared.extend(advisory.cves.iter().cloned());
            }
            Verdict::Unreadable => self.undetermined.push(Reason::Range(store.advisory(number)?.id.clone())),
            Verdict::Affected { fixed_in, .. } if target.role == Role::Subscription && known => {
                if let Some(hit) = self.hits.iter_mut().find(|hit| hit.number == number) {
                    hit.subscription.extend(fixed_in);
                }
            }
            Verdict::Affected { range, fixed_in, confidence } => {
                let (fixed_in, subscription) = match target.role {
                    Role::Subscription => (Vec::new(), fixed_in),
                    Role::Ordinary | Role::Overriding => (fixed_in, Vec::new()),
                };
                let advisory = store.advisory(number)?;
                let ecosystem = target.ecosystem.clone().into_owned();
                let is_overriding = target.role == Role::Overriding;
                self.hits.push(Hit {
                    number,
                    advisory,
                    row,
                    ecosystem,
                    range,
                    fixed_in,
                    subscription,
                    confidence,
                    is_overriding,
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// The range or listed version of a row that contains `version`, as evidence.
pub(super) fn containing(
    row: &Row,
    ecosystem: &str,
    version: &str,
    scheme: &Scheme,
) -> Result<Option<String>, VersionError> {
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
