//! What was seen, without a judgement: the types that inspectors fill, what is kept of one layer, and the merge of layers into an [`Inventory`].
//!
//! Types here have no severity and know no advisory. [`LayerFacts`] hold only what that one layer shows, so they can be cached under the
//! layer's digest; owners, confidence, state and attribution are worked out at the merge.

pub mod access;
pub mod cache;
pub mod certificate;
pub mod file_digest;
pub mod inventory;
pub mod layer;
pub mod leftover;
pub mod listed;
pub mod loading;
pub mod merge;
pub mod package;
pub mod path;
mod path_set;
mod place;
pub mod purl;
pub mod purl_parse;
pub mod rights;
pub mod secret;
pub mod tree;
pub mod unknown;
pub(crate) mod view;

pub use certificate::CertificateFact;
pub use inventory::{FoundCertificate, FoundSecret, InstalledPackage, Inventory, SecretState};
pub use layer::{
    Account, Checksums, Diversion, Fact, FileFacts, FileSecrets, Group, LayerFacts, OsRelease, OwnedFiles,
    PrivilegedFile,
};
pub use package::{Evidence, PackageFact, PackageKind, Scope, SourcePackage};
pub use path::FilePath;
pub use path_set::PathSet;
pub use rights::{CronJob, SudoRule, Sudoers};
pub use secret::{Confidence, Encoding, SecretFact, SecretValue};
pub use unknown::{Effect, Unknown};
