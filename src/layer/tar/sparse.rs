//! Maps of sparse files: which parts of the logical content the archive holds.

use super::Sink;
use super::header::{SparseField, numeric};
use super::pax::parse_int;

/// Parts of the content that are in the archive, in order; the rest are holes.
#[derive(Default)]
pub(super) struct SparseMap {
    parts: Vec<(u64, u64)>,
    logical: u64,
    /// Index of the part being delivered, how much of it was, and the logical position.
    part: usize,
    done: u64,
    position: u64,
}

impl SparseMap {
    /// Adds entries of an old GNU map.
    pub(super) fn add_entries<'a>(&mut self, entries: impl Iterator<Item = SparseField<'a>>) -> Option<()> {
        for (offset, length) in entries {
            self.parts.push((u64::try_from(numeric(offset)?).ok()?, u64::try_from(numeric(length)?).ok()?));
        }
        Some(())
    }

    /// Bytes that the map itself takes in the archive, for its limit.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.parts.len() as u64 * 24
    }

    pub(super) fn from_pairs(pairs: &[(u64, u64)], logical: u64) -> Option<Self> {
        Self { parts: pairs.to_vec(), ..Self::default() }.checked(logical)
    }

    /// The map, if its parts are in order, do not overlap and lie within `logical` bytes (Go's `validateSparseEntries`).
    pub(super) fn checked(mut self, logical: u64) -> Option<Self> {
        let mut end = 0;
        for (offset, length) in &self.parts {
            if *offset < end {
                return None;
            }
            end = offset.checked_add(*length).filter(|end| *end <= logical && i64::try_from(*end).is_ok())?;
        }
        self.logical = logical;
        Some(self)
    }

    /// Bytes that the archive holds of the content.
    pub(super) fn data_bytes(&self) -> u64 {
        self.parts.iter().map(|(_, length)| length).sum()
    }

    /// Hands `bytes`, the next of the archive, to the sink, with the holes around them.
    pub(super) fn deliver(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        let mut rest = bytes;
        while let (Some((offset, length)), false) = (self.parts.get(self.part).copied(), rest.is_empty()) {
            if self.position < offset {
                sink.hole(offset - self.position);
                self.position = offset;
            }
            let n = super::clamp(length - self.done, rest);
            sink.data(rest.get(..n).unwrap_or_default());
            rest = rest.get(n..).unwrap_or_default();
            self.done += n as u64;
            self.position += n as u64;
            if self.done == length {
                self.part += 1;
                self.done = 0;
            }
        }
    }

    /// The hole at the end.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        if self.position < self.logical {
            sink.hole(self.logical - self.position);
            self.position = self.logical;
        }
    }
}

/// The text of a PAX 1.0 map, which comes block by block in front of the data: a count, then offsets and lengths, each on a line.
#[derive(Default)]
pub(super) struct MapText {
    text: Vec<u8>,
    newlines: usize,
}

impl MapText {
    /// Adds a block. The outer option is none for a malformed map, the inner one while more is needed.
    #[expect(clippy::option_option, reason = "the caller turns the outer one into its error")]
    pub(super) fn push(&mut self, block: &[u8]) -> Option<Option<Vec<(u64, u64)>>> {
        self.text.extend_from_slice(block);
        self.newlines += memchr::memchr_iter(b'\n', block).count();
        if self.newlines == 0 {
            return Some(None);
        }
        let mut lines = self.text.split(|b| *b == b'\n').map(|line| parse_int(line).and_then(|number| u64::try_from(number).ok()));
        let count = usize::try_from(lines.next()??).ok()?;
        if self.newlines < count.checked_mul(2)?.checked_add(1)? {
            return Some(None);
        }
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push((lines.next()??, lines.next()??));
        }
        Some(Some(pairs))
    }
}
