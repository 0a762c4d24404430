//! Vendors' feeds: what a store made from real documents says, against what the vendors' own pages and documentation say of the same flaws.
//!
//! Tests over the shared data sets (`../shared/data`, or `IMGGUARD_SHARED`) are skipped loudly where those are absent; those over our own
//! documents in `testdata/feeds` always run.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/shared.rs"]
mod shared;

#[path = "feeds/facts.rs"]
mod facts;
#[path = "feeds/hostile.rs"]
mod hostile;
#[path = "feeds/matches.rs"]
mod matches;
#[path = "feeds/statements.rs"]
mod statements;

use std::path::PathBuf;

use imgguard::advisory::model::Status;
use imgguard::advisory::{AdvisoryError, ImportOptions, ImportReport, Store, compile};

/// A store of some files of the shared feeds, which are samples: fewer records than their feeds say.
fn of(names: &[&str]) -> Option<(Store, ImportReport)> {
    let root = shared::folder("data")?;
    let inputs: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    let (bytes, report) = compile(&inputs, ImportOptions { accept_fewer: true, ..ImportOptions::default() }).unwrap();
    Some((Store::from_memory(bytes).unwrap(), report))
}

/// What the store says about a package: `id: Status range module/arch`, sorted.
fn said(store: &Store, ecosystem: &str, name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, row) in store.rows(ecosystem, name).unwrap() {
        let ranges: Vec<String> = row.intervals.iter().map(ToString::to_string).collect();
        let mut line = format!("{}: {:?} {}", store.advisory(number).unwrap().id, row.status, ranges.join(", "));
        for extra in [&row.module, &row.arch].into_iter().flatten() {
            line.push_str(&format!(" [{extra}]"));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.sort();
    lines
}

/// Those lines of it that speak of one flaw.
fn said_of(store: &Store, ecosystem: &str, name: &str, flaw: &str) -> Vec<String> {
    said(store, ecosystem, name).into_iter().filter(|line| line.contains(flaw)).collect()
}

/// The error of an import of some bytes under a name.
fn refusal(name: &str, bytes: &[u8]) -> Option<AdvisoryError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    compile(&[folder.path().join(name)], ImportOptions::default()).err()
}
