//! Folders that are installed because a link leads to them.

use std::collections::BTreeSet;

use super::super::Fact;
use super::super::path::parent;
use super::super::tree::Node;
use super::Merge;

/// Folders that are installed because a link leads to them, where they lie outside of the folders that package managers fill.
pub(super) struct LinkedFolders {
    node: BTreeSet<Vec<u8>>,
    python: BTreeSet<Vec<u8>>,
}

impl LinkedFolders {
    pub(super) fn new(merge: &Merge<'_>) -> Self {
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

    pub(super) fn has_node(&self, manifest: &[u8]) -> bool {
        self.node.contains(parent(manifest).unwrap_or_default())
    }

    pub(super) fn has_python(&self, metadata: &[u8]) -> bool {
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
pub(super) fn project_of(metadata: &[u8]) -> Option<&[u8]> {
    parent(metadata).map(|info| parent(info).unwrap_or_default())
}
