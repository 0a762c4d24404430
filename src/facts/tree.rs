//! Every path of a layer, with what the layer does there.

use serde::{Deserialize, Serialize};

use super::PathSet;
use super::path::{join, parent};
use crate::layer::EntryKind;

/// What a layer does at one path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Node {
    /// A file with content.
    File,
    /// Another name of a file of the same or a lower layer; the target is in [`Tree::target`].
    HardLink,
    /// A symbolic link; the target is in [`Tree::target`].
    Symlink,
    /// A folder.
    Directory,
    /// A device or FIFO.
    Special,
    /// A whiteout: nothing of the lower layers is left at this path.
    Whiteout,
}

impl From<EntryKind> for Node {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::File => Self::File,
            EntryKind::HardLink => Self::HardLink,
            EntryKind::Symlink => Self::Symlink,
            EntryKind::Directory => Self::Directory,
            EntryKind::Special => Self::Special,
        }
    }
}

/// Every path of one layer, whiteouts included.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tree {
    paths: PathSet,
    nodes: Vec<Node>,
    /// Content length of each path in bytes, 0 for all but files.
    sizes: Vec<u64>,
    /// Targets of the links, by index of the path, sorted.
    targets: Vec<(u32, Vec<u8>)>,
    /// Folders whose lower content is hidden (opaque whiteouts), sorted.
    opaque: Vec<Vec<u8>>,
    /// The entries as they came, where it matters in which order they did or what the layers below have.
    stream: Option<Box<Stream>>,
}

/// Collects a [`Tree`] in the order of the stream.
#[derive(Default)]
pub struct TreeBuilder(Stream);

/// The entries of a layer as they came.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stream {
    #[serde(with = "bytes")]
    arena: Vec<u8>,
    records: Vec<Record>,
    /// Whether one entry takes the place of another of another kind, or lies below what is no folder. Else some folder has no entry of its own.
    conflicts: bool,
}

/// What one entry of a [`Stream`] does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step<'a> {
    /// The path.
    pub path: &'a [u8],
    /// What is put there; nothing for an opaque whiteout of the folder.
    pub node: Option<Node>,
    /// Where a link points.
    pub target: &'a [u8],
    /// Length of the content in bytes.
    pub size: u64,
}

impl Stream {
    /// Whether the order of the entries matters whatever the layers below have.
    #[must_use]
    pub fn has_conflicts(&self) -> bool {
        self.conflicts
    }

    /// The entries in order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let arena = &self.arena;
        self.records.iter().map(|record| Step {
            path: record.path(arena),
            node: record.node,
            target: record.target(arena),
            size: record.size,
        })
    }
}

/// One entry, in the stream's arena: the path, then the link's target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Record {
    start: usize,
    path: usize,
    target: usize,
    node: Option<Node>,
    size: u64,
}

impl Record {
    fn path<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        arena.get(self.start..self.start.saturating_add(self.path)).unwrap_or_default()
    }

    fn target<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        let start = self.start.saturating_add(self.path);
        arena.get(start..start.saturating_add(self.target)).unwrap_or_default()
    }
}

impl TreeBuilder {
    /// A path with what is at it; `target` is empty for all but links, `size` 0 for all but files.
    pub fn add(&mut self, path: &[u8], node: Node, target: &[u8], size: u64) {
        self.push(path, Some(node), target, size);
    }

    /// A folder whose lower content is hidden.
    pub fn add_opaque(&mut self, folder: &[u8]) {
        self.push(folder, None, b"", 0);
    }

    fn push(&mut self, path: &[u8], node: Option<Node>, target: &[u8], size: u64) {
        let Stream { arena, records, .. } = &mut self.0;
        records.push(Record { start: arena.len(), path: path.len(), target: target.len(), node, size });
        arena.extend_from_slice(path);
        arena.extend_from_slice(target);
    }

    /// Sorts. Of several entries with one path the last one stands, as it does when they are unpacked; but a whiteout never removes what its own layer adds
    /// (image-spec `layer.md`: whiteouts apply to lower layers).
    #[must_use]
    pub fn build(self) -> Tree {
        let Self(mut stream) = self;
        let arena = &stream.arena;
        let (mut opaque, mut records): (Vec<Record>, Vec<Record>) =
            stream.records.iter().partition(|record| record.node.is_none());
        // The sort is stable: entries of one path stay in the order of the stream, behind a whiteout of that path.
        let is_added = |record: &Record| record.node != Some(Node::Whiteout);
        records.sort_by(|a, b| a.path(arena).cmp(b.path(arena)).then(is_added(a).cmp(&is_added(b))));
        let mut tree = Tree::default();
        let mut conflicts = false;
        for (position, record) in records.iter().enumerate() {
            let path = record.path(arena);
            if let Some(next) = records.get(position + 1).filter(|next| next.path(arena) == path) {
                // A file in the place of another or of a whiteout hides the same as the other did.
                let changes_kind = next.node != record.node;
                let hides_more =
                    changes_kind && (next.node == Some(Node::Directory) || record.node == Some(Node::Directory));
                conflicts |= hides_more || (changes_kind && is_added(record));
                continue;
            }
            let Some(node) = record.node else { continue };
            if !tree.paths.push(path) {
                break;
            }
            if record.target > 0 {
                tree.targets.push((u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX), record.target(arena).to_vec()));
            }
            tree.nodes.push(node);
            tree.sizes.push(record.size);
        }
        opaque.sort_by(|a, b| a.path(arena).cmp(b.path(arena)));
        tree.opaque = opaque.iter().map(|record| record.path(arena).to_vec()).collect();
        tree.opaque.dedup();
        let (unlisted, below_other) = tree.folders_of_entries();
        stream.conflicts = conflicts || below_other;
        tree.stream = (unlisted || stream.conflicts).then(|| Box::new(stream));
        tree
    }
}

impl Tree {
    /// What the layer does at `path`, if anything.
    #[must_use]
    pub fn node(&self, path: &[u8]) -> Option<Node> {
        self.paths.position(path).and_then(|index| self.nodes.get(index)).copied()
    }

    /// Where the link at `path` points.
    #[must_use]
    pub fn target(&self, path: &[u8]) -> Option<&[u8]> {
        let index = u32::try_from(self.paths.position(path)?).ok()?;
        let at = self.targets.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        self.targets.get(at).map(|(_, target)| target.as_slice())
    }

    /// The entries as they came; none where the tree says all.
    #[must_use]
    pub fn stream(&self) -> Option<&Stream> {
        self.stream.as_deref()
    }

    /// Whether a folder of an entry has no entry of its own, and whether one is something else than a folder.
    fn folders_of_entries(&self) -> (bool, bool) {
        let (mut unlisted, mut other) = (false, false);
        let mut last = None;
        let folders = self.paths.iter().map(parent).chain(self.opaque.iter().map(|folder| Some(folder.as_slice())));
        for folder in folders {
            let Some(folder) = folder.filter(|_| folder != last) else { continue };
            last = Some(folder);
            unlisted |= self.node(folder).is_none() && !folder.is_empty();
            let mut listed =
                std::iter::successors(Some(folder), |folder| parent(folder)).map(|folder| self.node(folder));
            other |= listed.find_map(|node| node).is_some_and(|node| node != Node::Directory);
        }
        (unlisted, other)
    }

    /// Every path in order, with what is there, the target of a link (empty for all else) and the length of the content in bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Node, &[u8], u64)> {
        let mut targets = self.targets.iter().peekable();
        self.paths.iter().zip(&self.nodes).zip(&self.sizes).enumerate().map(move |(index, ((path, node), size))| {
            let target = targets.next_if(|(at, _)| usize::try_from(*at) == Ok(index));
            (path, *node, target.map_or(&[][..], |(_, target)| target), *size)
        })
    }

    /// Folders whose lower content is hidden.
    pub fn opaque(&self) -> impl Iterator<Item = &[u8]> {
        self.opaque.iter().map(Vec::as_slice)
    }

    /// Whether the lower layers' content of `folder` is hidden.
    #[must_use]
    pub fn is_opaque(&self, folder: &[u8]) -> bool {
        self.opaque.binary_search_by(|probe| probe.as_slice().cmp(folder)).is_ok()
    }

    /// Whether anything below the folder `path` is listed, which makes it a folder even without an entry of its own.
    #[must_use]
    pub fn has_children(&self, path: &[u8]) -> bool {
        let prefix = join(path, b"");
        let at = self.paths.lower_bound(&prefix);
        self.paths.get(at).starts_with(&prefix) && at < self.paths.len()
    }

    /// Names of what is listed directly in `folder` or somewhere below, each once for every path below it.
    pub fn names_in(&self, folder: &[u8]) -> impl Iterator<Item = &[u8]> {
        let prefix = join(folder, b"");
        let start = self.paths.lower_bound(&prefix);
        let below = (start..self.len()).map(|index| self.paths.get(index));
        below
            .map_while(move |path| path.strip_prefix(prefix.as_slice()))
            .filter_map(|rest| rest.split(|b| *b == b'/').next())
    }

    /// Bytes of this layer's files that a layer above replaces or removes, when `above` are all layers above it.
    #[must_use]
    pub fn wasted(&self, above: &[&Self]) -> u64 {
        let mut gone = vec![false; self.len()];
        for upper in above {
            self.mark_replaced(upper, &mut gone);
            for folder in &upper.opaque {
                self.mark_below(folder, &mut gone);
            }
        }
        gone.iter().zip(&self.sizes).filter(|(gone, _)| **gone).map(|(_, size)| size).sum()
    }

    /// Marks what `upper` has an entry for, and what is below a folder that it replaces or removes. Both lists are sorted, so one walk does.
    fn mark_replaced(&self, upper: &Self, gone: &mut [bool]) {
        let mut at = 0;
        for (index, node) in upper.nodes.iter().enumerate() {
            let path = upper.paths.get(index);
            // A small layer over a large one jumps instead of walking.
            while at < self.len() && self.paths.get(at) < path {
                at += 1;
                if at < self.len() && self.paths.get(at) < path && self.len() > upper.len() * 16 {
                    at = self.paths.lower_bound(path);
                }
            }
            // Everything that begins with the path stands from here on, so mostly one look tells that there is nothing.
            if *node == Node::Directory || at >= self.len() || !self.paths.get(at).starts_with(path) {
                continue;
            }
            if self.paths.get(at) == path
                && let Some(mark) = gone.get_mut(at)
            {
                *mark = true;
            }
            self.mark_below(path, gone);
        }
    }

    fn mark_below(&self, folder: &[u8], gone: &mut [bool]) {
        let prefix = join(folder, b"");
        let mut at = self.paths.lower_bound(&prefix);
        while at < self.len() && self.paths.get(at).starts_with(&prefix) {
            if let Some(mark) = gone.get_mut(at) {
                *mark = true;
            }
            at += 1;
        }
    }

    /// Number of paths, whiteouts included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the layer has no paths.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.opaque.is_empty()
    }
}

/// Serialises the arena as one run of bytes instead of a list of numbers.
pub(super) mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(in crate::facts) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(in crate::facts) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_entry_of_a_path_stands_and_own_whiteouts_do_not_hide() {
        let mut builder = TreeBuilder::default();
        builder.add(b"b", Node::File, b"", 7);
        builder.add(b"a/x", Node::Symlink, b"../b", 7);
        builder.add(b"a/x", Node::File, b"", 7);
        builder.add(b"c", Node::File, b"", 7);
        builder.add(b"c", Node::Whiteout, b"", 7);
        builder.add(b"l", Node::File, b"", 7);
        builder.add(b"l", Node::HardLink, b"b", 7);
        builder.add_opaque(b"d");
        let tree = builder.build();
        assert_eq!(tree.iter().map(|(path, ..)| path).collect::<Vec<_>>(), [&b"a/x"[..], b"b", b"c", b"l"]);
        assert_eq!((tree.node(b"a/x"), tree.target(b"a/x")), (Some(Node::File), None));
        assert_eq!(tree.node(b"c"), Some(Node::File));
        assert_eq!((tree.node(b"l"), tree.target(b"l")), (Some(Node::HardLink), Some(&b"b"[..])));
        assert!(tree.is_opaque(b"d") && !tree.is_opaque(b"a"));
        assert!(tree.has_children(b"a") && !tree.has_children(b"b"));
        assert_eq!(tree.node(b"zz"), None);
    }

    #[test]
    fn the_stream_is_kept_where_its_order_matters() {
        let stream = |entries: &[(&str, Node)]| {
            let mut builder = TreeBuilder::default();
            entries.iter().for_each(|(path, node)| builder.add(path.as_bytes(), *node, b"t", 0));
            builder.build().stream().map(|stream| (stream.has_conflicts(), stream.steps().count()))
        };
        use Node::{Directory, File, Symlink, Whiteout};
        for (entries, kept) in [
            (&[("a", Directory), ("a/b", File), ("a/b", File), ("c", Whiteout), ("c", File)][..], None),
            (&[("a/b", File)], Some((false, 1))),
            (&[("a/b/c", File), ("a", Directory), ("a/b", Directory)], None),
            (&[("a", Whiteout), ("a", Directory)], Some((true, 2))),
            (&[("a", File), ("a", Directory)], Some((true, 2))),
            (&[("a", File), ("a", Symlink)], Some((true, 2))),
            (&[("a", Symlink), ("a/b", File)], Some((true, 2))),
            (&[("a/b/c", File), ("a", File)], Some((true, 2))),
        ] {
            assert_eq!(stream(entries), kept, "{entries:?}");
        }
    }

    #[test]
    fn wasted_counts_what_is_replaced_or_removed() {
        let tree = |entries: &[(&str, Node, u64)], opaque: &[&str]| {
            let mut builder = TreeBuilder::default();
            entries.iter().for_each(|(path, node, size)| builder.add(path.as_bytes(), *node, b"", *size));
            opaque.iter().for_each(|folder| builder.add_opaque(folder.as_bytes()));
            builder.build()
        };
        let files = [
            ("a/1", Node::File, 1),
            ("a/2", Node::File, 2),
            ("b/4", Node::File, 4),
            ("c/8", Node::File, 8),
            ("d", Node::File, 16),
        ];
        let lower = tree(&files, &[]);
        let replace = tree(&[("a/1", Node::File, 100), ("c", Node::File, 1), ("d", Node::Directory, 0)], &[]);
        let remove = tree(&[("b", Node::Whiteout, 0)], &["a"]);
        assert_eq!(lower.wasted(&[]), 0);
        assert_eq!(lower.wasted(&[&replace]), 1 + 8);
        assert_eq!(lower.wasted(&[&remove]), 1 + 2 + 4);
        assert_eq!(lower.wasted(&[&replace, &remove]), 1 + 2 + 4 + 8);
    }
}
