//! Where the entries of a layer land: a name that goes through a symlink of the layers below, or of its own layer, is written where that symlink leads, and an entry
//! takes away what was in its place before.
//!
//! containerd, Buildah's unpacking and umoci resolve the folder of every entry inside the root that was made so far (containerd `archive/tar.go`, umoci
//! `oci/layer/tar_extract.go`): a layer that lists `lib/apk/db/installed` over `lib -> usr/lib` changes `usr/lib/apk/db/installed`. Most layers list every folder and nothing
//! twice, so that nothing has to be worked out; of the others the stream was kept ([`Tree::stream`]) and is unpacked here in thought.
//! `tests/merge_differential.rs` compares with umoci.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::path::{join, parent};
use super::tree::{Node, Step, Stream, Tree, TreeBuilder};
use super::view::{StackedLayer, View, follow};
use super::{FilePath, LayerFacts, access};

/// A layer with its entries where they land.
pub(super) struct Placed<'a> {
    pub(super) facts: Cow<'a, LayerFacts>,
    /// By the place where an entry landed: its name in the layer, where that is another one.
    names: HashMap<FilePath, FilePath>,
}

impl Placed<'_> {
    /// The name in the layer of what landed at `path`.
    pub(super) fn name_in_layer(&self, path: &FilePath) -> FilePath {
        self.names.get(path).unwrap_or(path).clone()
    }
}

/// Places every layer on those below it, lowest first.
pub(super) fn place<'a>(layers: &[StackedLayer<'a>]) -> Vec<Option<Placed<'a>>> {
    let mut placed: Vec<Option<Placed<'a>>> = Vec::with_capacity(layers.len());
    for layer in layers {
        let next = layer.map(|facts| {
            let below = refer(&placed);
            let view = View::new(&below);
            match facts.tree.stream() {
                Some(stream) if stream.has_conflicts() || goes_through_links(&facts.tree, &view) => {
                    unpacked(facts, stream, &view)
                }
                _ => Placed { facts: Cow::Borrowed(facts), names: HashMap::new() },
            }
        });
        placed.push(next);
    }
    placed
}

/// The layers as a [`View`] takes them.
pub(super) fn refer<'p>(placed: &'p [Option<Placed<'_>>]) -> Vec<StackedLayer<'p>> {
    placed.iter().map(|layer| layer.as_ref().map(|layer| layer.facts.as_ref())).collect()
}

/// Whether a folder that has no entry of its own is a symlink below.
fn goes_through_links(tree: &Tree, below: &View<'_>) -> bool {
    let mut last: Option<&[u8]> = None;
    for folder in tree.iter().map(|(path, ..)| parent(path)).chain(tree.opaque().map(Some)) {
        if folder == last {
            continue;
        }
        last = folder;
        let above = std::iter::successors(folder, |folder| parent(folder));
        let mut unlisted = above.take_while(|folder| tree.node(folder) != Some(Node::Directory));
        if unlisted.any(|folder| below.link(folder).is_some()) {
            return true;
        }
    }
    false
}

fn unpacked<'a>(facts: &LayerFacts, stream: &Stream, below: &View<'_>) -> Placed<'a> {
    let mut disk = Disk::over(below);
    stream.steps().for_each(|step| disk.take(&step));
    let mut facts = facts.clone();
    facts.tree = disk.tree();
    let place = |path: &FilePath| disk.landed.get(path).unwrap_or(path).clone();
    facts.files.iter_mut().for_each(|file| file.path = place(&file.path));
    facts.links.iter_mut().for_each(|link| *link = place(link));
    facts.secrets.iter_mut().for_each(|file| file.path = place(&file.path));
    facts.loading.iter_mut().for_each(|file| file.path = place(&file.path));
    facts.privileged.iter_mut().for_each(|file| file.path = place(&file.path));
    let noted = facts.access.iter().flat_map(|set| set.paths.iter().map(move |path| (set, FilePath::new(path))));
    let noted: Vec<_> = noted.map(|(set, path)| (set, place(&path))).collect();
    facts.access = access::sets(noted.iter().map(|(set, path)| (set.noted, set.access, path.as_bytes())));
    for path in facts.unknowns.iter_mut().filter_map(|unknown| unknown.path.as_mut()) {
        *path = place(path);
    }
    let names = disk.landed.iter().map(|(name, place)| (place.clone(), name.clone())).collect();
    Placed { facts: Cow::Owned(facts), names }
}

/// The root while a layer is unpacked over those below.
struct Disk<'v> {
    below: &'v View<'v>,
    /// What the layer has put there so far: kind, target, size.
    own: BTreeMap<Vec<u8>, (Node, Vec<u8>, u64)>,
    /// Paths of the layers below that are gone with all below them.
    gone: BTreeSet<Vec<u8>>,
    /// Folders of which only what is below them is gone.
    emptied: BTreeSet<Vec<u8>>,
    /// By name in the layer: where the last entry of that name landed, where that is elsewhere.
    landed: HashMap<FilePath, FilePath>,
}

impl<'v> Disk<'v> {
    fn over(below: &'v View<'v>) -> Self {
        let (own, gone) = (BTreeMap::new(), BTreeSet::new());
        Self { below, own, gone, emptied: BTreeSet::new(), landed: HashMap::new() }
    }

    fn take(&mut self, step: &Step<'_>) {
        let Some(node) = step.node else {
            if let Some(folder) = self.follow(step.path) {
                self.emptied.insert(folder);
            }
            return;
        };
        // Links that go in a circle lead nowhere: an engine stops there.
        let Some(path) = self.landing(step.path) else { return };
        if path != step.path {
            self.landed.insert(FilePath::new(step.path), FilePath::new(&path));
        } else {
            self.landed.remove(&FilePath::new(step.path));
        }
        let (node, target) = match node {
            Node::HardLink => {
                let target = self.landing(step.target).unwrap_or_default();
                // Another name of a symlink is a symlink.
                self.link(&target).map_or((node, target), |link| (Node::Symlink, link))
            }
            _ => (node, step.target.to_vec()),
        };
        match node {
            Node::Whiteout => drop(self.gone.insert(path)),
            Node::Directory if self.node(&path) == Some(Node::Directory) => {
                self.own.insert(path, (node, Vec::new(), 0));
            }
            _ => {
                self.remove_below(&path);
                self.gone.insert(path.clone());
                self.own.insert(path, (node, target, step.size));
            }
        }
    }

    /// Where an entry of this name is written.
    fn landing(&self, path: &[u8]) -> Option<Vec<u8>> {
        let folder = parent(path)?;
        let name = path.get(if folder.is_empty() { 0 } else { folder.len() + 1 }..)?;
        Some(join(&self.follow(folder)?, name))
    }

    fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        follow(path, |at| self.link(at))
    }

    fn link(&self, path: &[u8]) -> Option<Vec<u8>> {
        match self.own.get(path) {
            Some((Node::Symlink, target, _)) => Some(target.clone()),
            Some(_) => None,
            None => self.is_there_below(path).then(|| self.below.link(path).map(<[u8]>::to_vec)).flatten(),
        }
    }

    fn node(&self, path: &[u8]) -> Option<Node> {
        match self.own.get(path) {
            Some((node, ..)) => Some(*node),
            None if self.has_own_below(path) => Some(Node::Directory),
            None if !self.is_there_below(path) => None,
            None if self.below.is_folder(path) => Some(Node::Directory),
            None => self.below.entry(path).map(|(_, node)| node),
        }
    }

    fn is_there_below(&self, path: &[u8]) -> bool {
        let mut folders = std::iter::successors(parent(path), |folder| parent(folder));
        !self.gone.contains(path) && !folders.any(|folder| self.gone.contains(folder) || self.emptied.contains(folder))
    }

    fn has_own_below(&self, path: &[u8]) -> bool {
        let prefix = join(path, b"");
        self.own.range(prefix.clone()..).next().is_some_and(|(other, _)| other.starts_with(&prefix))
    }

    fn remove_below(&mut self, path: &[u8]) {
        let prefix = join(path, b"");
        let below = self.own.range(prefix.clone()..).take_while(|(other, _)| other.starts_with(&prefix));
        let below: Vec<Vec<u8>> = below.map(|(other, _)| other.clone()).collect();
        below.iter().for_each(|other| drop(self.own.remove(other)));
    }

    /// What the layer does to those below, said without detours.
    fn tree(&self) -> Tree {
        let mut tree = TreeBuilder::default();
        for path in &self.gone {
            match self.own.get(path) {
                Some((Node::Directory, ..)) => tree.add_opaque(path),
                Some(_) => {}
                None => tree.add(path, Node::Whiteout, b"", 0),
            }
        }
        self.emptied.iter().for_each(|folder| tree.add_opaque(folder));
        self.own.iter().for_each(|(path, (node, target, size))| tree.add(path, *node, target, *size));
        tree.build()
    }
}
