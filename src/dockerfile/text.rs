//! Text and places in it.

use std::ops::Range;

/// A range of bytes of the file.
pub type Span = Range<usize>;

/// A file's text, with where its lines begin.
#[derive(Clone, Debug)]
pub struct Source {
    text: String,
    lines: Vec<usize>,
}

/// A place for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Source {
    /// Reads bytes; each that is no UTF-8 becomes a `?`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { text, lines }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A part of it; nothing where the range does not fit.
    #[must_use]
    pub fn get(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The line and column of a byte.
    #[must_use]
    pub fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count());
        Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column + 1).unwrap_or(u32::MAX) }
    }

    /// A line without its end, and where it begins; `line` counts from 1.
    #[must_use]
    pub fn line(&self, line: u32) -> Option<(usize, &str)> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.lines.get(index)?;
        let end = self.lines.get(index + 1).copied().unwrap_or(self.text.len());
        Some((start, self.text.get(start..end)?.trim_end_matches(['\n', '\r'])))
    }
}

/// A word with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// As the instruction means it: of JSON the string's value, else as it is written, quotes included.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A logical line: pieces of the file put together, with where each came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    text: String,
    /// Offset in `text`, offset in the file.
    pieces: Vec<(usize, usize)>,
}

impl Joined {
    /// One piece of the file.
    #[must_use]
    pub fn of(text: &str, at: usize) -> Self {
        Self { text: text.to_owned(), pieces: vec![(0, at)] }
    }

    /// Appends a piece that begins at a place in the file.
    pub(super) fn push(&mut self, piece: &str, at: usize) {
        if !piece.is_empty() || self.pieces.is_empty() {
            self.pieces.push((self.text.len(), at));
            self.text.push_str(piece);
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a byte of the text stands in the file.
    #[must_use]
    pub fn place(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        self.pieces.get(index).map_or(at, |(start, source)| source + at.saturating_sub(*start))
    }

    /// Where a range of the text stands in the file; continuations inside of it are part of it there.
    #[must_use]
    pub fn span(&self, range: &Range<usize>) -> Span {
        let start = self.place(range.start);
        let end = if range.end > range.start { self.place(range.end - 1) + 1 } else { start };
        start..end.max(start)
    }

    /// A part of it as a text of its own.
    #[must_use]
    pub fn slice(&self, range: &Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        let mut pieces = vec![(0, self.place(range.start))];
        let inner = self.pieces.iter().filter(|(start, _)| *start > range.start && *start < range.end);
        pieces.extend(inner.map(|(start, source)| (start - range.start, *source)));
        Self { text, pieces }
    }

    /// A part of it as a word.
    pub(super) fn word(&self, range: &Range<usize>) -> Word {
        Word { text: self.text.get(range.clone()).unwrap_or_default().to_owned(), span: self.span(range) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_joining_and_slicing() {
        let source = Source::new(b"RUN a \\\n  b\xff c\n");
        assert_eq!(source.text(), "RUN a \\\n  b? c\n");
        let mut joined = Joined::default();
        joined.push("RUN a ", 0);
        joined.push("  b? c", 8);
        assert_eq!(source.get(&joined.span(&(4..10))), "a \\\n  b?");
        let slice = joined.slice(&(4..12));
        assert_eq!(slice.text(), "a   b? c");
        assert_eq!(source.get(&slice.span(&(7..8))), "c");
        assert_eq!(source.place(10), Place { line: 2, column: 3 });
        assert_eq!(source.line(2), Some((8, "  b? c")));
        assert_eq!(source.line(9), None);
    }
}
