//! Files in files: archives, compressed streams, git's objects, databases and compiled code. What is looked for in them is not known here.
//!
//! In: a file with random access, and what its first bytes say it is ([`Form`]). Out: calls of a [`Visitor`] for every file in it, archives in archives
//! first as a file and then opened. What cannot be read is told as [`NestedError`] with its place, and the walk goes on.
//!
//! Everything is bounded: the depth by [`MAX_DEPTH`], and bytes and members together by the [`Allowance`] of a layer. No more is in memory than one member a
//! level of up to 8 MiB (larger ones in a temporary file), and a decompressor's dictionary.

pub(crate) mod ar;
mod class;
mod git;
mod python;
pub(crate) mod sqlite;
pub mod stream;
mod walk;
pub mod zip;

pub(crate) use walk::reader;
pub use walk::walk;

use crate::layer::tar::TarError;
use stream::Compression;

/// Archives in archives that are opened, the outermost included: a configuration in an archive in a package in a bundle is the fourth. Archives that
/// hold themselves (the `zip` quine among Go's own test files) end here.
pub const MAX_DEPTH: usize = 4;

/// How much of a file tells what it is: the magic of a tar header ends at byte 262.
pub const HEAD_BYTES: usize = 512;

/// What a layer may unpack to for nothing, and for each byte of the containers in it. Deflate makes at most 1032 bytes of one; text has 5 to 20.
const FREE_BYTES: u64 = 1 << 30;
const BYTES_PER_BYTE: u64 = 100;

/// What a member costs besides its content, so that a directory of nothing but names is bounded too.
const MEMBER_BYTES: u64 = 1 << 10;

/// Longest name of a member, as of a path of the image; the rest of a longer one is cut.
const MAX_NAME_BYTES: usize = 4096;

/// Where a tar archive's first header has its magic (POSIX.1-1988).
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Is shown a name, the text that belongs to it, and the text's offset.
type ShowNamed<'f> = dyn FnMut(&[u8], &[u8], usize) + 'f;

/// What a file that holds others is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// PKWARE's archive: zip, jar, wheel, egg, apk of Android, documents of offices.
    Zip,
    /// One compressed stream, of a file or of a tar archive (Alpine's apk is such a one).
    Compressed(Compression),
    /// A tar archive.
    Tar,
    /// A Debian package: an `ar` archive of two tar archives. Other `ar` archives hold object files, uncompressed.
    Debian,
    /// A git object in a file of its own.
    GitObject,
    /// A git pack.
    GitPack,
    /// Compiled Python: no files, but names and constants far from each other.
    Python,
    /// A Java class, likewise.
    JavaClass,
    /// An SQLite database: values without a gap between them.
    Sqlite,
}

impl Form {
    /// By name and first bytes ([`HEAD_BYTES`], fewer only where the file is shorter); none for a file that holds no others.
    #[must_use]
    pub fn detect(path: &[u8], head: &[u8]) -> Option<Self> {
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || is_program_archive(path, head) {
            return Some(Self::Zip);
        }
        if head.get(TAR_MAGIC) == Some(b"ustar") {
            return Some(Self::Tar);
        }
        if head.starts_with(b"!<arch>\ndebian-binary") {
            return Some(Self::Debian);
        }
        if git::is_pack(head) {
            return Some(Self::GitPack);
        }
        if git::is_loose(path, head) {
            return Some(Self::GitObject);
        }
        if python::is_compiled(path, head) {
            return Some(Self::Python);
        }
        if head.starts_with(sqlite::MAGIC) {
            return Some(Self::Sqlite);
        }
        if class::is_class(head) {
            return Some(Self::JavaClass);
        }
        Compression::detect(head).map(Self::Compressed)
    }

    /// It holds files, and so may hold others of its kind.
    fn is_archive(self) -> bool {
        !matches!(self, Self::Python | Self::JavaClass | Self::Sqlite | Self::GitObject)
    }
}

/// A script in front of an archive that its interpreter reads.
fn is_program_archive(path: &[u8], head: &[u8]) -> bool {
    head.starts_with(b"#!") && [&b".pex"[..], b".pyz", b".jar", b".par", b".shiv"].iter().any(|end| path.ends_with(end))
}

/// Sees the files in a file, in the order in which they are stored.
pub trait Visitor {
    /// A file begins. `inside` is its place in the outermost file, with `!/` between an archive and what is in it; `size` is what its header says, 0 where
    /// nothing does.
    fn begin(&mut self, inside: &[u8], size: u64);
    /// Its next bytes.
    fn data(&mut self, bytes: &[u8]);
    /// The next `length` bytes are zeros that the archive does not hold.
    fn hole(&mut self, length: u64);
    /// It is complete, or broke off and [`unread`](Self::unread) follows.
    fn end(&mut self);
    /// What stands at `inside`, read anew as text; `at` is the offset in it of what the text is about.
    fn text(&mut self, inside: &[u8], text: &[u8], at: u64);
    /// What stands at `inside` (empty for the outermost file) could not be read, or not to its end.
    fn unread(&mut self, inside: &[u8], error: &NestedError);
}

/// Why a file in a file, or the rest of one, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NestedError {
    /// A damaged zip archive, or an encrypted entry of one.
    #[error(transparent)]
    Zip(#[from] zip::ZipError),
    /// A damaged tar archive.
    #[error("the tar archive in it is damaged")]
    Tar(#[from] TarError),
    /// A damaged or cut stream, or the temporary copy could not be read.
    #[error("its content could not be unpacked")]
    Content(#[from] std::io::Error),
    /// Not what its first bytes promise.
    #[error("the {0} is damaged")]
    Damaged(&'static str),
    /// Larger than what is put together.
    #[error("it is larger than {0} bytes, or needs as much to be put together, and is not read")]
    TooLarge(u64),
    /// Deeper than is looked.
    #[error("archives are nested more than {MAX_DEPTH} deep; deeper ones are not opened")]
    Depth,
    /// The layer's allowance is used up.
    #[error(
        "the archives of the layer unpack to more than {FREE_BYTES} bytes and {BYTES_PER_BYTE} times their size; the rest is not read"
    )]
    TooMuch,
}

/// How much the files of one layer may still unpack to.
#[derive(Debug)]
pub struct Allowance {
    left: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::of(FREE_BYTES)
    }
}

impl Allowance {
    /// So many bytes for nothing.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self { left: bytes }
    }

    /// Takes note of a container of `size` stored bytes.
    pub fn grant(&mut self, size: u64) {
        self.left = self.left.saturating_add(size.saturating_mul(BYTES_PER_BYTE));
    }

    fn charge(&mut self, bytes: u64) -> Result<(), NestedError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(NestedError::TooMuch)
    }

    fn member(&mut self) -> Result<(), NestedError> {
        self.charge(MEMBER_BYTES)
    }
}
