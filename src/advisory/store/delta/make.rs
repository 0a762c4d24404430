//! Two stores ▸ the delta between them.

use std::cmp::Ordering;

use super::neutral::{self, Numbering};
use super::{DeltaError, Edit, Plan, Step, prologue, replaced, root, section};
use crate::advisory::error::AdvisoryError;
use crate::advisory::model::Advisory;
use crate::advisory::store::format::Table;
use crate::advisory::store::{Store, decode, table};

/// What `old` needs to become `new`.
///
/// # Errors
/// When one of the stores is damaged, or they differ by more than a delta can hold.
pub fn make(old: &Store, new: &Store) -> Result<Vec<u8>, DeltaError> {
    let mut plan = Plan { records: steps(&ids(old)?, &ids(new)?), sources: sources(old, new), edits: Vec::new() };
    let numbering = Numbering::of(&plan, old)?;
    let mut sections = vec![(old.provenance_bytes()?.to_vec(), new.provenance_bytes()?.to_vec())];
    for table in Table::ALL {
        let pairs = neutral::pairs(old, table, &numbering)?;
        let (edits, payload) = edits(&pairs, &new.pairs(table)?)?;
        sections.push((replaced(&pairs, &edits), payload));
        plan.edits.push(edits);
    }
    let plan = postcard::to_allocvec(&plan).map_err(AdvisoryError::Encode)?;
    if plan.len() > section::MAX_PLAN_BYTES || sections.iter().any(|(_, content)| content.len() > section::MAX_BYTES) {
        return Err(DeltaError::Damaged("the stores differ too much"));
    }
    let mut delta = [prologue(), root(old.digest()), root(new.digest())].concat();
    let write = |delta: &mut Vec<u8>| {
        section::write(delta, &[], &plan)?;
        sections.iter().try_for_each(|(base, content)| section::write(delta, base, content))
    };
    write(&mut delta).map_err(|source| AdvisoryError::Write { path: "a delta".into(), source })?;
    Ok(delta)
}

/// The ids of a store's records, by number.
fn ids(store: &Store) -> Result<Vec<String>, AdvisoryError> {
    let id = |(_, value): table::Pair| Ok(decode::<Advisory>(&value)?.id);
    store.pairs(Table::Advisories)?.into_iter().map(id).collect()
}

/// How the records of one store lie in the other. Copies of one record from several sources have one id, and are taken in their order.
fn steps(old: &[String], new: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    merge(old, new, String::cmp, &mut |side| match (steps.last_mut(), side) {
        (Some(Step::Keep(count)), Side::Both(..))
        | (Some(Step::Drop(count)), Side::Old)
        | (Some(Step::Insert(count)), Side::New(_)) => *count += 1,
        (_, Side::Both(..)) => steps.push(Step::Keep(1)),
        (_, Side::Old) => steps.push(Step::Drop(1)),
        (_, Side::New(_)) => steps.push(Step::Insert(1)),
    });
    steps
}

fn sources(old: &Store, new: &Store) -> Vec<Option<u32>> {
    let place = |name: &str| new.provenance().sources.iter().position(|source| source.name == name);
    let place = |name: &str| place(name).and_then(|place| u32::try_from(place).ok());
    old.provenance().sources.iter().map(|source| place(&source.name)).collect()
}

/// The edits of a table, and the bytes that they bring.
fn edits(old: &[table::Pair], new: &[table::Pair]) -> Result<(Vec<Edit>, Vec<u8>), AdvisoryError> {
    let (mut edits, mut payload) = (Vec::new(), Vec::new());
    // A block, which holds at least one pair, has a length that fits.
    let length = |bytes: &[u8]| bytes.len() as u32;
    merge(old, new, |a, b| a.0.cmp(&b.0), &mut |side| match (edits.last_mut(), side) {
        (Some(Edit::Keep(count)), Side::Both(old, new)) if old == new => *count += 1,
        (Some(Edit::Drop(count)), Side::Old) => *count += 1,
        (_, Side::Both(old, new)) if old == new => edits.push(Edit::Keep(1)),
        (_, Side::Both(_, (_, value))) => {
            edits.push(Edit::Replace { value: length(value) });
            payload.extend_from_slice(value);
        }
        (_, Side::Old) => edits.push(Edit::Drop(1)),
        (_, Side::New((key, value))) => {
            edits.push(Edit::Insert { key: length(key), value: length(value) });
            payload.extend_from_slice(key);
            payload.extend_from_slice(value);
        }
    });
    Ok((edits, payload))
}

/// On which side an item of two sorted lists is.
enum Side<'a, T> {
    Both(&'a T, &'a T),
    Old,
    New(&'a T),
}

/// Walks two sorted lists together.
fn merge<T>(old: &[T], new: &[T], order: impl Fn(&T, &T) -> Ordering, each: &mut dyn FnMut(Side<'_, T>)) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let side = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => order(a, b),
        };
        match (side, if side.is_le() { old.next() } else { None }, if side.is_ge() { new.next() } else { None }) {
            (_, Some(a), Some(b)) => each(Side::Both(a, b)),
            (_, Some(_), None) => each(Side::Old),
            (_, None, Some(b)) => each(Side::New(b)),
            (_, None, None) => return,
        }
    }
}
