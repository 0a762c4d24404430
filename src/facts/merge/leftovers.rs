//! What a build left behind in the merged view, with how much of it there is.

use std::collections::BTreeMap;

use super::super::inventory::Leftover;
use super::super::leftover::{LeftoverKind, leftover};
use super::super::tree::Node;
use super::super::{Effect, FilePath, Inventory, Unknown};
use super::Merge;

/// Most things that are kept of a platform; a checkout with its workplace has a few.
const MAX_LEFTOVERS: usize = 1000;

impl Merge<'_> {
    pub(super) fn leftovers(&self, inventory: &mut Inventory) {
        let mut found: BTreeMap<(LeftoverKind, FilePath), Leftover> = BTreeMap::new();
        let mut is_cut = false;
        for (layer, facts) in self.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)))
        {
            for (path, node, _, size) in facts.tree.iter() {
                let Some((kind, end)) = leftover(path) else { continue };
                let is_counted = matches!(node, Node::File | Node::HardLink | Node::Special)
                    && self.view.entry(path) == Some((layer, node));
                if !is_counted {
                    continue;
                }
                let whole = FilePath::new(path.get(..end).unwrap_or_default());
                if found.len() >= MAX_LEFTOVERS && !found.contains_key(&(kind, whole.clone())) {
                    is_cut = true;
                    continue;
                }
                let of_whole = found.entry((kind, whole.clone())).or_insert(Leftover {
                    kind,
                    path: whole,
                    layer,
                    files: 0,
                    bytes: 0,
                });
                (of_whole.files, of_whole.bytes) = (of_whole.files + 1, of_whole.bytes.saturating_add(size));
                of_whole.layer = layer;
            }
        }
        if is_cut {
            let reason =
                format!("there are more than {MAX_LEFTOVERS} files and folders of builders; no others are told");
            let unknown = Unknown { effect: Effect::Optional, path: None, by: "leftovers".into(), reason };
            inventory.unknowns.push((None, unknown));
        }
        inventory.leftovers = found.into_values().collect();
    }
}
