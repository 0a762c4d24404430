//! Sorted sets of paths, compact enough to keep every path of every layer: one arena of bytes and one offset a path, no allocation each.
//!
//! Stored front-coded: of each path how many bytes it shares with the one before it, how many follow, and these; both numbers are LEB128. A layer's
//! paths take a quarter of the room so, and reading them back as much less time.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sorted set of byte strings. Stored front-coded, since most of a path stands in the one before it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathSet {
    arena: Vec<u8>,
    /// End of each path in the arena; the first starts at 0.
    ends: Vec<u32>,
}

impl PathSet {
    /// Sorts and stores `paths`. Paths beyond 4 GiB of text are left out and counted in the second value.
    #[must_use]
    pub fn build(mut paths: Vec<&[u8]>) -> (Self, usize) {
        paths.sort_unstable();
        paths.dedup();
        let mut set = Self::default();
        let kept = paths.iter().take_while(|path| set.push(path)).count();
        (set, paths.len() - kept)
    }

    /// Adds one path, which must sort after the last; false when the arena is full.
    pub(super) fn push(&mut self, path: &[u8]) -> bool {
        match u32::try_from(self.arena.len() + path.len()) {
            Ok(end) => {
                self.arena.extend_from_slice(path);
                self.ends.push(end);
                true
            }
            Err(_) => false,
        }
    }

    /// Number of paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Path number `index`; empty beyond the end or where a stored set lies about its offsets.
    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        let offset = |i: usize| self.ends.get(i).map_or(0, |end| *end as usize);
        let start = if index == 0 { 0 } else { offset(index - 1) };
        self.arena.get(start..offset(index)).unwrap_or_default()
    }

    /// The paths in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Where `path` stands.
    #[must_use]
    pub fn position(&self, path: &[u8]) -> Option<usize> {
        let at = self.lower_bound(path);
        (at < self.len() && self.get(at) == path).then_some(at)
    }

    /// Index of the first path that is not before `path`.
    #[must_use]
    pub fn lower_bound(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle) < path { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Most bytes of paths that are read back; the offsets have 32 bits.
const MAX_ARENA_BYTES: usize = u32::MAX as usize;

impl Serialize for PathSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&encode(self))
    }
}

impl<'de> Deserialize<'de> for PathSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Coded;
        impl Visitor<'_> for Coded {
            type Value = PathSet;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("front-coded paths")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<PathSet, E> {
                decode(bytes).ok_or_else(|| E::custom("damaged paths"))
            }
        }
        deserializer.deserialize_bytes(Coded)
    }
}

fn encode(set: &PathSet) -> Vec<u8> {
    let mut coded = Vec::with_capacity(set.arena.len() / 3 + 16);
    write_number(&mut coded, set.arena.len());
    write_number(&mut coded, set.len());
    let mut last: &[u8] = &[];
    for path in set.iter() {
        let shared = last.iter().zip(path).take_while(|(a, b)| a == b).count();
        let rest = path.get(shared..).unwrap_or_default();
        write_number(&mut coded, shared);
        write_number(&mut coded, rest.len());
        coded.extend_from_slice(rest);
        last = path;
    }
    coded
}

/// None where the bytes are not what [`encode`] writes.
fn decode(mut coded: &[u8]) -> Option<PathSet> {
    let (length, count) = (read_number(&mut coded)?, read_number(&mut coded)?);
    // Every path has two numbers, so a false count cannot ask for more room than the file has.
    if length > MAX_ARENA_BYTES || count > coded.len() / 2 {
        return None;
    }
    let mut set = PathSet { arena: Vec::new(), ends: Vec::with_capacity(count) };
    set.arena.try_reserve_exact(length).ok()?;
    let mut last = 0;
    for _ in 0..count {
        let (shared, rest) = (read_number(&mut coded)?, read_number(&mut coded)?);
        let (start, own) = (set.arena.len(), coded.split_off(..rest)?);
        if shared > start - last || shared + rest > length - start {
            return None;
        }
        set.arena.extend_from_within(last..last + shared);
        set.arena.extend_from_slice(own);
        set.ends.push(u32::try_from(set.arena.len()).ok()?);
        last = start;
    }
    (coded.is_empty() && set.arena.len() == length).then_some(set)
}

fn write_number(to: &mut Vec<u8>, mut number: usize) {
    while let low @ 0x80.. = number {
        to.push(low.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

/// None beyond 35 bits, which no length here has.
fn read_number(from: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = from.split_off_first()?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gives_back_every_set(paths in proptest::collection::vec("[ab/]{0,300}", 0..40)) {
            let (set, _) = PathSet::build(paths.iter().map(String::as_bytes).collect());
            let coded = encode(&set);
            prop_assert_eq!(decode(&coded), Some(set));
            for cut in 0..coded.len() {
                prop_assert_eq!(decode(&coded[..cut]), None);
            }
        }

        #[test]
        fn never_panics(coded in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(set) = decode(&coded) {
                prop_assert!(set.iter().map(<[u8]>::len).sum::<usize>() <= 64 * 64);
            }
        }
    }

    #[test]
    fn sets_find_what_they_hold() {
        let (set, lost) = PathSet::build(vec![b"usr/bin/b", b"usr/bin/a", b"usr", b"usr"]);
        assert_eq!((set.len(), lost), (3, 0));
        assert_eq!(set.iter().collect::<Vec<_>>(), [&b"usr"[..], b"usr/bin/a", b"usr/bin/b"]);
        assert_eq!(set.position(b"usr/bin/b"), Some(2));
        assert_eq!(set.position(b"usr/bin"), None);
    }
}
