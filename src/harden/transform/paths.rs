//! Paths that the user does not want, from every layer that has them.

use std::collections::BTreeSet;

use super::{Transform, Wishes};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::report::bytes;

/// The transform.
pub(super) struct UnwantedPaths;

impl Transform for UnwantedPaths {
    fn name(&self) -> &'static str {
        "unwanted-paths"
    }

    fn summary(&self) -> &'static str {
        "remove the paths of --remove-path from every layer that has them"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        if wishes.remove_paths.is_empty() {
            return;
        }
        let view = draft.view.clone();
        let all = (0..view.layers()).flat_map(|layer| view.entries_of(layer));
        let matching = all.filter(|(place, _)| matches(place, wishes)).map(|(place, _)| place.clone());
        let paths: BTreeSet<FilePath> = matching.collect();
        let mut step = Step::new(self.name(), "remove unwanted paths", "they were named with --remove-path");
        step.changes.extend(paths.iter().map(|path| Change::new(path, "removed from every layer")));
        let lost = draft.erase(&paths);
        if lost > 0 {
            step.title.push_str(&format!(" ({})", bytes(lost)));
        }
        draft.note(step);
    }
}

fn matches(place: &FilePath, wishes: &Wishes) -> bool {
    wishes.remove_paths.is_match(std::path::Path::new(&place.to_string()))
}
