//! Why a catalogue is not used.

use std::path::PathBuf;

/// Why a catalogue is not used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("the base catalogue `{}` cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is some other file.
    #[error("this is no base catalogue")]
    NotACatalogue,
    /// Another release wrote it.
    #[error("the base catalogue has format {found}, this program reads {supported}")]
    Format {
        /// Its format.
        found: u32,
        /// Ours.
        supported: u32,
    },
    /// Larger than is read.
    #[error("the base catalogue, or a part of it, is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// It does not hold what its head says, or contradicts itself.
    #[error("the base catalogue is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be written down.
    #[error("the base catalogue cannot be encoded")]
    Encode(#[source] postcard::Error),
    /// The file cannot be written.
    #[error("the base catalogue `{}` cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is to be handed on has less than what was handed on before.
    #[error("it has {now} images where there were {before}")]
    Fewer {
        /// Images that there were.
        before: usize,
        /// Images that there are.
        now: usize,
    },
    /// It was made before the one that is there.
    #[error("it was indexed on {now}, and the one that is there on {before}")]
    Older {
        /// Day of the one that is there.
        before: jiff::civil::Date,
        /// Its day.
        now: jiff::civil::Date,
    },
}
