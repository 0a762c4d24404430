//! The header blob: an index of tags and a store of their values, all big-endian.
//!
//! Layout as rpm's `lib/header.cc` (`hdrblobInit`) reads it: `u32` number of index entries, `u32` bytes of the store, the entries of
//! 16 bytes (tag, type, offset in the store, count), the store. Databases leave out the magic number that package files have in front.
//! Tags that nobody asks for are not looked at, so an odd value in one of them costs nothing.

use super::RpmPackage;

/// Largest header that is read. rpm's own limit is 256 MiB, meant for file signatures (`HEADER_DATA_MAX`); `filesystem` of AlmaLinux 9,
/// with 17,000 paths, has 1.1 MiB, so this holds a package of a million.
pub const MAX_HEADER_BYTES: u64 = 64 << 20;

/// Most entries of an index: rpm's own limit (`HEADER_TAGS_MAX`). Real headers have about 100.
pub const MAX_INDEX_ENTRIES: u32 = 0xffff;

/// Longest single string. The longest licence of AlmaLinux 8 and 9 has 130 bytes; generated ones list every bundled library.
pub const MAX_STRING_BYTES: usize = 64 << 10;

const ENTRY_BYTES: usize = 16;

/// Tags that are read; numbers from rpm's `include/rpm/rpmtag.h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Tag {
    /// Signatures of the header, in the first header of a package file: EdDSA, ECDSA or DSA, and RSA.
    SignatureDsa = 267,
    SignatureRsa = 268,
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Vendor = 1011,
    License = 1014,
    Arch = 1022,
    FileStates = 1029,
    FileModes = 1030,
    FileDigests = 1035,
    FileFlags = 1037,
    SourceRpm = 1044,
    FileVerifyFlags = 1045,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    FileDigestAlgorithm = 5011,
    PayloadDigest = 5092,
    PayloadDigestAlgorithm = 5093,
    ModularityLabel = 5096,
}

/// The tags in the order of [`Header::entries`].
const TAGS: [Tag; 22] = [
    Tag::SignatureDsa,
    Tag::SignatureRsa,
    Tag::Name,
    Tag::Version,
    Tag::Release,
    Tag::Epoch,
    Tag::Vendor,
    Tag::License,
    Tag::Arch,
    Tag::FileStates,
    Tag::FileModes,
    Tag::FileDigests,
    Tag::FileFlags,
    Tag::SourceRpm,
    Tag::FileVerifyFlags,
    Tag::DirIndexes,
    Tag::BaseNames,
    Tag::DirNames,
    Tag::FileDigestAlgorithm,
    Tag::PayloadDigest,
    Tag::PayloadDigestAlgorithm,
    Tag::ModularityLabel,
];

/// Type of a value; numbers from `rpmtag.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `RPM_CHAR_TYPE` or `RPM_INT8_TYPE`.
    Int8,
    /// `RPM_INT16_TYPE`.
    Int16,
    /// `RPM_INT32_TYPE`.
    Int32,
    /// `RPM_STRING_TYPE`, `RPM_STRING_ARRAY_TYPE` or `RPM_I18NSTRING_TYPE`; rpm itself lets them stand for each other.
    Text,
    /// `RPM_BIN_TYPE`; its count is its length in bytes.
    Binary,
}

impl Kind {
    fn matches(self, stored: u32) -> bool {
        match self {
            Self::Int8 => matches!(stored, 1 | 2),
            Self::Int16 => stored == 3,
            Self::Int32 => stored == 4,
            Self::Text => matches!(stored, 6 | 8 | 9),
            Self::Binary => stored == 7,
        }
    }
}

/// Why one header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Larger than [`MAX_HEADER_BYTES`].
    #[error("the header has {size} bytes; more than {MAX_HEADER_BYTES} are not read")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// More entries than [`MAX_INDEX_ENTRIES`].
    #[error("the index has {count} entries; more than {MAX_INDEX_ENTRIES} are not read")]
    TooManyEntries {
        /// How many it claims.
        count: u32,
    },
    /// Index and store together are longer than what is stored.
    #[error("the header claims {claimed} bytes, {stored} are stored")]
    Truncated {
        /// By its own words.
        claimed: u64,
        /// In the database.
        stored: u64,
    },
    /// A package without it is none.
    #[error("tag {tag} is missing")]
    Missing {
        /// Number of the tag.
        tag: u32,
    },
    /// Another type than the tag has.
    #[error("tag {tag} has type {kind}")]
    WrongType {
        /// Number of the tag.
        tag: u32,
        /// Type in the index.
        kind: u32,
    },
    /// The value is not inside the store.
    #[error("the value of tag {tag} ends beyond the header")]
    OutOfRange {
        /// Number of the tag.
        tag: u32,
    },
    /// Longer than [`MAX_STRING_BYTES`].
    #[error("the text of tag {tag} has more than {MAX_STRING_BYTES} bytes")]
    StringTooLong {
        /// Number of the tag.
        tag: u32,
    },
    /// More values than [`super::MAX_ARRAY_ITEMS`], or another number than the tag it belongs to.
    #[error("tag {tag} has {count} values, which the file list does not allow")]
    WrongCount {
        /// Number of the tag.
        tag: u32,
        /// How many it claims.
        count: u32,
    },
    /// SQLite: the row has no blob where the table `Packages` has one.
    #[error("the row holds no header")]
    NotABlob,
    /// NDB: the marks, the number or the lengths around the blob disagree with each other or with the slot.
    #[error("the frame of the header disagrees with its slot")]
    BadFrame,
}

/// One entry of the index.
#[derive(Clone, Copy)]
struct Entry {
    kind: u32,
    offset: u32,
    count: u32,
}

/// A header blob whose index was read.
pub(super) struct Header<'a> {
    store: &'a [u8],
    /// One for each of [`TAGS`].
    entries: [Option<Entry>; TAGS.len()],
}

impl<'a> Header<'a> {
    /// Reads the index of `blob`. Bytes after the store are ignored.
    ///
    /// # Errors
    /// When the index or the store is not inside the blob, or too large.
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, HeaderError> {
        let stored = blob.len() as u64;
        if stored > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLarge { size: stored });
        }
        let truncated = |claimed| HeaderError::Truncated { claimed, stored };
        let count = be32(blob, 0).ok_or(truncated(8))?;
        let store_bytes = be32(blob, 4).ok_or(truncated(8))?;
        if count > MAX_INDEX_ENTRIES {
            return Err(HeaderError::TooManyEntries { count });
        }
        let index_end = 8 + count as usize * ENTRY_BYTES;
        let claimed = index_end as u64 + u64::from(store_bytes);
        if claimed > stored {
            return Err(truncated(claimed));
        }
        let index = blob.get(8..index_end).unwrap_or_default();
        let store = blob.get(index_end..).unwrap_or_default();
        let store = store.get(..store_bytes as usize).unwrap_or_default();
        Ok(Self { store, entries: wanted_entries(index) })
    }

    /// What the header says about the package.
    ///
    /// # Errors
    /// When name, version or release is missing, or any value that is read is not what its tag says.
    pub(super) fn package(&self) -> Result<RpmPackage, HeaderError> {
        Ok(RpmPackage {
            name: self.required(Tag::Name)?,
            epoch: self.epoch()?,
            version: self.required(Tag::Version)?,
            release: self.required(Tag::Release)?,
            arch: self.text(Tag::Arch)?,
            source_rpm: self.text(Tag::SourceRpm)?,
            license: self.text(Tag::License)?,
            vendor: self.text(Tag::Vendor)?,
            modularity_label: self.text(Tag::ModularityLabel)?,
        })
    }

    /// Number of values of a tag; `None` where the header does not have it.
    ///
    /// # Errors
    /// When the type is not `kind`.
    pub(super) fn count(&self, tag: Tag, kind: Kind) -> Result<Option<u32>, HeaderError> {
        Ok(self.entry(tag, kind)?.map(|entry| entry.count))
    }

    /// The store from the first value of `tag` on; `None` where the header does not have it.
    ///
    /// # Errors
    /// When the type is not `kind`, or the value begins beyond the store.
    pub(super) fn values(&self, tag: Tag, kind: Kind) -> Result<Option<&'a [u8]>, HeaderError> {
        let Some(entry) = self.entry(tag, kind)? else {
            return Ok(None);
        };
        let out_of_range = HeaderError::OutOfRange { tag: tag as u32 };
        let values = self.store.get(entry.offset as usize..).filter(|values| !values.is_empty());
        values.map(Some).ok_or(out_of_range)
    }

    fn entry(&self, tag: Tag, kind: Kind) -> Result<Option<Entry>, HeaderError> {
        let position = TAGS.iter().position(|known| *known == tag);
        let entry = position.and_then(|index| self.entries.get(index).copied().flatten());
        match entry {
            Some(entry) if !kind.matches(entry.kind) => {
                Err(HeaderError::WrongType { tag: tag as u32, kind: entry.kind })
            }
            Some(entry) if entry.count == 0 => Err(HeaderError::WrongCount { tag: tag as u32, count: 0 }),
            entry => Ok(entry),
        }
    }

    fn required(&self, tag: Tag) -> Result<String, HeaderError> {
        self.text(tag)?.ok_or(HeaderError::Missing { tag: tag as u32 })
    }

    /// The first string of a tag.
    pub(super) fn text(&self, tag: Tag) -> Result<Option<String>, HeaderError> {
        let Some(values) = self.values(tag, Kind::Text)? else {
            return Ok(None);
        };
        let window = values.get(..=MAX_STRING_BYTES).unwrap_or(values);
        let end = memchr::memchr(0, window).ok_or(if values.len() > window.len() {
            HeaderError::StringTooLong { tag: tag as u32 }
        } else {
            HeaderError::OutOfRange { tag: tag as u32 }
        })?;
        Ok(window.get(..end).map(|text| String::from_utf8_lossy(text).into_owned()))
    }

    fn epoch(&self) -> Result<Option<u32>, HeaderError> {
        self.number(Tag::Epoch)
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u32>, HeaderError> {
        let Some(values) = self.values(tag, Kind::Int32)? else {
            return Ok(None);
        };
        be32(values, 0).map(Some).ok_or(HeaderError::OutOfRange { tag: tag as u32 })
    }
}

/// Where a tag occurs twice the later entry counts: what rpm adds at installation ("dribbles", such as the paths of a relocated package)
/// follows the signed region and replaces its tags.
fn wanted_entries(index: &[u8]) -> [Option<Entry>; TAGS.len()] {
    let mut entries = [None; TAGS.len()];
    for raw in index.chunks_exact(ENTRY_BYTES) {
        let field = |number: usize| be32(raw, number * 4).unwrap_or(0);
        let position = TAGS.iter().position(|tag| *tag as u32 == field(0));
        if let Some(entry) = position.and_then(|position| entries.get_mut(position)) {
            *entry = Some(Entry { kind: field(1), offset: field(2), count: field(3) });
        }
    }
    entries
}

/// The big-endian number at `offset`.
pub(super) fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    let raw = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_be_bytes(*raw))
}
