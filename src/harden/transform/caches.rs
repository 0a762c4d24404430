//! What package managers keep to be faster the next time.

use std::collections::BTreeSet;

use super::{Transform, Wishes};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::layer::EntryKind;
use crate::report::bytes;

/// The transform.
pub(super) struct Caches;

/// Folders whose content can be fetched again, and that are made again when it is missing.
///
/// Source: apt.conf(5) `Dir::Cache` and `Dir::State::lists`; apk(8); dnf.conf(5) `cachedir`; pacman.conf(5) `CacheDir`; pip, npm, Yarn, Composer and Bundler name theirs in their documents.
const FOLDERS: &[&str] = &[
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/cache/apk",
    "etc/apk/cache",
    "var/cache/dnf",
    "var/cache/libdnf5",
    "var/cache/yum",
    "var/cache/zypp",
    "var/cache/pacman/pkg",
    "root/.cache",
    "root/.npm/_cacache",
    "root/.npm/_logs",
    "root/.composer/cache",
    "root/.gem/cache",
    "usr/local/share/.cache",
];

/// What a layer must lose at least to be rewritten, in bytes: below it, its digest, which others share, is worth more.
const WORTH_BYTES: u64 = 256 << 10;

impl Transform for Caches {
    fn name(&self) -> &'static str {
        "caches"
    }

    fn summary(&self) -> &'static str {
        "remove caches of package managers from every layer that has a good deal of them"
    }

    fn apply(&self, draft: &mut Draft, _wishes: &Wishes) {
        let mut step =
            Step::new(self.name(), "remove caches of package managers", "nothing in a running container needs them");
        for layer in 0..draft.view.layers() {
            remove(draft, layer, &mut step);
        }
        draft.note(step);
    }
}

fn remove(draft: &mut Draft, layer: usize, step: &mut Step) {
    let view = draft.view.clone();
    let mut paths = BTreeSet::new();
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    let mut size = 0;
    for (place, entry) in view.entries_of(layer).filter(|(_, entry)| entry.kind != EntryKind::Directory) {
        if let Some(folder) = FOLDERS.iter().find(|folder| is_in(place, folder)) {
            paths.insert(place.clone());
            folders.insert(folder);
            size += entry.size;
        }
    }
    if size < WORTH_BYTES {
        return;
    }
    draft.erase_in(layer, &paths);
    let change = |folder: &str| Change::new(format!("/{folder}"), format!("emptied in layer {layer}"));
    step.changes.extend(folders.into_iter().map(change));
    step.changes.push(Change::new(format!("layer {layer}"), format!("{} of caches less", bytes(size))));
}

fn is_in(place: &FilePath, folder: &str) -> bool {
    place.as_bytes().strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
}
