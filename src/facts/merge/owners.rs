//! Which OS package a file belongs to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::tree::Node;
use super::super::{Fact, FilePath, Inventory};
use super::Merge;

impl Merge<'_> {
    /// Names the OS package that owns each language package's record, each secret's file and each privileged file.
    pub(super) fn attribute(&self, inventory: &mut Inventory) {
        let installed: HashSet<String> =
            inventory.packages.iter().filter(|p| p.fact.kind.is_os()).map(|p| p.fact.name.clone()).collect();
        let mut wanted: BTreeSet<&FilePath> =
            inventory.packages.iter().filter(|p| !p.fact.kind.is_os()).map(|p| &p.path).collect();
        wanted.extend(inventory.secrets.iter().map(|secret| &secret.path));
        wanted.extend(inventory.privileged.iter().map(|file| &file.file.path));
        let aliases: HashMap<Vec<u8>, &FilePath> =
            wanted.iter().flat_map(|path| self.names_of(path).into_iter().map(move |name| (name, *path))).collect();
        let mut owners: BTreeMap<FilePath, String> = BTreeMap::new();
        for (_, file) in self.live_files().filter(|(_, file)| self.is_database(&file.path)) {
            for fact in &file.facts {
                let Fact::Owned(owned) = fact else { continue };
                if installed.contains(&owned.package) {
                    let hits = owned.paths.iter().filter_map(|path| aliases.get(path));
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
    }

    /// A path and, where `/bin` or `/lib` is a symlink to `/usr/bin` or `/usr/lib`, the name by which an older package lists it; the
    /// folder of an egg too, since dpkg lists the files but some tools only the folder.
    fn names_of(&self, path: &FilePath) -> Vec<Vec<u8>> {
        let mut names = vec![path.as_bytes().to_vec()];
        if let Some(inner) = path.as_bytes().strip_prefix(b"usr/") {
            let top = inner.split(|b| *b == b'/').next().unwrap_or_default();
            if matches!(self.view.entry(top), Some((_, Node::Symlink))) {
                names.push(inner.to_vec());
            }
        }
        names
    }
}
