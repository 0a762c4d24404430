//! Which packages of a graph a project needs: for formats that tell development dependencies at the roots alone.

use std::collections::BTreeSet;

/// Everything that can be reached from `roots`, each node once.
pub(super) fn reach<N: Ord + Clone>(roots: impl IntoIterator<Item = N>, next: impl Fn(&N) -> Vec<N>) -> BTreeSet<N> {
    let mut reached: BTreeSet<N> = BTreeSet::new();
    let mut waiting: Vec<N> = roots.into_iter().collect();
    while let Some(node) = waiting.pop() {
        if reached.contains(&node) {
            continue;
        }
        waiting.extend(next(&node));
        reached.insert(node);
    }
    reached
}
