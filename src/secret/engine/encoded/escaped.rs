//! Finds percent and `\u` escapes and decodes the text around them, once: a key in the query of a URL (`%3D`), in JSON that is written for HTML pages (`\u003d`).
//!
//! Only escapes of visible ASCII begin a run, since no other is part of a secret. A run is what stands around them without a space or a quote.
//!
//! Sources: RFC 3986 section 2.1; RFC 8259 section 7.

use super::Run;
use crate::facts::Encoding;

/// Bytes before a run's first escape that belong to it.
const REACH_BACK: usize = 512;

/// Longest run; what goes on is the next one.
const MAX_TEXT: usize = 4 << 10;

/// How far escapes were decoded, from block to block of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::secret::engine) struct Escapes {
    /// Where the last run ends in the file.
    handled: u64,
}

impl Escapes {
    /// The next run whose first escape stands in `from..to` of `bytes`, which stand at `base` in the file. At least [`MAX_TEXT`] bytes follow `to`, unless the file
    /// ends, and [`REACH_BACK`] stand before `from`.
    pub(in crate::secret::engine) fn next_run(
        &mut self,
        bytes: &[u8],
        base: u64,
        from: usize,
        to: usize,
    ) -> Option<Run> {
        let handled = usize::try_from(self.handled.saturating_sub(base)).unwrap_or(usize::MAX);
        let first = next_escape(bytes, from.max(handled), to)?;
        let before = bytes.get(handled.min(first)..first).unwrap_or_default();
        let start = first - before.iter().rev().take(REACH_BACK).take_while(|byte| is_part(**byte)).count();
        let (run, end) = decode(bytes, start);
        self.handled = base + end.max(first + 1) as u64;
        Some(run)
    }
}

/// Where the first escape begins in `from..to`.
fn next_escape(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let searched = bytes.get(from..to.min(bytes.len()))?;
    memchr::memchr2_iter(b'%', b'\\', searched).map(|at| from + at).find(|at| escape(bytes, *at).is_some())
}

/// The character that is escaped at `at`, and the length of the escape.
fn escape(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let digits = |from: usize| {
        let [high, low] = *bytes.get(at + from..)?.first_chunk::<2>()?;
        Some(super::nibble(high)? << 4 | super::nibble(low)?)
    };
    let (decoded, length) = match bytes.get(at..)? {
        [b'%', ..] => (digits(1)?, 3),
        [b'\\', b'u', b'0', b'0', ..] => (digits(4)?, 6),
        _ => return None,
    };
    decoded.is_ascii_graphic().then_some((decoded, length))
}

/// A character that may stand in a run.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
}

/// The decoded run at `start`, and where it ends.
fn decode(bytes: &[u8], start: usize) -> (Run, usize) {
    let limit = bytes.len().min(start.saturating_add(MAX_TEXT));
    let (mut text, mut lines, mut at) = (Vec::new(), vec![(0, start)], start);
    while at < limit {
        let Some(byte) = bytes.get(at).copied().filter(|byte| is_part(*byte)) else { break };
        let (decoded, length) = escape(bytes, at).unwrap_or((byte, 1));
        text.push(decoded);
        at += length;
        if length > 1 {
            lines.push((text.len(), at));
        }
    }
    (Run { encoding: Encoding::Escapes, start, text, stretch: 1, lines }, at)
}
