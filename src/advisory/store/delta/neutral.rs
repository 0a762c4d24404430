//! An old store's pairs as they would be in the new one, if only numbers had changed.

use rayon::prelude::*;
use serde::Serialize;

use super::{DeltaError, Plan, Step};
use crate::advisory::error::AdvisoryError;
use crate::advisory::model::{Advisory, Row};
use crate::advisory::store::compile::MAX_RECORDS;
use crate::advisory::store::format::Table;
use crate::advisory::store::{IdEntry, Store, decode, table};

/// Stands for a record or source that is not in the new store.
const GONE: u32 = u32::MAX;

/// New numbers by old ones; none for what the new store does not have.
pub(super) struct Numbering {
    records: Vec<Option<u32>>,
    sources: Vec<Option<u32>>,
}

impl Numbering {
    /// From a plan, whose steps must be about exactly the records that `old` has.
    pub(super) fn of(plan: &Plan, old: &Store) -> Result<Self, DeltaError> {
        let known = old.provenance().advisories as usize;
        if known > MAX_RECORDS {
            return Err(DeltaError::Damaged("the store has too many records"));
        }
        let mut records = Vec::new();
        let mut next = 0_u32;
        for step in &plan.records {
            let (Step::Keep(count) | Step::Drop(count) | Step::Insert(count)) = *step;
            let is_old = !matches!(step, Step::Insert(_));
            if is_old && records.len() + count as usize > known {
                return Err(DeltaError::Damaged("it has more records than the store"));
            }
            let end = next.checked_add(count).ok_or(DeltaError::Damaged("it has too many records"))?;
            match step {
                Step::Keep(_) => records.extend((next..end).map(Some)),
                Step::Drop(_) => records.extend(std::iter::repeat_n(None, count as usize)),
                Step::Insert(_) => {}
            }
            if !matches!(step, Step::Drop(_)) {
                next = end;
            }
        }
        if records.len() != known {
            return Err(DeltaError::Damaged("it has fewer records than the store"));
        }
        Ok(Self { records, sources: plan.sources.clone() })
    }

    fn record(&self, old: u32) -> Option<u32> {
        self.records.get(old as usize).copied().flatten()
    }
}

/// The pairs of a table, with the new store's numbers.
pub(super) fn pairs(old: &Store, table: Table, numbering: &Numbering) -> Result<Vec<table::Pair>, AdvisoryError> {
    let renumber: fn(table::Pair, &Numbering) -> Result<Option<table::Pair>, AdvisoryError> = match table {
        Table::Packages => package,
        Table::Advisories => advisory,
        Table::Ids => id,
        Table::Exploited | Table::Scores | Table::Lifecycles | Table::Repositories => return old.pairs(table),
    };
    let renumbered = old.pairs(table)?.into_par_iter().filter_map(|pair| renumber(pair, numbering).transpose());
    renumbered.collect()
}

fn package((key, value): table::Pair, numbering: &Numbering) -> Result<Option<table::Pair>, AdvisoryError> {
    let rows: Vec<(u32, Row)> = decode(&value)?;
    let rows: Vec<_> = rows.into_iter().filter_map(|(number, row)| Some((numbering.record(number)?, row))).collect();
    if rows.is_empty() { Ok(None) } else { Ok(Some((key, encode(&rows)?))) }
}

fn advisory((key, value): table::Pair, numbering: &Numbering) -> Result<Option<table::Pair>, AdvisoryError> {
    let number = <[u8; 4]>::try_from(key.as_slice()).ok().and_then(|key| numbering.record(u32::from_be_bytes(key)));
    let Some(number) = number else { return Ok(None) };
    let mut advisory: Advisory = decode(&value)?;
    advisory.group = numbering.record(advisory.group).unwrap_or(GONE);
    advisory.source = numbering.sources.get(advisory.source as usize).copied().flatten().unwrap_or(GONE);
    Ok(Some((number.to_be_bytes().to_vec(), encode(&advisory)?)))
}

fn id((key, value): table::Pair, numbering: &Numbering) -> Result<Option<table::Pair>, AdvisoryError> {
    let mut entry: IdEntry = decode(&value)?;
    entry.records = entry.records.into_iter().filter_map(|number| numbering.record(number)).collect();
    let is_known = !entry.records.is_empty() || entry.withdrawn.is_some();
    Ok(if is_known { Some((key, encode(&entry)?)) } else { None })
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, AdvisoryError> {
    postcard::to_allocvec(value).map_err(AdvisoryError::Encode)
}
