//! The new image of one platform while transforms work on it.
//!
//! In: the old image, its [`View`] and what a scan saw. Out: what is to become of each layer, the entries of a new layer on top, and the configuration. Nothing is read or written here.
//!
//! Where an edit goes: what is removed is dropped from every layer that has it, so that no blob holds it. Another mode or owner goes into the new layer as a copy of the file, if that is small, so that
//! the layer below keeps its bytes and the image its base; else into the header in its layer. A file has all its names in one layer, so a copy has them all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::config::Config;
use super::entry::{NewContent, NewEntry, NewKind};
use super::mask::Masks;
use super::plan::Step;
use super::rewrite::LayerEdits;
use super::survey::{Surveyed, View};
use crate::facts::path::parent;
use crate::facts::{FilePath, Inventory};
use crate::layer::EntryKind;
use crate::layer::tar::HeaderChange;
use crate::oci::Platform;
use crate::scan::PlacedSecret;
use crate::source::{Blobs, Layer};

/// Most bytes of one file that is copied into the new layer for another mode or owner.
const MAX_COPIED_BYTES: u64 = 1 << 20;

/// A layer of the new image, lowest first.
#[derive(Clone)]
pub enum DraftLayer {
    /// One that exists, with what changes in it.
    Source {
        /// The layer.
        layer: Layer,
        /// Who gives its bytes.
        blobs: Arc<dyn Blobs>,
        /// What changes.
        edits: LayerEdits,
    },
    /// One of these entries, in this order.
    New {
        /// The entries.
        entries: Vec<NewEntry>,
        /// What the history says of it.
        created_by: String,
    },
}

/// The new image of one platform.
pub struct Draft {
    /// The platform.
    pub platform: Platform,
    /// The files of the old image.
    pub view: Arc<View>,
    /// What a scan saw in the old image.
    pub inventory: Arc<Inventory>,
    /// The layers; those of the view come first and in its order, unless a transform put others there.
    pub layers: Vec<DraftLayer>,
    /// The configuration.
    pub config: Config,
    /// Annotations of the manifest.
    pub annotations: Map<String, Value>,
    /// Whom the service runs as, where it is not root.
    pub service: Option<(u32, u32)>,
    /// Secrets that stand around the layers.
    pub secrets_around: Vec<PlacedSecret>,
    /// Secrets that are masked wherever they stand in a document of the image.
    pub masks: Masks,
    /// Whether all layers become one.
    pub squash: bool,
    /// Seconds since 1970 for what is made: `SOURCE_DATE_EPOCH`, else when the old image was built.
    pub mtime: u64,
    /// Entries of the layer that is put on top, by path.
    top: BTreeMap<FilePath, NewEntry>,
    /// Header changes by path, those of the files' other names included.
    changes: BTreeMap<FilePath, HeaderChange>,
    /// Paths that were dropped everywhere.
    erased: BTreeSet<FilePath>,
    steps: Vec<Step>,
}

impl Draft {
    /// The old image as it is.
    #[must_use]
    pub fn new(
        platform: Platform,
        view: Arc<View>,
        inventory: Arc<Inventory>,
        layers: Vec<DraftLayer>,
        config: Config,
        annotations: Map<String, Value>,
        mtime: u64,
    ) -> Self {
        Self {
            platform,
            view,
            inventory,
            layers,
            config,
            annotations,
            service: None,
            secrets_around: Vec::new(),
            masks: Masks::default(),
            squash: false,
            mtime,
            top: BTreeMap::new(),
            changes: BTreeMap::new(),
            erased: BTreeSet::new(),
            steps: Vec::new(),
        }
    }

    /// Notes what a transform did, if it says anything.
    pub fn note(&mut self, step: Step) {
        if step.is_change() || !step.cannot.is_empty() || !step.left.is_empty() {
            self.steps.push(step);
        }
    }

    /// What was noted.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The content of a small file as it will be: symbolic links are followed, and what transforms have put there counts.
    #[must_use]
    pub fn read(&self, path: &[u8]) -> Option<Arc<[u8]>> {
        let place = FilePath::new(&self.view.follow(path)?);
        if let Some(NewEntry { kind, .. }) = self.top.get(&place) {
            return if let NewKind::File(NewContent::Bytes(bytes)) = kind { Some(bytes.clone()) } else { None };
        }
        self.is_there(&place).then(|| self.view.content(place.as_bytes()).cloned()).flatten()
    }

    /// Where a program is that the run settings name, as the engine finds it: a path, or a name in a folder of `PATH`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<Vec<u8>> {
        let find = |path: String| self.view.follow(path.as_bytes()).filter(|place| self.view.get(place).is_some());
        if name.contains('/') {
            return find(name.to_owned());
        }
        let variables = self.config.setting("Env").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let path = variables.iter().find_map(|pair| pair.as_str()?.strip_prefix("PATH="));
        // What engines use where none is set (moby `oci/defaults.go`).
        let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        path.split(':').find_map(|folder| find(format!("{folder}/{name}")))
    }

    /// Whether there is something at a path of the view that no transform has removed.
    #[must_use]
    pub fn is_there(&self, path: &FilePath) -> bool {
        self.view.get(path.as_bytes()).is_some() && !self.is_erased(path.as_bytes())
    }

    fn is_erased(&self, path: &[u8]) -> bool {
        let mut folders = std::iter::successors(Some(path), |path| parent(path));
        !self.erased.is_empty() && folders.any(|path| self.erased.contains(&FilePath::new(path)))
    }

    /// Puts content at a path, in the new layer on top: symbolic links are followed, an existing file keeps its mode and owner, a new one gets `mode` and root.
    pub fn write(&mut self, path: &[u8], content: impl Into<Arc<[u8]>>, mode: u32) {
        let place = self.view.follow(path).unwrap_or_else(|| path.to_vec());
        let known = self.view.get(&place);
        let owner = known.map_or((0, 0), |entry| (id(entry.uid), id(entry.gid)));
        let mode = known.map_or(mode, |entry| entry.mode);
        let kind = NewKind::File(NewContent::Bytes(content.into()));
        self.put(NewEntry::new(&place, kind, mode, self.mtime).owned(owner.0, owner.1));
    }

    /// Puts an entry into the new layer on top, in the place of what was put there before.
    pub fn put(&mut self, entry: NewEntry) {
        self.top.insert(entry.path.clone(), entry);
    }

    /// Drops paths of the view from every layer, folders with all below them, and hard links with the files that they name. Returns the length of what the layers lose, in bytes.
    pub fn erase(&mut self, paths: &BTreeSet<FilePath>) -> u64 {
        let bytes = (0..self.view.layers()).map(|layer| self.erase_in(layer, paths)).sum();
        self.top.retain(|path, _| !is_below(path, paths));
        self.changes.retain(|path, _| !is_below(path, paths));
        self.erased.extend(paths.iter().cloned());
        bytes
    }

    /// As [`erase`](Self::erase), in one layer alone: what other layers have at these paths stays.
    pub fn erase_in(&mut self, layer: usize, paths: &BTreeSet<FilePath>) -> u64 {
        let entries = self.view.entries_of(layer).filter(|(place, _)| is_below(place, paths));
        let gone: Vec<(FilePath, u64)> = entries.map(|(_, entry)| (entry.path.clone(), entry.size)).collect();
        let Some(DraftLayer::Source { edits, .. }) = self.layers.get_mut(layer) else { return 0 };
        gone.into_iter().map(|(name, size)| if edits.drop.insert(name) { size } else { 0 }).sum()
    }

    /// Changes mode, owner or capabilities of what is at a path of the view, under all its names.
    pub fn change(&mut self, path: &FilePath, change: HeaderChange) {
        for name in self.view.names_of(path.as_bytes()) {
            if let Some(entry) = self.top.get_mut(&name) {
                apply(entry, &change);
                continue;
            }
            let known = self.changes.entry(name).or_default();
            known.mode = change.mode.or(known.mode);
            known.uid = change.uid.or(known.uid);
            known.gid = change.gid.or(known.gid);
            known.drop_capability |= change.drop_capability;
        }
    }

    /// Settles where each change goes, and closes the layer on top. `created_by` is what the history says of it.
    pub fn settle(&mut self, created_by: &str) {
        for (path, change) in std::mem::take(&mut self.changes) {
            self.place(&path, change);
        }
        if self.top.is_empty() {
            return;
        }
        self.add_folders();
        let entries = std::mem::take(&mut self.top).into_values().collect();
        self.layers.push(DraftLayer::New { entries, created_by: created_by.to_owned() });
    }

    fn place(&mut self, path: &FilePath, change: HeaderChange) {
        let (Some(origin), Some(entry)) = (self.view.origin(path.as_bytes()), self.view.get(path.as_bytes())) else {
            return;
        };
        let layer = self.layers.get_mut(origin.layer);
        let is_rewritten = matches!(&layer, Some(DraftLayer::Source { edits, .. }) if !edits.is_empty());
        // A folder costs nothing, and some layers have it only by what is in it: unpacked alone, such a layer makes it root's.
        let is_folder = entry.kind == EntryKind::Directory;
        if (is_folder || !is_rewritten)
            && let Some(copy) = self.copy(path, entry, &change)
        {
            self.put(copy);
            return;
        }
        if let Some(DraftLayer::Source { edits, .. }) = self.layers.get_mut(origin.layer) {
            edits.change.insert(entry.path.clone(), change);
        }
    }

    /// What is at a path, with a change, as an entry of the new layer; none for what is too large or cannot be written again.
    fn copy(&self, path: &FilePath, entry: &Surveyed, change: &HeaderChange) -> Option<NewEntry> {
        let names = self.view.names_of(path.as_bytes());
        let first = names.first().filter(|first| *first != path);
        let kind = match (entry.kind, first) {
            (EntryKind::File | EntryKind::HardLink, Some(first)) if self.top.contains_key(first) => {
                NewKind::HardLink(first.clone())
            }
            (EntryKind::File | EntryKind::HardLink, None) => {
                let content = self.view.content(path.as_bytes())?;
                (content.len() as u64 <= MAX_COPIED_BYTES).then(|| NewKind::File(NewContent::Bytes(content.clone())))?
            }
            (EntryKind::Directory, _) => NewKind::Directory,
            (EntryKind::Symlink, _) => NewKind::Symlink(entry.link.to_vec()),
            (EntryKind::File | EntryKind::HardLink | EntryKind::Special, _) => return None,
        };
        let mut copy = NewEntry::new(path.as_bytes(), kind, entry.mode, self.mtime).owned(id(entry.uid), id(entry.gid));
        if !entry.capability.is_empty() {
            copy.xattrs.push(("security.capability".into(), entry.capability.to_vec()));
        }
        apply(&mut copy, change);
        Some(copy)
    }

    /// The folders of the entries on top, as they are below: an engine that unpacks the layer by itself would make them root's with mode 0755.
    fn add_folders(&mut self) {
        let folders: BTreeSet<Vec<u8>> = self
            .top
            .keys()
            .flat_map(|path| std::iter::successors(parent(path.as_bytes()), |folder| parent(folder)))
            .filter(|folder| !folder.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        for folder in folders {
            let path = FilePath::new(&folder);
            if self.top.contains_key(&path) {
                continue;
            }
            let known = self.view.get(&folder).filter(|entry| entry.kind == EntryKind::Directory);
            let (mode, uid, gid) = known.map_or((0o755, 0, 0), |entry| (entry.mode, id(entry.uid), id(entry.gid)));
            self.put(NewEntry::new(&folder, NewKind::Directory, mode, self.mtime).owned(uid, gid));
        }
    }
}

/// Whether a path is one of `paths`, or below one.
fn is_below(path: &FilePath, paths: &BTreeSet<FilePath>) -> bool {
    let mut above = std::iter::successors(Some(path.as_bytes()), |path| parent(path));
    above.any(|path| !path.is_empty() && paths.contains(&FilePath::new(path)))
}

fn apply(entry: &mut NewEntry, change: &HeaderChange) {
    if !matches!(entry.kind, NewKind::Symlink(_)) {
        entry.mode = change.mode.unwrap_or(entry.mode);
    }
    entry.uid = change.uid.unwrap_or(entry.uid);
    entry.gid = change.gid.unwrap_or(entry.gid);
    if change.drop_capability {
        entry.xattrs.retain(|(name, _)| name != "security.capability");
    }
}

/// An owner as the kernel takes it, which the tar parser made sure of.
fn id(owner: u64) -> u32 {
    u32::try_from(owner).unwrap_or(0)
}

/// When an image was built, in seconds since 1970; 0 where it does not say.
#[must_use]
pub fn built_at(config: &Config) -> u64 {
    let time = config.created().and_then(|created| created.parse::<jiff::Timestamp>().ok());
    time.and_then(|time| u64::try_from(time.as_second()).ok()).unwrap_or(0)
}

impl std::fmt::Debug for DraftLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source { layer, edits, .. } => {
                f.debug_struct("Source").field("layer", layer).field("edits", edits).finish_non_exhaustive()
            }
            Self::New { entries, created_by } => {
                f.debug_struct("New").field("entries", &entries.len()).field("created_by", created_by).finish()
            }
        }
    }
}
