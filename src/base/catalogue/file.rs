//! The catalogue's file.
//!
//! Layout (all numbers little-endian):
//!
//! ```text
//! head      magic, format number; for each section: stored length, inflated length, SHA-256 of the stored bytes
//! sections  zstd over postcard: content, then packages
//! ```
//!
//! The root digest is the SHA-256 of the head, so it covers every byte of the file. Nothing is believed before it was compared: a stored section has its digest, and inflates to exactly the length
//! that the head names, which has a limit. `postcard` never allocates ahead of its input.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CatalogueError, Content, Packages};
use crate::digest::Digest;

/// Number of the format: raised when what is written here, or in a package's facts, changes its form. `tests/` holds a file of it.
pub const FORMAT: u32 = 1;

/// Largest file, in bytes. A catalogue of 10,000 images of one distribution has about 10 MB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Largest inflated section, in bytes.
const MAX_SECTION_BYTES: u64 = 128 << 20;

const MAGIC: &[u8; 8] = b"imgbases";

/// zstd's level: made once, read by everybody.
const LEVEL: i32 = 19;

/// Content and packages.
const SECTIONS: usize = 2;

/// Two lengths and a SHA-256.
const ENTRY: usize = 8 + 8 + 32;

pub(super) const HEAD: usize = MAGIC.len() + 4 + SECTIONS * ENTRY;

/// A file whose head and stored bytes agree.
#[derive(Debug)]
pub(super) struct Sections {
    bytes: Vec<u8>,
    root: Digest,
    entries: [Entry; SECTIONS],
}

/// Where a section is.
#[derive(Clone, Debug)]
struct Entry {
    start: usize,
    end: usize,
    inflated: u64,
}

impl Sections {
    pub(super) fn open(path: &Path) -> Result<Self, CatalogueError> {
        let read = |source| CatalogueError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(read)?;
        let length = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
        if length as u64 > MAX_FILE_BYTES {
            return Err(CatalogueError::TooLarge { limit: MAX_FILE_BYTES });
        }
        Self::parse(bytes)
    }

    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, CatalogueError> {
        const CUT: CatalogueError = CatalogueError::Damaged("it is cut");
        let rest = bytes.strip_prefix(MAGIC).ok_or(CatalogueError::NotACatalogue)?;
        let (format, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let found = u32::from_le_bytes(*format);
        if found != FORMAT {
            return Err(CatalogueError::Format { found, supported: FORMAT });
        }
        let mut start = HEAD;
        let mut entries = Vec::new();
        let mut table = rest;
        for _ in 0..SECTIONS {
            let (stored, rest) = table.split_first_chunk::<8>().ok_or(CUT)?;
            let (inflated, rest) = rest.split_first_chunk::<8>().ok_or(CUT)?;
            let (sum, rest) = rest.split_first_chunk::<32>().ok_or(CUT)?;
            let inflated = u64::from_le_bytes(*inflated);
            if inflated > MAX_SECTION_BYTES {
                return Err(CatalogueError::TooLarge { limit: MAX_SECTION_BYTES });
            }
            let end = usize::try_from(u64::from_le_bytes(*stored)).ok().and_then(|length| start.checked_add(length));
            let stored = end.and_then(|end| bytes.get(start..end)).ok_or(CUT)?;
            if Digest::sha256(stored).hex() != crate::digest::hex(sum) {
                return Err(CatalogueError::Damaged("a part of it has another digest"));
            }
            entries.push(Entry { start, end: start + stored.len(), inflated });
            (table, start) = (rest, start + stored.len());
        }
        if start != bytes.len() {
            return Err(CatalogueError::Damaged("it goes on after its end"));
        }
        let root = Digest::sha256(bytes.get(..HEAD).ok_or(CUT)?);
        let entries = entries.try_into().map_err(|_| CUT)?;
        Ok(Self { bytes, root, entries })
    }

    /// A file of these parts; the same parts give the same bytes.
    pub(super) fn assemble(plain: [&[u8]; SECTIONS]) -> Result<Vec<u8>, CatalogueError> {
        let mut head = [&MAGIC[..], &FORMAT.to_le_bytes()].concat();
        let mut stored = Vec::new();
        for plain in plain {
            if plain.len() as u64 > MAX_SECTION_BYTES {
                return Err(CatalogueError::TooLarge { limit: MAX_SECTION_BYTES });
            }
            let packed = zstd::bulk::compress(plain, LEVEL)
                .map_err(|_| CatalogueError::Damaged("a part of it cannot be compressed"))?;
            head.extend((packed.len() as u64).to_le_bytes());
            head.extend((plain.len() as u64).to_le_bytes());
            head.extend(sum(&packed));
            stored.extend(packed);
        }
        head.extend(stored);
        if head.len() as u64 > MAX_FILE_BYTES {
            return Err(CatalogueError::TooLarge { limit: MAX_FILE_BYTES });
        }
        Ok(head)
    }

    pub(super) fn root(&self) -> &Digest {
        &self.root
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn content(&self) -> Result<Content, CatalogueError> {
        decode(&self.plain(0)?)
    }

    pub(super) fn packages(&self) -> Result<Packages, CatalogueError> {
        decode(&self.plain(1)?)
    }

    /// An inflated section. Memory grows with what really comes, whatever length was promised.
    pub(super) fn plain(&self, number: usize) -> Result<Vec<u8>, CatalogueError> {
        const BAD: CatalogueError = CatalogueError::Damaged("a part of it cannot be inflated");
        let entry = self.entries.get(number).ok_or(BAD)?;
        let stored = self.bytes.get(entry.start..entry.end).ok_or(BAD)?;
        let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(|_| BAD)?;
        let mut plain = Vec::new();
        decoder.take(entry.inflated + 1).read_to_end(&mut plain).map_err(|_| BAD)?;
        if plain.len() as u64 == entry.inflated {
            Ok(plain)
        } else {
            Err(CatalogueError::Damaged("a part of it has another length"))
        }
    }
}

fn sum(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CatalogueError> {
    postcard::to_allocvec(value).map_err(CatalogueError::Encode)
}

/// Decodes a value that must be used up entirely.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CatalogueError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(CatalogueError::Damaged("a part of it cannot be decoded")),
    }
}
