//! Records that stand in several sources, or in one source several times ▸ one of each.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::compile::{Compiler, Pending, PendingRow};
use crate::advisory::model::Row;

/// One record per id, sorted by id.
///
/// Copies inside one source are parts of one record (AlmaLinux's repository keeps one file per release, Debian's tracker lists flaws by
/// package) and are joined. Of copies in several sources the vendor's own counts, then the newest. A copy in OSV beside a vendor's own stays
/// for those releases that the vendor's feed, as it was imported, does not speak of.
pub(super) fn keep_one_of_each(compiler: &Compiler, mut records: Vec<Pending>) -> Vec<Pending> {
    let scopes = native_scopes(compiler, &records);
    let is_native = |record: &Pending| compiler.source(&record.advisory).is_some_and(|source| source.is_native);
    let rank = |record: &Pending| (!is_native(record), Reverse(record.advisory.modified), record.advisory.source);
    records.sort_by(|a, b| a.advisory.id.cmp(&b.advisory.id).then_with(|| rank(a).cmp(&rank(b))));
    let mut kept: Vec<Pending> = Vec::with_capacity(records.len());
    let mut first = 0;
    for mut record in records {
        if kept.get(first).is_none_or(|known| known.advisory.id != record.advisory.id) {
            first = kept.len();
            kept.push(record);
            continue;
        }
        let copies = kept.get_mut(first..).unwrap_or_default();
        if let Some(own) = copies.iter_mut().find(|copy| copy.advisory.source == record.advisory.source) {
            own.rows.extend(record.rows);
        } else if !is_native(&record) && copies.iter().all(&is_native) {
            let spoken: Vec<&BTreeSet<&str>> =
                copies.iter().filter_map(|copy| scopes.get(&copy.advisory.source)).collect();
            record.rows.retain(|row| !spoken.iter().any(|scope| scope.contains(compiler.key(row).ecosystem.as_str())));
            if !record.rows.is_empty() {
                kept.push(record);
            }
        }
    }
    for record in &mut kept {
        settle(compiler, &mut record.rows);
    }
    kept
}

/// The ecosystems with release that each vendor's own feed speaks of.
fn native_scopes<'a>(compiler: &'a Compiler, records: &[Pending]) -> BTreeMap<u32, BTreeSet<&'a str>> {
    let mut scopes: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for record in records {
        if compiler.source(&record.advisory).is_some_and(|source| source.is_native) {
            let scope = scopes.entry(record.advisory.source).or_default();
            scope.extend(record.rows.iter().map(|row| compiler.key(row).ecosystem.as_str()));
        }
    }
    scopes
}

/// Sorts a record's rows and keeps each once. A statement that clears a package does not stand beside one of the same record that does not:
/// two of its products are one release here, and the worse counts.
fn settle(compiler: &Compiler, rows: &mut Vec<PendingRow>) {
    rows.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| compiler.bytes(a).cmp(compiler.bytes(b))));
    rows.dedup_by(|a, b| a.key == b.key && compiler.bytes(a) == compiler.bytes(b));
    let exposed: BTreeSet<u32> = rows.iter().filter(|row| row.exposure).map(|row| row.key).collect();
    if exposed.is_empty() || rows.iter().all(|row| row.exposure) {
        return;
    }
    let module = |row: &PendingRow| postcard::from_bytes::<Row>(compiler.bytes(row)).ok().and_then(|row| row.module);
    let worse: BTreeSet<(u32, Option<String>)> =
        rows.iter().filter(|row| row.exposure).map(|row| (row.key, module(row))).collect();
    rows.retain(|row| row.exposure || !exposed.contains(&row.key) || !worse.contains(&(row.key, module(row))));
}
