//! Advisory feeds: one file a feed, each turning its records into [`Draft`]s of the store's model.

pub(crate) mod errata;
pub(crate) mod osv;

use super::model::{Advisory, Row};

/// Under what the store files a row: ecosystem and package name, both in normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Key {
    /// Ecosystem with release.
    pub(crate) ecosystem: String,
    /// Package name.
    pub(crate) name: String,
}

/// A record in the store's model, before records are numbered and grouped.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The record. `aliases` are only its own yet; `group` and `source` are not set.
    pub(crate) advisory: Advisory,
    /// What it states, per package.
    pub(crate) rows: Vec<(Key, Row)>,
    /// What was left out of it.
    pub(crate) losses: Losses,
}

/// What a record holds that did not become a row that can be evaluated.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Entries without a package, or with only git ranges, or with nothing at all: no version of a package can be told from them.
    pub(crate) without_versions: u32,
    /// Entries with a range whose versions do not parse, or of an ecosystem whose order is not known. They become undetermined rows.
    pub(crate) unevaluable: u32,
    /// Debug packages, which no image needs a finding for.
    pub(crate) debug_packages: u32,
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Translated {
    /// It has a place in the store.
    Kept(Box<Draft>),
    /// Its source took it back; only the id and the time (Unix seconds) are remembered.
    Withdrawn { id: String, modified: Option<i64>, at: Option<i64> },
    /// An erratum that is not about security.
    NotSecurity { modified: Option<i64> },
    /// Its licence does not allow to hand it on, and only such records were asked for.
    NotRedistributable { modified: Option<i64> },
}
