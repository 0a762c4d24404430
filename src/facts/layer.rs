//! What one layer shows, before anything is known of the layers around it: the unit that is cached.

use serde::{Deserialize, Serialize};

use super::access::{Access, AccessSet};
use super::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use super::loading::{Loading, LoadingFile};
use super::tree::Tree;
use super::{CertificateFact, CronJob, FilePath, PackageFact, PathSet, SecretFact, Sudoers, Unknown};
use crate::digest::Digest;
use crate::layer::inflate::Compression;

/// Every fact of one layer.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LayerFacts {
    /// Every path, for whiteouts, links and what later layers replace.
    pub tree: Tree,
    /// What inspectors said of single files, by path; of several files with one path the last one stands.
    pub files: Vec<FileFacts>,
    /// Hard links that an inspector would want by their name, to files that were read under none or as something else.
    pub links: Vec<FilePath>,
    /// Secrets by file, in the order of the stream. A file that is replaced in its own layer is here too: its bytes are in the layer.
    pub secrets: Vec<FileSecrets>,
    /// What programs, libraries and scripts ask for when they are started. There are many and few are looked at, so they stand apart from
    /// [`files`](Self::files).
    pub loading: Vec<LoadingFile>,
    /// Files that give privileges to whoever runs them.
    pub privileged: Vec<PrivilegedFile>,
    /// Entries whose mode and owner may matter.
    pub access: Vec<AccessSet>,
    /// Digests of files that were hashed to be compared with a package's record, one set an algorithm.
    pub digests: Vec<FileDigests>,
    /// What could not be read.
    pub unknowns: Vec<Unknown>,
    /// Length of the stored bytes.
    pub stored_bytes: u64,
    /// Length of the tar stream.
    pub unpacked_bytes: u64,
    /// How the stored bytes are compressed; none for a folder.
    pub compression: Option<Compression>,
    /// Digest of the tar stream, where it was computed.
    pub diff_id: Option<Digest>,
}

impl LayerFacts {
    /// The digest of the layer's file with this key, where it was computed.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm, key: PathKey) -> Option<FileDigest> {
        self.digests.iter().filter(|set| set.algorithm == algorithm).find_map(|set| set.get(key))
    }

    /// Mode and owner of an entry, where they were noted; a folder without a note is root's alone to write.
    #[must_use]
    pub fn access_at(&self, path: &[u8]) -> Option<Access> {
        self.access.iter().find(|set| set.paths.position(path).is_some()).map(|set| set.access)
    }

    /// Adds digests to those that were computed before.
    pub fn add_digests(&mut self, algorithm: Algorithm, files: impl IntoIterator<Item = (PathKey, FileDigest)>) {
        let (same, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.digests).into_iter().partition(|set| set.algorithm == algorithm);
        let known = same.iter().flat_map(FileDigests::iter);
        self.digests = others;
        self.digests.push(FileDigests::build(algorithm, known.chain(files)));
    }
}

/// What an inspector read in one file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileFacts {
    /// The file.
    pub path: FilePath,
    /// The inspector's stable name, `os/dpkg`.
    pub inspector: String,
    /// What it said.
    pub facts: Vec<Fact>,
}

/// One thing an inspector can say of a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Fact {
    /// A package is recorded here as installed.
    Package(PackageFact),
    /// The folder would be the root of an application of this name, if its dependencies are installed beside it.
    ApplicationRoot(PackageFact),
    /// The file is a program built from this module, whose version may be a placeholder (a Go main module).
    Program(PackageFact),
    /// Metadata outside of the folders that Python installs to: of a package there, or left by a build in a project's sources.
    SourceMetadata(PackageFact),
    /// A Python project is installed by a link to the folder of its sources (an `egg-link`).
    DevelopLink(FilePath),
    /// A lock file names this package: a project is built from it, which does not say that it is installed.
    Locked(PackageFact),
    /// What a lock file leaves open, in words for people: packages that it names without one version.
    Unpinned(String),
    /// A package's files are recorded here.
    Owned(OwnedFiles),
    /// Digests of a package's files are recorded here.
    Checksums(Checksums),
    /// Configuration files of packages, which are there to be changed.
    Conffiles(PathSet),
    /// Files that dpkg writes under another name than a package has for them.
    Diversions(Vec<Diversion>),
    /// What the file asks for when it is started; kept in [`LayerFacts::loading`].
    Loading(Loading),
    /// The operating system names itself here.
    OsRelease(OsRelease),
    /// Accounts, from `passwd`.
    Accounts(Vec<Account>),
    /// Groups, from `group`.
    Groups(Vec<Group>),
    /// A certificate.
    Certificate(CertificateFact),
    /// Names of accounts without a password, from `shadow` or `passwd`.
    NoPassword(Vec<String>),
    /// Channels of updates beyond the release's own.
    Channels(Vec<String>),
    /// A file of sudo's rules.
    Sudoers(Sudoers),
    /// A table of cron's.
    CronJobs(Vec<CronJob>),
}

impl Fact {
    /// The package that the fact is about, if it is about one.
    #[must_use]
    pub fn package(&self) -> Option<&PackageFact> {
        match self {
            Self::Package(package)
            | Self::ApplicationRoot(package)
            | Self::Program(package)
            | Self::SourceMetadata(package)
            | Self::Locked(package) => Some(package),
            _ => None,
        }
    }
}

/// The files of one OS package.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OwnedFiles {
    /// The package's name, without dpkg's `:arch`.
    pub package: String,
    /// Paths, normalised.
    pub paths: PathSet,
}

/// Digests of the files of one OS package as it was installed, without those of its configuration files.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Checksums {
    /// The package's name, as in [`OwnedFiles::package`].
    pub package: String,
    /// The digests.
    pub digests: FileDigests,
}

/// One entry of dpkg's `diversions`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diversion {
    /// Where packages have the file.
    pub from: FilePath,
    /// Where it is written instead.
    pub to: FilePath,
    /// The package whose own file stays where it is; `:` for none.
    pub by: String,
}

/// The fields of `os-release` that advisories and reports need.
///
/// Source: os-release(5).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID`, lower case; `linux` where it is missing.
    pub id: String,
    /// `VERSION_ID`.
    pub version_id: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
    /// `ID_LIKE`, split at spaces.
    pub id_like: Vec<String>,
}

/// One line of `passwd`, as engines take it: they never refuse one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Name.
    pub name: String,
    /// User id. Text that is no number is 0 to engines, and numbers go beyond what the kernel takes.
    pub uid: i64,
    /// Main group id, likewise.
    pub gid: i64,
    /// Login shell.
    pub shell: String,
    /// Whether the line is one of passwd(5), so that programs in the image know the account too.
    pub is_well_formed: bool,
}

/// One line of `group`, as engines take it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Group id, as in [`Account::uid`].
    pub gid: i64,
}

/// The secrets of one file, or of one file in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileSecrets {
    /// The file.
    pub path: FilePath,
    /// The place in it, where it is an archive or the like: `conf/app.env`, `a.tar.gz!/etc/key`.
    pub inside: Option<FilePath>,
    /// What was found in it.
    pub secrets: Vec<SecretFact>,
}

/// A file with setuid, setgid or capabilities.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PrivilegedFile {
    /// The file.
    pub path: FilePath,
    /// Permission bits.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Permitted capabilities as the kernel numbers them (bit 0 is `CAP_CHOWN`), 0 when there are none.
    pub capabilities: u64,
}
