//! What can go wrong with advisory data.

use std::io;
use std::path::PathBuf;

/// Why advisory data could not be imported, stored or read.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryError {
    /// A file or folder could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store could not be written; an older one is untouched.
    #[error("cannot write the advisory store `{}`", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A zip file is broken as a whole.
    #[error("`{}` is not a readable zip file", path.display())]
    Zip {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: zip::result::ZipError,
    },
    /// Nothing to import was named or found.
    #[error("no advisory records found in `{}`", path.display())]
    NoRecords {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// A feed that holds many records is cut or broken: what was read of it would look like a smaller, whole one.
    #[error("`{}`: {feed} is cut or broken at `{document}`; nothing was imported, fetch it again", path.display())]
    Feed {
        /// The file.
        path: PathBuf,
        /// The feed.
        feed: &'static str,
        /// The document in it.
        document: String,
        /// Why.
        source: RecordError,
    },
    /// A source has far fewer records than before, or than it says itself.
    #[error(
        "{source_name} has {now} records, {expected} were expected; nothing was imported. If that is right, import again with --accept-fewer"
    )]
    Fewer {
        /// The source.
        source_name: String,
        /// Records now.
        now: u64,
        /// Records in the store before, or by the feed's own count.
        expected: u64,
    },
    /// A source's newest record is older than that of the store that is replaced.
    #[error(
        "the newest record of {source_name} is of {now}, in the store it is of {before}; nothing was imported. If that is right, import again with --accept-fewer"
    )]
    Older {
        /// The source.
        source_name: String,
        /// RFC 3339.
        now: String,
        /// RFC 3339.
        before: String,
    },
    /// An input is larger than we are willing to read.
    #[error("`{}` passes the limit of {limit} {what}", path.display())]
    Limit {
        /// Which input.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The data does not fit the store's format.
    #[error("advisory data passes the store's limit of {limit} {what}")]
    StoreLimit {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A value could not be serialised.
    #[error("cannot encode advisory data")]
    Encode(#[source] postcard::Error),
    /// The bytes are no advisory store.
    #[error("not an imgguard advisory store")]
    NotAStore,
    /// The store was written by another version of the format.
    #[error("advisory store has format {found}, this program reads {supported}; import the advisories again")]
    Format {
        /// What the store says.
        found: u32,
        /// What we read.
        supported: u32,
    },
    /// The store contradicts itself.
    #[error("advisory store is damaged: {0}")]
    Damaged(Damage),
}

/// Where a store contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is shorter or longer than its header says.
    #[error("its length is not what its header says")]
    Length,
    /// Header and index do not match the root digest.
    #[error("header and index do not match the root digest")]
    Root,
    /// The index points outside the file or is out of order.
    #[error("its index is inconsistent")]
    Index,
    /// A block does not match its digest.
    #[error("a block does not match its digest")]
    Block,
    /// A block cannot be inflated or decoded.
    #[error("a block cannot be decoded")]
    Encoding,
    /// A row points to a record that is not there.
    #[error("a row points to a missing record")]
    Reference,
}

impl From<Damage> for AdvisoryError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Why one record was not read. Never fatal: it is counted and reported under the record's name.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Text is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not JSON, or not of the feed's shape.
    #[error("not a record of this feed")]
    Json(#[source] serde_json::Error),
    /// The id is empty, too long or not printable.
    #[error("its id is empty, too long or not printable")]
    Id,
    /// Larger than a record may be.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// The document or archive entry cannot be read to its end.
    #[error("it cannot be read to its end")]
    Entry(#[source] io::Error),
    /// Not XML, or XML that is not accepted.
    #[error("not acceptable XML: {0}")]
    Xml(String),
    /// Not YAML of the feed's shape.
    #[error("not YAML of this feed: {0}")]
    Yaml(String),
    /// Well-formed, but not what the feed's records are.
    #[error("{0}")]
    Shape(&'static str),
}
