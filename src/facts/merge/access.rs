//! What others than root may write or read, after all layers: of an entry that several layers list, the topmost one's mode counts.

use super::super::access::{Noted, OTHERS_WRITE, STICKY};
use super::super::inventory::{Entrusted, OpenPlace};
use super::super::tree::Node;
use super::super::{Effect, FilePath, Inventory, Unknown};
use super::Merge;
use crate::oci::RunConfig;

/// Most places of one kind that are kept of a platform.
const MAX_PLACES: usize = 1000;

/// Most folders of `PATH` that are looked at; a real one has ten.
const MAX_PATH_FOLDERS: usize = 100;

impl Merge<'_> {
    /// Places that everyone may write, sensitive files, and the folders that programs are looked for in.
    pub(super) fn note_access(&self, inventory: &mut Inventory, config: &RunConfig) {
        let (mut open, mut sensitive) = (Vec::new(), Vec::new());
        for (layer, facts) in self.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)))
        {
            for set in &facts.access {
                let (access, is_folder) = (set.access, set.noted == Noted::Folder);
                let is_open = access.mode & OTHERS_WRITE != 0 && !(is_folder && access.mode & STICKY != 0);
                if !is_open && set.noted != Noted::Sensitive {
                    continue;
                }
                for path in set.paths.iter().filter(|path| self.is_noted_entry(path, layer, is_folder)) {
                    let path = FilePath::new(path);
                    if set.noted == Noted::Sensitive {
                        sensitive.push(Entrusted { path: path.clone(), layer, access, owner: None });
                    }
                    if is_open {
                        open.push(OpenPlace { path, layer, access, is_folder, below: 0 });
                    }
                }
            }
        }
        sensitive.sort();
        inventory.sensitive = first(sensitive, "files with secrets or rights", &mut inventory.unknowns);
        inventory.writable = first(topmost(open), "places that everyone may write", &mut inventory.unknowns);
        inventory.search_path = self.search_path(config);
    }

    /// Whether what the layer noted at `path` is what the merged view has there.
    fn is_noted_entry(&self, path: &[u8], layer: usize, is_folder: bool) -> bool {
        match self.view.entry(path) {
            Some((top, Node::Directory)) => is_folder && top == layer,
            Some((top, Node::File | Node::HardLink)) => !is_folder && top == layer,
            _ => false,
        }
    }

    /// The folders of the image's `PATH` that others than root may write, in its order.
    fn search_path(&self, config: &RunConfig) -> Vec<Entrusted> {
        let path = config.env.iter().rev().find_map(|pair| pair.strip_prefix("PATH="));
        let folders = path.unwrap_or_default().split(':').filter(|folder| folder.starts_with('/'));
        let mut found: Vec<Entrusted> = Vec::new();
        for folder in folders.take(MAX_PATH_FOLDERS) {
            let Some(place) = self.view.follow(folder.trim_matches('/').as_bytes()) else { continue };
            let Some((layer, Node::Directory)) = self.view.entry(&place) else { continue };
            let noted = self.layers.get(layer).copied().flatten().and_then(|facts| facts.access_at(&place));
            if let Some(access) = noted.filter(|_| found.iter().all(|other| other.path.as_bytes() != place)) {
                found.push(Entrusted { path: FilePath::new(&place), layer, access, owner: None });
            }
        }
        found
    }
}

/// The first of many; how many there are is told.
pub(super) fn first<T>(mut places: Vec<T>, what: &str, unknowns: &mut Vec<(Option<usize>, Unknown)>) -> Vec<T> {
    if places.len() > MAX_PLACES {
        let reason = format!("there are {} {what}; only the first {MAX_PLACES} are judged", places.len());
        unknowns.push((None, Unknown { effect: Effect::Optional, path: None, by: "modes".into(), reason }));
        places.truncate(MAX_PLACES);
    }
    places
}

/// Of places below an open folder only the folder, with how many there are: whoever may write it can replace all of them.
fn topmost(mut open: Vec<OpenPlace>) -> Vec<OpenPlace> {
    // What is in a folder comes right after it where a slash sorts before all else.
    let key =
        |path: &FilePath| path.as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect::<Vec<u8>>();
    open.sort_by_cached_key(|place| key(&place.path));
    let mut places: Vec<OpenPlace> = Vec::new();
    for place in open {
        match places.last_mut() {
            Some(folder) if folder.is_folder && is_in(place.path.as_bytes(), folder.path.as_bytes()) => {
                folder.below += 1
            }
            _ => places.push(place),
        }
    }
    places
}

fn is_in(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access::Access;

    #[test]
    fn what_is_in_an_open_folder_is_counted_there() {
        let access = Access { mode: 0o777, uid: 0, gid: 0 };
        let place = |(path, is_folder): &(&str, bool)| OpenPlace {
            path: FilePath::new(path.as_bytes()),
            layer: 0,
            access,
            is_folder: *is_folder,
            below: 0,
        };
        let open = [("a-b", false), ("a", true), ("a/b", false), ("a/c", true), ("a/c/d", false), ("b", false)];
        let places = topmost(open.iter().map(place).collect());
        let shown: Vec<_> = places.iter().map(|place| (place.path.to_string(), place.below)).collect();
        assert_eq!(shown, [("/a".into(), 3), ("/a-b".into(), 0), ("/b".into(), 0)]);
    }
}
