//! Facts to findings about how an image is configured: one file a check, and the list of all of them.
//!
//! In: one platform's [`Inventory`] and its configuration. Out: [`Finding`]s. A check reads no file and knows no advisory and no policy.

mod across;
pub mod controls;
mod expired;
mod healthcheck;
mod history;
mod labels;
mod leftovers;
mod modified_files;
mod passwords;
mod privileged_files;
mod rights;
mod root_user;
mod search_path;
mod secret_names;
mod sensitive_files;
mod surface;
mod tag;
mod unowned_programs;
pub mod user;
mod world_writable;

pub use across::differences;
pub use expired::expired_certificates;
pub use history::{RULES as HISTORY_RULES, is_told};
pub use secret_names::{NAME as SECRET_NAME, holds_secret};

use std::collections::BTreeMap;

use crate::facts::{Effect, FilePath, Inventory, Unknown};
use crate::finding::{Finding, Location, file};
use crate::source::Manifest;

/// Every check, in the order of the docs.
pub static CHECKS: &[&dyn Check] = &[
    &root_user::RootUser,
    &root_user::UnresolvedUser,
    &secret_names::SecretNames,
    &passwords::EmptyPassword,
    &passwords::SecondRoot,
    &privileged_files::PrivilegedFiles,
    &world_writable::WorldWritable,
    &search_path::WritablePath,
    &sensitive_files::ReadableCredentials,
    &sensitive_files::WritableControls,
    &modified_files::ModifiedFiles,
    &unowned_programs::UnownedPrograms,
    &healthcheck::NoHealthcheck,
    &passwords::DuplicateAccounts,
    &surface::UnnecessaryPackages,
    &surface::ExposedSsh,
    &surface::StopSignalKill,
    &surface::WastedSpace,
    &rights::SudoRules,
    &rights::AuthorizedKeys,
    &rights::CronPrograms,
    &leftovers::UnneededFiles,
    &leftovers::PackageCaches,
    &leftovers::Documentation,
    &leftovers::EngineSocket,
    &surface::PrivilegedPort,
    &labels::MissingLabels,
    &tag::LatestTag,
    &history::History,
];

/// What every check is: those of one platform, and the one that compares platforms.
pub fn metas() -> impl Iterator<Item = &'static Meta> {
    CHECKS.iter().map(|check| check.meta()).chain([&across::META, &expired::META])
}

/// What a check looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The platform's image.
    pub manifest: &'a Manifest,
    /// What its layers hold.
    pub inventory: &'a Inventory,
    /// The name by which it was fetched from a registry or engine.
    pub reference: Option<&'a str>,
    /// Whether there is a configuration; a folder has none.
    pub has_config: bool,
    /// Annotations of the index.
    pub annotations: &'a BTreeMap<String, String>,
}

impl Subject<'_> {
    /// A place in a file of the layer with that index.
    #[must_use]
    pub fn place(&self, path: &FilePath, layer: usize) -> Location {
        let layers = &self.manifest.layers;
        let digest = layers.get(layer).and_then(|layer| layer.digest.clone());
        let index = digest.is_some().then_some(layer);
        file(path, digest, index, self.manifest.config.instruction(layer, layers.len()))
    }

    /// The place of a well-known file, which the image's links may have put elsewhere.
    #[must_use]
    pub fn well_known(&self, name: &str) -> Location {
        match self.inventory.live.get(name) {
            Some((layer, path)) => self.place(path, *layer),
            None => file(&FilePath::new(name.as_bytes()), None, None, None),
        }
    }
}

/// One check.
pub trait Check: Sync {
    /// Its name and documentation.
    fn meta(&self) -> &'static Meta;

    /// What it has to say about one platform.
    fn run(&self, subject: &Subject<'_>) -> Vec<Finding>;

    /// Why it could not judge all that it reads, in words for people; most are given facts that are whole, or are unknowns already.
    fn unjudged(&self, _subject: &Subject<'_>) -> Option<String> {
        None
    }
}

/// What a check is.
#[derive(Debug)]
pub struct Meta {
    /// Rule name in reports, policies and waivers; it names the bad pattern.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Markdown with the headings **Reads**, **Reports**, **Cannot see**, **Since**.
    pub doc: &'static str,
    /// Names of the same rule elsewhere: `CIS-…`, Dockle's `CIS-DI-…` and `DKL-…`, Trivy's, Checkov's and KICS'.
    pub aliases: &'static [&'static str],
    /// Whether it judges the image configuration, and so cannot run without one.
    pub needs_config: bool,
}

/// Runs every check that has what it needs.
#[must_use]
pub fn run(subject: &Subject<'_>) -> Vec<Finding> {
    able(subject).flat_map(|check| check.run(subject)).collect()
}

/// What the checks could not judge. The answer is complete without it: it is no package, and no file of the image.
#[must_use]
pub fn unknowns(subject: &Subject<'_>) -> Vec<Unknown> {
    let unknown = |check: &dyn Check| {
        let reason = check.unjudged(subject)?;
        Some(Unknown { effect: Effect::Optional, path: None, by: check.meta().name.to_owned(), reason })
    };
    able(subject).filter_map(unknown).collect()
}

fn able(subject: &Subject<'_>) -> impl Iterator<Item = &'static dyn Check> {
    CHECKS.iter().copied().filter(|check| subject.has_config || !check.meta().needs_config)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::Account;

    /// An image with this configuration and no layers.
    pub(super) fn manifest(json: &str) -> Manifest {
        let config: crate::oci::ImageConfig = serde_json::from_str(json).unwrap();
        let platform = config.platform();
        Manifest {
            platform,
            digest: None,
            annotations: BTreeMap::new(),
            config,
            documents: crate::source::Documents::default(),
            layers: Vec::new(),
            listing: None,
        }
    }

    /// A manifest and an inventory as a check is given them.
    pub(super) fn subject<'a>(manifest: &'a Manifest, inventory: &'a Inventory) -> Subject<'a> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        Subject { manifest, inventory, reference: None, has_config: true, annotations: &NONE }
    }

    /// An account whose group has its number.
    pub(super) fn account(name: &str, id: i64) -> Account {
        Account { name: name.into(), uid: id, gid: id, shell: String::new(), is_well_formed: true }
    }

    #[test]
    fn names_are_unique_and_docs_have_their_headings() {
        let names: BTreeSet<_> = CHECKS.iter().map(|check| check.meta().name).collect();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            for heading in ["**Reads**", "**Reports**", "**Cannot see**", "**Since**"] {
                assert!(check.meta().doc.contains(heading), "{}: {heading}", check.meta().name);
            }
        }
    }
}
