//! What the layers of an image have where, with owners and modes: the view that transforms work on, and of which entries of which layers it is made.
//!
//! In: the layers, each read once, its digest and diff ID verified. Out: a [`View`] a platform. What the scan keeps of a layer has neither modes nor owners of ordinary files, so the layers are read again.
//! Names and whiteouts mean what they mean to `facts::merge`: an entry whose folder is a symbolic link lands where that leads, and takes the place of what was there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::FilePath;
use crate::facts::file_digest::{Algorithm, FileDigest, FileHasher};
use crate::facts::path::{join, parent};
use crate::facts::view::follow;
use crate::layer::path::{Whiteout, whiteout};
use crate::layer::{Entry, EntryKind, LayerError, PassOptions, Visitor, read_layer};
use crate::source::{Blobs, Content, Layer, SourceError};

/// Largest file that is kept in memory, in bytes. The status file of a Debian desktop has 4 MB.
pub const MAX_KEPT_BYTES: u64 = 8 << 20;

/// Most bytes of files that are kept of one layer. Debian's setuid programs have 1 MB together.
pub const MAX_KEPT_IN_LAYER: u64 = 48 << 20;

/// Largest script that is kept, in bytes: its first line tells which interpreter it needs.
const MAX_SCRIPT_BYTES: u64 = 64 << 10;

/// What a hole of a sparse file reads as.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Bits that give whoever runs a program its owner's or group's rights.
pub const SETID: u32 = 0o6000;

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name in the layer, normalised.
    pub path: FilePath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Length of the content.
    pub size: u64,
    /// Target of a link.
    pub link: Box<[u8]>,
    /// The attribute `security.capability`; empty without one.
    pub capability: Box<[u8]>,
}

impl Surveyed {
    /// Whether it is a file, under whatever name.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.kind, EntryKind::File | EntryKind::HardLink)
    }
}

/// Every entry of one layer.
#[derive(Clone, Debug, Default)]
pub struct SurveyedLayer {
    /// In the order of the stream.
    pub entries: Vec<Surveyed>,
    /// Content of files that were asked for, by their place in `entries`.
    contents: BTreeMap<usize, Arc<[u8]>>,
    /// The entry that brings the content of a hard link, by the link's place.
    inodes: BTreeMap<usize, usize>,
    /// Digests of files by their place in `entries`, where they were asked for.
    digests: BTreeMap<(usize, Algorithm), FileDigest>,
}

impl SurveyedLayer {
    /// Finds the files that hard links name: the last entry of that name before them. A link to a file of a lower layer has none.
    fn link(&mut self) {
        if !self.entries.iter().any(|entry| entry.kind == EntryKind::HardLink) {
            return;
        }
        let mut last: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.kind == EntryKind::HardLink
                && let Some(target) = last.get(&*entry.link)
            {
                self.inodes.insert(index, *self.inodes.get(target).unwrap_or(target));
            }
            last.insert(entry.path.as_bytes(), index);
        }
    }
}

/// Reads a layer. `wants` says of a file's name in the layer whether its content is kept, as far as the limits go; that of programs with setuid, setgid or
/// capabilities and of scripts always is.
///
/// # Errors
/// When the layer cannot be read whole, or is not what manifest and configuration say.
pub fn survey_layer(
    blobs: &dyn Blobs,
    layer: &Layer,
    wants: &dyn Fn(&[u8]) -> bool,
) -> Result<SurveyedLayer, LayerError> {
    survey_layer_with_digests(blobs, layer, wants, &[])
}

/// As [`survey_layer`], with the digests of every file by these algorithms.
///
/// # Errors
/// As [`survey_layer`].
pub fn survey_layer_with_digests(
    blobs: &dyn Blobs,
    layer: &Layer,
    wants: &dyn Fn(&[u8]) -> bool,
    algorithms: &[Algorithm],
) -> Result<SurveyedLayer, LayerError> {
    let Content::Bytes(reader) = blobs.open(layer)? else {
        let what = "a layer that is only a folder".to_owned();
        return Err(SourceError::Malformed { what, detail: "its stored bytes are not kept".into() }.into());
    };
    let mut surveyor = Surveyor {
        wants,
        algorithms,
        layer: SurveyedLayer::default(),
        kept: 0,
        current: None,
        only_script: false,
        hashers: Vec::new(),
    };
    read_layer(reader, layer, PassOptions { split: true, verify_diff_id: true }, &mut surveyor)?;
    surveyor.layer.link();
    Ok(surveyor.layer)
}

struct Surveyor<'w> {
    wants: &'w dyn Fn(&[u8]) -> bool,
    algorithms: &'w [Algorithm],
    layer: SurveyedLayer,
    kept: u64,
    /// Content of the last entry, where it is kept.
    current: Option<Vec<u8>>,
    /// Whether it is kept only if it is a script.
    only_script: bool,
    /// Of the last entry, if it is a file.
    hashers: Vec<(Algorithm, FileHasher)>,
}

impl Visitor for Surveyor<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let capability = entry.capability.unwrap_or_default();
        let is_wanted = entry.mode & SETID != 0 || !capability.is_empty() || (self.wants)(entry.path);
        let may_be_script = entry.mode & 0o111 != 0 && entry.size <= MAX_SCRIPT_BYTES;
        let fits = entry.size <= MAX_KEPT_BYTES.min(MAX_KEPT_IN_LAYER - self.kept);
        self.current = (entry.is_file() && (is_wanted || may_be_script) && fits).then(Vec::new);
        self.only_script = !is_wanted;
        let algorithms = if entry.is_file() { self.algorithms } else { &[] };
        self.hashers = algorithms.iter().map(|algorithm| (*algorithm, FileHasher::new(*algorithm))).collect();
        self.layer.entries.push(Surveyed {
            path: FilePath::new(entry.path),
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            link: entry.link.into(),
            capability: capability.into(),
        });
    }

    fn data(&mut self, bytes: &[u8]) {
        self.hashers.iter_mut().for_each(|(_, hasher)| hasher.update(bytes));
        if let Some(content) = &mut self.current {
            content.extend_from_slice(bytes);
            if self.only_script && content.len() >= 2 && !content.starts_with(b"#!") {
                self.current = None;
            }
        }
    }

    fn hole(&mut self, length: u64) {
        if let Some(content) = &mut self.current {
            // The size was compared with the limit.
            content.resize(content.len() + usize::try_from(length).unwrap_or(0), 0);
        }
        let mut left = length;
        while left > 0 && !self.hashers.is_empty() {
            let zeros = ZEROS.get(..usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len())).unwrap_or_default();
            self.hashers.iter_mut().for_each(|(_, hasher)| hasher.update(zeros));
            left -= zeros.len() as u64;
        }
    }

    fn end(&mut self) {
        let Some(last) = self.layer.entries.len().checked_sub(1) else { return };
        if let Some(content) = self.current.take() {
            self.kept += content.len() as u64;
            self.layer.contents.insert(last, content.into());
        }
        for (algorithm, hasher) in self.hashers.drain(..) {
            self.layer.digests.insert((last, algorithm), hasher.finish());
        }
    }

    fn skipped(&mut self, _path: &[u8], _reason: &str) {
        self.current = None;
        self.hashers.clear();
    }
}

/// Where something of the view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the entry in it.
    pub entry: usize,
}

/// The file system after all layers, and where each entry of each layer lands in it.
#[derive(Clone, Debug, Default)]
pub struct View {
    layers: Vec<Arc<SurveyedLayer>>,
    /// By layer: where its entries land that land elsewhere than their name says.
    landed: Vec<BTreeMap<usize, FilePath>>,
    nodes: BTreeMap<FilePath, Origin>,
    /// By the entry that brings the content: all names of the files that have several.
    names: BTreeMap<Origin, Vec<FilePath>>,
}

impl View {
    /// Merges layers, lowest first.
    #[must_use]
    pub fn merge(layers: Vec<Arc<SurveyedLayer>>) -> Self {
        let mut view = Self::default();
        for layer in layers {
            view.add(layer);
        }
        view.name();
        view
    }

    fn add(&mut self, layer: Arc<SurveyedLayer>) {
        let number = self.layers.len();
        self.layers.push(layer.clone());
        self.landed.push(BTreeMap::new());
        // Whiteouts apply to lower layers, whatever their place in the stream.
        for entry in &layer.entries {
            match whiteout(entry.path.as_bytes()) {
                Whiteout::Of { folder, name } => {
                    self.landing(&join(folder, name)).iter().for_each(|path| self.remove(path, true));
                }
                Whiteout::Opaque { folder } => self.follow(folder).iter().for_each(|path| self.remove(path, false)),
                Whiteout::None | Whiteout::Metadata => {}
            }
        }
        for (index, entry) in layer.entries.iter().enumerate() {
            let Some(place) = self.landing(entry.path.as_bytes()) else { continue };
            let is_whiteout = whiteout(entry.path.as_bytes()) != Whiteout::None;
            // The root is a folder, with an entry or without.
            let is_folder_again = entry.kind == EntryKind::Directory && (place.is_empty() || self.is_folder(&place));
            if !is_whiteout && !is_folder_again && !place.is_empty() {
                self.remove(&place, true);
            }
            let place = FilePath::new(&place);
            if place != entry.path
                && let Some(landed) = self.landed.last_mut()
            {
                landed.insert(index, place.clone());
            }
            if !is_whiteout {
                self.nodes.insert(place, Origin { layer: number, entry: index });
            }
        }
    }

    /// Where an entry of this name lands; none where links go in a circle.
    #[must_use]
    pub fn landing(&self, path: &[u8]) -> Option<Vec<u8>> {
        let Some(folder) = parent(path) else { return Some(Vec::new()) };
        let name = path.get(if folder.is_empty() { 0 } else { folder.len() + 1 }..)?;
        Some(join(&self.follow(folder)?, name))
    }

    /// Where a path leads when every symbolic link in it is followed.
    #[must_use]
    pub fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        follow(path, |at| {
            let entry = self.get(at)?;
            (entry.kind == EntryKind::Symlink).then(|| entry.link.to_vec())
        })
    }

    fn is_folder(&self, path: &[u8]) -> bool {
        self.get(path).is_some_and(|entry| entry.kind == EntryKind::Directory)
    }

    /// Takes away what is below a path, and the path itself.
    fn remove(&mut self, path: &[u8], itself: bool) {
        if itself {
            self.nodes.remove(&FilePath::new(path));
        }
        let below: Vec<FilePath> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in &below {
            self.nodes.remove(path);
        }
    }

    /// What is below a folder, in order of the paths.
    pub fn below(&self, folder: &[u8]) -> impl Iterator<Item = (&FilePath, &Surveyed)> {
        let prefix = if folder.is_empty() { Vec::new() } else { join(folder, b"") };
        let start = FilePath::new(&prefix);
        let from = self.nodes.range(start..);
        let below = from.take_while(move |(path, _)| path.as_bytes().starts_with(&prefix));
        below.filter_map(|(path, origin)| Some((path, self.entry(*origin)?)))
    }

    /// Everything, in order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&FilePath, &Surveyed)> {
        self.below(b"")
    }

    /// What is at a path; symbolic links are not followed.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&Surveyed> {
        self.entry(*self.nodes.get(&FilePath::new(path))?)
    }

    /// Where what is at a path comes from.
    #[must_use]
    pub fn origin(&self, path: &[u8]) -> Option<Origin> {
        self.nodes.get(&FilePath::new(path)).copied()
    }

    fn entry(&self, origin: Origin) -> Option<&Surveyed> {
        self.layers.get(origin.layer)?.entries.get(origin.entry)
    }

    /// The content of the file at a path, as far as it was kept; hard links are followed in their layer.
    #[must_use]
    pub fn content(&self, path: &[u8]) -> Option<&Arc<[u8]>> {
        let origin = self.inode(self.origin(path)?);
        self.layers.get(origin.layer)?.contents.get(&origin.entry)
    }

    /// The digest of the file at a path, where it was asked for; hard links are followed, into lower layers too.
    #[must_use]
    pub fn digest(&self, path: &[u8], algorithm: Algorithm) -> Option<FileDigest> {
        let mut origin = self.inode(self.origin(path)?);
        let entry = self.entry(origin)?;
        if entry.kind == EntryKind::HardLink {
            origin = self.inode(self.origin(&self.follow(&entry.link)?)?);
        }
        self.layers.get(origin.layer)?.digests.get(&(origin.entry, algorithm)).copied()
    }

    /// The entry that brings the content of what is at `origin`: itself, or the file that a hard link names in its layer.
    fn inode(&self, origin: Origin) -> Origin {
        let entry = self.layers.get(origin.layer).and_then(|layer| layer.inodes.get(&origin.entry));
        Origin { entry: entry.copied().unwrap_or(origin.entry), ..origin }
    }

    /// Finds the files that have several names.
    fn name(&mut self) {
        for (path, origin) in &self.nodes {
            let Some(layer) = self.layers.get(origin.layer).filter(|layer| !layer.inodes.is_empty()) else { continue };
            let entry = *layer.inodes.get(&origin.entry).unwrap_or(&origin.entry);
            self.names.entry(Origin { entry, ..*origin }).or_default().push(path.clone());
        }
        self.names.retain(|_, names| names.len() > 1);
    }

    /// All names in the view of the file at a path, itself included.
    #[must_use]
    pub fn names_of(&self, path: &[u8]) -> Vec<FilePath> {
        let names = self.origin(path).and_then(|origin| self.names.get(&self.inode(origin)));
        names.cloned().unwrap_or_else(|| vec![FilePath::new(path)])
    }

    /// Number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Every entry of a layer, whiteouts and those that upper layers hide too, with the place where it lands.
    pub fn entries_of(&self, layer: usize) -> impl Iterator<Item = (&FilePath, &Surveyed)> {
        let entries = self.layers.get(layer).map_or(&[][..], |layer| layer.entries.as_slice());
        let landed = self.landed.get(layer);
        let all = entries.iter().enumerate();
        all.map(move |(index, entry)| (landed.and_then(|landed| landed.get(&index)).unwrap_or(&entry.path), entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(entries: &[(&str, EntryKind, &str)]) -> Arc<SurveyedLayer> {
        let entry = |(path, kind, link): &(&str, EntryKind, &str)| Surveyed {
            path: FilePath::new(path.as_bytes()),
            kind: *kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 1,
            link: link.as_bytes().into(),
            capability: Box::default(),
        };
        let mut layer = SurveyedLayer { entries: entries.iter().map(entry).collect(), ..SurveyedLayer::default() };
        layer.link();
        Arc::new(layer)
    }

    fn paths(view: &View) -> Vec<String> {
        view.iter().map(|(path, _)| path.to_string()).collect()
    }

    use EntryKind::{Directory, File, HardLink, Symlink};

    #[test]
    fn layers_are_merged_as_an_engine_unpacks_them() {
        let view = View::merge(vec![
            layer(&[
                ("usr", Directory, ""),
                ("usr/bin", Directory, ""),
                ("bin", Symlink, "usr/bin"),
                ("gone", File, ""),
            ]),
            layer(&[("bin/sh", File, ""), (".wh.gone", File, ""), ("d", Directory, ""), ("d/low", File, "")]),
            layer(&[("d/.wh..wh..opq", File, ""), ("d/high", File, ""), ("usr/bin/sh", File, "")]),
        ]);
        assert_eq!(paths(&view), ["/bin", "/d", "/d/high", "/usr", "/usr/bin", "/usr/bin/sh"]);
        assert_eq!(view.origin(b"usr/bin/sh").map(|origin| origin.layer), Some(2));
        let second: Vec<String> = view.entries_of(1).map(|(place, _)| place.to_string()).collect();
        assert_eq!(second, ["/usr/bin/sh", "/.wh.gone", "/d", "/d/low"]);
    }

    #[test]
    fn an_entry_of_the_root_hides_nothing() {
        let view = View::merge(vec![layer(&[("a", File, "")]), layer(&[("", Directory, ""), ("b", File, "")])]);
        assert_eq!(paths(&view), ["/", "/a", "/b"]);
    }

    #[test]
    fn names_of_one_file_are_found() {
        let view =
            View::merge(vec![layer(&[("a", File, ""), ("b", HardLink, "a"), ("c", HardLink, "b"), ("d", File, "")])]);
        let names: Vec<String> = view.names_of(b"b").iter().map(ToString::to_string).collect();
        assert_eq!(names, ["/a", "/b", "/c"]);
        assert_eq!(view.names_of(b"d").len(), 1);
    }

    #[test]
    fn circles_lead_nowhere() {
        let view = View::merge(vec![layer(&[("a", Symlink, "b"), ("b", Symlink, "a"), ("a/c", File, "")])]);
        assert_eq!(paths(&view), ["/a", "/b"]);
    }
}
