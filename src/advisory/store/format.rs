//! Prologue, root digest and index of a store: written in one go, read with every offset checked.

use std::ops::Range;

use super::table::Block;
use crate::advisory::error::{AdvisoryError, Damage};
use crate::digest::Digest;

/// Number of the store's format; also changes with the types in [`model`](crate::advisory::model).
pub const FORMAT: u32 = 2;

const MAGIC: &[u8; 8] = b"imgguard";
/// Magic, format, lengths of provenance, index and file.
const PROLOGUE: usize = 8 + 4 + 8 + 8 + 8;
const ROOT: usize = 32;
/// Per table at the index's start: number of blocks, length of the keys.
const TABLE_HEADER: usize = 4 + 4;
/// Key position and length, block position, stored and inflated length, SHA-256.
const ENTRY: usize = 4 + 4 + 8 + 4 + 4 + 32;

/// The store's tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Table {
    /// Ecosystem, NUL, name ▸ rows.
    Packages,
    /// Number, big-endian ▸ record.
    Advisories,
    /// Id ▸ records that are it or are about it.
    Ids,
    /// CVE ▸ entry of CISA's catalogue.
    Exploited,
    /// Year and thousand of CVEs ▸ their EPSS scores.
    Scores,
    /// Product ▸ end-of-life dates.
    Lifecycles,
    /// Red Hat repository ▸ CPEs.
    Repositories,
}

/// Number of tables.
pub(super) const TABLES: usize = 7;

impl Table {
    pub(super) const ALL: [Self; TABLES] = [
        Self::Packages,
        Self::Advisories,
        Self::Ids,
        Self::Exploited,
        Self::Scores,
        Self::Lifecycles,
        Self::Repositories,
    ];
}

/// Where everything lies in a store's bytes.
#[derive(Debug)]
pub(super) struct Layout {
    provenance: Range<usize>,
    tables: [Index; TABLES],
    /// Where blocks may lie.
    blocks: Range<usize>,
    root: Digest,
}

/// One table's part of the index.
#[derive(Debug, Clone, Default)]
struct Index {
    blocks: u32,
    entries: Range<usize>,
    keys: Range<usize>,
}

/// One block's entry.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) first_key: &'a [u8],
    pub(super) stored: Range<usize>,
    pub(super) inflated: u32,
    pub(super) sha256: &'a [u8],
}

impl Layout {
    /// Checks prologue and root digest of `bytes`, and that the index lies inside.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, AdvisoryError> {
        let mut reader = Reader { rest: bytes };
        if reader.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(AdvisoryError::NotAStore);
        }
        let found = reader.u32()?;
        if found != FORMAT {
            return Err(AdvisoryError::Format { found, supported: FORMAT });
        }
        let (provenance, index, total) = (reader.length()?, reader.length()?, reader.length()?);
        if total != bytes.len() {
            return Err(Damage::Length.into());
        }
        let provenance = range(PROLOGUE + ROOT, provenance)?;
        let index = range(provenance.end, index)?;
        let covered = bytes.get(provenance.start..index.end).ok_or(Damage::Length)?;
        let root = root(bytes.get(..PROLOGUE).ok_or(Damage::Length)?, covered);
        if root.hex() != crate::digest::hex(reader.take(ROOT)?) {
            return Err(Damage::Root.into());
        }
        let tables = tables(bytes, &index)?;
        Ok(Self { provenance, tables, blocks: index.end..total, root })
    }

    pub(super) fn root_digest(&self) -> Digest {
        self.root.clone()
    }

    pub(super) fn provenance<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
        bytes.get(self.provenance.clone()).ok_or(Damage::Index)
    }

    /// Number of blocks of a table.
    pub(super) fn blocks(&self, table: Table) -> u32 {
        self.tables[table as usize].blocks
    }

    /// The only block that can hold `key`.
    pub(super) fn find(&self, bytes: &[u8], table: Table, key: &[u8]) -> Result<Option<u32>, Damage> {
        let (mut low, mut high) = (0, self.blocks(table));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(bytes, table, middle)?.first_key <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.checked_sub(1))
    }

    /// The entry of a block.
    pub(super) fn entry<'a>(&self, bytes: &'a [u8], table: Table, number: u32) -> Result<Entry<'a>, Damage> {
        let index = &self.tables[table as usize];
        let entries = bytes.get(index.entries.clone()).ok_or(Damage::Index)?;
        let at = usize::try_from(number).ok().and_then(|number| number.checked_mul(ENTRY)).ok_or(Damage::Index)?;
        let mut reader = Reader { rest: entries.get(at..).ok_or(Damage::Index)? };
        let (key_at, key_length) = (reader.u32()? as usize, reader.u32()? as usize);
        let keys = bytes.get(index.keys.clone()).ok_or(Damage::Index)?;
        let first_key = keys.get(range(key_at, key_length)?).ok_or(Damage::Index)?;
        let at = reader.length()?;
        let stored = range(at, reader.u32()? as usize)?;
        Ok(Entry { first_key, stored, inflated: reader.u32()?, sha256: reader.take(32)? })
    }

    /// The stored bytes of a block.
    pub(super) fn block<'a>(&self, bytes: &'a [u8], entry: &Entry<'_>) -> Result<&'a [u8], Damage> {
        let blocks = bytes.get(self.blocks.clone()).ok_or(Damage::Index)?;
        blocks.get(entry.stored.clone()).ok_or(Damage::Index)
    }
}

fn range(start: usize, length: usize) -> Result<Range<usize>, Damage> {
    Ok(start..start.checked_add(length).ok_or(Damage::Index)?)
}

fn root(prologue: &[u8], covered: &[u8]) -> Digest {
    let mut hasher = crate::digest::Hasher::sha256();
    hasher.update(prologue);
    hasher.update(covered);
    hasher.finish()
}

/// Splits the index into its tables' parts.
fn tables(bytes: &[u8], index: &Range<usize>) -> Result<[Index; TABLES], Damage> {
    let mut reader = Reader { rest: bytes.get(index.clone()).ok_or(Damage::Index)? };
    let mut tables: [Index; TABLES] = Default::default();
    let mut at = index.start + Table::ALL.len() * TABLE_HEADER;
    for table in &mut tables {
        let (blocks, keys) = (reader.u32()?, reader.u32()? as usize);
        let entries = range(at, (blocks as usize).checked_mul(ENTRY).ok_or(Damage::Index)?)?;
        let keys = range(entries.end, keys)?;
        at = keys.end;
        *table = Index { blocks, entries, keys };
    }
    if at == index.end { Ok(tables) } else { Err(Damage::Index) }
}

/// A little-endian reader that ends at the end.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damage::Length)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        let bytes = self.take(4)?.try_into().map_err(|_| Damage::Length)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn length(&mut self) -> Result<usize, Damage> {
        let bytes = self.take(8)?.try_into().map_err(|_| Damage::Length)?;
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| Damage::Length)
    }
}

/// The whole file, from its parts.
pub(super) fn assemble(provenance: &[u8], tables: &[Vec<Block>; TABLES]) -> Result<Vec<u8>, AdvisoryError> {
    let index = index(tables)?;
    let blocks: usize = tables.iter().flatten().map(|block| block.stored.len()).sum();
    let total = PROLOGUE + ROOT + provenance.len() + index.len() + blocks;
    let mut file = Vec::with_capacity(total);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT.to_le_bytes());
    for length in [provenance.len(), index.len(), total] {
        file.extend_from_slice(&(length as u64).to_le_bytes());
    }
    let covered = [provenance, &index].concat();
    let mut root = <sha2::Sha256 as sha2::Digest>::new();
    sha2::Digest::update(&mut root, &file);
    sha2::Digest::update(&mut root, &covered);
    file.extend_from_slice(&sha2::Digest::finalize(root));
    file.extend_from_slice(&covered);
    for block in tables.iter().flatten() {
        file.extend_from_slice(&block.stored);
    }
    Ok(file)
}

fn index(tables: &[Vec<Block>; TABLES]) -> Result<Vec<u8>, AdvisoryError> {
    let too_large = |_| AdvisoryError::StoreLimit { what: "bytes of index", limit: u64::from(u32::MAX) };
    let number = |value: usize| u32::try_from(value).map(u32::to_le_bytes).map_err(too_large);
    let mut index = Vec::new();
    for blocks in tables {
        index.extend_from_slice(&number(blocks.len())?);
        index.extend_from_slice(&number(blocks.iter().map(|block| block.first_key.len()).sum())?);
    }
    let mut position: u64 = 0;
    for blocks in tables {
        let mut key_at = 0;
        for block in blocks {
            index.extend_from_slice(&number(key_at)?);
            index.extend_from_slice(&number(block.first_key.len())?);
            index.extend_from_slice(&position.to_le_bytes());
            index.extend_from_slice(&number(block.stored.len())?);
            index.extend_from_slice(&block.inflated.to_le_bytes());
            index.extend_from_slice(&block.sha256);
            key_at += block.first_key.len();
            position += block.stored.len() as u64;
        }
        for block in blocks {
            index.extend_from_slice(&block.first_key);
        }
    }
    Ok(index)
}
