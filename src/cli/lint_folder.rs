//! What `lint` looks at in a folder besides its build and run files.

use std::path::{Path, PathBuf};

use super::Failed;
use super::lint_files::{Base, Overlay, Read, Tree, unreadable};
use crate::dockerfile::Dockerfile;
use crate::lint::Surroundings;
use crate::lint::repository::listing::Listing;
use crate::lint::repository::tracking::Tracking;
use crate::lint::repository::{self, Build, Repository, context};
use crate::scan::{self, MendedFile};
use crate::source::git::Checkout;
use crate::workload::Workload;

/// Files and folders that the root of a repository has.
const ROOTS: &[&str] =
    &[".git", ".github", ".gitlab-ci.yml", ".gitlab", ".forgejo", ".gitea", ".circleci", "Jenkinsfile"];

/// A folder that was named.
pub(super) struct Folder {
    base: Base,
    /// What is known of it before its files are read.
    pub(super) repository: Repository,
    /// Its Dockerfiles: their numbers among those found, and their paths from the root.
    pub(super) dockerfiles: Vec<(usize, String)>,
}

impl Folder {
    /// Lists a folder; `dockerfiles` are those that were found in it, as people name them.
    ///
    /// # Errors
    /// When there is no such folder.
    pub(super) fn read<'a>(path: &Path, dockerfiles: impl Iterator<Item = &'a str>) -> Result<Self, Failed> {
        let base = Base::of(path).map_err(|error| unreadable(path, error))?;
        let folder = base.inner("");
        let listing = Listing::read(base.real(), &folder);
        let tracking = tracking(&base, &listing);
        let is_root = folder.is_empty() && ROOTS.iter().any(|name| listing.has(name));
        let dockerfiles = dockerfiles.enumerate();
        let dockerfiles = dockerfiles
            .filter_map(|(number, shown)| {
                let inner = Path::new(shown).strip_prefix(path).ok()?.to_str()?;
                Some((number, base.inner(inner)))
            })
            .collect();
        let repository = Repository { folder, is_root, listing, tracking, ..Repository::default() };
        Ok(Self { base, repository, dockerfiles })
    }

    /// Adds what Compose files and manifests say.
    pub(super) fn add(&mut self, workload: &Workload) {
        // What is there to show or to test something starts nothing of the repository's own.
        let is_own = workload.files.first().is_some_and(|file| !crate::secret::is_illustrative(file.path.as_bytes()));
        self.repository.starts_images |= is_own && !workload.containers.is_empty();
        let builds = workload.containers.iter().filter_map(|container| container.build.as_ref()?.value.as_ref());
        let builds = builds
            .filter_map(|build| Some(Build { context: build.context.clone()?, dockerfile: build.dockerfile.clone()? }));
        let repository = &mut self.repository;
        for build in builds {
            if !repository.builds.contains(&build) {
                repository.builds.push(build);
            }
        }
    }

    /// Its files, with other contents of some.
    pub(super) fn tree<'a>(&'a self, overlay: &'a Overlay) -> Tree<'a> {
        Tree::new(&self.base, overlay)
    }

    /// Its Dockerfiles, of those that were found.
    pub(super) fn parsed(&self, files: &[Read]) -> Vec<(String, Dockerfile)> {
        let read = |(number, path): &(usize, String)| {
            let bytes = files.get(*number)?.1.as_ref().ok()?;
            Some((path.clone(), Dockerfile::parse(bytes).ok()?))
        };
        self.dockerfiles.iter().filter_map(read).collect()
    }

    /// A folder in it, without links.
    pub(super) fn real(&self, folder: &str) -> PathBuf {
        self.base.root.join(folder)
    }

    /// Its files with what mends their problems put into them.
    pub(super) fn mended(&self, files: &[Read], around: Surroundings<'_>) -> Vec<MendedFile> {
        let dockerfiles = self.parsed(files);
        let look = |overlay: &Overlay| repository::run(&self.repository, &dockerfiles, &self.tree(overlay), around);
        scan::mended_repository(&look, around)
    }

    /// A path from the root as people name it.
    pub(super) fn shown(&self, path: &str) -> PathBuf {
        self.base.shown(path)
    }
}

/// What git keeps, where that matters: among files whose names say that they hold secrets, and what tools make.
fn tracking(base: &Base, listing: &Listing) -> Tracking {
    let is_checkout = base.root.join(".git").exists();
    let matters = listing.entries.iter().any(|(path, entry)| {
        matches!(context::classify(path, *entry), Some(context::Class::Secret | context::Class::Remade))
    });
    if !is_checkout || !matters {
        return Tracking { is_checkout, ..Tracking::default() };
    }
    let tracked = Checkout::open(&base.root).and_then(|checkout| checkout.tracked());
    match tracked {
        Ok(paths) => {
            let paths = paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
            Tracking { tracked: Some(paths), is_checkout, unread: None }
        }
        Err(error) => Tracking { tracked: None, is_checkout, unread: Some(error.to_string()) },
    }
}
