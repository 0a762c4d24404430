//! Fixed packages of the distribution for an image, without running anything of theirs.
//!
//! In: the image's files ([`Root`]), what is wanted ([`Wanted`]), and a folder or mirror whose packages are proved by a signature or by digests that the user gives. Out: a [`Plan`] that
//! says which package goes from which version to which, what that fixes, and what was refused and why; and the entries of one new layer ([`Layer`]) with the files of the new versions, whiteouts
//! for those that they no longer have, and the changed records of the package manager.
//!
//! The measure is what the package manager itself would leave behind: `tests/packages.rs` compares with `dpkg --root`. What it would do by running a program of the package is
//! refused, unless the script can be shown to do nothing at this step. (Copa runs the scripts in a container
//! of the image's own, and for images without dpkg lets another image's install with `--force-all`, whatever fails.)
//!
//! A package is read from a file whose digest was proved before, and is hostile all the same: names stay inside of the image and go through its links as a runtime's would, nothing but files, links
//! and folders is taken, and lengths are bounded.

pub mod apk;
pub mod deb;
pub mod openpgp;
pub(super) mod paragraphs;
mod relation;
pub mod rpm;
mod solve;
pub mod sources;
mod stage;
pub mod step;
mod store;
mod unpack;
mod update;

use std::fs::File;
use std::io;

pub use sources::{Sources, wanted};
pub use store::Store;

/// Most bytes of all files of all packages of one platform, unpacked.
pub const MAX_UNPACKED_BYTES: u64 = 8 << 30;

/// What is at a path of the image: itself, and not what a link leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// A file, under one or several names.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, with its target as written.
    Symlink(Vec<u8>),
    /// A device or FIFO.
    Special,
}

/// The files of the image as they are before the update. Paths are normalised, without a leading slash; the root is the empty path.
pub trait Root {
    /// What is at `path`, without following a link at its end or on the way.
    fn at(&self, path: &[u8]) -> Option<Found>;
    /// Names in a folder, sorted; none of what is no folder.
    fn names(&self, folder: &[u8]) -> Vec<Vec<u8>>;
    /// The content of the file at `path`, up to `limit` bytes.
    ///
    /// # Errors
    /// When there is no file, it is longer, or cannot be read.
    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>>;
}

/// A package that has findings which a newer version fixes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Wanted {
    /// Its name, as the package manager has it.
    pub package: String,
    /// Its architecture there; none for any.
    pub arch: Option<String>,
    /// Findings, each with the version of the source package that fixes it.
    pub fixes: Vec<(String, String)>,
}

/// What will be done, and what not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Who signed the list of packages, or the file of digests that stands for a signature.
    pub trust: Vec<String>,
    /// Packages that change, by name.
    pub updates: Vec<Update>,
    /// Packages that stay as they are although something is wanted of them, by name.
    pub refused: Vec<Refused>,
}

/// One package that changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update {
    /// Its name.
    pub package: String,
    /// Its architecture.
    pub arch: String,
    /// The installed version; none for one that is new.
    pub from: Option<String>,
    /// The new version.
    pub to: String,
    /// SHA-256 of the package's file, in hex.
    pub sha256: String,
    /// Findings that it fixes.
    pub fixes: Vec<String>,
    /// Findings that it does not fix: the version is too old for them.
    pub leaves: Vec<String>,
    /// The package that needs it; none for one that is wanted itself.
    pub needed_by: Option<String>,
    /// What is good to know: a configuration file that was kept, a cache that is stale.
    pub notes: Vec<String>,
}

/// One package that does not change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Refused {
    /// Its name.
    pub package: String,
    /// Its architecture, where it is known.
    pub arch: Option<String>,
    /// The version that it would have got; none when there is none.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
}

/// The new layer: entries by path, and the file that holds their contents.
#[derive(Debug)]
pub struct Layer {
    /// By normalised path, in order; a folder stands before what is in it.
    pub entries: Vec<(Vec<u8>, Entry)>,
    /// Contents of [`Body::Spooled`].
    pub spool: File,
}

/// One entry of the new layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permission bits with setuid, setgid and sticky; of no meaning for whiteouts.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// When it was changed, in seconds since 1970; 0 for what is made here.
    pub mtime: i64,
    /// The raw `security.capability` attribute, where it has one.
    pub capability: Option<Vec<u8>>,
}

/// What an entry is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// A file.
    File(Body),
    /// Another name of a file of this layer, whose path this is.
    HardLink(Vec<u8>),
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
    /// A folder.
    Directory,
    /// Nothing of the layers below is left here.
    Whiteout,
}

/// The content of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A record of the package manager.
    Bytes(Vec<u8>),
    /// A part of [`Layer::spool`].
    Spooled {
        /// Where it begins.
        at: u64,
        /// Its length in bytes.
        length: u64,
    },
}

impl Entry {
    /// A file of the package manager's own, `root`'s and readable for all.
    fn record(bytes: Vec<u8>) -> Self {
        Self { node: Node::File(Body::Bytes(bytes)), mode: 0o644, uid: 0, gid: 0, mtime: 0, capability: None }
    }

    /// What takes a path away.
    fn whiteout() -> Self {
        Self { node: Node::Whiteout, mode: 0, uid: 0, gid: 0, mtime: 0, capability: None }
    }
}

/// Why nothing can be updated at all.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// A file of the folder could not be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// Which one.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// There is neither a signed list of packages nor a list of digests.
    #[error(
        "`{0}` has no InRelease or Release file, so nothing proves its packages; add --digests FILE with their SHA-256 sums"
    )]
    NothingProves(String),
    /// The list of packages is not signed by a trusted key.
    #[error("the signature of `{file}` is refused: {source}")]
    Signature {
        /// The signed file.
        file: String,
        /// Why.
        source: openpgp::SignatureError,
    },
    /// The repository says something that cannot be believed.
    #[error("`{file}` is refused: {reason}")]
    Index {
        /// Which file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The package manager's own records in the image cannot be read.
    #[error("the image's `{path}` cannot be changed: {reason}")]
    Records {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The temporary file for the new files failed.
    #[error("cannot keep the unpacked files: {0}")]
    Spool(#[source] io::Error),
}
