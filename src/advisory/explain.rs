//! Why an id does or does not match: every row that was looked at, the comparison that decided, and what else decided.
//!
//! In: a store, an id, an inventory. Out: what the store knows of the id ([`Known`]), and one [`Story`] for each package that its records name. The rows are judged by the
//! same code as in a scan (`matcher::evaluate`), so an explanation cannot tell something else than a report.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::ecosystem;
use super::error::AdvisoryError;
use super::matcher::evaluate::{self, Step, Verdict};
use super::matcher::target::{self, Target};
use super::matcher::{Candidate, Inventory, Match, match_inventory, streams};
use super::model::{Advisory, Interval, Row, Severity, Status, Upper, Urgency};
use super::store::Store;
use crate::version::{Scheme, for_osv_ecosystem};

/// Most statements that are listed without an image: a kernel flaw names thousands of packages.
pub const MAX_STATEMENTS: usize = 1000;

/// What the store knows of an id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    /// The id.
    pub id: String,
    /// When a record of this id was withdrawn, RFC 3339; empty where its source gives no date.
    pub withdrawn: Option<String>,
    /// The records that are it, are aliases of it, or are about it.
    pub records: Vec<RecordFacts>,
    #[serde(skip)]
    numbers: BTreeSet<u32>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordFacts {
    /// Its own id.
    pub id: String,
    /// The source it was imported from.
    pub source: String,
    /// Other ids of the same flaw.
    pub aliases: Vec<String>,
    /// Ids it is derived from.
    pub upstream: Vec<String>,
    /// CVEs it is about.
    pub cves: Vec<String>,
    /// RFC 3339.
    pub published: Option<String>,
    /// RFC 3339.
    pub modified: Option<String>,
    /// Its severity, by its source's word or its newest vector.
    pub severity: Severity,
    /// CVSS base score.
    pub cvss: Option<f64>,
    /// CVSS vectors as written.
    pub vectors: Vec<String>,
    /// SPDX id of its licence.
    pub license: String,
}

/// What a record states about one package.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// The record.
    pub record: String,
    /// Ecosystem with release.
    pub ecosystem: String,
    /// The package's name there.
    pub name: String,
    /// What it states.
    pub status: Status,
    /// Ranges of versions, `>= 1.2, < 1.3`.
    pub ranges: Vec<String>,
    /// How many versions are listed besides.
    pub listed: usize,
    /// Module stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What it comes to for the installed version; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// The comparison that decided, `3.3.2-r0 < 3.3.2-r1 (apk)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<String>,
}

/// One package that the id's records name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// Place in [`Inventory::packages`].
    #[serde(skip)]
    pub package: usize,
    /// The rows that were looked at.
    pub statements: Vec<Statement>,
    /// The end of it.
    pub conclusion: Conclusion,
    /// The same in words.
    pub reason: String,
    /// Fixed versions above the installed one, where it is affected.
    pub fixed_in: Vec<String>,
}

/// How a story ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// It is reported.
    Affected,
    /// It matches, but the source calls it unimportant, so it is not reported.
    Hidden,
    /// No range contains the version.
    NotAffected,
    /// A source says that the package does not have the flaw.
    Cleared,
    /// The distribution ships the package and its own data decides.
    Suppressed,
    /// The package could not be judged.
    Undetermined,
    /// Only other releases of the distribution are named.
    OtherRelease,
}

/// What the store knows of an id; none where it knows nothing.
///
/// # Errors
/// When the store is damaged.
pub fn known(store: &Store, id: &str) -> Result<Option<Known>, AdvisoryError> {
    let Some(entry) = store.id(id)? else { return Ok(None) };
    let records: Result<Vec<RecordFacts>, AdvisoryError> =
        entry.records.iter().map(|number| Ok(record(store, Arc::unwrap_or_clone(store.advisory(*number)?)))).collect();
    Ok(Some(Known {
        id: id.to_owned(),
        withdrawn: entry.withdrawn.map(|at| super::time::rfc3339(at).filter(|_| at != 0).unwrap_or_default()),
        records: records?,
        numbers: entry.records.into_iter().collect(),
    }))
}

fn record(store: &Store, advisory: Advisory) -> RecordFacts {
    let source = store.provenance().sources.get(advisory.source as usize);
    RecordFacts {
        source: source.map(|source| source.name.clone()).unwrap_or_default(),
        published: advisory.published.and_then(super::time::rfc3339),
        modified: advisory.modified.and_then(super::time::rfc3339),
        severity: advisory.rating.severity,
        cvss: advisory.rating.cvss(),
        id: advisory.id,
        aliases: advisory.aliases,
        upstream: advisory.upstream,
        cves: advisory.cves,
        vectors: advisory.vectors,
        license: advisory.license,
    }
}

/// Everything that the id's records state, at most [`MAX_STATEMENTS`]; looks through the whole store.
///
/// # Errors
/// When the store is damaged.
pub fn statements(store: &Store, known: &Known) -> Result<Vec<Statement>, AdvisoryError> {
    let mut statements = Vec::new();
    for (ecosystem, name) in store.packages()? {
        for (number, row) in store.rows(&ecosystem, &name)? {
            if statements.len() == MAX_STATEMENTS {
                return Ok(statements);
            }
            if known.numbers.contains(&number) {
                statements.push(statement(store.advisory(number)?.id.clone(), &ecosystem, &name, &row));
            }
        }
    }
    Ok(statements)
}

fn statement(record: String, ecosystem: &str, name: &str, row: &Row) -> Statement {
    Statement {
        record,
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        status: row.status,
        ranges: row.intervals.iter().map(Interval::to_string).collect(),
        listed: row.versions.len(),
        module: row.module.clone(),
        verdict: None,
        comparison: None,
    }
}

/// The story of each package that the id's records name, or would name in another release.
///
/// # Errors
/// When the store is damaged.
pub fn explain(store: &Store, inventory: &Inventory<'_>, known: &Known) -> Result<Vec<Story>, AdvisoryError> {
    let os = inventory.os.as_ref().and_then(ecosystem::of_os);
    let outcome = match_inventory(store, inventory)?;
    let streams = streams::streams(store, inventory.os.as_ref(), os.as_deref())?;
    let mut stories = Vec::new();
    for (package, candidate) in inventory.packages.iter().enumerate() {
        let is_told =
            |found: &&Match| found.package == package && (found.id == known.id || found.aliases.contains(&known.id));
        let found = outcome.matches.iter().find(is_told);
        let (targets, refused) = match target::targets(candidate, inventory.os.as_ref(), os.as_deref(), &streams) {
            Ok(targets) => (targets, None),
            Err(reason) => (target::regardless(candidate, os.as_deref()), Some(reason)),
        };
        let (mut steps, _) = evaluate::steps(store, candidate.package, &targets)?;
        steps.retain(|step| known.numbers.contains(&step.number));
        let mut statements = Vec::new();
        for step in &steps {
            statements.extend(told(store, step, &targets)?);
        }
        let mut elsewhere = Vec::new();
        if steps.is_empty() && found.is_none() {
            elsewhere = other_releases(store, candidate, os.as_deref(), known)?;
            if elsewhere.is_empty() {
                continue;
            }
        }
        let (conclusion, reason) = if outcome.suppressed.binary_search(&package).is_ok() {
            (Conclusion::Suppressed, "an OS package owns it, and the distribution's own data decides".to_owned())
        } else if let Some(reason) = refused {
            (Conclusion::Undetermined, reason.to_string())
        } else if !elsewhere.is_empty() {
            (Conclusion::OtherRelease, format!("named only in {}", releases(&elsewhere)))
        } else {
            conclude(&steps, found)
        };
        statements.extend(elsewhere);
        let fixed_in = found.map(|found| found.fixed_in.clone()).unwrap_or_default();
        stories.push(Story { package, statements, conclusion, reason, fixed_in });
    }
    Ok(stories)
}

fn conclude(steps: &[Step], found: Option<&Match>) -> (Conclusion, String) {
    let has = |wanted: fn(&Verdict) -> bool| steps.iter().any(|step| wanted(&step.verdict));
    match found {
        Some(found) if found.urgency == Urgency::Unimportant => {
            (Conclusion::Hidden, "its source calls it unimportant, so reports leave it out".to_owned())
        }
        Some(found) if !has(|verdict| matches!(verdict, Verdict::Affected { .. })) => {
            (Conclusion::Affected, format!("reported as {}: a package of the same source build is named", found.id))
        }
        Some(found) => (Conclusion::Affected, format!("reported as {}", found.id)),
        None if has(|verdict| *verdict == Verdict::Cleared) => {
            (Conclusion::Cleared, "a source says that it does not have the flaw".to_owned())
        }
        None if has(|verdict| *verdict == Verdict::Unreadable) => {
            (Conclusion::Undetermined, "a range cannot be read".to_owned())
        }
        None => (Conclusion::NotAffected, "no range contains the version".to_owned()),
    }
}

/// A step in words.
fn told(store: &Store, step: &Step, targets: &[Target<'_>]) -> Result<Option<Statement>, AdvisoryError> {
    let Some(target) = targets.get(step.target) else { return Ok(None) };
    let record = store.advisory(step.number)?.id.clone();
    let scheme = for_osv_ecosystem(&target.ecosystem);
    Ok(Some(Statement {
        verdict: Some(match &step.verdict {
            Verdict::Affected { .. } => "affected",
            Verdict::Outside => "outside of the range",
            Verdict::Cleared => "not affected, says the source",
            Verdict::OtherStream => "another module stream",
            Verdict::OtherBuild => "a build for another minor release",
            Verdict::Overridden => "replaced by what the same record says for Ubuntu Pro",
            Verdict::Unreadable => "the range cannot be read",
        }),
        comparison: scheme.and_then(|scheme| comparison(&step.row.intervals, &target.version, scheme)),
        ..statement(record, &target.ecosystem, target.name, &step.row)
    }))
}

/// The comparison with the bound that decides: of the last interval that begins at or below the version, its end; else the start of the first.
fn comparison(intervals: &[Interval], version: &str, scheme: &Scheme) -> Option<String> {
    let begins_below = |interval: &&Interval| {
        interval.from.as_deref().is_none_or(|from| scheme.compare(from, version).is_ok_and(std::cmp::Ordering::is_le))
    };
    let bound = match intervals.iter().take_while(begins_below).last() {
        Some(Interval { to: Upper::Fixed(end) | Upper::Before(end) | Upper::Through(end), .. }) => end,
        Some(Interval { from: Some(from), .. }) => from,
        Some(_) => return None,
        None => intervals.first()?.from.as_ref()?,
    };
    let sign = match scheme.compare(version, bound).ok()? {
        std::cmp::Ordering::Less => '<',
        std::cmp::Ordering::Equal => '=',
        std::cmp::Ordering::Greater => '>',
    };
    Some(format!("{version} {sign} {bound} ({})", scheme.name))
}

/// What the records say of the package in other releases of its distribution.
fn other_releases(
    store: &Store,
    candidate: &Candidate<'_>,
    os: Option<&str>,
    known: &Known,
) -> Result<Vec<Statement>, AdvisoryError> {
    let mut statements = Vec::new();
    let Some(own) = os.filter(|own| ecosystem::manages(own, candidate.package.kind)) else { return Ok(statements) };
    let releases = store.provenance().ecosystems.iter().map(|known| known.name.as_str());
    for release in releases.filter(|release| *release != own && ecosystem::base(release) == ecosystem::base(own)) {
        for target in target::regardless(candidate, Some(release)) {
            for (number, row) in store.rows(release, target.name)? {
                if known.numbers.contains(&number) {
                    let mut statement = statement(store.advisory(number)?.id.clone(), release, target.name, &row);
                    statement.verdict = Some("another release");
                    statements.push(statement);
                }
            }
        }
    }
    Ok(statements)
}

fn releases(statements: &[Statement]) -> String {
    let names: BTreeSet<&str> = statements.iter().map(|statement| statement.ecosystem.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
