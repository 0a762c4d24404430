//! The facts of single layers to the [`Inventory`] of a platform: whiteouts, links, live databases, owners, and since which layer a thing is there.
//!
//! A layer yields candidates by path; here is decided which of them the runtime would see. Package databases count only at their well-known
//! places ([`DATABASES`]), reached through the image's own symlinks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::inventory::FoundPrivileged;
use super::view::{Hidden, StackedLayer, View, parent};
use super::{
    Effect, Fact, FileFacts, FilePath, FoundSecret, InstalledPackage, Inventory, PackageFact, PrivilegedFile,
    SecretState, Unknown,
};

/// Files that describe the image wherever the image's symlinks put them. A scan reads a target that no inspector asked for in a second pass.
pub const DATABASES: &[&str] = &[
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "usr/share/rpm/rpmdb.sqlite",
    "etc/os-release",
    "usr/lib/os-release",
    "etc/passwd",
    "etc/group",
    "etc/shadow",
];

/// Folders whose files each describe a package.
const DATABASE_FOLDERS: &[&str] = &["var/lib/dpkg/status.d", "var/lib/dpkg/info"];

/// A database that is live but was not read, because a link gives it a name no inspector asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadDatabase {
    /// Index of the layer that has it.
    pub layer: usize,
    /// Where it is there.
    pub path: FilePath,
    /// The well-known path that leads to it.
    pub known_as: &'static str,
}

/// What a merge is told besides the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeOptions {
    /// The tree is a project's sources: lock files say what it is built from. In an image they do not say what was installed.
    pub source_tree: bool,
}

/// The live databases that a second read must fetch.
#[must_use]
pub fn unread_databases(layers: &[StackedLayer<'_>]) -> Vec<UnreadDatabase> {
    let view = View::new(layers);
    let mut unread: Vec<UnreadDatabase> = Vec::new();
    for known_as in DATABASES {
        let Some((layer, path)) = view.resolve(known_as.as_bytes()) else { continue };
        let path = FilePath::new(&path);
        let Some(facts) = layers.get(layer).copied().flatten() else { continue };
        let was_read = facts.files.iter().any(|file| file.path == path)
            || facts.unknowns.iter().any(|unknown| unknown.path.as_ref() == Some(&path));
        if !was_read && !unread.iter().any(|other| other.layer == layer && other.path == path) {
            unread.push(UnreadDatabase { layer, path, known_as });
        }
    }
    unread
}

/// Merges the layers of one platform, lowest first; `None` stands for one that could not be read.
#[must_use]
pub fn merge(layers: &[StackedLayer<'_>], options: MergeOptions) -> Inventory {
    Merge::new(layers, options).run()
}

struct Merge<'a> {
    layers: &'a [StackedLayer<'a>],
    options: MergeOptions,
    view: View<'a>,
    /// By path: the layers that say something of it, lowest first. Of several files of one layer the last stands.
    history: BTreeMap<&'a FilePath, Vec<(usize, &'a FileFacts)>>,
    /// Where the well-known paths lead.
    live: BTreeMap<&'static str, (usize, FilePath)>,
    folders: Vec<Vec<u8>>,
}

impl<'a> Merge<'a> {
    fn new(layers: &'a [StackedLayer<'a>], options: MergeOptions) -> Self {
        let view = View::new(layers);
        let mut history: BTreeMap<&FilePath, Vec<(usize, &FileFacts)>> = BTreeMap::new();
        for (index, facts) in layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?))) {
            for file in &facts.files {
                let of_path = history.entry(&file.path).or_default();
                of_path.retain(|(layer, _)| *layer != index);
                of_path.push((index, file));
            }
        }
        let resolve = |path: &&'static str| Some((*path, view.resolve(path.as_bytes())?));
        let live = DATABASES
            .iter()
            .filter_map(resolve)
            .map(|(name, (layer, path))| (name, (layer, FilePath::new(&path))))
            .collect();
        let folders = DATABASE_FOLDERS.iter().filter_map(resolve).map(|(_, (_, path))| path).collect();
        Self { layers, options, view, history, live, folders }
    }

    fn run(self) -> Inventory {
        let mut inventory = Inventory { os: self.os_release(), packages: self.packages(), ..Inventory::default() };
        self.accounts(&mut inventory);
        inventory.secrets = self.secrets();
        inventory.privileged = self.privileged();
        self.attribute(&mut inventory);
        inventory.unknowns = self.unknowns();
        inventory.wasted = self.wasted();
        inventory.packages.sort();
        inventory.packages.dedup();
        inventory.secrets.sort();
        inventory
    }

    /// What was read of a well-known file, if it is live.
    fn known(&self, name: &str) -> Option<&'a FileFacts> {
        let (layer, path) = self.live.get(name)?;
        self.history.get(path)?.iter().find(|(index, _)| index == layer).map(|(_, file)| *file)
    }

    fn os_release(&self) -> Option<super::OsRelease> {
        let files = ["etc/os-release", "usr/lib/os-release"];
        files.iter().filter_map(|name| self.known(name)).flat_map(|file| &file.facts).find_map(|fact| match fact {
            Fact::OsRelease(release) => Some(release.clone()),
            _ => None,
        })
    }

    fn accounts(&self, inventory: &mut Inventory) {
        for fact in ["etc/passwd", "etc/group", "etc/shadow"]
            .iter()
            .filter_map(|name| self.known(name))
            .flat_map(|file| &file.facts)
        {
            match fact {
                Fact::Accounts(accounts) => inventory.accounts = Some(accounts.clone()),
                Fact::Groups(groups) => inventory.groups.clone_from(groups),
                Fact::NoPassword(names) => inventory.no_password.extend(names.iter().cloned()),
                _ => {}
            }
        }
        inventory.no_password.sort();
        inventory.no_password.dedup();
    }

    /// Whether `path` is where a package manager looks: a well-known file, or a file of a well-known folder.
    fn is_database(&self, path: &FilePath) -> bool {
        let in_folder =
            || parent(path.as_bytes()).is_some_and(|folder| self.folders.iter().any(|known| known == folder));
        self.live.values().any(|(_, live)| live == path) || in_folder()
    }

    /// The files of the merged view that were read, topmost layer each.
    fn live_files(&self) -> impl Iterator<Item = (usize, &'a FileFacts)> {
        let topmost = self.history.iter().filter_map(|(path, of_path)| {
            let (layer, file) = of_path.last()?;
            self.view.hidden(path.as_bytes(), *layer).is_none().then_some((*layer, *file))
        });
        topmost.collect::<Vec<_>>().into_iter()
    }

    fn packages(&self) -> Vec<InstalledPackage> {
        let mut packages = Vec::new();
        for (layer, file) in self.live_files() {
            for fact in &file.facts {
                let package = match fact {
                    Fact::Package(package) if !package.kind.is_os() || self.is_database(&file.path) => package,
                    Fact::ApplicationRoot(package) if self.has_node_modules(file.path.as_bytes()) => package,
                    Fact::Locked(package) if self.options.source_tree => package,
                    Fact::Program(package) => package,
                    _ => continue,
                };
                let (layer, is_program) = (self.since(package, file, layer), matches!(fact, Fact::Program(_)));
                packages.push(InstalledPackage {
                    fact: package.clone(),
                    path: file.path.clone(),
                    layer,
                    owner: None,
                    is_program,
                });
            }
        }
        packages
    }

    fn has_node_modules(&self, manifest: &[u8]) -> bool {
        let folder = parent(manifest).map(|folder| [folder, b"/"].concat()).unwrap_or_default();
        self.view.is_folder(&[folder.as_slice(), b"node_modules"].concat())
    }

    /// First layer since which `package` has been recorded in `file` without a break.
    fn since(&self, package: &PackageFact, file: &FileFacts, layer: usize) -> usize {
        let mut since = layer;
        let earlier = self.history.get(&file.path).map(Vec::as_slice).unwrap_or_default();
        for (index, older) in earlier.iter().rev().filter(|(index, _)| *index < layer) {
            let same = |fact: &Fact| matches!(fact, Fact::Package(p) if p.name == package.name && p.version == package.version && p.arch == package.arch);
            if !older.facts.iter().any(same) || self.view.is_removed_between(file.path.as_bytes(), *index, since) {
                break;
            }
            since = *index;
        }
        since
    }

    fn secrets(&self) -> Vec<FoundSecret> {
        let mut found = Vec::new();
        for (layer, facts) in self.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)))
        {
            for file in &facts.secrets {
                let state = match self.view.hidden(file.path.as_bytes(), layer) {
                    None => SecretState::Present,
                    Some(Hidden::Removed { by }) => SecretState::Deleted { by },
                    Some(Hidden::Replaced { by }) => SecretState::Overwritten { by },
                };
                found.extend(file.secrets.iter().map(|secret| FoundSecret {
                    path: file.path.clone(),
                    layer,
                    state,
                    owner: None,
                    secret: secret.clone(),
                }));
            }
        }
        found
    }

    fn privileged(&self) -> Vec<FoundPrivileged> {
        let mut by_path: BTreeMap<&FilePath, (usize, &PrivilegedFile)> = BTreeMap::new();
        for (layer, facts) in self.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)))
        {
            by_path.extend(facts.privileged.iter().map(|file| (&file.path, (layer, file))));
        }
        let live =
            by_path.into_values().filter(|(layer, file)| self.view.hidden(file.path.as_bytes(), *layer).is_none());
        live.map(|(layer, file)| FoundPrivileged { file: file.clone(), layer, owner: None }).collect()
    }

    /// Names the OS package that owns each language package's record, each secret's file and each privileged file.
    fn attribute(&self, inventory: &mut Inventory) {
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
            if matches!(self.view.entry(top), Some((_, super::tree::Node::Symlink))) {
                names.push(inner.to_vec());
            }
        }
        names
    }

    /// Unknowns of files that no package manager looks at make no answer incomplete.
    fn unknowns(&self) -> Vec<(Option<usize>, Unknown)> {
        let mut unknowns = Vec::new();
        for (layer, facts) in self.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)))
        {
            for unknown in &facts.unknowns {
                let mut unknown = unknown.clone();
                if let (Effect::Required, Some(path), true) = (unknown.effect, &unknown.path, unknown.by.contains('/'))
                {
                    let is_live = self.view.hidden(path.as_bytes(), layer).is_none() && self.is_database(path);
                    unknown.effect = if is_live { Effect::Required } else { Effect::Optional };
                }
                unknowns.push((Some(layer), unknown));
            }
        }
        unknowns
    }

    fn wasted(&self) -> Vec<u64> {
        let trees: Vec<_> = self.layers.iter().map(|facts| facts.map(|facts| &facts.tree)).collect();
        let above = |index: usize| trees.iter().skip(index + 1).flatten().copied().collect::<Vec<_>>();
        trees.iter().enumerate().map(|(index, tree)| tree.map_or(0, |tree| tree.wasted(&above(index)))).collect()
    }
}
