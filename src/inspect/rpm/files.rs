//! The paths a package owns: base names, directory names and, for each base name, which directory it is in.

use std::cell::Cell;

use super::header::{Header, HeaderError, Kind, Tag, be32};
use crate::facts::file_digest::{Algorithm, FileDigest};
use crate::layer::path;

/// Most values of one array of a header: rpm's own limit (`HEADER_ARRAY_MAX`), "a million files in a package".
pub const MAX_ARRAY_ITEMS: u32 = 0xf_ffff;

/// One path that a package owns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RpmFile {
    /// In normal form, without a leading slash.
    pub path: Vec<u8>,
    /// Type and permission bits as in `st_mode`, where the header has them; tells files from folders.
    pub mode: Option<u16>,
    /// Digest of its content, where `rpm --verify` would compare it and a change would be none of the administrator's: not of configuration
    /// files, files that are not packaged (`%ghost`) and files that were not installed.
    pub digest: Option<FileDigest>,
}

/// What is left of the bounds while paths are joined, and what was left out; shared by all packages of one database.
#[derive(Debug)]
pub(super) struct PathAccount {
    /// Bytes of path text that may still be joined.
    pub(super) text_left: Cell<u64>,
    /// Paths beyond the limit, unsafe ones and those whose parts are missing.
    pub(super) dropped: Cell<u64>,
    /// Whether `text_left` did not suffice.
    pub(super) exhausted: Cell<bool>,
}

impl PathAccount {
    pub(super) fn new(text_bytes: u64) -> Self {
        Self { text_left: Cell::new(text_bytes), dropped: Cell::new(0), exhausted: Cell::new(false) }
    }

    fn drop_paths(&self, count: u64) {
        self.dropped.set(self.dropped.get().saturating_add(count));
    }

    /// Takes `bytes` off the bound; false when they are more than what is left.
    fn spend(&self, bytes: usize) -> bool {
        match self.text_left.get().checked_sub(bytes as u64) {
            Some(left) => self.text_left.set(left),
            None => self.exhausted.set(true),
        }
        !self.exhausted.get()
    }
}

/// The paths of one package in the order of its header, as `rpm -ql` lists them: folders and `%ghost` files included.
///
/// Left out and counted in [`super::Summary::dropped_paths`]: paths that are not in normal form (`..`, NUL, empty parts, too long) and
/// those without a directory. The root folder itself is left out without a count.
#[derive(Debug)]
pub struct RpmFiles<'a> {
    base_names: Strings<'a>,
    directories: Vec<&'a [u8]>,
    directory_indexes: &'a [u8],
    modes: &'a [u8],
    digests: Digests<'a>,
    position: usize,
    account: &'a PathAccount,
}

impl<'a> RpmFiles<'a> {
    /// No paths.
    pub(super) fn none(account: &'a PathAccount) -> Self {
        Self {
            base_names: Strings { bytes: &[], left: 0 },
            directories: Vec::new(),
            directory_indexes: &[],
            modes: &[],
            digests: Digests::none(),
            position: 0,
            account,
        }
    }

    /// The paths of `header`; none when it has no `BASENAMES`.
    ///
    /// # Errors
    /// When one of the arrays has another type or length than it must, or is not inside the header.
    pub(super) fn of(header: &Header<'a>, account: &'a PathAccount) -> Result<Self, HeaderError> {
        let Some(base_names) = Strings::of(header, Tag::BaseNames)? else {
            return Ok(Self::none(account));
        };
        let count = base_names.left;
        let missing = |tag| HeaderError::Missing { tag: tag as u32 };
        let directories = Strings::of(header, Tag::DirNames)?.ok_or(missing(Tag::DirNames))?;
        let indexes = numbers(header, Tag::DirIndexes, Kind::Int32, 4, count)?;
        Ok(Self {
            base_names,
            directories: directories.collect(),
            directory_indexes: indexes.ok_or(missing(Tag::DirIndexes))?,
            modes: numbers(header, Tag::FileModes, Kind::Int16, 2, count)?.unwrap_or_default(),
            digests: Digests::of(header, count)?,
            position: 0,
            account,
        })
    }

    /// How the package's files are hashed, where they are in a way that is known.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.digests.algorithm
    }

    /// The directory of the file at `position`.
    fn directory(&self, position: usize) -> Option<&'a [u8]> {
        let index = be32(self.directory_indexes, position.checked_mul(4)?)?;
        self.directories.get(index as usize).copied()
    }

    fn mode(&self, position: usize) -> Option<u16> {
        let raw = self.modes.get(position.checked_mul(2)?..)?.first_chunk()?;
        Some(u16::from_be_bytes(*raw))
    }
}

impl Iterator for RpmFiles<'_> {
    type Item = RpmFile;

    fn next(&mut self) -> Option<RpmFile> {
        loop {
            let Some(base_name) = self.base_names.next() else {
                // Fewer strings than the index claims.
                self.account.drop_paths(u64::from(std::mem::take(&mut self.base_names.left)));
                return None;
            };
            let position = self.position;
            self.position += 1;
            let digest = self.digests.next(position);
            let Some(directory) = self.directory(position) else {
                self.account.drop_paths(1);
                continue;
            };
            let directory = directory.strip_prefix(b"/").unwrap_or(directory);
            if directory.is_empty() && base_name.is_empty() {
                continue;
            }
            let length = directory.len().saturating_add(base_name.len());
            if length > path::MAX_PATH_BYTES {
                self.account.drop_paths(1);
                continue;
            }
            if !self.account.spend(length) {
                let left = std::mem::take(&mut self.base_names.left);
                self.account.drop_paths(u64::from(left) + 1);
                return None;
            }
            let joined = [directory, base_name].concat();
            if path::is_normal(&joined) {
                return Some(RpmFile { path: joined, mode: self.mode(position), digest });
            }
            self.account.drop_paths(1);
        }
    }
}

/// The digests of a package's files, in the order of its paths.
#[derive(Debug)]
struct Digests<'a> {
    algorithm: Option<Algorithm>,
    texts: Strings<'a>,
    flags: &'a [u8],
    verify_flags: &'a [u8],
    states: &'a [u8],
}

/// `RPMFILE_CONFIG` and `RPMFILE_GHOST` of rpm's `include/rpm/rpmfiles.h`.
const CONFIG_OR_GHOST: u32 = 1 | 1 << 6;

/// `RPMVERIFY_FILEDIGEST` of rpm's `include/rpm/rpmvf.h`.
const VERIFY_DIGEST: u32 = 1;

/// `RPMFILE_STATE_NORMAL` of rpm's `include/rpm/rpmfiles.h`: the file was installed and no other package has replaced it.
const NORMAL: u8 = 0;

impl<'a> Digests<'a> {
    fn none() -> Self {
        Self { algorithm: None, texts: Strings { bytes: &[], left: 0 }, flags: &[], verify_flags: &[], states: &[] }
    }

    fn of(header: &Header<'a>, count: u32) -> Result<Self, HeaderError> {
        let Some(texts) = Strings::of(header, Tag::FileDigests)? else { return Ok(Self::none()) };
        // `rpmpgp.h`, PGPHASHALGO; the tag came with the first algorithm besides MD5.
        let algorithm = match header.number(Tag::FileDigestAlgorithm)? {
            None | Some(1) => Some(Algorithm::Md5),
            Some(2) => Some(Algorithm::Sha1),
            Some(8) => Some(Algorithm::Sha256),
            Some(10) => Some(Algorithm::Sha512),
            Some(_) => None,
        };
        let numbers = |tag, kind, width| numbers(header, tag, kind, width, count).map(Option::unwrap_or_default);
        Ok(Self {
            algorithm,
            texts,
            flags: numbers(Tag::FileFlags, Kind::Int32, 4)?,
            verify_flags: numbers(Tag::FileVerifyFlags, Kind::Int32, 4)?,
            states: numbers(Tag::FileStates, Kind::Int8, 1)?,
        })
    }

    /// The digest of the file at `position`; asked for each in turn. Folders and links have none.
    fn next(&mut self, position: usize) -> Option<FileDigest> {
        let text = self.texts.next()?;
        let flags = be32(self.flags, position.checked_mul(4)?).unwrap_or(0);
        let verify = be32(self.verify_flags, position.checked_mul(4)?).unwrap_or(VERIFY_DIGEST);
        let is_normal = self.states.get(position).is_none_or(|state| *state == NORMAL);
        let counts = is_normal && flags & CONFIG_OR_GHOST == 0 && verify & VERIFY_DIGEST != 0;
        FileDigest::from_hex(self.algorithm?, text).filter(|_| counts)
    }
}

/// Strings that end with a NUL each.
#[derive(Clone, Debug)]
struct Strings<'a> {
    bytes: &'a [u8],
    left: u32,
}

impl<'a> Strings<'a> {
    fn of(header: &Header<'a>, tag: Tag) -> Result<Option<Self>, HeaderError> {
        let Some(count) = header.count(tag, Kind::Text)? else {
            return Ok(None);
        };
        if count > MAX_ARRAY_ITEMS {
            return Err(HeaderError::WrongCount { tag: tag as u32, count });
        }
        let bytes = header.values(tag, Kind::Text)?;
        Ok(bytes.map(|bytes| Self { bytes, left: count }))
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    /// `None` at the end, or where the text ends before the count; `left` is then not 0.
    fn next(&mut self) -> Option<&'a [u8]> {
        let left = self.left.checked_sub(1)?;
        let end = memchr::memchr(0, self.bytes)?;
        let (text, rest) = self.bytes.split_at_checked(end)?;
        self.bytes = rest.get(1..)?;
        self.left = left;
        Some(text)
    }
}

/// The `count` numbers of `width` bytes of a tag.
fn numbers<'a>(
    header: &Header<'a>,
    tag: Tag,
    kind: Kind,
    width: usize,
    count: u32,
) -> Result<Option<&'a [u8]>, HeaderError> {
    let Some(stored) = header.count(tag, kind)? else {
        return Ok(None);
    };
    if stored != count {
        return Err(HeaderError::WrongCount { tag: tag as u32, count: stored });
    }
    let Some(values) = header.values(tag, kind)? else {
        return Ok(None);
    };
    let length = (count as usize).saturating_mul(width);
    values.get(..length).map(Some).ok_or(HeaderError::OutOfRange { tag: tag as u32 })
}
