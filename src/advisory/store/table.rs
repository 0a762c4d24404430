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

/// Checks a stored block against its entry and inflates it.
pub(super) fn inflate(entry: &Entry<'_>, stored: &[u8]) -> Result<Vec<u8>, Damage> {
    if Sha256::digest(stored).as_slice() != entry.sha256 {
        return Err(Damage::Block);
    }
    let length = entry.inflated as usize;
    if length > MAX_BLOCK_BYTES {
        return Err(Damage::Index);
    }
    let plain = zstd::bulk::decompress(stored, length).map_err(|_| Damage::Encoding)?;
    if plain.len() == length { Ok(plain) } else { Err(Damage::Encoding) }
}

/// The pairs of an inflated block; ends with an error where the block does.
pub(super) fn pairs(block: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8]), Damage>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let pair = split_pair(rest).ok_or(Damage::Encoding);
        rest = pair.as_ref().map_or(&[][..], |(_, _, rest)| rest);
        Some(pair.map(|(key, value, _)| (key, value)))
    })
}

fn split_pair(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key_length, rest) = bytes.split_first_chunk::<4>()?;
    let (value_length, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_length) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_length) as usize)?;
    Some((key, value, rest))
}
