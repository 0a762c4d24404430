//! Who may change or read what, as the modes of a layer's entries say: only of entries where it may matter.
//!
//! A layer of a hundred thousand entries has a few such, or all of them below one folder (`chmod -R 777`, `COPY --chown=app`); they have few modes and
//! owners, so the paths of each stand together, front-coded.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{FilePath, PathSet};

/// Most entries of one layer that are noted.
pub const MAX_NOTED: usize = 100_000;

/// Mode bit: others may write.
pub const OTHERS_WRITE: u32 = 0o002;
/// Mode bit: the group may write.
pub const GROUP_WRITES: u32 = 0o020;
/// Mode bit: others may read.
pub const OTHERS_READ: u32 = 0o004;
/// Mode bit: of what is in the folder, each may remove only their own.
pub const STICKY: u32 = 0o1000;

/// Mode and owner of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Access {
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
}

/// Why an entry is noted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Noted {
    /// A folder that others than root may write: it matters where programs are looked for in it.
    Folder,
    /// A file that everyone may write.
    Writable,
    /// A file that holds a secret, or decides who may do what, by its name or by what was found in it.
    Sensitive,
}

/// Entries of one layer that are noted for the same reason, with the same mode and owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessSet {
    /// Why.
    pub noted: Noted,
    /// Mode and owner.
    pub access: Access,
    /// Their paths.
    pub paths: PathSet,
}

/// Collects what is noted, in the order of the stream.
#[derive(Debug, Default)]
pub struct AccessNotes {
    entries: HashMap<FilePath, (Noted, Access)>,
    is_cut: bool,
}

impl AccessNotes {
    /// Notes an entry; of several with one path the last stands.
    pub fn note(&mut self, path: &[u8], noted: Noted, access: Access) {
        if self.entries.len() < MAX_NOTED {
            self.entries.insert(FilePath::new(path), (noted, access));
        } else {
            self.is_cut = true;
        }
    }

    /// Another entry takes the place of one that may be noted.
    pub fn forget(&mut self, path: &[u8]) {
        if !self.entries.is_empty() {
            self.entries.remove(&FilePath::new(path));
        }
    }

    /// Whether there were more than [`MAX_NOTED`].
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The notes, by reason, mode and owner.
    #[must_use]
    pub fn build(self) -> Vec<AccessSet> {
        sets(self.entries.iter().map(|(path, (noted, access))| (*noted, *access, path.as_bytes())))
    }
}

/// Puts together what has the same reason, mode and owner.
pub(super) fn sets<'p>(entries: impl Iterator<Item = (Noted, Access, &'p [u8])>) -> Vec<AccessSet> {
    let mut by_class: BTreeMap<(Noted, Access), Vec<&[u8]>> = BTreeMap::new();
    for (noted, access, path) in entries {
        by_class.entry((noted, access)).or_default().push(path);
    }
    // MAX_NOTED paths of 4 KiB are less than what a set holds.
    let set = |((noted, access), paths)| AccessSet { noted, access, paths: PathSet::build(paths).0 };
    by_class.into_iter().map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Access = Access { mode: 0o666, uid: 0, gid: 0 };

    #[test]
    fn the_last_entry_of_a_path_stands() {
        let mut notes = AccessNotes::default();
        notes.note(b"a", Noted::Writable, OPEN);
        notes.note(b"b", Noted::Writable, OPEN);
        notes.note(b"b", Noted::Sensitive, OPEN);
        notes.forget(b"a");
        let sets = notes.build();
        assert_eq!(sets.len(), 1, "{sets:?}");
        assert_eq!((sets[0].noted, sets[0].paths.get(0), sets[0].paths.len()), (Noted::Sensitive, &b"b"[..], 1));
    }

    #[test]
    fn no_more_are_noted_than_the_limit() {
        let mut notes = AccessNotes::default();
        for number in 0..=MAX_NOTED {
            notes.note(number.to_string().as_bytes(), Noted::Writable, OPEN);
        }
        assert!(notes.is_cut());
        assert_eq!(notes.build().iter().map(|set| set.paths.len()).sum::<usize>(), MAX_NOTED);
    }
}
