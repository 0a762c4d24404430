//! Where the entries of a layer land: a name that goes through a symlink of the layers below, or of its own layer, is written where that symlink leads.
//!
//! containerd, Buildah's unpacking and umoci resolve the folder of every entry inside the root that the layers below have made (containerd `archive/tar.go`, umoci
//! `oci/layer/tar_extract.go`); a layer that lists `lib/apk/db/installed` over `lib -> usr/lib` so changes `usr/lib/apk/db/installed`. Builders that list folders, as
//! Docker does, never get here: a folder replaces the symlink.

use std::borrow::Cow;
use std::collections::HashMap;

use super::path::parent;
use super::tree::{Node, Tree, TreeBuilder};
use super::view::{StackedLayer, View};
use super::{FilePath, LayerFacts};

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
            let mut stack: Vec<StackedLayer<'_>> = refer(&placed);
            stack.push(Some(facts));
            let view = View::new(&stack);
            if goes_through_links(&facts.tree, &view) {
                moved(facts, &view)
            } else {
                Placed { facts: Cow::Borrowed(facts), names: HashMap::new() }
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

/// Whether a folder of one of the layer's entries is a symlink. Asked of folders without an entry of their own only, of which most layers have none.
fn goes_through_links(tree: &Tree, view: &View<'_>) -> bool {
    let mut last: Option<&[u8]> = None;
    let opaque = tree.opaque().map(Some);
    for folder in tree.iter().map(|(path, ..)| parent(path)).chain(opaque) {
        if folder == last {
            continue;
        }
        last = folder;
        let unlisted = std::iter::successors(folder, |folder| parent(folder))
            .take_while(|folder| tree.node(folder) != Some(Node::Directory));
        if unlisted.into_iter().any(|folder| matches!(view.entry(folder), Some((_, Node::Symlink)))) {
            return true;
        }
    }
    false
}

fn moved<'a>(facts: &LayerFacts, view: &View<'_>) -> Placed<'a> {
    let mut places = Places { view, folders: HashMap::new(), names: HashMap::new() };
    let mut tree = TreeBuilder::default();
    for (path, node, target, size) in facts.tree.iter() {
        let target = if node == Node::HardLink { places.of(target) } else { target.to_vec() };
        tree.add(&places.of(path), node, &target, size);
    }
    for folder in facts.tree.opaque() {
        let place = view.follow(folder).unwrap_or_else(|| folder.to_vec());
        tree.add_opaque(&place);
    }
    let mut facts = facts.clone();
    facts.tree = tree.build();
    facts.files.iter_mut().for_each(|file| file.path = FilePath::new(&places.of(file.path.as_bytes())));
    facts.links.iter_mut().for_each(|link| *link = FilePath::new(&places.of(link.as_bytes())));
    facts.secrets.iter_mut().for_each(|file| file.path = FilePath::new(&places.of(file.path.as_bytes())));
    facts.privileged.iter_mut().for_each(|file| file.path = FilePath::new(&places.of(file.path.as_bytes())));
    for path in facts.unknowns.iter_mut().filter_map(|unknown| unknown.path.as_mut()) {
        *path = FilePath::new(&places.of(path.as_bytes()));
    }
    Placed { facts: Cow::Owned(facts), names: places.names }
}

/// Places of entries, each folder worked out once.
struct Places<'v> {
    view: &'v View<'v>,
    folders: HashMap<Vec<u8>, Vec<u8>>,
    names: HashMap<FilePath, FilePath>,
}

impl Places<'_> {
    fn of(&mut self, path: &[u8]) -> Vec<u8> {
        let Some(folder) = parent(path) else { return path.to_vec() };
        let view = self.view;
        // Links that go in a circle lead nowhere: an engine stops there, and the name stays what it is.
        let place = self
            .folders
            .entry(folder.to_vec())
            .or_insert_with(|| view.follow(folder).unwrap_or_else(|| folder.to_vec()));
        let name = path.get(folder.len() + 1..).unwrap_or_default();
        let place = if place.is_empty() { name.to_vec() } else { [place, &b"/"[..], name].concat() };
        if place != path {
            self.names.insert(FilePath::new(&place), FilePath::new(path));
        }
        place
    }
}
