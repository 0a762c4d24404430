//! The advisory store: one immutable file, mapped into memory, replaced as a whole.
//!
//! In: drafts of records (`compile`). Out: rows of a package, records, ids ([`Store`]). It does not match versions and knows no image.
//!
//! Layout (all numbers little-endian):
//!
//! ```text
//! prologue    magic, format number, lengths of provenance, index and file
//! root        SHA-256 over prologue, provenance and index: the store's identity, and what a signature covers
//! provenance  JSON: sources with dates, digests, licences; ecosystems with counts
//! index       per table: one entry a block (first key, position, lengths, SHA-256 of the stored bytes), then the keys
//! blocks      zstd; each holds sorted (key, value) pairs of one table
//! ```
//!
//! Opening reads prologue, provenance and index only. A block is checked against its digest when it is first used. So everything that is
//! believed hangs from the root, and a hostile file can at most be refused: every offset is checked, an inflated block has a limit
//! (`table::MAX_BLOCK_BYTES`), values are decoded with `postcard`, which never allocates ahead of its input.

mod compile;
mod copies;
pub mod delta;
pub mod difference;
mod facts;
mod format;
mod provenance;
pub mod search;
mod table;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use compile::{Compiler, SourceTotals};
pub use format::FORMAT;
pub use provenance::{Data, EcosystemData, Provenance, Source};
pub(crate) use write::replace_file;

use self::format::{Layout, Table};
use super::error::{AdvisoryError, Damage};
use super::exploitation::{Exploitation, Exploited};
use super::feed::Key;
use super::lifecycle::Lifecycle;
use super::model::{Advisory, Row};
use crate::digest::Digest;

/// The store that ships inside the program: sources whose licences allow it (see NOTICE).
static EMBEDDED: &[u8] = include_bytes!("../../../data/advisories.store");

/// Inflated blocks kept for reuse, in bytes. Packages are looked up in sorted order, so a few blocks of each table are hot.
const CACHE_BYTES: usize = 32 << 20;

/// Decoded records kept for reuse; each takes some 500 bytes.
const CACHE_RECORDS: usize = 20_000;

/// An open store. Cheap to share between threads.
#[derive(Debug)]
pub struct Store {
    bytes: Bytes,
    layout: Layout,
    provenance: Provenance,
    digest: Digest,
    cache: Mutex<Cache>,
}

/// Where the store's bytes live.
#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    Memory(Cow<'static, [u8]>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }
}

/// Inflated, verified blocks.
#[derive(Debug, Default)]
struct Cache {
    blocks: BTreeMap<(Table, u32), Arc<table::Pairs>>,
    bytes: usize,
    /// Records, by number: platforms and packages of an image share many.
    records: BTreeMap<u32, Arc<Advisory>>,
}

/// What the store knows of an id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdEntry {
    /// Numbers of the records that are it, are aliases of it or are about it; for [`Store::advisory`].
    pub records: Vec<u32>,
    /// Set when a record of this id was withdrawn: when, in Unix seconds (0 if its source gives no readable time).
    pub withdrawn: Option<i64>,
}

/// A store's identity and content in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Root digest.
    pub digest: Digest,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Sources and ecosystems.
    pub provenance: Provenance,
}

impl Store {
    /// Maps a store file and checks its root. Blocks are checked when they are used.
    ///
    /// # Errors
    /// When the file cannot be read, is no store, has another format, or does not match its root digest.
    pub fn open(path: &Path) -> Result<Self, AdvisoryError> {
        let read_error = |source| AdvisoryError::Read { path: path.to_owned(), source };
        Self::of_file(&File::open(path).map_err(read_error)?, path)
    }

    /// Maps a store file that is open; `path` names it in messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_file(file: &File, path: &Path) -> Result<Self, AdvisoryError> {
        #[expect(
            unsafe_code,
            reason = "mapping is what makes opening instant; the file is never changed in place (new ones are renamed over it), its bytes \
                      are only read through checked slices, and who can truncate it can also replace the program's answers"
        )]
        let map = unsafe { memmap2::Mmap::map(file) };
        let map = map.map_err(|source| AdvisoryError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(Bytes::Mapped(map))
    }

    /// The store inside the program.
    ///
    /// # Errors
    /// When the program was built with a damaged store.
    pub fn embedded() -> Result<Self, AdvisoryError> {
        Self::from_memory(EMBEDDED)
    }

    /// A store that is in memory already.
    ///
    /// # Errors
    /// When the bytes are no store, have another format, or do not match their root digest.
    pub fn from_memory(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, AdvisoryError> {
        Self::from_bytes(Bytes::Memory(bytes.into()))
    }

    fn from_bytes(bytes: Bytes) -> Result<Self, AdvisoryError> {
        let layout = Layout::parse(bytes.as_slice())?;
        let provenance = serde_json::from_slice(layout.provenance(bytes.as_slice())?).map_err(|_| Damage::Encoding)?;
        let digest = layout.root_digest();
        Ok(Self { bytes, layout, provenance, digest, cache: Mutex::default() })
    }

    /// The root digest, the store's identity.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Where the data comes from.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Identity and content in numbers, for `db status`.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            digest: self.digest.clone(),
            bytes: self.bytes.as_slice().len() as u64,
            provenance: self.provenance.clone(),
        }
    }

    /// The rows of a package, each with its record's number. Both names are brought to normal form here.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn rows(&self, ecosystem: &str, name: &str) -> Result<Vec<(u32, Row)>, AdvisoryError> {
        let ecosystem = super::ecosystem::normal_form(ecosystem);
        let name = super::ecosystem::normal_name(&ecosystem, name);
        Ok(self.get(Table::Packages, &package_key(&Key { ecosystem, name }))?.unwrap_or_default())
    }

    /// The record of a number that a row or an id entry holds.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn advisory(&self, number: u32) -> Result<Arc<Advisory>, AdvisoryError> {
        let known = self.cache.lock().unwrap_or_else(PoisonError::into_inner).records.get(&number).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let record: Advisory = self.get(Table::Advisories, &number.to_be_bytes())?.ok_or(Damage::Reference)?;
        let record = Arc::new(record);
        let records = &mut self.cache.lock().unwrap_or_else(PoisonError::into_inner).records;
        if records.len() >= CACHE_RECORDS {
            records.clear(); // rare, as below
        }
        records.insert(number, Arc::clone(&record));
        Ok(record)
    }

    /// What is known about the use of a flaw by attackers, from the CVEs that it has.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn exploitation(&self, cves: &[String]) -> Result<Exploitation, AdvisoryError> {
        let mut exploitation = Exploitation::default();
        for cve in cves {
            let exploited: Option<Exploited> = self.get(Table::Exploited, cve.as_bytes())?;
            let score = match facts::score_key(cve) {
                Some((key, number)) => {
                    self.get::<facts::Scores>(Table::Scores, &key)?.and_then(|scores| scores.of(number))
                }
                None => None,
            };
            exploitation.join(exploited, score);
        }
        Ok(exploitation)
    }

    /// The end-of-life dates of a product, by endoflife.date's name for it.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn lifecycle(&self, product: &str) -> Result<Option<Lifecycle>, AdvisoryError> {
        self.get(Table::Lifecycles, product.as_bytes())
    }

    /// The CPEs of the products that a Red Hat repository (`rhel-9-for-x86_64-baseos-rpms`) serves.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn repository_cpes(&self, repository: &str) -> Result<Vec<String>, AdvisoryError> {
        Ok(self.get(Table::Repositories, repository.as_bytes())?.unwrap_or_default())
    }

    /// What the store knows of an id, be it a record's own, an alias, a CVE that a record is about, or a withdrawn one.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn id(&self, id: &str) -> Result<Option<IdEntry>, AdvisoryError> {
        self.get(Table::Ids, id.as_bytes())
    }

    /// The whole file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The provenance as it stands in the file.
    fn provenance_bytes(&self) -> Result<&[u8], AdvisoryError> {
        Ok(self.layout.provenance(self.bytes.as_slice())?)
    }

    /// All pairs of a table, in order; past the cache, which is for look-ups.
    fn pairs(&self, table: Table) -> Result<Vec<table::Pair>, AdvisoryError> {
        let mut pairs = Vec::new();
        for number in 0..self.layout.blocks(table) {
            pairs.extend(self.read_block(table, number)?.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        }
        Ok(pairs)
    }

    /// Every package of the store: ecosystem and name, in order.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn packages(&self) -> Result<Vec<(String, String)>, AdvisoryError> {
        let mut packages = Vec::new();
        for number in 0..self.layout.blocks(Table::Packages) {
            for (key, _) in self.block(Table::Packages, number)?.iter() {
                let text = std::str::from_utf8(key).map_err(|_| Damage::Encoding)?;
                let (ecosystem, name) = text.split_once('\0').ok_or(Damage::Encoding)?;
                packages.push((ecosystem.to_owned(), name.to_owned()));
            }
        }
        Ok(packages)
    }

    /// Checks every block, not only the used ones.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn verify(&self) -> Result<(), AdvisoryError> {
        for table in Table::ALL {
            for number in 0..self.layout.blocks(table) {
                self.read_block(table, number)?;
            }
        }
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, AdvisoryError> {
        let Some(number) = self.layout.find(self.bytes.as_slice(), table, key)? else {
            return Ok(None);
        };
        Ok(self.block(table, number)?.get(key).map(decode).transpose()?)
    }

    fn block(&self, table: Table, number: u32) -> Result<Arc<table::Pairs>, AdvisoryError> {
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).blocks.get(&(table, number)).cloned();
        if let Some(block) = cached {
            return Ok(block);
        }
        let block = Arc::new(self.read_block(table, number)?);
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert((table, number), &block);
        Ok(block)
    }

    fn read_block(&self, table: Table, number: u32) -> Result<table::Pairs, AdvisoryError> {
        let entry = self.layout.entry(self.bytes.as_slice(), table, number)?;
        Ok(table::inflate(&entry, self.layout.block(self.bytes.as_slice(), &entry)?)?)
    }
}

impl Cache {
    fn insert(&mut self, key: (Table, u32), block: &Arc<table::Pairs>) {
        if self.bytes.saturating_add(block.size()) > CACHE_BYTES {
            self.blocks.clear(); // rare: only scans of very many packages get here
            self.bytes = 0;
        }
        self.bytes += block.size();
        self.blocks.insert(key, Arc::clone(block));
    }
}

/// Decodes a value that must be used up entirely.
fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, Damage> {
    match postcard::take_from_bytes(value) {
        Ok((decoded, [])) => Ok(decoded),
        _ => Err(Damage::Encoding),
    }
}

/// The key of a package: no ecosystem and no name holds a NUL.
fn package_key(key: &Key) -> Vec<u8> {
    [key.ecosystem.as_bytes(), key.name.as_bytes()].join(&0)
}

#[cfg(test)]
mod tests;
