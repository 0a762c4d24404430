//! The store's own model of an advisory: more than OSV can say, so that other feeds fit in without a new format.
//!
//! An [`Advisory`] is one record of one source, without prose. A [`Row`] says what that record states about one package of one release.
//! Both are serialised into the store with `postcard`; **changing a field or a variant needs a new store format number**.

use serde::{Deserialize, Serialize};

/// What a source states about a package.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Versions in the row's ranges are affected.
    #[default]
    Affected,
    /// The release contains the fix since ever.
    Fixed,
    /// The package is not affected: a negative statement.
    NotAffected,
    /// The vendor has not decided yet.
    UnderInvestigation,
    /// The vendor will not fix it.
    WontFix,
    /// The vendor will fix it later, with other changes, if at all (Debian's `postponed`, Red Hat's `Fix deferred`).
    Deferred,
    /// The release or package gets no fixes any more.
    EndOfLife,
}

impl Status {
    /// Whether the row's ranges describe affected versions (as opposed to a statement that clears the package).
    #[must_use]
    pub fn is_exposure(self) -> bool {
        !matches!(self, Self::Fixed | Self::NotAffected)
    }
}

/// Debian's urgency of an issue in one release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// None given, or "not yet assigned".
    #[default]
    Unassigned,
    /// Not a security problem as Debian builds the package; hidden by default.
    Unimportant,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// How bad, on the scale of the report contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody said.
    #[default]
    Unknown,
    /// Not worth a fix by itself.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// RustSec's classes of records that are no vulnerabilities.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Informational {
    /// Nobody maintains the package.
    Unmaintained,
    /// Safe code can cause undefined behaviour.
    Unsound,
    /// Something else worth knowing.
    Notice,
}

/// How bad, with the number where there is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Rating {
    /// The word.
    pub severity: Severity,
    /// CVSS base score in tenths (98 is 9.8), of the newest CVSS version given.
    pub cvss_tenths: Option<u8>,
}

impl Rating {
    /// The CVSS base score, 0.0 to 10.0.
    #[must_use]
    pub fn cvss(self) -> Option<f64> {
        self.cvss_tenths.map(|tenths| f64::from(tenths) / 10.0)
    }
}

/// One record of one source. No prose: ids, dates and severities only.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Advisory {
    /// The source's id.
    pub id: String,
    /// All other ids of the same flaw: the record's alias group (symmetric, transitive), sorted.
    pub aliases: Vec<String>,
    /// Number of the alias group; records with the same number describe the same flaw.
    pub group: u32,
    /// Ids this record is derived from; directed, sorted.
    pub upstream: Vec<String>,
    /// The CVEs it is about: from its ids, from `upstream`, and from `related` where the source lists them there; sorted.
    pub cves: Vec<String>,
    /// Unix seconds.
    pub published: Option<i64>,
    /// Unix seconds.
    pub modified: Option<i64>,
    /// Severity of the whole record.
    pub rating: Rating,
    /// CVSS vectors as written.
    pub vectors: Vec<String>,
    /// Set when the record is no vulnerability.
    pub informational: Option<Informational>,
    /// SPDX id of the record's licence; empty when its source states none.
    pub license: String,
    /// Index into the store's list of sources.
    pub source: u32,
    /// Its terms do not allow to hand it on: it may stand only in stores that a user builds for himself.
    pub restricted: bool,
}

/// What one record states about one package of one ecosystem and release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// The statement.
    pub status: Status,
    /// Disjoint ranges in ascending order.
    pub intervals: Vec<Interval>,
    /// Affected versions that no interval contains.
    pub versions: Vec<String>,
    /// Module stream that the row belongs to, `ruby:2.5`; only the name where the stream is not known.
    pub module: Option<String>,
    /// The only architecture that the row is about, where the vendor's fix is another build on others.
    pub arch: Option<String>,
    /// Debian's urgency.
    pub urgency: Urgency,
    /// Severity of this package where it differs from the record's.
    pub rating: Option<Rating>,
    /// The record does not name this package; it follows from its title (see `feed::errata`).
    pub inferred: bool,
    /// A range could not be compiled: its versions do not parse. A package that reaches this row is undetermined, not clean.
    pub unevaluable: bool,
}

/// Consecutive versions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// First version; `None` lies below every version.
    pub from: Option<String>,
    /// Where it ends.
    pub to: Upper,
}

/// Upper end of an interval.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Upper {
    /// No end is known.
    Open,
    /// Ends before this version, which has the fix.
    Fixed(String),
    /// Ends before this version, which is not known to have a fix.
    Before(String),
    /// Ends with this version.
    Through(String),
}
