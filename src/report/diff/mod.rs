//! What differs between two reports: the contract of `imgguard diff`, version 1.0. `docs/schema/diff-1.0.json` describes it.
//!
//! In: two [`contract::Report`](super::contract::Report)s, of images, of bills of materials, or saved ones. Out: a [`Difference`]. What one of the two could not see
//! is not compared, and said.

mod compare;
mod configuration;
mod packages;
mod table;

use std::io::{self, Write};

use serde::Serialize;

pub use compare::{compare, compare_platforms};

use super::contract::{Advisories, Layer, Subject, Tool};
use super::escape::write_json;

/// Version of this contract.
pub const SCHEMA_VERSION: &str = "1.0";

/// What differs.
#[derive(Debug, PartialEq, Serialize)]
pub struct Difference {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// Who compared.
    pub tool: Tool,
    /// What there was.
    pub from: Side,
    /// What there is.
    pub to: Side,
    /// Whether anything differs.
    pub differs: bool,
    /// What was not compared, since one of the two does not show it: as a report's `skipped`, and `size`.
    pub not_compared: Vec<String>,
    /// Platforms that only one has.
    pub platforms: OnlyOne<String>,
    /// Platforms that both have.
    pub comparisons: Vec<Comparison>,
}

/// One of the two.
#[derive(Debug, PartialEq, Serialize)]
pub struct Side {
    /// What was scanned.
    pub subject: Subject,
    /// The date at which ages were judged.
    pub evaluated_at: String,
    /// The advisory data that was used.
    pub advisories: Advisories,
    /// Whether everything required was read.
    pub complete: bool,
}

/// What only one of the two has.
#[derive(Debug, PartialEq, Serialize)]
pub struct OnlyOne<T> {
    /// Only the second one.
    pub added: Vec<T>,
    /// Only the first one.
    pub removed: Vec<T>,
}

/// One platform of the first and one of the second.
#[derive(Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Platform of the first.
    pub from: String,
    /// Platform of the second.
    pub to: String,
    /// Packages.
    pub packages: Packages,
    /// Findings, by their ids.
    pub findings: OnlyOne<FindingSummary>,
    /// Changes of how it is run, and of the distribution.
    pub configuration: Vec<Change>,
    /// Stored bytes; none where one of the two has no layers.
    pub size: Option<Size>,
}

/// How packages differ.
#[derive(Debug, PartialEq, Serialize)]
pub struct Packages {
    /// Only in the second.
    pub added: Vec<PackageSummary>,
    /// Only in the first.
    pub removed: Vec<PackageSummary>,
    /// In both, in other versions.
    pub changed: Vec<PackageChange>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageSummary {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// OSV ecosystem with release.
    pub ecosystem: String,
    /// Package URL.
    pub purl: String,
}

/// A package in other versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageChange {
    /// Name.
    pub name: String,
    /// OSV ecosystem with release, of the second.
    pub ecosystem: String,
    /// Versions that only the first has.
    pub from: Vec<String>,
    /// Versions that only the second has.
    pub to: Vec<String>,
    /// `upgraded` or `downgraded` by the ecosystem's own order of versions; `changed` where that is not said, or of several versions.
    pub change: &'static str,
}

/// A finding, as far as one needs to know it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingSummary {
    /// The finding's id.
    pub id: String,
    /// `vulnerability`, `secret`, …
    pub kind: String,
    /// Rule or advisory id.
    pub rule: String,
    /// `critical` … `unknown`.
    pub severity: String,
    /// One line.
    pub title: String,
    /// The package's purl.
    pub package: Option<String>,
}

/// A part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `user`, `entrypoint`, `env:NAME`, `label:NAME`, …
    pub field: String,
    /// Before; null where it was not there.
    pub from: Option<String>,
    /// After; null where it is not there.
    pub to: Option<String>,
}

/// Stored bytes.
#[derive(Debug, PartialEq, Serialize)]
pub struct Size {
    /// Of all layers of the first.
    pub from: u64,
    /// Of all layers of the second.
    pub to: u64,
    /// Layers that only one has.
    pub layers: OnlyOne<Layer>,
    /// How many layers both have.
    pub shared: usize,
}

impl Difference {
    /// Writes it as JSON.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        write_json(self, out)
    }

    /// Writes it for people, in plain text.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        table::write(self, out)
    }
}

impl<T> OnlyOne<T> {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}
