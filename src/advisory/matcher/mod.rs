//! Packages ▸ matches.
//!
//! In: an open store, the packages of one platform with the OS release. Out: for each package one [`Match`] per flaw, what could not be
//! decided ([`Undetermined`]), and which packages were left to the distribution's own data. Policy comes later.
//!
//! 0. `streams`: the channels that the image takes beyond its release's own.
//! 1. `target`: under which ecosystem, name and version a package is looked up.
//! 2. `evaluate`: which of the rows contain that version.
//! 3. `sibling`: packages that a record forgot, though they were built from the same source as one that it names.
//! 4. `group`: one match per alias group.

pub(super) mod evaluate;
mod foreign;
mod group;
mod module;
mod sibling;
pub(super) mod streams;
pub(super) mod target;

use super::ecosystem::{self, OsRelease};
use super::error::AdvisoryError;
use super::exploitation::Exploitation;
use super::model::{Informational, Severity, Status, Urgency};
use super::store::{Data, Store};
use crate::facts::PackageFact;

/// A package with what the merge of layers found out about it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The package as recorded.
    pub package: &'a PackageFact,
    /// Whether an OS package installed the files it was found in.
    pub owned_by_os: bool,
    /// Whether it is the main module of a Go binary, whose version is often only a placeholder.
    pub main_module: bool,
}

/// The packages of one platform.
#[derive(Debug, Clone, Copy)]
pub struct Inventory<'a> {
    /// Packages; matches refer to their places.
    pub packages: &'a [Candidate<'a>],
    /// os-release, where there is one.
    pub os: Option<OsRelease<'a>>,
}

/// How sure a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The stream of a module build is a guess.
    Low,
    /// The record does not name the package, but a sibling of the same source.
    Medium,
    /// Name, release and version are the record's.
    High,
}

/// One flaw of one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Place in [`Inventory::packages`].
    pub package: usize,
    /// The CVE if there is exactly one, else the id of the best record.
    pub id: String,
    /// All other ids of the flaw, sorted: records that matched, their alias groups, upstream ids.
    pub aliases: Vec<String>,
    /// The CVEs among all ids, sorted.
    pub cves: Vec<String>,
    /// What the source states.
    pub status: Status,
    /// Debian's urgency; `Unimportant` is hidden by default.
    pub urgency: Urgency,
    /// Fixed versions above the installed one, ascending; the first is the nearest.
    pub fixed_in: Vec<String>,
    /// Fixed versions that only subscribers get (Ubuntu Pro), ascending.
    pub subscription_fixes: Vec<String>,
    /// The worst that a matching record says; where none says anything, the worst that another record about the same CVE does.
    pub severity: Severity,
    /// Highest CVSS base score of the records.
    pub cvss: Option<f64>,
    /// What is known about its use by attackers, from all its CVEs.
    pub exploitation: Exploitation,
    /// Name of the source of the best record.
    pub source: String,
    /// SPDX id of the best record's licence; empty when its source states none.
    pub license: String,
    /// The range that contains the version, for evidence: `>= 1.2, < 1.3`.
    pub range: String,
    /// How sure.
    pub confidence: Confidence,
    /// Unix seconds; the earliest.
    pub published: Option<i64>,
    /// Unix seconds; the latest.
    pub modified: Option<i64>,
    /// Set when no record calls it a vulnerability.
    pub informational: Option<Informational>,
}

/// A package that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undetermined {
    /// Place in [`Inventory::packages`].
    pub package: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a package could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// No version is recorded.
    #[error("its version is unknown")]
    NoVersion,
    /// The version is a build from a working copy: Go's `(devel)` and `v0.0.0-…` of a main module.
    #[error("its version is a development placeholder")]
    Development,
    /// The version does not parse in the ecosystem's scheme.
    #[error("its version does not parse")]
    Version,
    /// An OS package that the distribution did not build: its advisories do not speak of it.
    #[error("the distribution did not build it")]
    Foreign,
    /// An OS package without a known release.
    #[error("the operating system's release is unknown")]
    NoRelease,
    /// The order of the ecosystem's versions is not known.
    #[error("versions of its ecosystem cannot be compared")]
    NoScheme,
    /// A record names the package, but with versions that do not parse.
    #[error("the range of `{0}` cannot be read")]
    Range(String),
}

/// What the matcher found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Matches, by package, then id.
    pub matches: Vec<Match>,
    /// What could not be judged.
    pub undetermined: Vec<Undetermined>,
    /// Language packages that the distribution ships and whose own feed speaks for them; sorted.
    pub suppressed: Vec<usize>,
}

/// Least packages that are worth a thread.
const MIN_PART: usize = 100;

/// Matches an inventory against a store.
///
/// # Errors
/// Only when the store is damaged.
pub fn match_inventory(store: &Store, inventory: &Inventory<'_>) -> Result<Outcome, AdvisoryError> {
    let os = inventory.os.as_ref().and_then(ecosystem::of_os);
    let streams = streams::streams(store, inventory.os.as_ref(), os.as_deref())?;
    let distribution_speaks = os.as_deref().is_some_and(|os| is_comprehensive(store, os));
    let mut outcome = Outcome::default();
    let is_suppressed =
        |candidate: &Candidate<'_>| distribution_speaks && candidate.owned_by_os && !candidate.package.kind.is_os();
    let judge = |candidate: &Candidate<'_>| {
        let mut hits = evaluate::Judged::default();
        if !is_suppressed(candidate) {
            match target::targets(candidate, inventory.os.as_ref(), os.as_deref(), &streams) {
                Ok(targets) => hits = evaluate::judge(store, candidate.package, &targets)?,
                Err(reason) => hits.undetermined.push(reason),
            }
        }
        Ok(hits)
    };
    let suppressed = inventory.packages.iter().enumerate().filter(|(_, candidate)| is_suppressed(candidate));
    outcome.suppressed.extend(suppressed.map(|(index, _)| index));
    let mut judged = on_all_cores(inventory.packages, &judge)?;
    if os.as_deref().is_some_and(|os| ecosystem::name_kind(os) == ecosystem::NameKind::Binary) {
        sibling::add(inventory.packages, &mut judged);
    }
    for (package, mut hits) in judged.into_iter().enumerate() {
        hits.undetermined.sort();
        hits.undetermined.dedup();
        outcome.undetermined.extend(hits.undetermined.drain(..).map(|reason| Undetermined { package, reason }));
        outcome.matches.extend(group::group(store, package, hits)?);
    }
    for found in &mut outcome.matches {
        found.exploitation = store.exploitation(&found.cves)?;
    }
    Ok(outcome)
}

/// Judges each package, the list cut into as many parts as there are cores.
fn on_all_cores(
    packages: &[Candidate<'_>],
    judge: &(impl Fn(&Candidate<'_>) -> Result<evaluate::Judged, AdvisoryError> + Sync),
) -> Result<Vec<evaluate::Judged>, AdvisoryError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = packages.len().div_ceil(cores).max(MIN_PART);
    let judge_all = |part: &[Candidate<'_>]| part.iter().map(judge).collect::<Result<Vec<_>, _>>();
    let mut parts = packages.chunks(part);
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || judge_all(part))).collect();
        let mut judged = judge_all(first)?;
        for other in others {
            judged.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(judged)
    })
}

/// Whether another vendor than the distribution built an OS package, so that the distribution's data speaks neither of it nor of the files that it owns.
#[must_use]
pub fn is_foreign(package: &PackageFact, os: &OsRelease<'_>) -> bool {
    ecosystem::of_os(os).is_some_and(|ecosystem| foreign::is_foreign(package, &ecosystem))
}

/// Whether an OS release's own feed, as the store holds it, speaks for the language packages that the distribution ships.
#[must_use]
pub fn is_comprehensive(store: &Store, os_ecosystem: &str) -> bool {
    let full = store.provenance().ecosystem(os_ecosystem).is_some_and(|known| known.data == Data::Full);
    let covered = store.provenance().sources_of(os_ecosystem).next().is_some();
    full && covered && ecosystem::speaks_for_language_packages(os_ecosystem)
}
