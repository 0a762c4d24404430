//! Which of the recorded packages are installed.

use super::super::path::{join, parent};
use super::super::{Fact, FileFacts, InstalledPackage};
use super::Merge;
use super::linked::{LinkedFolders, project_of};

impl<'a> Merge<'a> {
    pub(super) fn packages(&self) -> Vec<InstalledPackage> {
        let linked = LinkedFolders::new(self);
        let mut packages = Vec::new();
        for (layer, file) in self.live_files() {
            let path = file.path.as_bytes();
            for fact in &file.facts {
                let package = match fact {
                    Fact::Package(package) if !package.kind.is_os() || self.is_database(&file.path) => package,
                    Fact::ApplicationRoot(package) if self.has_node_modules(path) || linked.has_node(path) => package,
                    Fact::SourceMetadata(package) if !self.is_source(path) || linked.has_python(path) => package,
                    Fact::Program(package) => package,
                    _ => continue,
                };
                packages.push(InstalledPackage {
                    fact: package.clone(),
                    path: file.path.clone(),
                    layer: self.since(fact, file, layer),
                    owner: None,
                    is_program: matches!(fact, Fact::Program(_)),
                    loaded: None,
                });
            }
        }
        packages.extend(self.nix_packages());
        packages
    }

    fn has_node_modules(&self, manifest: &[u8]) -> bool {
        parent(manifest).is_some_and(|folder| self.view.is_folder(&join(folder, b"node_modules")))
    }

    /// Whether the folder of `FOLDER/NAME.egg-info/PKG-INFO`, or the one above it (`src/` layouts), holds a project's sources.
    fn is_source(&self, metadata: &[u8]) -> bool {
        let Some(folder) = project_of(metadata) else { return false };
        let above = parent(folder).unwrap_or_default();
        let builds = |folder: &[u8]| {
            let files = [&b"setup.py"[..], b"setup.cfg", b"pyproject.toml"];
            files.iter().any(|name| self.view.entry(&join(folder, name)).is_some())
        };
        builds(folder) || builds(above)
    }

    /// First layer since which the package of `fact` has been recorded in `file` without a break.
    pub(super) fn since(&self, fact: &Fact, file: &FileFacts, layer: usize) -> usize {
        let identity = |fact: &'a Fact| fact.package().map(|package| (&package.name, &package.version, &package.arch));
        let wanted = fact.package().map(|package| (&package.name, &package.version, &package.arch));
        self.unbroken(file, layer, |fact| identity(fact) == wanted)
    }

    /// First layer since which `file`, which is live in `layer`, has said without a break what `is_same` knows again.
    pub(super) fn unbroken(&self, file: &FileFacts, layer: usize, is_same: impl Fn(&'a Fact) -> bool) -> usize {
        let mut since = layer;
        let earlier = self.history.get(&file.path).map(Vec::as_slice).unwrap_or_default();
        for (index, older) in earlier.iter().rev().filter(|(index, _)| *index < layer) {
            if !older.facts.iter().any(&is_same) || self.view.is_removed_between(file.path.as_bytes(), *index, since) {
                break;
            }
            since = *index;
        }
        since
    }
}
