//! Real tools as references: what one answers, and how that compares with ours.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::process::{Command, Output};

/// Fails with what is missing and what is too much.
#[track_caller]
pub(crate) fn compare<Row: Ord + Debug>(what: &str, native: &BTreeSet<Row>, ours: &BTreeSet<Row>) {
    let missing: Vec<_> = native.difference(ours).collect();
    let extra: Vec<_> = ours.difference(native).collect();
    assert!(missing.is_empty() && extra.is_empty(), "{what}: missing {missing:#?}, extra {extra:#?}");
    assert!(!native.is_empty(), "{what}: the tool names something");
}

/// As [`compare`], for a list that is the same wherever it is made: it counts in `docs/accuracy.md`.
#[track_caller]
pub(crate) fn compare_list<Row: Ord + Debug>(tool: &str, what: &str, native: &BTreeSet<Row>, ours: &BTreeSet<Row>) {
    compare(&format!("{tool}, {what}"), native, ours);
    crate::accuracy::listed(tool, what, native.len());
}

/// What a tool answers; nothing where it is absent, which is told.
pub(crate) fn run(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skipped!("{} is absent", command.get_program().display());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
