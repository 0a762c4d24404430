//! Which OS package a file belongs to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::inventory::Unowned;
use super::super::path::join;
use super::super::tree::Node;
use super::super::{Fact, FilePath, Inventory};
use super::Merge;
use super::access::first;
use super::diversions::Diversions;

/// Where package managers put programs; those of an administrator are in `usr/local` and `opt` (hier(7)).
const PROGRAM_FOLDERS: &[&str] = &["bin", "sbin", "usr/bin", "usr/sbin"];

impl<'a> Merge<'a> {
    /// Names the OS package that owns each language package's record, each secret's file, each privileged and each sensitive file. A file that was changed since is its
    /// package's no longer.
    pub(super) fn attribute(&self, inventory: &mut Inventory) {
        let installed = self.installed_names();
        let mut wanted: BTreeSet<&FilePath> =
            inventory.packages.iter().filter(|p| !p.fact.kind.is_os()).map(|p| &p.path).collect();
        wanted.extend(inventory.secrets.iter().map(|secret| &secret.path));
        wanted.extend(inventory.privileged.iter().map(|file| &file.file.path));
        wanted.extend(inventory.sensitive.iter().map(|file| &file.path));
        let programs = self.programs();
        wanted.extend(programs.keys());
        let changed: BTreeSet<&FilePath> = inventory.changed.iter().map(|file| &file.path).collect();
        let diversions = Diversions::of(self);
        let mut aliases: HashMap<Vec<u8>, Vec<&FilePath>> = HashMap::new();
        for path in wanted.difference(&changed) {
            for name in diversions.names_of(self, path.as_bytes()) {
                aliases.entry(name).or_default().push(path);
            }
        }
        let mut owners: BTreeMap<FilePath, String> = BTreeMap::new();
        let mut has_lists = false;
        for (_, file) in self.live_files().filter(|(_, file)| self.is_database(&file.path)) {
            for fact in &file.facts {
                let Fact::Owned(owned) = fact else { continue };
                if !installed.contains(owned.package.as_str()) {
                    continue;
                }
                has_lists = true;
                for (name, paths) in owned.paths.iter().filter_map(|name| Some((name, aliases.get(name)?))) {
                    let hits = paths.iter().filter(|p| diversions.is_at(self, &owned.package, name, p.as_bytes()));
                    owners.extend(hits.map(|path| ((*path).clone(), owned.package.clone())));
                }
            }
        }
        inventory
            .packages
            .iter_mut()
            .filter(|p| !p.fact.kind.is_os())
            .for_each(|p| p.owner = owners.get(&p.path).cloned());
        inventory.secrets.iter_mut().for_each(|secret| secret.owner = owners.get(&secret.path).cloned());
        inventory.privileged.iter_mut().for_each(|file| file.owner = owners.get(&file.file.path).cloned());
        inventory.sensitive.iter_mut().for_each(|file| file.owner = owners.get(&file.path).cloned());
        let is_foreign =
            |(path, _): &(&FilePath, &usize)| has_lists && !owners.contains_key(*path) && !changed.contains(*path);
        let foreign: Vec<Unowned> = programs
            .iter()
            .filter(is_foreign)
            .map(|(path, layer)| Unowned { path: path.clone(), layer: *layer })
            .collect();
        inventory.unowned = first(foreign, "programs of no package", &mut inventory.unknowns);
    }

    /// The files of the folders in which package managers put programs, each with its layer.
    fn programs(&self) -> BTreeMap<FilePath, usize> {
        let folders: BTreeSet<Vec<u8>> =
            PROGRAM_FOLDERS.iter().filter_map(|folder| self.view.follow(folder.as_bytes())).collect();
        let names = folders
            .iter()
            .flat_map(|folder| self.view.names_in(folder).into_iter().map(move |name| join(folder, &name)));
        let program = |path: Vec<u8>| match self.view.entry(&path)? {
            (layer, Node::File | Node::HardLink) => Some((FilePath::new(&path), layer)),
            _ => None,
        };
        names.filter_map(program).collect()
    }

    /// Names of the installed OS packages.
    pub(super) fn installed_names(&self) -> HashSet<&'a str> {
        let databases = self.live_files().filter(|(_, file)| self.is_database(&file.path));
        let recorded = databases.flat_map(|(_, file)| &file.facts).filter_map(Fact::package);
        recorded.filter(|package| package.kind.is_os()).map(|package| package.name.as_str()).collect()
    }

    /// Where `/bin` or `/lib` is a symlink to `/usr/bin` or `/usr/lib`: the name by which an older package lists the file at `path`.
    pub(super) fn unmerged<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let inner = path.strip_prefix(b"usr/")?;
        let top = inner.split(|b| *b == b'/').next().unwrap_or_default();
        matches!(self.view.entry(top), Some((_, Node::Symlink))).then_some(inner)
    }
}
