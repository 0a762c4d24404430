//! The facts of single layers to the [`Inventory`] of a platform: whiteouts, links, live databases, owners, and since which layer a thing is there.
//!
//! A layer yields candidates by path; here is decided which of them the runtime would see. Package databases count only at their well-known
//! places ([`DATABASES`]), reached through the image's own symlinks.

mod access;
mod changed;
mod diversions;
mod doubled;
mod leftovers;
mod linked;
mod locked;
mod nix;
mod owners;
mod packages;
mod reach;
mod rights;
mod unread;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::inventory::FoundPrivileged;
use super::path::parent;
use super::place::{Placed, place, refer};
use super::tree::Node;
use super::view::{Hidden, StackedLayer, View};
use super::{
    Effect, Fact, FileFacts, FilePath, FoundCertificate, FoundSecret, Inventory, PrivilegedFile, SecretState, Unknown,
};
use crate::oci::RunConfig;
pub use changed::{UnhashedFile, unhashed_files};
use unread::links;
pub use unread::{UnreadFile, unread_files};

/// Files that describe the image wherever the image's symlinks put them. A scan reads a target that no inspector asked for in a second pass.
pub const DATABASES: &[&str] = &[
    "var/lib/dpkg/status",
    "var/lib/dpkg/diversions",
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

/// Where os-release(5) looks, in that order.
const OS_RELEASE_FILES: &[&str] = &["etc/os-release", "usr/lib/os-release"];

/// Files that tell the release where there is no os-release, the more telling ones first: derivatives keep the file of what they derive from.
pub const RELEASE_FILES: &[&str] = &[
    "etc/lsb-release",
    "etc/centos-release",
    "etc/oracle-release",
    "etc/redhat-release",
    "etc/system-release",
    "etc/photon-release",
    "etc/gentoo-release",
    "etc/alpine-release",
    "etc/debian_version",
];

/// Folders whose files describe packages, and how many levels below them the files are.
const DATABASE_FOLDERS: &[(&str, usize)] =
    &[("var/lib/dpkg/status.d", 1), ("var/lib/dpkg/info", 1), ("var/lib/pacman/local", 2), ("var/db/pkg", 3)];

/// Changed by hand when merging says something else of the same facts; part of the key under which inventories are cached.
pub const REVISION: u32 = 2;

/// What a merge is told besides the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeOptions {
    /// The tree is a project's sources: lock files say what it is built from. In an image they do not say what was installed (`locked`).
    pub source_tree: bool,
    /// Of a project's sources, leave out what it needs only for development.
    pub without_development: bool,
    /// Compare every file of an OS package with its record, not only those that a later layer rewrote.
    pub verify_files: bool,
}

/// Merges the layers of one platform, lowest first; `None` stands for one that could not be read. `config` says what is started.
#[must_use]
pub fn merge(layers: &[StackedLayer<'_>], config: &RunConfig, options: MergeOptions) -> Inventory {
    let placed = place(layers);
    let stack = refer(&placed);
    // What is wasted is asked of every path and of nothing else, so it is counted beside the rest.
    std::thread::scope(|scope| {
        let counting = scope.spawn(|| wasted(&stack));
        let inventory = Merge::new(&stack, options).run(&placed, config);
        let wasted = counting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Inventory { wasted, ..inventory }
    })
}

/// By layer: bytes of files that a later layer replaces or removes.
fn wasted(layers: &[StackedLayer<'_>]) -> Vec<u64> {
    let trees: Vec<_> = layers.iter().map(|facts| facts.map(|facts| &facts.tree)).collect();
    let above = |index: usize| trees.iter().skip(index + 1).flatten().copied().collect::<Vec<_>>();
    trees.iter().enumerate().map(|(index, tree)| tree.map_or(0, |tree| tree.wasted(&above(index)))).collect()
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
    /// Where the folders of [`DATABASE_FOLDERS`] are, with their depth.
    folders: Vec<(Vec<u8>, usize)>,
    /// See [`Merge::live_files`], which many ask.
    live_files: OnceCell<Vec<(usize, &'a FileFacts)>>,
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
            .chain(RELEASE_FILES)
            .filter_map(resolve)
            .map(|(name, (layer, path))| (name, (layer, FilePath::new(&path))))
            .collect();
        let folder = |(path, depth): &(&str, usize)| Some((view.follow(path.as_bytes())?, *depth));
        let folders = DATABASE_FOLDERS.iter().filter_map(folder).collect();
        Self { layers, options, view, history, live, folders, live_files: OnceCell::new() }
    }

    fn run(self, placed: &[Option<Placed<'_>>], config: &RunConfig) -> Inventory {
        let mut inventory = Inventory { os: self.os_release(), packages: self.packages(), ..Inventory::default() };
        self.take_scopes(&mut inventory.packages);
        let locked = self.locked(&inventory.packages);
        inventory.packages.extend(locked.packages);
        inventory.set_aside = locked.set_aside;
        self.accounts(&mut inventory);
        inventory.secrets = self.secrets();
        inventory.certificates = self.certificates();
        inventory.privileged = self.privileged();
        self.note_access(&mut inventory, config);
        self.leftovers(&mut inventory);
        self.rights(&mut inventory);
        inventory.changed = self.changed(placed);
        self.attribute(&mut inventory);
        doubled::drop_doubled(&mut inventory);
        self.mark_loaded(&mut inventory, config);
        inventory.channels = self.channels();
        inventory.unknowns.extend(self.unknowns());
        inventory.unknowns.extend(locked.unknowns);
        inventory.live = self.live.iter().map(|(name, place)| ((*name).to_owned(), place.clone())).collect();
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
        let files = OS_RELEASE_FILES.iter().chain(RELEASE_FILES);
        files.filter_map(|name| self.known(name)).flat_map(|file| &file.facts).find_map(|fact| match fact {
            Fact::OsRelease(release) => Some(release.clone()),
            _ => None,
        })
    }

    fn channels(&self) -> Vec<String> {
        let named = self.live_files().flat_map(|(_, file)| &file.facts).filter_map(|fact| match fact {
            Fact::Channels(channels) => Some(channels),
            _ => None,
        });
        named.flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    fn accounts(&self, inventory: &mut Inventory) {
        for name in ["etc/passwd", "etc/group", "etc/shadow"] {
            for fact in self.known(name).map_or(&[][..], |file| &file.facts) {
                match fact {
                    Fact::Accounts(accounts) => inventory.accounts = Some(accounts.clone()),
                    Fact::Groups(groups) => inventory.groups.clone_from(groups),
                    Fact::NoPassword(open) => {
                        inventory.no_password.extend(open.iter().map(|account| (account.clone(), name.to_owned())));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether `path` is where a package manager looks: a well-known file, or a file of a well-known folder.
    fn is_database(&self, path: &FilePath) -> bool {
        let above = |depth| (0..depth).try_fold(path.as_bytes(), |path, _| parent(path));
        let in_folder = || self.folders.iter().any(|(folder, depth)| above(*depth) == Some(folder));
        self.live.values().any(|(_, live)| live == path) || in_folder()
    }

    /// The files of the merged view that were read, topmost layer each. A database that a hard link leads to counts although its own name may be gone.
    fn live_files(&self) -> impl Iterator<Item = (usize, &'a FileFacts)> {
        self.live_files.get_or_init(|| self.find_live_files()).iter().copied()
    }

    fn find_live_files(&self) -> Vec<(usize, &'a FileFacts)> {
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
        read.filter(|(path, layer, _)| is_live(path, *layer)).map(|(_, layer, file)| (layer, file)).collect()
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
                    inside: file.inside.clone(),
                    layer,
                    state,
                    owner: None,
                    secret: secret.clone(),
                }));
            }
        }
        found
    }

    fn certificates(&self) -> Vec<FoundCertificate> {
        let files = self.history.iter().flat_map(|(path, of_path)| of_path.iter().map(move |read| (*path, read)));
        let found = files.flat_map(|(path, (layer, file))| {
            file.facts.iter().filter_map(move |fact| match fact {
                Fact::Certificate(certificate) => {
                    Some(FoundCertificate { path: path.clone(), layer: *layer, certificate: certificate.clone() })
                }
                _ => None,
            })
        });
        found.collect()
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
}

#[cfg(test)]
mod tests;
