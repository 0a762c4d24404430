//! What the store can say about each ecosystem of an inventory.
//!
//! A clean answer must be earned: an ecosystem without data is NOT CHECKED, and old data is called old. The age of data is its source's
//! newest record, never the day of the import.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ecosystem;
use super::matcher::{Candidate, Inventory};
use super::store::{Data, Store};
use crate::facts::PackageKind;

/// Data is stale when its newest record is older than this at the date of evaluation. Every active feed changes weekly.
pub const STALE_AFTER_DAYS: i32 = 30;

/// How far an ecosystem's packages could be checked. Ordered from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageData {
    /// No data: NOT CHECKED.
    None,
    /// Data older than [`STALE_AFTER_DAYS`].
    Stale,
    /// Current data that only knows issues which have a fix.
    FixedOnly,
    /// Current data.
    Full,
}

/// One row of the report's `coverage`, but for the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Ecosystem with release; for OS packages of an unknown release the package manager's name.
    pub ecosystem: String,
    /// Packages that were looked up in it.
    pub packages: u32,
    /// How far they could be checked.
    pub data: CoverageData,
    /// Date of its sources' newest record, RFC 3339; null without data.
    pub modified: Option<String>,
}

/// Coverage of an inventory's packages at a date, sorted by ecosystem.
///
/// `suppressed` are the packages that the matcher left to the distribution's own data; they are not counted again here.
#[must_use]
pub fn coverage(store: &Store, inventory: &Inventory<'_>, suppressed: &[usize], evaluated_at: Date) -> Vec<Coverage> {
    let os = inventory.os.as_ref().and_then(ecosystem::of_os);
    let mut packages: BTreeMap<String, u32> = BTreeMap::new();
    for (index, candidate) in inventory.packages.iter().enumerate() {
        if suppressed.binary_search(&index).is_err() {
            *packages.entry(ecosystem_of(candidate, os.as_deref())).or_default() += 1;
        }
    }
    packages.into_iter().map(|(ecosystem, packages)| row(store, ecosystem, packages, evaluated_at)).collect()
}

fn ecosystem_of(candidate: &Candidate<'_>, os: Option<&str>) -> String {
    let kind = candidate.package.kind;
    let manager = match kind {
        PackageKind::Deb => "deb",
        PackageKind::Rpm => "rpm",
        PackageKind::Apk => "apk",
        PackageKind::Alpm => "pacman",
        PackageKind::Portage => "portage",
        _ => ecosystem::of_language(kind).unwrap_or_default(),
    };
    let known = if kind.is_os() { os.filter(|os| ecosystem::manages(os, kind)) } else { None };
    known.unwrap_or(manager).to_owned()
}

fn row(store: &Store, ecosystem: String, packages: u32, evaluated_at: Date) -> Coverage {
    let (data, modified) = judge(store, &ecosystem, evaluated_at);
    Coverage { ecosystem, packages, data, modified }
}

/// What the store's data of an ecosystem is worth at a date, and how old it is.
#[must_use]
pub(super) fn judge(store: &Store, ecosystem: &str, evaluated_at: Date) -> (CoverageData, Option<String>) {
    let provenance = store.provenance();
    // Times of one format compare as texts.
    let modified = provenance.sources_of(ecosystem).filter_map(|source| source.modified.as_deref()).max();
    let (Some(known), Some(modified)) = (provenance.ecosystem(ecosystem), modified) else {
        return (CoverageData::None, None);
    };
    let data = match known.data {
        _ if is_stale(modified, evaluated_at) => CoverageData::Stale,
        Data::Full => CoverageData::Full,
        Data::FixedOnly => CoverageData::FixedOnly,
    };
    (data, Some(modified.to_owned()))
}

/// An unreadable date counts as old.
fn is_stale(modified: &str, evaluated_at: Date) -> bool {
    let Some(day) = modified.get(..10).and_then(|day| day.parse::<Date>().ok()) else {
        return true;
    };
    let Ok(oldest) = evaluated_at.checked_sub(jiff::Span::new().days(STALE_AFTER_DAYS)) else {
        return false;
    };
    day < oldest
}
