//! The live files that a second read must fetch.

use std::collections::BTreeSet;

use super::super::FilePath;
use super::super::path::join;
use super::super::place::{place, refer};
use super::super::tree::Node;
use super::super::view::{StackedLayer, View};
use super::{DATABASE_FOLDERS, DATABASES, OS_RELEASE_FILES, RELEASE_FILES};

/// A live file that was not read under the name by which an inspector would know it: only a link gives it that name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadFile {
    /// Index of the layer that has its bytes.
    pub layer: usize,
    /// Its name in that layer.
    pub path: FilePath,
    /// The name to know it by.
    pub known_as: FilePath,
    /// The name under which that layer's facts keep what it says.
    pub keep_at: FilePath,
}

/// The live files that a second read must fetch: databases behind links, files of database folders behind links, and hard links to files that were not read.
#[must_use]
pub fn unread_files(layers: &[StackedLayer<'_>]) -> Vec<UnreadFile> {
    let placed = place(layers);
    let stack = refer(&placed);
    let view = View::new(&stack);
    let mut unread = BTreeSet::new();
    let mut add = |layer: usize, path: &[u8], known_as: &[u8], keep_at: &[u8]| {
        let Some(placed) = placed.get(layer).and_then(Option::as_ref) else { return };
        let keep_at = FilePath::new(keep_at);
        let was_read = placed.facts.files.iter().any(|file| file.path == keep_at)
            || placed.facts.unknowns.iter().any(|unknown| unknown.path.as_ref() == Some(&keep_at));
        if !was_read {
            let (path, keep_at) = (placed.name_in_layer(&FilePath::new(path)), placed.name_in_layer(&keep_at));
            unread.insert(UnreadFile { layer, path, known_as: FilePath::new(known_as), keep_at });
        }
    };
    let has_os_release = OS_RELEASE_FILES.iter().any(|name| view.resolve(name.as_bytes()).is_some());
    let releases = RELEASE_FILES.iter().filter(|_| !has_os_release);
    for known_as in DATABASES.iter().chain(releases) {
        if let Some((layer, path)) = view.resolve(known_as.as_bytes()) {
            add(layer, &path, known_as.as_bytes(), &path);
        }
    }
    for (known_as, depth) in DATABASE_FOLDERS {
        let Some(folder) = view.follow(known_as.as_bytes()).filter(|folder| folder != known_as.as_bytes()) else {
            continue;
        };
        for name in names_below(&view, &folder, *depth) {
            let file = join(&folder, &name);
            if let Some((layer, Node::File)) = view.entry(&file) {
                add(layer, &file, &join(known_as.as_bytes(), &name), &file);
            }
        }
    }
    for (layer, link) in links(&stack) {
        if view.entry(link.as_bytes()) != Some((layer, Node::HardLink)) {
            continue;
        }
        if let Some((_, path)) = view.resolve(link.as_bytes()).filter(|(owner, _)| *owner == layer) {
            add(layer, &path, link.as_bytes(), link.as_bytes());
        }
    }
    unread.into_iter().collect()
}

/// Names of what is `depth` levels below `folder`, from there on.
fn names_below(view: &View<'_>, folder: &[u8], depth: usize) -> Vec<Vec<u8>> {
    let names = view.names_in(folder);
    if depth <= 1 {
        return names;
    }
    let below = |name: Vec<u8>| {
        let deeper = names_below(view, &join(folder, &name), depth - 1);
        deeper.into_iter().map(move |inner| join(&name, &inner))
    };
    names.into_iter().flat_map(below).collect()
}

/// Hard links that an inspector would want, with their layers.
pub(super) fn links<'a>(layers: &[StackedLayer<'a>]) -> impl Iterator<Item = (usize, &'a FilePath)> {
    let read = layers.iter().enumerate().filter_map(|(index, facts)| Some((index, (*facts)?)));
    read.flat_map(|(index, facts)| facts.links.iter().map(move |link| (index, link))).collect::<Vec<_>>().into_iter()
}
