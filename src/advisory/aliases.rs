//! Alias groups: ids that name the same flaw, over all records at once.
//!
//! OSV's `aliases` are symmetric and transitive, but each record lists only some; a union-find over all of them sees the joins that a
//! comparison in pairs misses.

use std::collections::{BTreeMap, HashMap};

/// Groups of ids.
pub(crate) struct Groups {
    group_of: HashMap<String, u32>,
    members: BTreeMap<u32, Vec<String>>,
}

impl Groups {
    /// Groups ids by (id, its aliases).
    pub(crate) fn of<'a>(records: impl Iterator<Item = (&'a str, &'a [String])>) -> Self {
        let mut union = Union::default();
        for (id, aliases) in records {
            let own = union.node(id);
            for alias in aliases {
                let other = union.node(alias);
                union.join(own, other);
            }
        }
        union.finish()
    }

    /// The group's number.
    pub(crate) fn of_id(&self, id: &str) -> Option<u32> {
        self.group_of.get(id).copied()
    }

    /// All ids of the group of `id`, itself included, sorted.
    pub(crate) fn members(&self, id: &str) -> impl Iterator<Item = &str> {
        let members = self.of_id(id).and_then(|group| self.members.get(&group));
        members.into_iter().flatten().map(String::as_str)
    }
}

/// The number of each record's group, in the order of the records: those with one number are about the same flaw.
pub(crate) fn numbers<'a, A: Iterator<Item = &'a str>>(records: impl Iterator<Item = (&'a str, A)>) -> Vec<u32> {
    let mut union = Union::default();
    let own: Vec<u32> = records
        .map(|(id, aliases)| {
            let own = union.node(id);
            for alias in aliases {
                let other = union.node(alias);
                union.join(own, other);
            }
            own
        })
        .collect();
    own.into_iter().map(|node| union.root(node)).collect()
}

/// Union-find with path halving; ids get numbers in the order they are met.
#[derive(Default)]
struct Union<'a> {
    numbers: HashMap<&'a str, u32>,
    names: Vec<&'a str>,
    parents: Vec<u32>,
}

impl<'a> Union<'a> {
    fn node(&mut self, id: &'a str) -> u32 {
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.names.push(id);
            self.parents.push(next);
        }
        number
    }

    fn root(&mut self, mut node: u32) -> u32 {
        while self.parents[node as usize] != node {
            let grandparent = self.parents[self.parents[node as usize] as usize];
            self.parents[node as usize] = grandparent;
            node = grandparent;
        }
        node
    }

    /// The smaller root wins, so that the result does not depend on the order of joins.
    fn join(&mut self, left: u32, right: u32) {
        let (left, right) = (self.root(left), self.root(right));
        self.parents[left.max(right) as usize] = left.min(right);
    }

    fn finish(mut self) -> Groups {
        let mut groups = Groups { group_of: HashMap::with_capacity(self.names.len()), members: BTreeMap::new() };
        for number in 0..self.names.len() as u32 {
            let root = self.root(number);
            let name = self.names[number as usize];
            groups.group_of.insert(name.to_owned(), root);
            groups.members.entry(root).or_default().push(name.to_owned());
        }
        groups.members.values_mut().for_each(|ids| ids.sort());
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_are_transitive_in_any_order() {
        let records =
            [("GO-1", vec!["CVE-1"]), ("GHSA-1", vec!["PYSEC-1"]), ("CVE-2", vec![]), ("X-1", vec!["GHSA-1", "CVE-1"])];
        let owned: Vec<(&str, Vec<String>)> =
            records.iter().map(|(id, aliases)| (*id, aliases.iter().map(|a| (*a).to_owned()).collect())).collect();
        for rotation in 0..owned.len() {
            let mut rotated = owned.clone();
            rotated.rotate_left(rotation);
            let groups = Groups::of(rotated.iter().map(|(id, aliases)| (*id, aliases.as_slice())));
            let members: Vec<&str> = groups.members("PYSEC-1").collect();
            assert_eq!(members, ["CVE-1", "GHSA-1", "GO-1", "PYSEC-1", "X-1"]);
            assert_ne!(groups.of_id("CVE-2"), groups.of_id("CVE-1"));
            let numbers = numbers(rotated.iter().map(|(id, aliases)| (*id, aliases.iter().map(String::as_str))));
            let same = |id: &str| numbers[rotated.iter().position(|(known, _)| *known == id).expect("there")];
            assert!(same("GO-1") == same("X-1") && same("GHSA-1") == same("X-1") && same("CVE-2") != same("X-1"));
        }
    }
}
