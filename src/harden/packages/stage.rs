//! The image's files while packages are put over them, in thought: what the new layer has so far, and the image where it says nothing.

use std::collections::BTreeMap;

use super::unpack::{Kind, Member};
use super::{Entry, Found, Node, Root};
use crate::facts::FilePath;
use crate::facts::path::{join, parent};
use crate::facts::view::follow;

/// The image with the new layer's entries over it.
pub(super) struct Stage<'r> {
    root: &'r dyn Root,
    own: BTreeMap<Vec<u8>, Entry>,
}

impl<'r> Stage<'r> {
    pub(super) fn over(root: &'r dyn Root) -> Self {
        Self { root, own: BTreeMap::new() }
    }

    /// The image as it was.
    pub(super) fn root(&self) -> &'r dyn Root {
        self.root
    }

    /// What is at `path`, itself.
    pub(super) fn at(&self, path: &[u8]) -> Option<Found> {
        if path.is_empty() {
            return Some(Found::Directory);
        }
        match self.own.get(path).map(|entry| &entry.node) {
            Some(Node::File(_) | Node::HardLink(_)) => Some(Found::File),
            Some(Node::Symlink(target)) => Some(Found::Symlink(target.clone())),
            Some(Node::Directory) => Some(Found::Directory),
            Some(Node::Whiteout) => None,
            None if self.is_hidden(path) => None,
            None => self.root.at(path),
        }
    }

    /// Whether a folder above is one no more.
    fn is_hidden(&self, path: &[u8]) -> bool {
        let folders = std::iter::successors(parent(path), |folder| parent(folder));
        folders.into_iter().any(|folder| self.own.get(folder).is_some_and(|entry| entry.node != Node::Directory))
    }

    /// Where `path` leads when all links are followed, whether there is anything or not; none when they do not end.
    pub(super) fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        follow(path, |at| match self.at(at) {
            Some(Found::Symlink(target)) => Some(target),
            _ => None,
        })
    }

    /// Where an entry of this name is written: the links of its folder are followed, one in its place is not.
    pub(super) fn landing(&self, path: &[u8]) -> Option<Vec<u8>> {
        let folder = parent(path)?;
        let name = path.get(if folder.is_empty() { 0 } else { folder.len() + 1 }..)?;
        Some(join(&self.follow(folder)?, name))
    }

    /// The content of a file of the image that the new layer has not changed, links followed; none when there is none.
    pub(super) fn read(&self, path: &[u8], limit: u64) -> Option<std::io::Result<Vec<u8>>> {
        let place = self.follow(path)?;
        match (self.at(&place)?, self.own.get(&place)) {
            (Found::File, None) => Some(self.root.read(&place, limit)),
            _ => None,
        }
    }

    /// What a member of a package becomes at its place; none where a folder is there already.
    ///
    /// # Errors
    /// The reason for people, where it cannot be put there.
    pub(super) fn node(&self, member: &Member, place: &[u8]) -> Result<Option<Node>, String> {
        let shown = FilePath::new(&member.path);
        let node = match (&member.kind, self.at(place)) {
            // What is a folder already, or leads to one, stays as it is.
            (Kind::Directory, Some(Found::Directory)) => return Ok(None),
            (Kind::Directory, Some(Found::Symlink(_))) if self.leads_to_folder(place) => return Ok(None),
            (Kind::Directory, Some(_)) => return Err(format!("`{shown}` is a folder in it and none in the image")),
            (_, Some(Found::Directory)) => return Err(format!("`{shown}` is a folder in the image and none in it")),
            (Kind::Directory, None) => Node::Directory,
            (Kind::File(body, _), _) => Node::File(body.clone()),
            (Kind::Symlink(target), _) => Node::Symlink(target.clone()),
            (Kind::HardLink(target), _) => {
                let target = self.landing(target).ok_or_else(|| looped(target))?;
                if self.at(&target).is_none() {
                    return Err(format!("`{shown}` is another name of a file that it does not have"));
                }
                Node::HardLink(target)
            }
        };
        Ok(Some(node))
    }

    fn leads_to_folder(&self, place: &[u8]) -> bool {
        self.follow(place).is_some_and(|end| self.at(&end) == Some(Found::Directory))
    }

    /// Puts an entry at a place that [`Stage::landing`] gave.
    pub(super) fn put(&mut self, place: Vec<u8>, entry: Entry) {
        self.own.insert(place, entry);
    }

    /// Takes away what is at a place, and what the new layer has below it.
    pub(super) fn remove(&mut self, place: &[u8]) {
        let below = join(place, b"");
        self.own.retain(|path, _| !path.starts_with(&below));
        if self.root.at(place).is_some() {
            self.own.insert(place.to_vec(), Entry::whiteout());
        } else {
            self.own.remove(place);
        }
    }

    /// Whether a folder has nothing in it.
    pub(super) fn is_empty(&self, folder: &[u8]) -> bool {
        let below = join(folder, b"");
        let own = self.own.range(below.clone()..).take_while(|(other, _)| other.starts_with(&below));
        let is_new = own.into_iter().any(|(_, entry)| entry.node != Node::Whiteout);
        !is_new && self.root.names(folder).iter().all(|name| self.at(&join(folder, name)).is_none())
    }

    /// The entries of the new layer, hard links last, since what they name must be there before them.
    pub(super) fn into_entries(self) -> Vec<(Vec<u8>, Entry)> {
        let mut entries: Vec<_> = self.own.into_iter().collect();
        entries.sort_by_key(|(_, entry)| matches!(entry.node, Node::HardLink(_)));
        entries
    }
}

/// Why there is no place for a path.
pub(super) fn looped(path: &[u8]) -> String {
    format!("the image's links on the way to `{}` do not end", FilePath::new(path))
}
