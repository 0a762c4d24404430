//! Everything that was seen of one platform's image, after its layers were merged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::leftover::LeftoverKind;
use super::{
    Account, CertificateFact, FilePath, Group, OsRelease, PackageFact, PrivilegedFile, SecretFact, SudoRule, Unknown,
};

/// All facts of one platform.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The distribution, where it names itself.
    pub os: Option<OsRelease>,
    /// Installed packages, sorted.
    pub packages: Vec<InstalledPackage>,
    /// Secrets of every layer, those of deleted files too.
    pub secrets: Vec<FoundSecret>,
    /// Certificates of every layer, those of deleted files too: a key in one layer may belong to a certificate in another.
    pub certificates: Vec<FoundCertificate>,
    /// Privileged files of the merged view.
    pub privileged: Vec<FoundPrivileged>,
    /// Places that everyone may write, but for shared folders such as `/tmp`; of what is in one only the topmost.
    pub writable: Vec<OpenPlace>,
    /// Files that hold a secret, or decide who may do what, whatever their mode.
    pub sensitive: Vec<Entrusted>,
    /// Folders of the configuration's `PATH` that others than root may write, in its order.
    pub search_path: Vec<Entrusted>,
    /// Rules of sudo's that count, with the file of each.
    pub sudo_rules: Vec<FoundRule>,
    /// Jobs of cron's that name a program which others than its user may change.
    pub open_jobs: Vec<OpenJob>,
    /// What a build left behind, sorted by kind and path.
    pub leftovers: Vec<Leftover>,
    /// Files of OS packages whose content is not what the package brought, as far as it was looked at; sorted.
    pub changed: Vec<ChangedFile>,
    /// Files in the folders of package managers' programs that no installed OS package owns; sorted. None where no package says what it owns.
    pub unowned: Vec<Unowned>,
    /// Accounts; none when the image has no readable `passwd`.
    pub accounts: Option<Vec<Account>>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Accounts without a password, with the file that says so: `etc/passwd` or `etc/shadow`.
    pub no_password: BTreeSet<(String, String)>,
    /// Where the well-known files of [`DATABASES`](super::merge::DATABASES) are: the index of the layer, and the path there.
    pub live: BTreeMap<String, (usize, FilePath)>,
    /// Lock files that would say more if this were a project's sources, as [`MergeOptions::source_tree`](super::merge::MergeOptions) tells.
    pub set_aside: Vec<FilePath>,
    /// What could not be read; the layer's index where it belongs to one.
    pub unknowns: Vec<(Option<usize>, Unknown)>,
    /// By layer: bytes of files that a later layer replaces or removes.
    pub wasted: Vec<u64>,
    /// Channels of updates that the image takes beyond its release's own, sorted: `esm-infra`, `amzn2extra-docker`.
    pub channels: Vec<String>,
}

/// A package of the merged view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// What the record says.
    pub fact: PackageFact,
    /// The file that holds the record.
    pub path: FilePath,
    /// First layer since which this version has been recorded without a break.
    pub layer: usize,
    /// The OS package that owns the record, for packages of a language.
    pub owner: Option<String>,
    /// The main module of a program, whose version may be a placeholder.
    pub is_program: bool,
    /// Whether the image's command can load it: false where no path leads to it, none where nothing can be said. See `merge/reach.rs`.
    pub loaded: Option<bool>,
}

impl InstalledPackage {
    /// Where its record is: the file, and for an archive the place in it, as Java writes it (`app.jar!/BOOT-INF/lib/a.jar`).
    #[must_use]
    pub fn place(&self) -> FilePath {
        match &self.fact.inside {
            Some(inside) => FilePath::new(&[self.path.as_bytes(), b"!/", inside.as_bytes()].concat()),
            None => self.path.clone(),
        }
    }
}

/// Whether a secret's file is still in the merged view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecretState {
    /// Yes.
    Present,
    /// A later layer removes it; its bytes are in the image all the same.
    Deleted {
        /// Index of that layer.
        by: usize,
    },
    /// A later layer, or a later entry of its own layer, replaces it; its bytes are in the image all the same.
    Overwritten {
        /// Index of that layer.
        by: usize,
    },
}

/// A secret with its place in the image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundSecret {
    /// The file.
    pub path: FilePath,
    /// The place in it, where it is an archive or the like.
    pub inside: Option<FilePath>,
    /// Index of the layer that holds its bytes.
    pub layer: usize,
    /// Whether the file is still there.
    pub state: SecretState,
    /// The OS package that owns the file, if any.
    pub owner: Option<String>,
    /// What was seen.
    pub secret: SecretFact,
}

/// A certificate with its place in the image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundCertificate {
    /// The file.
    pub path: FilePath,
    /// Index of the layer that holds its bytes.
    pub layer: usize,
    /// What it says.
    pub certificate: CertificateFact,
}

/// A file of an OS package that was changed since the package was installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangedFile {
    /// The file.
    pub path: FilePath,
    /// Index of the layer that has it as it is now.
    pub layer: usize,
    /// The package.
    pub owner: String,
}

/// A privileged file with its place in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPrivileged {
    /// The file.
    pub file: PrivilegedFile,
    /// Index of its layer.
    pub layer: usize,
    /// The OS package that owns it, if any.
    pub owner: Option<String>,
}

/// A place that everyone may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPlace {
    /// The file or folder.
    pub path: FilePath,
    /// Index of the layer that has it as it is now.
    pub layer: usize,
    /// Mode and owner.
    pub access: Access,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// How many such places are in the folder besides.
    pub below: u64,
}

/// A file or folder whose mode and owner matter for what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entrusted {
    /// The file or folder.
    pub path: FilePath,
    /// Index of the layer that has it as it is now.
    pub layer: usize,
    /// Mode and owner.
    pub access: Access,
    /// The OS package that owns it, if any.
    pub owner: Option<String>,
}

/// Something that a build left behind: a file, or a folder with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// The file, or the folder.
    pub path: FilePath,
    /// Index of the topmost layer that has something of it.
    pub layer: usize,
    /// How many files there are.
    pub files: u64,
    /// Their content in bytes.
    pub bytes: u64,
}

/// A rule of sudo's with its place in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRule {
    /// The file.
    pub path: FilePath,
    /// Index of its layer.
    pub layer: usize,
    /// The rule.
    pub rule: SudoRule,
}

/// A job of cron's that starts what others may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJob {
    /// The table.
    pub path: FilePath,
    /// Index of its layer.
    pub layer: usize,
    /// The job's line, from 1.
    pub line: u32,
    /// Who runs it.
    pub user: String,
    /// What others may change: files, or folders in which they may replace files.
    pub open: Vec<FilePath>,
}

/// A file that no OS package owns, where only they put files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unowned {
    /// The file.
    pub path: FilePath,
    /// Index of the layer that has it as it is now.
    pub layer: usize,
}
