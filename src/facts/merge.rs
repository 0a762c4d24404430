//! The facts of single layers to the [`Inventory`] of a platform: whiteouts, links, live databases, owners, and since which layer a thing is there.
//!
//! A layer yields candidates by path; here is decided which of them the runtime would see. Package databases count only at their well-known
//! places ([`DATABASES`]), reached through the image's own symlinks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::inventory::FoundPrivileged;
use super::path::{join, parent};
use super::place::{place, refer};
use super::tree::Node;
use super::view::{Hidden, StackedLayer, View};
use super::{
    Effect, Fact, FileFacts, FilePath, FoundSecret, InstalledPackage, Inventory, PrivilegedFile, SecretState, Unknown,
};

/// Files that describe the image wherever the image's symlinks put them. A scan reads a target that no inspector asked for in a second pass.
pub const DATABASES: &[&str] = &[
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite-wal",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "usr/share/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite-wal",
    "usr/share/rpm/Packages.db",
    "usr/share/rpm/Packages",
    "etc/os-release",
    "usr/lib/os-release",
    "etc/passwd",
    "etc/group",
    "etc/shadow",
];

/// Folders whose files each describe a package.
const DATABASE_FOLDERS: &[&str] = &["var/lib/dpkg/status.d", "var/lib/dpkg/info"];

/// A live file that was not read under the name by which an inspector would know it: only a link gives it that name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadFile {
    /// Index of the layer that has its bytes.
    pub layer: usize,
    /// Its name in that layer.
    pub path: FilePath,
    /// The name to know it by.
    pub known_as: FilePath,
    /// The name under which that layer's facts keep what it says.
    pub keep_at: FilePath,
}

/// What a merge is told besides the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeOptions {
    /// The tree is a project's sources: lock files say what it is built from. In an image they do not say what was installed.
    pub source_tree: bool,
}

/// The live files that a second read must fetch: databases behind links, files of database folders behind links, and hard links to files that were not read.
#[must_use]
pub fn unread_files(layers: &[StackedLayer<'_>]) -> Vec<UnreadFile> {
    let placed = place(layers);
    let stack = refer(&placed);
    let view = View::new(&stack);
    let mut unread = BTreeSet::new();
    let mut add = |layer: usize, path: &[u8], known_as: &[u8], keep_at: &[u8]| {
        let Some(placed) = placed.get(layer).and_then(Option::as_ref) else { return };
        let keep_at = FilePath::new(keep_at);
        let was_read = placed.facts.files.iter().any(|file| file.path == keep_at)
            || placed.facts.unknowns.iter().any(|unknown| unknown.path.as_ref() == Some(&keep_at));
        if !was_read {
            let (path, keep_at) = (placed.name_in_layer(&FilePath::new(path)), placed.name_in_layer(&keep_at));
            unread.insert(UnreadFile { layer, path, known_as: FilePath::new(known_as), keep_at });
        }
    };
    for known_as in DATABASES {
        if let Some((layer, path)) = view.resolve(known_as.as_bytes()) {
            add(layer, &path, known_as.as_bytes(), &path);
        }
    }
    for known_as in DATABASE_FOLDERS {
        let Some(folder) = view.follow(known_as.as_bytes()).filter(|folder| folder != known_as.as_bytes()) else {
            continue;
        };
        for name in view.names_in(&folder) {
            let file = join(&folder, &name);
            if let Some((layer, Node::File)) = view.entry(&file) {
                add(layer, &file, &join(known_as.as_bytes(), &name), &file);
            }
        }
    }
    for (layer, link) in links(&stack) {
        if view.entry(link.as_bytes()) != Some((layer, Node::HardLink)) {
            continue;
        }
        if let Some((_, path)) = view.resolve(link.as_bytes()).filter(|(owner, _)| *owner == layer) {
            add(layer, &path, link.as_bytes(), link.as_bytes());
        }
    }
    unread.into_iter().collect()
}

/// Hard links that an inspector would want, with their layers.
fn links<'a>(layers: &[StackedLayer<'a>]) -> impl Iterator<Item = (usize, &'a FilePath)> {
    let read = layers.iter().enumerate().filter_map(|(index, facts)| Some((index, (*facts)?)));
    read.flat_map(|(index, facts)| facts.links.iter().map(move |link| (index, link))).collect::<Vec<_>>().into_iter()
}

/// Merges the layers of one platform, lowest first; `None` stands for one that could not be read.
#[must_use]
pub fn merge(layers: &[StackedLayer<'_>], options: MergeOptions) -> Inventory {
    let placed = place(layers);
    Merge::new(&refer(&placed), options).run()
}

/// Every path of the merged view, with the index of its layer and what is there. Folders that no layer lists are left out.
#[must_use]
pub fn paths(layers: &[StackedLayer<'_>]) -> BTreeMap<FilePath, (usize, Node)> {
    let placed = place(layers);
    let stack = refer(&placed);
    let view = View::new(&stack);
    let all = stack.iter().flatten().flat_map(|facts| facts.tree.iter());
    all.filter_map(|(path, ..)| Some((FilePath::new(path), view.entry(path)?))).collect()
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
        let folders = DATABASE_FOLDERS.iter().filter_map(|path| view.follow(path.as_bytes())).collect();
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
        inventory.live.clone_from(&self.live);
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
        for name in ["etc/passwd", "etc/group", "etc/shadow"] {
            for fact in self.known(name).map_or(&[][..], |file| &file.facts) {
                match fact {
                    Fact::Accounts(accounts) => inventory.accounts = Some(accounts.clone()),
                    Fact::Groups(groups) => inventory.groups.clone_from(groups),
                    Fact::NoPassword(open) => {
                        inventory.no_password.extend(open.iter().map(|account| (account.clone(), name)));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether `path` is where a package manager looks: a well-known file, or a file of a well-known folder.
    fn is_database(&self, path: &FilePath) -> bool {
        let in_folder =
            || parent(path.as_bytes()).is_some_and(|folder| self.folders.iter().any(|known| known == folder));
        self.live.values().any(|(_, live)| live == path) || in_folder()
    }

    /// The files of the merged view that were read, topmost layer each. A database that a hard link leads to counts although its own name may be gone.
    fn live_files(&self) -> impl Iterator<Item = (usize, &'a FileFacts)> {
        let databases: BTreeSet<(usize, &FilePath)> = self.live.values().map(|(layer, path)| (*layer, path)).collect();
        let is_live = |path: &FilePath, layer: usize| {
            let entry = self.view.entry(path.as_bytes());
            matches!(entry, Some((top, Node::File | Node::HardLink)) if top == layer)
                || databases.contains(&(layer, path))
        };
        let read = self
            .history
            .iter()
            .flat_map(|(path, of_path)| of_path.iter().map(move |(layer, file)| (*path, *layer, *file)));
        let live = read.filter(|(path, layer, _)| is_live(path, *layer)).map(|(_, layer, file)| (layer, file));
        live.collect::<Vec<_>>().into_iter()
    }

    fn packages(&self) -> Vec<InstalledPackage> {
        let linked = LinkedFolders::new(self);
        let mut packages = Vec::new();
        for (layer, file) in self.live_files() {
            let path = file.path.as_bytes();
            for fact in &file.facts {
                let package = match fact {
                    Fact::Package(package) if !package.kind.is_os() || self.is_database(&file.path) => package,
                    Fact::ApplicationRoot(package) if self.has_node_modules(path) || linked.has_node(path) => package,
                    Fact::SourceMetadata(package) if !self.is_source(path) || linked.has_python(path) => package,
                    Fact::Locked(package) if self.options.source_tree => package,
                    Fact::Program(package) => package,
                    _ => continue,
                };
                packages.push(InstalledPackage {
                    fact: package.clone(),
                    path: file.path.clone(),
                    layer: self.since(fact, file, layer),
                    owner: None,
                    is_program: matches!(fact, Fact::Program(_)),
                });
            }
        }
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
    fn since(&self, fact: &Fact, file: &FileFacts, layer: usize) -> usize {
        let identity = |fact: &'a Fact| fact.package().map(|package| (&package.name, &package.version, &package.arch));
        let wanted = fact.package().map(|package| (&package.name, &package.version, &package.arch));
        let mut since = layer;
        let earlier = self.history.get(&file.path).map(Vec::as_slice).unwrap_or_default();
        for (index, older) in earlier.iter().rev().filter(|(index, _)| *index < layer) {
            let is_same = older.facts.iter().any(|fact| identity(fact) == wanted);
            if !is_same || self.view.is_removed_between(file.path.as_bytes(), *index, since) {
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
            if matches!(self.view.entry(top), Some((_, Node::Symlink))) {
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
        unknowns.extend(self.links_below());
        unknowns
    }

    /// Hard links to files of lower layers; engines make them, but no builder is known that writes them.
    fn links_below(&self) -> Vec<(Option<usize>, Unknown)> {
        let elsewhere = |(layer, link): &(usize, &FilePath)| {
            self.view.entry(link.as_bytes()) == Some((*layer, Node::HardLink))
                && self.view.resolve(link.as_bytes()).is_none_or(|(owner, _)| owner != *layer)
                && !self.live.contains_key(String::from_utf8_lossy(link.as_bytes()).as_ref())
        };
        let unknown = |(layer, link): (usize, &FilePath)| {
            let reason = "a hard link to a file of a lower layer is not read under its own name".to_owned();
            (Some(layer), Unknown { effect: Effect::Optional, path: Some(link.clone()), by: "layer".into(), reason })
        };
        links(self.layers).filter(elsewhere).map(unknown).collect()
    }

    fn wasted(&self) -> Vec<u64> {
        let trees: Vec<_> = self.layers.iter().map(|facts| facts.map(|facts| &facts.tree)).collect();
        let above = |index: usize| trees.iter().skip(index + 1).flatten().copied().collect::<Vec<_>>();
        trees.iter().enumerate().map(|(index, tree)| tree.map_or(0, |tree| tree.wasted(&above(index)))).collect()
    }
}

/// Folders that are installed because a link leads to them, where they lie outside of the folders that package managers fill.
struct LinkedFolders {
    node: BTreeSet<Vec<u8>>,
    python: BTreeSet<Vec<u8>>,
}

impl LinkedFolders {
    fn new(merge: &Merge<'_>) -> Self {
        let facts = || merge.live_files().flat_map(|(_, file)| &file.facts);
        let has_roots = facts().any(|fact| matches!(fact, Fact::ApplicationRoot(_)));
        let node = if has_roots { Self::node_links(merge) } else { BTreeSet::new() };
        let follow = |fact: &Fact| match fact {
            Fact::DevelopLink(folder) => merge.view.follow(folder.as_bytes()),
            _ => None,
        };
        Self { node, python: facts().filter_map(follow).collect() }
    }

    /// Where the symlinks in folders named `node_modules` lead: workspaces and linked packages.
    fn node_links(merge: &Merge<'_>) -> BTreeSet<Vec<u8>> {
        let mut folders = BTreeSet::new();
        for (layer, facts) in merge.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, (*facts)?))) {
            let links = facts.tree.iter().filter(|(path, node, ..)| *node == Node::Symlink && is_in_node_modules(path));
            let live = links.filter(|(path, ..)| merge.view.entry(path) == Some((layer, Node::Symlink)));
            folders.extend(live.filter_map(|(path, ..)| merge.view.follow(path)));
        }
        folders
    }

    fn has_node(&self, manifest: &[u8]) -> bool {
        self.node.contains(parent(manifest).unwrap_or_default())
    }

    fn has_python(&self, metadata: &[u8]) -> bool {
        project_of(metadata).is_some_and(|folder| self.python.contains(folder))
    }
}

/// Whether `path` is `node_modules/NAME` or `node_modules/@SCOPE/NAME`.
fn is_in_node_modules(path: &[u8]) -> bool {
    let mut above = path.rsplit(|b| *b == b'/').skip(1);
    match above.next() {
        Some(b"node_modules") => true,
        Some(scope) if scope.starts_with(b"@") => above.next() == Some(b"node_modules"),
        _ => false,
    }
}

/// The folder that holds the folder of a metadata file; the root is the empty path.
fn project_of(metadata: &[u8]) -> Option<&[u8]> {
    parent(metadata).map(|info| parent(info).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::tree::TreeBuilder;
    use super::super::{LayerFacts, PackageFact, PackageKind};
    use super::*;

    /// A layer of these entries (`path`, `path -> symlink`, `path => hard link`, `path/`) in which the files given were read.
    fn layer(entries: &[&str], files: &[(&str, &str)]) -> LayerFacts {
        let mut tree = TreeBuilder::default();
        for entry in entries {
            let (path, node, target) =
                match (entry.split_once(" -> "), entry.split_once(" => "), entry.strip_suffix('/')) {
                    (Some((path, target)), ..) => (path, Node::Symlink, target),
                    (_, Some((path, target)), _) => (path, Node::HardLink, target),
                    (.., Some(path)) => (path, Node::Directory, ""),
                    _ => (*entry, Node::File, ""),
                };
            tree.add(path.as_bytes(), node, target.as_bytes(), 0);
        }
        let file = |(path, package): &(&str, &str)| {
            let package = Fact::Package(PackageFact::new(PackageKind::Apk, *package, "1"));
            FileFacts { path: FilePath::new(path.as_bytes()), inspector: "os/apk".into(), facts: vec![package] }
        };
        LayerFacts { tree: tree.build(), files: files.iter().map(file).collect(), ..LayerFacts::default() }
    }

    fn merged(layers: &[LayerFacts]) -> Vec<(String, String, usize)> {
        let stack: Vec<StackedLayer<'_>> = layers.iter().map(Some).collect();
        let inventory = merge(&stack, MergeOptions::default());
        inventory.packages.into_iter().map(|p| (p.fact.name, p.path.to_string(), p.layer)).collect()
    }

    const DATABASE: &str = "lib/apk/db/installed";

    #[test]
    fn a_database_below_a_symlink_of_a_lower_layer_is_live() {
        let base = || layer(&["lib -> usr/lib", "usr/", "usr/lib/"], &[]);
        let without_folders = layer(&[DATABASE], &[(DATABASE, "a")]);
        assert_eq!(merged(&[base(), without_folders]), [("a".into(), "/usr/lib/apk/db/installed".into(), 1)]);
        // A folder takes the place of the symlink.
        let with_folders = layer(&["lib/", "lib/apk/", "lib/apk/db/", DATABASE], &[(DATABASE, "a")]);
        assert_eq!(merged(&[base(), with_folders]), [("a".into(), format!("/{DATABASE}"), 1)]);
    }

    #[test]
    fn what_a_layer_itself_replaces_is_not_live() {
        let replaced = layer(&[DATABASE, "lib -> usr/lib"], &[(DATABASE, "a")]);
        assert_eq!(merged(&[replaced]), []);
        let elsewhere = layer(&["opt/installed"], &[("opt/installed", "a")]);
        assert_eq!(merged(&[elsewhere]), [], "no package manager looks there");
    }

    #[test]
    fn the_name_of_a_database_may_be_gone() {
        let other_name = layer(&["opt/db", "lib/apk/db/installed => opt/db"], &[("opt/db", "a")]);
        let mut removal = layer(&[], &[]);
        let mut tree = TreeBuilder::default();
        tree.add(b"opt/db", Node::Whiteout, b"", 0);
        removal.tree = tree.build();
        assert_eq!(merged(&[other_name, removal]), [("a".into(), "/opt/db".into(), 0)]);
    }

    #[test]
    fn files_that_only_links_name_are_asked_for() {
        let mut facts =
            layer(&["store/1", "app/node_modules/a/package.json => store/1", "var/lib/dpkg -> /db", "db/status"], &[]);
        facts.links.push(FilePath::new(b"app/node_modules/a/package.json"));
        let unread = unread_files(&[Some(&facts)]);
        let shown: Vec<_> =
            unread.iter().map(|f| (f.path.to_string(), f.known_as.to_string(), f.keep_at.to_string())).collect();
        let row =
            |path: &str, known_as: &str, keep_at: &str| (path.to_owned(), known_as.to_owned(), keep_at.to_owned());
        let package = "/app/node_modules/a/package.json";
        assert_eq!(shown, [row("/db/status", "/var/lib/dpkg/status", "/db/status"), row("/store/1", package, package)]);
    }
}
