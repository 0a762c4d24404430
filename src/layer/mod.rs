//! Stored bytes of a layer to entries, in one pass and without unpacking.
//!
//! In: what [`crate::source::Blobs::open`] gives. Out: calls of a [`Visitor`], one an entry, with the file contents borrowed from the window, and
//! a [`LayerPass`] once the digest and size of every stored byte are verified. What a visitor learned is private to the pass until then. Nothing here knows what a
//! package or a secret is.

pub mod entry;
pub mod inflate;
pub mod pass;
pub mod path;
pub mod tar;
pub mod view;

pub use entry::{Entry, EntryKind};
pub use pass::{LayerPass, Names, PassOptions, TarSink, read_layer, read_tar};
pub use view::{Budget, FileView, Gather, ReadAt, Slice};

use crate::digest::Digest;
use crate::source::SourceError;

/// Most entries of one layer. The largest image reported by users of other scanners had 3 million files in one layer.
pub const MAX_ENTRIES: u64 = 8_000_000;

/// Sees every entry of a layer in the order of the stream: `entry`, then for files `data` and `hole` in turn, then `end`.
pub trait Visitor {
    /// Whether it wants what is in a folder; asked only where that spares reading it.
    fn enters(&self, folder: &[u8]) -> bool {
        let _ = folder;
        true
    }
    /// A new entry begins.
    fn entry(&mut self, entry: &Entry<'_>);
    /// The next bytes of the file; any number of calls of any length.
    fn data(&mut self, bytes: &[u8]);
    /// The next `length` bytes of the file are zeros that the archive does not hold (a sparse file).
    fn hole(&mut self, length: u64);
    /// The entry is complete.
    fn end(&mut self);
    /// The entry could not be read and is left out; the layer goes on (a name that no file system takes, an unreadable file of a folder).
    fn skipped(&mut self, path: &[u8], reason: &str);
}

/// Why a layer could not be read to its end. Any of these makes the platform incomplete.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The source could not give the bytes.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A local read failed.
    #[error("the layer could not be read")]
    Read(#[source] std::io::Error),
    /// The stored bytes have another digest than the manifest says.
    #[error("the layer has the digest {actual}, not {expected}: its content is damaged or was replaced")]
    Digest {
        /// What the manifest pins.
        expected: Digest,
        /// What was read.
        actual: Digest,
    },
    /// The uncompressed bytes have another digest than the configuration says.
    #[error("the uncompressed layer has the digest {actual}, not the diff ID {expected} of the image configuration")]
    DiffId {
        /// What the configuration names.
        expected: Digest,
        /// What was read.
        actual: Digest,
    },
    /// More or fewer stored bytes than the manifest says.
    #[error("the layer has {actual} bytes, not {expected}: it is cut short or was replaced")]
    Size {
        /// The descriptor's size.
        expected: u64,
        /// What was read, or at least that.
        actual: u64,
    },
    /// Damaged compression.
    #[error("{0}")]
    Compression(&'static str),
    /// Larger than [`inflate::MAX_UNPACKED_BYTES`].
    #[error("the layer unpacks to more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Expands more than any honest layer.
    #[error("the layer unpacks to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// More than [`MAX_ENTRIES`].
    #[error("the layer has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// Not a tar stream that a container engine would unpack.
    #[error("the layer's tar stream is not what an engine unpacks")]
    Tar(#[from] tar::TarError),
}

impl LayerError {
    /// An I/O error of a source's reader; a [`SourceError`] travels inside it.
    fn from_read(error: std::io::Error) -> Self {
        match error.downcast::<SourceError>() {
            Ok(source) => Self::Source(source),
            Err(error) => Self::Read(error),
        }
    }

    /// Whether bytes were read that do not have their digest or size: then nothing of the run can be believed.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Digest { .. } | Self::DiffId { .. } | Self::Size { .. } => true,
            Self::Source(error) => {
                matches!(error, SourceError::DigestMismatch { .. } | SourceError::SizeMismatch { .. })
            }
            _ => false,
        }
    }
}
