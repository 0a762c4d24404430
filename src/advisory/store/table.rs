//! Sorted key-value pairs ▸ compressed blocks with digests, and back.

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::format::Entry;
use crate::advisory::error::{AdvisoryError, Damage};

/// Blocks are closed at this size, in bytes. Measured on the shipped sources, file size and 1000 cold look-ups: 16 KiB 1.28 MB, 5.7 ms;
/// 64 KiB 1.18 MB, 4.8 ms; 256 KiB 1.15 MB, 10.3 ms.
const BLOCK_TARGET: usize = 64 << 10;

/// Largest inflated block, in bytes; a block holds at least one pair. The most advisories of one package in the data we tested with (1,085)
/// need less than 1 MiB.
pub(super) const MAX_BLOCK_BYTES: usize = 16 << 20;

/// zstd level. Measured: 19 makes the shipped store 6 % smaller and importing 200,000 records takes twice as long.
const LEVEL: i32 = 12;

/// Key and value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// A block as it is stored.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) first_key: Vec<u8>,
    pub(super) stored: Vec<u8>,
    pub(super) inflated: u32,
    pub(super) sha256: [u8; 32],
}

/// Packs pairs, which are sorted by key, into blocks.
pub(super) fn pack(pairs: &[Pair]) -> Result<Vec<Block>, AdvisoryError> {
    let mut runs = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, (key, value)) in pairs.iter().enumerate() {
        let length = key.len() + value.len() + 8;
        if at > start && size + length > BLOCK_TARGET {
            runs.push(start..at);
            (start, size) = (at, 0);
        }
        size += length;
    }
    if start < pairs.len() {
        runs.push(start..pairs.len());
    }
    runs.into_par_iter().map(|run| compress(pairs.get(run).unwrap_or_default())).collect()
}

fn compress(pairs: &[Pair]) -> Result<Block, AdvisoryError> {
    let too_large = || AdvisoryError::StoreLimit { what: "bytes of one package's rows", limit: MAX_BLOCK_BYTES as u64 };
    let mut plain = Vec::with_capacity(BLOCK_TARGET);
    for (key, value) in pairs {
        for part in [key, value] {
            plain.extend_from_slice(&u32::try_from(part.len()).map_err(|_| too_large())?.to_le_bytes());
        }
        plain.extend_from_slice(key);
        plain.extend_from_slice(value);
    }
    if plain.len() > MAX_BLOCK_BYTES {
        return Err(too_large());
    }
    let inflated = u32::try_from(plain.len()).map_err(|_| too_large())?;
    let stored = zstd::bulk::compress(&plain, LEVEL)
        .map_err(|source| AdvisoryError::Write { path: "a block".into(), source })?;
    let sha256 = Sha256::digest(&stored).into();
    Ok(Block { first_key: pairs.first().map(|(key, _)| key.clone()).unwrap_or_default(), stored, inflated, sha256 })
}

/// A block's pairs, split once and then searched: packages of one image ask the same block many times.
#[derive(Debug)]
pub(super) struct Pairs {
    bytes: Vec<u8>,
    /// Where each pair starts.
    starts: Vec<u32>,
}

impl Pairs {
    /// Splits an inflated block, whose keys must ascend.
    fn split(bytes: Vec<u8>) -> Result<Self, Damage> {
        let mut starts = Vec::new();
        let mut rest = bytes.as_slice();
        let mut last: Option<&[u8]> = None;
        while !rest.is_empty() {
            starts.push((bytes.len() - rest.len()) as u32); // a block is smaller than MAX_BLOCK_BYTES
            let (key, _, after) = split_pair(rest).ok_or(Damage::Encoding)?;
            if last.replace(key).is_some_and(|last| last >= key) {
                return Err(Damage::Encoding);
            }
            rest = after;
        }
        Ok(Self { bytes, starts })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let found = self.starts.binary_search_by(|start| self.at(*start).map(|(key, _)| key).cmp(&Some(key))).ok()?;
        self.starts.get(found).and_then(|start| self.at(*start)).map(|(_, value)| value)
    }

    /// All pairs, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.starts.iter().filter_map(|start| self.at(*start))
    }

    /// Bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.starts.len() * size_of::<u32>()
    }

    fn at(&self, start: u32) -> Option<(&[u8], &[u8])> {
        let (key, value, _) = split_pair(self.bytes.get(start as usize..)?)?;
        Some((key, value))
    }
}

/// Checks a stored block against its entry, inflates and splits it.
pub(super) fn inflate(entry: &Entry<'_>, stored: &[u8]) -> Result<Pairs, Damage> {
    if Sha256::digest(stored).as_slice() != entry.sha256 {
        return Err(Damage::Block);
    }
    let length = entry.inflated as usize;
    if length > MAX_BLOCK_BYTES {
        return Err(Damage::Index);
    }
    let plain = zstd::bulk::decompress(stored, length).map_err(|_| Damage::Encoding)?;
    if plain.len() == length { Pairs::split(plain) } else { Err(Damage::Encoding) }
}

fn split_pair(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key_length, rest) = bytes.split_first_chunk::<4>()?;
    let (value_length, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_length) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_length) as usize)?;
    Some((key, value, rest))
}
