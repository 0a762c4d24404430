//! What turns one store into another, as bytes: a day's changes are kilobytes where the store has megabytes.
//!
//! A store numbers its records in the order of their ids, and rows name them by number. One record more moves all numbers behind it, so the
//! files of two days share hardly a block. A delta therefore says how the old numbers lie in the new store (`neutral`); after that, what did not
//! change has the same bytes in both, and only the changed pairs are written down, compressed against what they replace.
//!
//! Layout (numbers little-endian):
//!
//! ```text
//! magic, format number of the delta, format number of the stores, root digests of the old and of the new store
//! sections    each: inflated length, stored length, zstd; plan (postcard), new provenance, then one a table
//! ```
//!
//! Whoever applies it packs the blocks again and gets the new store byte for byte, or an error: the result must have the root digest that the
//! delta names, which covers every block. So nothing of a delta is believed, and a program whose zstd packs otherwise only falls back to the
//! whole store.

mod make;
mod neutral;
mod section;

use serde::{Deserialize, Serialize};

pub use make::make;
pub(crate) use section::{Sections as Parts, write as write_part};

use super::format::{self, Layout, TABLES, Table};
use super::{Store, table};
use crate::advisory::error::AdvisoryError;
use crate::digest::{Digest, hex};
use neutral::Numbering;
use section::Sections;

const MAGIC: &[u8; 8] = b"imgdelta";

/// Format of deltas.
const DELTA_FORMAT: u32 = 1;

/// Magic, formats of delta and stores, roots.
const HEAD: usize = 8 + 4 + 4 + 32 + 32;

/// Why a delta does not lead to the new store.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The bytes are no delta of a format that this program reads.
    #[error("not a delta that this program can read")]
    NotADelta,
    /// It is for another store than the one at hand.
    #[error("the delta is for the store {wanted}, this is {found}")]
    WrongBase {
        /// The store that it is for.
        wanted: String,
        /// The store at hand.
        found: String,
    },
    /// It contradicts itself or the store.
    #[error("the delta is damaged: {0}")]
    Damaged(&'static str),
    /// It is well-formed, but what comes of it is not the store that it promises.
    #[error("the delta leads to the store {found}, not to {wanted}")]
    WrongResult {
        /// The store that it promises.
        wanted: String,
        /// What came of it.
        found: String,
    },
    /// The old store cannot be read, or the new one not be made.
    #[error(transparent)]
    Store(#[from] AdvisoryError),
}

/// What becomes of the old store's records and pairs.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Plan {
    /// The old records in order, and where new ones stand between them.
    records: Vec<Step>,
    /// By old number of a source: its new one.
    sources: Vec<Option<u32>>,
    /// By table: the old pairs in order, and where new ones stand between them.
    edits: Vec<Vec<Edit>>,
}

/// Records one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Step {
    Keep(u32),
    Drop(u32),
    Insert(u32),
}

/// Pairs one after the other; lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Edit {
    Keep(u32),
    Drop(u32),
    /// The key stays, the value is another.
    Replace {
        value: u32,
    },
    Insert {
        key: u32,
        value: u32,
    },
}

/// The store that a delta is for and the one that it leads to.
///
/// # Errors
/// When the bytes are no delta for stores of our format.
pub fn ends(delta: &[u8]) -> Result<[String; 2], DeltaError> {
    let head = delta.get(..HEAD).filter(|head| head.starts_with(&prologue())).ok_or(DeltaError::NotADelta)?;
    let root = |at: usize| head.get(at..at + 32).map(|root| format!("sha256:{}", hex(root)));
    match (root(HEAD - 64), root(HEAD - 32)) {
        (Some(from), Some(to)) => Ok([from, to]),
        _ => Err(DeltaError::NotADelta),
    }
}

/// What every delta of ours begins with.
fn prologue() -> Vec<u8> {
    [&MAGIC[..], &DELTA_FORMAT.to_le_bytes(), &format::FORMAT.to_le_bytes()].concat()
}

/// Makes the new store of the old one; gives all its bytes.
///
/// Memory: the pairs of both stores' largest table and the new store's blocks.
///
/// # Errors
/// When the delta is for another store, is damaged, or does not lead where it says.
pub fn apply(old: &Store, delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let [from, wanted] = ends(delta)?;
    if from != old.digest().as_str() {
        return Err(DeltaError::WrongBase { wanted: from, found: old.digest().to_string() });
    }
    let mut sections = Sections::new(delta.get(HEAD..).unwrap_or_default());
    let plan = sections.next(&[], section::MAX_PLAN_BYTES)?;
    let plan: Plan = super::decode(&plan).map_err(|_| DeltaError::Damaged("its plan cannot be read"))?;
    if plan.edits.len() != TABLES {
        return Err(DeltaError::Damaged("it has other tables"));
    }
    let provenance = sections.next(old.provenance_bytes()?, section::MAX_BYTES)?;
    let numbering = Numbering::of(&plan, old)?;
    let mut tables: [Vec<table::Block>; TABLES] = Default::default();
    for ((table, edits), blocks) in Table::ALL.into_iter().zip(&plan.edits).zip(&mut tables) {
        let pairs = neutral::pairs(old, table, &numbering)?;
        *blocks = table::pack(&edited(pairs, edits, &mut sections)?)?;
    }
    sections.finish()?;
    let bytes = format::assemble(&provenance, &tables)?;
    let found = Layout::parse(&bytes)?.root_digest();
    if found.as_str() == wanted { Ok(bytes) } else { Err(DeltaError::WrongResult { wanted, found: found.to_string() }) }
}

/// A table's new pairs.
fn edited(old: Vec<table::Pair>, edits: &[Edit], sections: &mut Sections<'_>) -> Result<Vec<table::Pair>, DeltaError> {
    const SHORT: DeltaError = DeltaError::Damaged("it has more edits than pairs");
    let payload = sections.next(&replaced(&old, edits), section::MAX_BYTES)?;
    let mut rest = payload.as_slice();
    let mut take = |length: u32| {
        let (taken, behind) = rest.split_at_checked(length as usize).ok_or(SHORT)?;
        rest = behind;
        Ok::<_, DeltaError>(taken.to_vec())
    };
    let mut pairs = Vec::new();
    let mut old = old.into_iter();
    for edit in edits {
        match *edit {
            Edit::Keep(count) => {
                let before = pairs.len();
                pairs.extend(old.by_ref().take(count as usize));
                if pairs.len() - before != count as usize {
                    return Err(SHORT);
                }
            }
            Edit::Drop(count) => {
                if old.by_ref().take(count as usize).count() != count as usize {
                    return Err(SHORT);
                }
            }
            Edit::Replace { value } => {
                let (key, _) = old.next().ok_or(SHORT)?;
                pairs.push((key, take(value)?));
            }
            Edit::Insert { key, value } => pairs.push((take(key)?, take(value)?)),
        }
    }
    if old.next().is_some() || !rest.is_empty() {
        return Err(DeltaError::Damaged("it has fewer edits than pairs"));
    }
    Ok(pairs)
}

/// The values that edits replace, one after the other: what the new ones are compressed against.
fn replaced(old: &[table::Pair], edits: &[Edit]) -> Vec<u8> {
    let mut values = Vec::new();
    let mut at = 0_usize;
    for edit in edits {
        match *edit {
            Edit::Keep(count) | Edit::Drop(count) => at = at.saturating_add(count as usize),
            Edit::Replace { .. } => {
                values.extend_from_slice(old.get(at).map(|(_, value)| value.as_slice()).unwrap_or_default());
                at = at.saturating_add(1);
            }
            Edit::Insert { .. } => {}
        }
    }
    values
}

/// The root digest as bytes.
fn root(digest: &Digest) -> Vec<u8> {
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digest.hex().as_bytes().chunks(2).filter_map(byte).collect()
}

#[cfg(test)]
pub(super) mod tests;
