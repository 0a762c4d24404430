//! The file system after all layers, asked path by path: nothing is unpacked or copied, each question goes through the layers from the top.
//!
//! Source: OCI image-spec `layer.md`, sections "Applying changesets" and "Whiteouts".

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::LayerFacts;
use super::path::{join, parent};
use super::tree::Node;

/// Most symlinks that are followed for one path, as Linux does (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// What a layer does to a path of the layers below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// A whiteout of the path, of a folder above it, or an opaque folder above it.
    Removed {
        /// Index of the layer.
        by: usize,
    },
    /// Another entry at the path, or something that is not a folder at a folder above it.
    Replaced {
        /// Index of the layer.
        by: usize,
    },
}

/// The merged view of a stack of layers. A layer that could not be read is an empty one here; the platform is incomplete anyway.
pub(crate) struct View<'a> {
    layers: &'a [StackedLayer<'a>],
    /// By folder: the topmost layer that hides the folder's lower content, with how.
    folders: RefCell<HashMap<Vec<u8>, Option<Hidden>>>,
}

/// One layer of the stack, if it could be read.
pub(crate) type StackedLayer<'a> = Option<&'a LayerFacts>;

impl<'a> View<'a> {
    pub(crate) fn new(layers: &'a [StackedLayer<'a>]) -> Self {
        Self { layers, folders: RefCell::new(HashMap::new()) }
    }

    /// What hides, in layers above `layer`, the entry that `layer` has at `path`; the topmost layer that does.
    pub(crate) fn hidden(&self, path: &[u8], layer: usize) -> Option<Hidden> {
        let own = self.layers.iter().enumerate().skip(layer + 1).rev().find_map(|(index, facts)| {
            match facts.as_ref()?.tree.node(path)? {
                Node::Whiteout => Some(Hidden::Removed { by: index }),
                _ => Some(Hidden::Replaced { by: index }),
            }
        });
        let above = parent(path).and_then(|folder| self.hides_content(folder)).filter(|hidden| hidden.layer() > layer);
        match (own, above) {
            (Some(own), Some(above)) if above.layer() >= own.layer() => Some(above),
            (None, above) => above,
            (own, _) => own,
        }
    }

    /// The topmost layer that hides what lower layers have in `folder`.
    fn hides_content(&self, folder: &[u8]) -> Option<Hidden> {
        if let Some(known) = self.folders.borrow().get(folder) {
            return *known;
        }
        // Depth is bounded by the length of a path (4096 bytes, see layer::path).
        let above = parent(folder).and_then(|folder| self.hides_content(folder));
        let own = self.layers.iter().enumerate().rev().find_map(|(index, facts)| {
            let tree = &facts.as_ref()?.tree;
            if tree.is_opaque(folder) {
                return Some(Hidden::Removed { by: index });
            }
            match tree.node(folder)? {
                Node::Directory => None,
                Node::Whiteout => Some(Hidden::Removed { by: index }),
                _ => Some(Hidden::Replaced { by: index }),
            }
        });
        let topmost = match (own, above) {
            (Some(own), Some(above)) => Some(if above.layer() > own.layer() { above } else { own }),
            (own, above) => own.or(above),
        };
        self.folders.borrow_mut().insert(folder.to_vec(), topmost);
        topmost
    }

    /// The topmost entry at `path` that is not hidden: its layer and what it is. Symlinks above it are not followed.
    pub(crate) fn entry(&self, path: &[u8]) -> Option<(usize, Node)> {
        let found = self
            .layers
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, facts)| Some((index, facts.as_ref()?.tree.node(path)?)));
        let (index, node) = found?;
        (node != Node::Whiteout && self.hidden(path, index).is_none()).then_some((index, node))
    }

    /// Whether `path` is a folder in the merged view, with an entry of its own or only by what is in it.
    pub(crate) fn is_folder(&self, path: &[u8]) -> bool {
        match self.entry(path) {
            Some((_, node)) => node == Node::Directory,
            None => {
                let children = |(index, facts): (usize, &StackedLayer<'_>)| {
                    facts.is_some_and(|facts| facts.tree.has_children(path)) && self.hidden(path, index).is_none()
                };
                self.layers.iter().enumerate().any(children)
            }
        }
    }

    /// Whether a layer above `from`, up to `to`, removes what is at `path`.
    pub(crate) fn is_removed_between(&self, path: &[u8], from: usize, to: usize) -> bool {
        let removes = |facts: &LayerFacts| {
            let folders = std::iter::successors(parent(path), |folder| parent(folder));
            facts.tree.node(path) == Some(Node::Whiteout)
                || folders
                    .into_iter()
                    .any(|folder| facts.tree.is_opaque(folder) || facts.tree.node(folder) == Some(Node::Whiteout))
        };
        self.layers.iter().take(to + 1).skip(from + 1).flatten().any(|facts| removes(facts))
    }

    /// Where `path` leads when every symlink and hard link on the way is followed inside the image: the layer that has the file or folder and its path there.
    pub(crate) fn resolve(&self, path: &[u8]) -> Option<(usize, Vec<u8>)> {
        let place = self.follow(path)?;
        let (layer, node) = self.entry(&place)?;
        self.content(layer, node, place)
    }

    /// Where `path` leads when every symlink on the way is followed inside the image, whether there is anything or not; none when the links do not end.
    pub(crate) fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        follow(path, |at| self.link(at).map(<[u8]>::to_vec))
    }

    /// Where the symlink at `path` points, if there is one. Another name of a symlink is one too.
    pub(crate) fn link(&self, path: &[u8]) -> Option<&'a [u8]> {
        let (mut layer, mut node) = self.entry(path)?;
        let mut path = path;
        for _ in 0..MAX_LINKS {
            match node {
                Node::Symlink => return self.target(layer, path),
                Node::HardLink => path = self.target(layer, path)?,
                _ => return None,
            }
            (layer, node) = self.at_or_below(path, layer)?;
        }
        None
    }

    /// What the layer or the topmost one below it that lists `path` has there.
    fn at_or_below(&self, path: &[u8], layer: usize) -> Option<(usize, Node)> {
        let below = self.layers.iter().enumerate().take(layer + 1).rev();
        below.into_iter().find_map(|(index, facts)| Some((index, facts.as_ref()?.tree.node(path)?)))
    }

    /// Names of what is directly in `folder`, each once.
    pub(crate) fn names_in(&self, folder: &[u8]) -> Vec<Vec<u8>> {
        let listed = self.layers.iter().flatten().flat_map(|facts| facts.tree.names_in(folder));
        let names: BTreeSet<&[u8]> = listed.collect();
        let path = |name: &[u8]| join(folder, name);
        let is_there = |name: &&[u8]| self.entry(&path(name)).is_some() || self.is_folder(&path(name));
        names.into_iter().filter(is_there).map(<[u8]>::to_vec).collect()
    }

    /// Follows hard links: within the layer, else to the entry that was there before it.
    fn content(&self, layer: usize, node: Node, path: Vec<u8>) -> Option<(usize, Vec<u8>)> {
        let (mut layer, mut node, mut path) = (layer, node, path);
        for _ in 0..MAX_LINKS {
            match node {
                Node::File | Node::Directory => return Some((layer, path)),
                Node::HardLink => {
                    path = self.target(layer, &path)?.to_vec();
                    (layer, node) = self.at_or_below(&path, layer)?;
                }
                _ => return None,
            }
        }
        None
    }

    fn target(&self, layer: usize, path: &[u8]) -> Option<&'a [u8]> {
        self.layers.get(layer).copied().flatten()?.tree.target(path)
    }
}

impl Hidden {
    pub(crate) fn layer(self) -> usize {
        match self {
            Self::Removed { by } | Self::Replaced { by } => by,
        }
    }
}

/// Where `path` leads when every symlink on the way is followed inside the root, `link` saying where one points; none when they do not end.
pub(crate) fn follow(path: &[u8], link: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut todo: Vec<Vec<u8>> = components(path);
    todo.reverse();
    let mut at: Vec<u8> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == b".." {
            at.truncate(parent(&at).map_or(0, <[u8]>::len));
            continue;
        }
        let folder = at.len();
        if folder > 0 {
            at.push(b'/');
        }
        at.extend_from_slice(&part);
        if let Some(target) = link(&at) {
            links += 1;
            at.truncate(if target.starts_with(b"/") { 0 } else { folder });
            todo.extend(components(&target).into_iter().rev());
            if links > MAX_LINKS || todo.len() > 4096 {
                return None;
            }
        }
    }
    Some(at)
}

fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tree::TreeBuilder;

    /// A layer from a text: `dir/`, `file`, `link -> target`, `hard => target`, `!removed`, `opaque/*`.
    fn layer(text: &str) -> LayerFacts {
        let mut tree = TreeBuilder::default();
        for line in text.split_whitespace().collect::<Vec<_>>().join(" ").split(", ").filter(|line| !line.is_empty()) {
            if let Some((path, target)) = line.split_once(" -> ") {
                tree.add(path.as_bytes(), Node::Symlink, target.as_bytes(), 0);
            } else if let Some((path, target)) = line.split_once(" => ") {
                tree.add(path.as_bytes(), Node::HardLink, target.as_bytes(), 0);
            } else if let Some(path) = line.strip_prefix('!') {
                tree.add(path.as_bytes(), Node::Whiteout, b"", 0);
            } else if let Some(path) = line.strip_suffix("/*") {
                tree.add_opaque(path.as_bytes());
            } else if let Some(path) = line.strip_suffix('/') {
                tree.add(path.as_bytes(), Node::Directory, b"", 0);
            } else {
                tree.add(line.as_bytes(), Node::File, b"", 0);
            }
        }
        LayerFacts { tree: tree.build(), ..LayerFacts::default() }
    }

    fn resolve(layers: &[&str], path: &str) -> Option<(usize, String)> {
        let layers: Vec<LayerFacts> = layers.iter().map(|text| layer(text)).collect();
        let stack: Vec<Option<&LayerFacts>> = layers.iter().map(Some).collect();
        View::new(&stack).resolve(path.as_bytes()).map(|(layer, path)| (layer, String::from_utf8(path).unwrap()))
    }

    fn hidden(layers: &[&str], path: &str, at: usize) -> Option<Hidden> {
        let layers: Vec<LayerFacts> = layers.iter().map(|text| layer(text)).collect();
        let stack: Vec<Option<&LayerFacts>> = layers.iter().map(Some).collect();
        View::new(&stack).hidden(path.as_bytes(), at)
    }

    #[test]
    fn whiteouts_hide_lower_layers_only() {
        assert_eq!(hidden(&["a/x", "!a/x"], "a/x", 0), Some(Hidden::Removed { by: 1 }));
        assert_eq!(hidden(&["a/x", "!a"], "a/x", 0), Some(Hidden::Removed { by: 1 }));
        assert_eq!(hidden(&["a/x", "a/x, !a/x"], "a/x", 1), None);
        assert_eq!(
            hidden(&["a/b/x", "a/*, a/y"], "a/b/x", 0),
            Some(Hidden::Removed { by: 1 }),
            "opaque hides what is deeper too"
        );
        assert_eq!(hidden(&["a/b/x", "a/*, a/y"], "a/y", 1), None, "opaque never hides its own layer");
        assert_eq!(hidden(&["a/x", "a"], "a/x", 0), Some(Hidden::Replaced { by: 1 }), "a folder replaced by a file");
        assert_eq!(hidden(&["a/x", "a/, b"], "a/x", 0), None);
        assert_eq!(hidden(&["a/x", "!a/x", "a/x"], "a/x", 0), Some(Hidden::Replaced { by: 2 }));
    }

    #[test]
    fn an_opaque_root_hides_all_below() {
        assert_eq!(hidden(&["x, a/y", "/*, z"], "x", 0), Some(Hidden::Removed { by: 1 }));
        assert_eq!(hidden(&["x, a/y", "/*, z"], "a/y", 0), Some(Hidden::Removed { by: 1 }));
        assert_eq!(hidden(&["x", "/*, z"], "z", 1), None);
    }

    #[test]
    fn opaque_then_readd_is_there() {
        assert_eq!(resolve(&["a/x", "a/*", "a/x"], "a/x"), Some((2, "a/x".into())));
        assert_eq!(resolve(&["a/x", "a/*"], "a/x"), None);
    }

    #[test]
    fn links_are_followed_inside_the_image() {
        let lower = "usr/lib/os-release, etc/os-release -> ../usr/lib/os-release";
        assert_eq!(resolve(&[lower], "etc/os-release"), Some((0, "usr/lib/os-release".into())));
        assert_eq!(resolve(&[lower, "usr/lib/os-release"], "etc/os-release"), Some((1, "usr/lib/os-release".into())));
        assert_eq!(
            resolve(&["var/lib/dpkg -> /opt/db, opt/db/status"], "var/lib/dpkg/status"),
            Some((0, "opt/db/status".into()))
        );
        assert_eq!(resolve(&["a -> ../../../b, b"], "a"), Some((0, "b".into())), "`..` never leaves the image");
        assert_eq!(resolve(&["a -> b, b -> a"], "a"), None, "symlink-cycle");
        assert_eq!(resolve(&["d/x, d/y => d/x"], "d/y"), Some((0, "d/x".into())));
        assert_eq!(resolve(&["d/x", "d/y => d/x"], "d/y"), Some((0, "d/x".into())), "a hard link to a lower layer");
        assert_eq!(
            resolve(&["d/x, d/y => d/x", "!d/x"], "d/y"),
            Some((0, "d/x".into())),
            "hardlink-to-whiteout: the content stays"
        );
    }
}
