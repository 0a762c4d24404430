//! Files that dpkg writes elsewhere than a package says.

use std::collections::HashMap;

use super::super::{Diversion, Fact};
use super::Merge;

/// The diversions of the live database, by either name.
pub(super) struct Diversions<'a> {
    from: HashMap<&'a [u8], &'a Diversion>,
    to: HashMap<&'a [u8], &'a Diversion>,
}

impl<'a> Diversions<'a> {
    pub(super) fn of(merge: &Merge<'a>) -> Self {
        let facts = merge.known("var/lib/dpkg/diversions").map_or(&[][..], |file| &file.facts);
        let all = facts.iter().filter_map(|fact| if let Fact::Diversions(list) = fact { Some(list) } else { None });
        let all: Vec<&Diversion> = all.flatten().collect();
        Self {
            from: all.iter().map(|diversion| (diversion.from.as_bytes(), *diversion)).collect(),
            to: all.iter().map(|diversion| (diversion.to.as_bytes(), *diversion)).collect(),
        }
    }

    /// Names under which packages may list the file at `path`.
    pub(super) fn names_of(&self, merge: &Merge<'_>, path: &[u8]) -> Vec<Vec<u8>> {
        let mut names = vec![path.to_vec()];
        names.extend(merge.unmerged(path).map(<[u8]>::to_vec));
        let diverted = names.iter().filter_map(|name| self.to.get(name.as_slice()));
        let diverted: Vec<Vec<u8>> = diverted.map(|diversion| diversion.from.as_bytes().to_vec()).collect();
        names.extend(diverted);
        names
    }

    /// Whether what `package` lists as `name` is the file at `path`, which has that name.
    pub(super) fn is_at(&self, merge: &Merge<'_>, package: &str, name: &[u8], path: &[u8]) -> bool {
        let written = match self.from.get(name) {
            Some(diversion) if diversion.by != package => diversion.to.as_bytes(),
            _ => name,
        };
        written == path || merge.unmerged(path) == Some(written)
    }
}
