//! Maps of sparse files: which parts of the logical content the archive holds.
//!
//! Source: GNU tar manual, "Sparse formats"; Go `archive/tar` (`validateSparseEntries`, `readOldGNUSparseMap`, `readGNUSparseMap1x0`).

use super::header::SparseFields;
use super::number::{decimal, numeric};
use super::{BLOCK, Block, MAX_SPECIAL_BYTES, Sink};

/// Parts of the content that are in the archive, in order; the rest are holes.
#[derive(Default)]
pub(super) struct SparseMap {
    /// Offset and length of each part; not empty once checked.
    parts: Vec<(u64, u64)>,
    logical: u64,
    /// Index of the part being delivered, how much of it was, and the logical position.
    part: usize,
    done: u64,
    position: u64,
    /// Bytes that an old GNU map takes in the archive.
    stored: u64,
    text: MapText,
}

/// What reading on in a map came to.
pub(super) enum MapProgress {
    /// Another block is needed.
    More,
    /// The map is complete.
    Complete,
    /// More than [`MAX_SPECIAL_BYTES`].
    TooLong,
    /// Not a map.
    Malformed,
}

impl SparseMap {
    /// An empty map; the memory stays.
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        (self.logical, self.part, self.done, self.position, self.stored) = (0, 0, 0, 0, 0);
        self.text.clear();
    }

    /// Where a map from a PAX header goes.
    pub(super) fn parts(&mut self) -> &mut Vec<(u64, u64)> {
        &mut self.parts
    }

    /// Adds the `stored` bytes of an old GNU map: the entries in a header or in a block that continues it.
    pub(super) fn add_old<'a>(
        &mut self,
        entries: impl Iterator<Item = SparseFields<'a>>,
        stored: u64,
        more: bool,
    ) -> MapProgress {
        // As Go counts, so that the limit falls on the same block. Entries do not count: a chain of empty blocks must end too.
        if self.stored >= MAX_SPECIAL_BYTES.saturating_sub(stored) {
            return MapProgress::TooLong;
        }
        self.stored += stored;
        let number = |text| numeric(text).and_then(|number| u64::try_from(number).ok());
        for (offset, length) in entries {
            let (Some(offset), Some(length)) = (number(offset), number(length)) else { return MapProgress::Malformed };
            self.parts.push((offset, length));
        }
        if more { MapProgress::More } else { MapProgress::Complete }
    }

    /// Adds a block of a PAX 1.0 map, which is text in front of the data.
    pub(super) fn add_text(&mut self, block: &Block) -> MapProgress {
        self.text.add(block, &mut self.parts)
    }

    /// Whether the parts are in order, do not overlap, lie within `logical` bytes and make up the `physical` bytes that are stored. Go checks the last
    /// only while a file is copied, and fails then.
    pub(super) fn check(&mut self, logical: u64, physical: u64) -> bool {
        let mut end = 0;
        let mut total = 0;
        for (offset, length) in &self.parts {
            let next = offset.checked_add(*length).filter(|end| *end <= logical);
            let Some(next) = next.filter(|_| *offset >= end) else { return false };
            end = next;
            // Parts that do not overlap: never more than the logical size.
            total += length;
        }
        self.parts.retain(|(_, length)| *length > 0);
        self.logical = logical;
        total == physical
    }

    /// Hands `bytes`, the next of the archive, to the sink, with the holes in front of them.
    pub(super) fn deliver<S: Sink + ?Sized>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while let (Some((offset, length)), false) = (self.parts.get(self.part).copied(), rest.is_empty()) {
            if self.position < offset {
                sink.hole(offset - self.position);
                self.position = offset;
            }
            let n = super::parser::clamp(length - self.done, rest);
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
    pub(super) fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) {
        if self.position < self.logical {
            sink.hole(self.logical - self.position);
            self.position = self.logical;
        }
    }
}

/// The text of a PAX 1.0 map: a count, then offsets and lengths, each on a line.
#[derive(Default)]
struct MapText {
    text: Vec<u8>,
    newlines: usize,
}

impl MapText {
    fn clear(&mut self) {
        self.text.clear();
        self.newlines = 0;
    }

    fn add(&mut self, block: &Block, parts: &mut Vec<(u64, u64)>) -> MapProgress {
        if (self.text.len() + BLOCK) as u64 > MAX_SPECIAL_BYTES {
            return MapProgress::TooLong;
        }
        self.text.extend_from_slice(block);
        self.newlines += memchr::memchr_iter(b'\n', block).count();
        if self.newlines == 0 {
            return MapProgress::More;
        }
        let mut numbers = self
            .text
            .split(|byte| *byte == b'\n')
            .map(|line| decimal(line).and_then(|number| u64::try_from(number).ok()));
        let lines = |count: u64| usize::try_from(count).ok()?.checked_mul(2)?.checked_add(1);
        match numbers.next().flatten().and_then(lines) {
            None => MapProgress::Malformed,
            Some(lines) if self.newlines < lines => MapProgress::More,
            Some(lines) => {
                for _ in 0..lines / 2 {
                    let (Some(Some(offset)), Some(Some(length))) = (numbers.next(), numbers.next()) else {
                        return MapProgress::Malformed;
                    };
                    parts.push((offset, length));
                }
                MapProgress::Complete
            }
        }
    }
}
