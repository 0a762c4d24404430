//! What becomes of each file of the application's layers when another base comes under them.
//!
//! | the application's file | the new base's | what becomes |
//! |---|---|---|
//! | is not in the old base | is not in the new one, or the same | it stays |
//! | is the old base's | another one | it goes: the new base's shows |
//! | has only another mode or owner than the old base's | another one | the new base's content with that mode or owner |
//! | changed | as in the old base | it stays |
//! | changed | changed alike | it stays |
//! | changed | changed otherwise | by record, where the format is known; it stays where programs make it anew; by package; else the rebase is refused |
//!
//! Times count for nothing: nearly every build has its own.

use std::collections::{BTreeMap, BTreeSet};

use super::formats;
use super::packages::{Manager, Packages, decide, is_rpm};
use super::three_way::{Versions, Winner};
use crate::facts::FilePath;
use crate::facts::file_digest::{Algorithm, FileDigest};
use crate::harden::entry::{NewContent, NewEntry, NewKind};
use crate::harden::rewrite::LayerEdits;
use crate::harden::survey::{Surveyed, View};
use crate::layer::EntryKind;
use crate::layer::path::{Whiteout, whiteout};
use crate::layer::tar::HeaderChange;

/// Most conflicts that are told; the first few say what kind of image it is.
const MAX_TOLD: usize = 20;

/// What there is at a path, as far as two images can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    content: Content,
    header: Header,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    File(FileDigest),
    Directory,
    Symlink(Box<[u8]>),
    /// A device or FIFO, or a file that could not be hashed: equal to nothing.
    Other(FilePath),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    mode: u32,
    owner: (u64, u64),
    capability: Box<[u8]>,
}

/// What is to be done with the application's layers.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// One for each of the application's layers.
    pub(super) edits: Vec<LayerEdits>,
    /// What must be hidden of the new base.
    pub(super) hidden: BTreeSet<FilePath>,
    /// Files that were merged by record.
    pub(super) merged: Vec<FilePath>,
    /// Files of the application's layers that go, since the new base has them.
    pub(super) dropped: usize,
    /// Packages whose version of the new base takes the place of the application's.
    pub(super) told: Vec<String>,
    /// Why it cannot be done.
    pub(super) conflicts: Vec<String>,
}

/// The three file systems, and where the application's layers begin.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) old: &'a View,
    pub(super) app: &'a View,
    pub(super) new: &'a View,
    /// Number of layers of the old base.
    pub(super) base_layers: usize,
    /// Seconds since 1970 for what is written.
    pub(super) mtime: u64,
}

/// Decides about every file.
pub(super) fn settle(sides: Sides<'_>) -> Outcome {
    let edits = (sides.base_layers..sides.app.layers()).map(|_| LayerEdits::default()).collect();
    let outcome = Outcome { edits, ..Outcome::default() };
    let mut settling = Settling { sides, outcome, databases: BTreeMap::new(), entries: sides.own_entries() };
    settling.read_databases();
    let application: Vec<(&FilePath, &Surveyed)> = sides.app.iter().filter(|(path, _)| sides.is_own(path)).collect();
    for (path, entry) in application {
        settling.entry(path, entry);
    }
    settling.hide();
    settling.outcome
}

impl Sides<'_> {
    /// Whether what is at a path comes from the application's layers.
    fn is_own(&self, path: &FilePath) -> bool {
        self.app.origin(path.as_bytes()).is_some_and(|origin| origin.layer >= self.base_layers)
    }

    fn own_entries(&self) -> BTreeMap<FilePath, Vec<(usize, FilePath)>> {
        let mut entries: BTreeMap<FilePath, Vec<(usize, FilePath)>> = BTreeMap::new();
        for layer in self.base_layers..self.app.layers() {
            for (place, entry) in self.app.entries_of(layer) {
                if whiteout(entry.path.as_bytes()) == Whiteout::None {
                    entries.entry(place.clone()).or_default().push((layer - self.base_layers, entry.path.clone()));
                }
            }
        }
        entries
    }

    fn states(&self, path: &FilePath) -> Versions<State> {
        Versions { old: state(self.old, path), app: state(self.app, path), new: state(self.new, path) }
    }
}

fn state(view: &View, path: &FilePath) -> Option<State> {
    let entry = view.get(path.as_bytes())?;
    let content = match entry.kind {
        EntryKind::Directory => Content::Directory,
        EntryKind::Symlink => Content::Symlink(entry.link.clone()),
        EntryKind::File | EntryKind::HardLink => {
            let digest = view.digest(path.as_bytes(), Algorithm::Sha256);
            digest.map_or_else(|| Content::Other(path.clone()), Content::File)
        }
        EntryKind::Special => Content::Other(path.clone()),
    };
    let mode = if entry.kind == EntryKind::Symlink { 0o777 } else { entry.mode };
    Some(State {
        content,
        header: Header { mode, owner: (entry.uid, entry.gid), capability: entry.capability.clone() },
    })
}

struct Settling<'a> {
    sides: Sides<'a>,
    outcome: Outcome,
    /// The package databases by path.
    databases: BTreeMap<FilePath, (Manager, Packages)>,
    /// By where they land: entries of the application's layers, with the layer's number among these and their name in it.
    entries: BTreeMap<FilePath, Vec<(usize, FilePath)>>,
}

impl Settling<'_> {
    fn read_databases(&mut self) {
        let Sides { old, app, new, .. } = self.sides;
        let databases: Vec<(FilePath, Manager)> =
            app.iter().filter_map(|(path, _)| Some((path.clone(), Manager::of(path.as_bytes())?))).collect();
        for (path, manager) in databases {
            let views = Versions { old: Some(old), app: Some(app), new: Some(new) };
            match decide(manager, path.as_bytes(), views) {
                Ok(packages) => {
                    self.outcome.told.extend(packages.told.iter().cloned());
                    self.databases.insert(path, (manager, packages));
                }
                Err(clash) => self.conflict(&path, &format!("both sides changed the record of {}", clash.key)),
            }
        }
    }

    fn conflict(&mut self, path: &FilePath, why: &str) {
        match self.outcome.conflicts.len() {
            MAX_TOLD => self.outcome.conflicts.push("and more".to_owned()),
            told if told < MAX_TOLD => self.outcome.conflicts.push(format!("{path}: {why}")),
            _ => {}
        }
    }

    /// Decides about one path of the application.
    fn entry(&mut self, path: &FilePath, entry: &Surveyed) {
        let Versions { old, app, new } = self.sides.states(path);
        let Some(app) = app else { return };
        if entry.kind == EntryKind::Directory {
            return self.folder(path, old.as_ref(), &app, new.as_ref());
        }
        if let Some((manager, digest)) = self.superseded(path) {
            return self.supersede(path, manager, digest, old == Some(app));
        }
        if new == old || new.as_ref() == Some(&app) {
            return;
        }
        if old.as_ref() == Some(&app) {
            return self.drop(path);
        }
        if let (Some(old), Some(new)) = (&old, &new) {
            if old.content == app.content {
                if !self.take_content(path, old, &app, new) {
                    self.conflict(path, "the application changed only its mode or owner, and the new base its content");
                }
                return;
            }
            if new.content == app.content {
                if old.header == app.header {
                    self.drop(path);
                }
                return;
            }
        }
        if old.as_ref().is_some_and(|old| old.content == app.content) && new.is_none() {
            // The application only changed the mode of what the new base no longer has.
            return self.drop(path);
        }
        self.changed_by_both(path, &app);
    }

    fn folder(&mut self, path: &FilePath, old: Option<&State>, app: &State, new: Option<&State>) {
        let Some(new) = new else { return };
        if new.content != Content::Directory {
            return self.conflict(path, "it is a folder here and something else in the new base");
        }
        let Some(old) = old.filter(|old| old.content == Content::Directory) else { return };
        let headers = Versions { old: Some(&old.header), app: Some(&app.header), new: Some(&new.header) };
        if app.header != new.header && headers.winner() == Some(Winner::New) {
            let change = HeaderChange {
                mode: Some(new.header.mode),
                uid: u32::try_from(new.header.owner.0).ok(),
                gid: u32::try_from(new.header.owner.1).ok(),
                drop_capability: false,
            };
            self.each_entry(path, |edits, name| {
                edits.change.insert(name, change);
            });
        }
        // Where both changed it, the application's stays: it is its layers that people built last.
    }

    /// What the package manager knows of a file of a version that does not count.
    fn superseded(&self, path: &FilePath) -> Option<(Manager, Option<FileDigest>)> {
        self.databases.values().find_map(|(manager, packages)| Some((*manager, *packages.superseded.get(path)?)))
    }

    /// Drops a file of an older version of a package, unless somebody changed it after that was installed.
    fn supersede(&mut self, path: &FilePath, manager: Manager, digest: Option<FileDigest>, is_of_the_base: bool) {
        let found = self.sides.app.digest(path.as_bytes(), manager.algorithm());
        let was_changed = digest.is_some() && found.is_some() && found != digest;
        if was_changed && !is_of_the_base {
            if path.as_bytes().starts_with(b"etc/") {
                // Configuration that people wrote is theirs, as for the package manager.
                return;
            }
            return self.conflict(path, "the application changed this file of a package that is newer in the new base");
        }
        self.drop(path);
    }

    /// The new base's content with the mode and owner that the application gave the old one; whether it can be had.
    fn take_content(&mut self, path: &FilePath, old: &State, app: &State, new: &State) -> bool {
        let view = self.sides.new;
        let kind = match &new.content {
            Content::Symlink(target) => NewKind::Symlink(target.to_vec()),
            Content::File(_) => match view.content(path.as_bytes()) {
                Some(content) => NewKind::File(NewContent::Bytes(content.clone())),
                None => return false,
            },
            Content::Directory | Content::Other(_) => return false,
        };
        let pick = |old: u64, app: u64, new: u64| u32::try_from(if app == old { new } else { app }).unwrap_or(0);
        let (old, app, new) = (&old.header, &app.header, &new.header);
        let mode = pick(old.mode.into(), app.mode.into(), new.mode.into());
        let owner = (pick(old.owner.0, app.owner.0, new.owner.0), pick(old.owner.1, app.owner.1, new.owner.1));
        let mut entry = NewEntry::new(path.as_bytes(), kind, mode, self.sides.mtime).owned(owner.0, owner.1);
        let capability = if app.capability == old.capability { &new.capability } else { &app.capability };
        if !capability.is_empty() {
            entry.xattrs.push(("security.capability".to_owned(), capability.to_vec()));
        }
        self.replace(path, entry);
        true
    }

    /// A file that both sides changed in different ways, or both added.
    fn changed_by_both(&mut self, path: &FilePath, app: &State) {
        if let Some((manager, packages)) = self.databases.get(path) {
            let (manager, records) = (*manager, packages.records.clone());
            let before = self.sides.app.content(path.as_bytes()).cloned().unwrap_or_default();
            for broken in manager.newly_broken(&before, &records) {
                self.conflict(path, &format!("with the packages of the new base, {broken}"));
            }
            return self.write(path, app, records);
        }
        if let Some(format) = formats::of(path.as_bytes()) {
            let Sides { old, app: view, new, .. } = self.sides;
            let content = |view: &View| view.content(path.as_bytes()).cloned();
            let (old, ours, new) = (content(old), content(view), content(new));
            if ours.is_none() || new.is_none() {
                return self.conflict(path, "it is too large to be merged");
            }
            let versions = Versions { old: old.as_deref(), app: ours.as_deref(), new: new.as_deref() };
            return match format.merge(versions) {
                Ok(merged) => self.write(path, app, merged),
                Err(clash) => self.conflict(path, &format!("both sides changed `{}`", clash.key)),
            };
        }
        if is_rpm(path.as_bytes()) {
            return self.conflict(
                path,
                "the application installed packages with rpm, whose database is binary and cannot be merged",
            );
        }
        if formats::is_derived(path.as_bytes()) || self.is_of_an_own_package(path) {
            return;
        }
        self.conflict(path, "the application changed this file of the base, and so did the new base");
    }

    fn is_of_an_own_package(&self, path: &FilePath) -> bool {
        self.databases.values().any(|(_, packages)| packages.own.contains(path))
    }

    /// Puts merged content in the place of the application's file.
    fn write(&mut self, path: &FilePath, app: &State, content: Vec<u8>) {
        let owner = |id: u64| u32::try_from(id).unwrap_or(0);
        let kind = NewKind::File(NewContent::Bytes(content.into()));
        let entry = NewEntry::new(path.as_bytes(), kind, app.header.mode, self.sides.mtime)
            .owned(owner(app.header.owner.0), owner(app.header.owner.1));
        self.outcome.merged.push(path.clone());
        self.replace(path, entry);
    }

    /// Puts an entry in the place of the one that shows.
    fn replace(&mut self, path: &FilePath, entry: NewEntry) {
        let Some(origin) = self.sides.app.origin(path.as_bytes()) else { return };
        let Some(name) = self.sides.app.get(path.as_bytes()).map(|shown| shown.path.clone()) else { return };
        if let Some(edits) =
            origin.layer.checked_sub(self.sides.base_layers).and_then(|layer| self.outcome.edits.get_mut(layer))
        {
            let entry = NewEntry { path: name.clone(), ..entry };
            edits.replace.insert(name, entry);
        }
    }

    /// Drops a path from every one of the application's layers.
    fn drop(&mut self, path: &FilePath) {
        self.outcome.dropped += 1;
        self.each_entry(path, |edits, name| {
            edits.drop.insert(name);
        });
    }

    /// Every entry of the application's layers that lands at a path.
    fn each_entry(&mut self, path: &FilePath, mut edit: impl FnMut(&mut LayerEdits, FilePath)) {
        for (layer, name) in self.entries.get(path).into_iter().flatten() {
            if let Some(edits) = self.outcome.edits.get_mut(*layer) {
                edit(edits, name.clone());
            }
        }
    }

    /// Hides what the new base has of packages whose version there does not count.
    fn hide(&mut self) {
        let removed = self.databases.values().flat_map(|(_, packages)| &packages.removed);
        let is_shown = |path: &&FilePath| self.sides.app.get(path.as_bytes()).is_none();
        self.outcome.hidden = removed.filter(is_shown).cloned().collect();
    }
}
