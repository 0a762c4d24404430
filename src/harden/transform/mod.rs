//! The steps: one file each, and the list of all of them.
//!
//! A transform works on the [`Draft`] of one platform and notes what it did. It does the same to the same image whenever it is asked, and nothing to one that it has worked on before.

mod caches;
mod documentation;
mod modes;
mod paths;
mod privileges;
mod programs;
mod secrets;
mod settings;
mod squash;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobSet;

use super::draft::Draft;
use super::packages::step::{self, UpdatePackages, Updates};

/// Every transform, in the order in which they work: what packages bring may be removed again, and what is removed first need not be changed afterwards.
pub static TRANSFORMS: &[&dyn Transform] = &[
    &UpdatePackages,
    &secrets::Secrets,
    &paths::UnwantedPaths,
    &caches::Caches,
    &documentation::Documentation,
    &programs::Programs,
    &user::NonRootUser,
    &privileges::Privileges,
    &modes::CredentialModes,
    &settings::Settings,
    &squash::Squash,
];

/// One step.
pub trait Transform: Sync {
    /// Its stable name, for plans and `--skip`.
    fn name(&self) -> &'static str;

    /// What it does, in one line.
    fn summary(&self) -> &'static str;

    /// Does it.
    fn apply(&self, draft: &mut Draft, wishes: &Wishes);
}

/// What the user wants beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Names of transforms that are left out.
    pub skip: BTreeSet<String>,
    /// The account to run as; none for `app`.
    pub user: Option<String>,
    /// Its uid; none for the first free one.
    pub uid: Option<u32>,
    /// Programs that keep setuid, setgid and capabilities, by path with a leading slash.
    pub keep_privileged: GlobSet,
    /// What is removed on request.
    pub remove: BTreeSet<Removal>,
    /// Paths that are removed, with a leading slash.
    pub remove_paths: GlobSet,
    /// Places of secrets that are set aside: paths with a leading slash, `env:NAME`.
    pub accepted: BTreeSet<String>,
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest to set.
    pub annotations: BTreeMap<String, String>,
    /// Signal that stops it.
    pub stop_signal: Option<String>,
    /// Command of a health check, for a shell.
    pub healthcheck: Option<String>,
    /// Where newer packages are, and which are wanted; none to leave packages as they are.
    pub updates: Option<Updates>,
    /// Whether all layers become one.
    pub squash: bool,
}

/// What can be removed on request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Removal {
    /// Manuals, documents and translations.
    Docs,
    /// Shells.
    Shells,
    /// Programs that install packages.
    PackageManagers,
}

/// Whether a survey should keep the content of a file, by its name in a layer: what transforms read.
#[must_use]
pub fn reads(path: &[u8]) -> bool {
    user::reads(path) || programs::reads(path) || step::reads(path)
}

/// Runs every transform that was not left out.
pub fn run(draft: &mut Draft, wishes: &Wishes) {
    for transform in TRANSFORMS.iter().filter(|transform| !wishes.skip.contains(transform.name())) {
        transform.apply(draft, wishes);
    }
}
