//! A push parser for tar streams that borrows file contents from the window it is fed and holds nothing else.
//!
//! In: windows of any length, down to single bytes. Out: calls of a [`Sink`] in the order of the stream. It does not normalise names (`layer::path` does),
//! does not apply whiteouts, and never holds file contents.
//!
//! The truth is what a container engine unpacks, and Docker and containerd unpack with Go's `archive/tar`: what its `Reader` accepts is accepted here with the
//! same names, sizes and contents; what it rejects is a [`TarError`], and so are entry types that both engines refuse to unpack. Two differences are meant:
//! * Old GNU sparse files (`S`) and contiguous files (`7`) are read as files, although both engines stop there: other tools unpack them.
//! * A sparse map that does not fit the stored data is refused with the header; Go's reader fails only once the content is copied.
//!
//! Global PAX headers (`g`) are read, checked as far as Go does, and not handed out. (containerd and Docker without overlay2 first *remove* what stands at the
//! name of such a header; a scanner that keeps it reports too much, never too little.)
//!
//! Memory: one block, one PAX header, one long name, one long link target (1 MiB each at most) and one sparse map (4 MiB at most), all reused.
//!
//! Sources: Go 1.26 `archive/tar` (`reader.go`, `strconv.go`, `format.go`); POSIX.1-2024 `pax`; GNU tar manual, "Sparse formats". The differences to GNU tar
//! and to the `tar` crate stand in `docs/tar-deviations.md`.

mod change;
mod header;
mod number;
mod parser;
mod pax;
mod sparse;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub use change::{HeaderChange, change_header};
pub use parser::Parser;

/// Length of a block; everything in a tar stream is padded to it.
const BLOCK: usize = 512;

/// One block.
type Block = [u8; BLOCK];

/// Longest PAX header, long name or sparse map: Go's `maxSpecialFileSize`.
pub const MAX_SPECIAL_BYTES: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A file with content, whether stored plainly or sparsely.
    Regular,
    /// Another name of an earlier file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A folder.
    Directory,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A FIFO.
    Fifo,
}

impl EntryKind {
    /// Whether entries of this kind have content; for all others the size field means nothing (Go's `isHeaderOnlyType`).
    #[must_use]
    pub fn has_content(self) -> bool {
        self == Self::Regular
    }
}

/// One entry. Names are as the archive has them, not yet normalised.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Name.
    pub path: &'a [u8],
    /// Target of a hard or symbolic link, empty otherwise.
    pub link_target: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// Length of the content in bytes, holes included; 0 for all but files.
    pub size: u64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Numeric owner as the kernel takes it from an engine: the low 32 bits, and 0 (the engine's own) where these are -1, "leave as it is".
    pub uid: u64,
    /// Numeric group, likewise.
    pub gid: u64,
    /// When it was changed, in seconds since 1970, as the header itself says; a PAX record may say it more exactly.
    pub mtime: i64,
    /// The `security.capability` attribute, where it is not empty.
    pub capability: Option<&'a [u8]>,
    /// Where the entry lies in the stream.
    pub span: Span,
}

/// Where an entry lies in its stream, as offsets in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Its first block: the first of its extended headers, else its own header.
    pub start: u64,
    /// The end of its headers and of a sparse map, where the stored content begins.
    pub content: u64,
    /// The end of the content with its padding; beyond the end of a stream whose last padding is missing.
    pub end: u64,
}

/// Sees the entries of a stream in order: `entry`, then `data` and `hole` in turn for its content, then `end_entry`.
pub trait Sink {
    /// A new entry begins; `Break` stops the parser, which then takes no more input.
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()>;
    /// The next bytes of the content, borrowed from the window; never empty.
    fn data(&mut self, bytes: &[u8]);
    /// The next `length` bytes of the content are zeros that the archive does not hold; up to 2^63 - 1, so a consumer that gathers needs a bound.
    fn hole(&mut self, length: u64);
    /// The entry is complete. Not called for an entry that was cut, nor after `Break`.
    fn end_entry(&mut self);
}

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Whether there was a full end mark (Go accepts a stream that just ends between entries or after one block of zeros).
    pub marked: bool,
    /// Bytes after the end mark, which no engine looks at.
    pub trailing: u64,
}

/// Why a stream is not one that an engine unpacks. `at` is the offset in the stream, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The checksum of a header does not fit.
    #[error("header at byte {at} has a wrong checksum")]
    Checksum {
        /// Where.
        at: u64,
    },
    /// A number of a header cannot be read, or a length is negative.
    #[error("header at byte {at} has an invalid {field}")]
    Field {
        /// Where.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// A type that engines do not unpack.
    #[error("header at byte {at} has the type {kind:#04x}, which engines refuse")]
    Kind {
        /// Where.
        at: u64,
        /// The type flag.
        kind: u8,
    },
    /// One block of zeros and then something else.
    #[error("the end mark at byte {at} is only half there")]
    HalfEnd {
        /// Where its first block is.
        at: u64,
    },
    /// A malformed PAX record.
    #[error("PAX header at byte {at} is malformed")]
    Pax {
        /// Where its header, or that of the entry it applies to, is.
        at: u64,
    },
    /// A PAX header, long name or sparse map over [`MAX_SPECIAL_BYTES`].
    #[error("extended header at byte {at} has {size} bytes; more than {limit} are refused")]
    TooLong {
        /// Where.
        at: u64,
        /// Its length, or at least that.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A sparse map that contradicts itself or the data.
    #[error("sparse map of the entry at byte {at} is malformed")]
    Sparse {
        /// Where.
        at: u64,
    },
    /// The stream ends inside an entry.
    #[error("the stream is cut short at byte {at}")]
    Cut {
        /// Where.
        at: u64,
    },
}

impl TarError {
    fn too_long(at: u64, size: u64) -> Self {
        Self::TooLong { at, size, limit: MAX_SPECIAL_BYTES }
    }
}
