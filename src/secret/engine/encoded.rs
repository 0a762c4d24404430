//! Finds base64 and hex in what is scanned and decodes it, once: a token in a Kubernetes `Secret`, in the `auth` of a registry, in the argument
//! of `powershell -EncodedCommand`.
//!
//! A **run** begins where at least [`MIN_RUN`] letters and digits stand in a row and is looked at only if its beginning decodes to text, which
//! turns away names, digests, certificates and images after a few characters. Lines that are broken as `base64` and MIME do are put together.
//! What is decoded is not decoded again.
//!
//! Sources: RFC 4648 (both alphabets and hex), RFC 2045 section 6.8 (lines of 76), RFC 7468 (lines of 64).

mod escaped;

use std::ops::Range;

pub(super) use escaped::Escapes;

use crate::facts::Encoding;

/// Letters and digits that a run begins with: 18 bytes, less than any token that has a form.
const MIN_RUN: usize = 24;

/// Bytes at a time. A longer run is decoded in pieces that overlap; no piece is longer than what a scan sees ahead.
pub(super) const MAX_RUN: usize = 48 << 10;

/// Characters that two pieces of a long run share, a multiple of four: an armoured key of 8192 bits takes 6.5 KiB, nearly 9 KiB when encoded.
const OVERLAP: usize = 12 << 10;

/// Least characters of a line that goes on in the next one.
const MIN_LINE: usize = 60;

/// How far runs were looked at, from block to block of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Where the last run that was looked at ends in the file.
    handled: u64,
    rest: Rest,
}

/// What is known of the run that was looked at last and was longer than what could be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    /// It ended.
    #[default]
    None,
    /// It was no text, and more of it may come.
    Refused,
    /// Its next piece begins where it was left.
    More(Encoding),
}

/// A decoded run.
#[derive(Debug)]
pub(super) struct Run {
    /// What it was encoded with.
    pub(super) encoding: Encoding,
    /// Where it begins in the bytes that were searched.
    pub(super) start: usize,
    /// The decoded bytes, UTF-16 made one byte a character.
    pub(super) text: Vec<u8>,
    /// Decoded bytes of a character of the text.
    stretch: usize,
    /// Number of a line's first character in the run (of escapes, of the one behind each), and its place in the bytes that were searched.
    lines: Vec<(usize, usize)>,
}

impl Run {
    /// The characters that encode a part of the text, as places in the bytes that were searched.
    pub(super) fn place(&self, part: &Range<usize>) -> Range<usize> {
        let (start, end) = (part.start * self.stretch, part.end * self.stretch);
        let (first, end) = match self.encoding {
            Encoding::Base64 => (start * 8 / 6, (end * 8).div_ceil(6)),
            Encoding::Hex => (start * 2, end * 2),
            Encoding::Escapes => (start, end),
        };
        self.raw(first)..self.raw(end.saturating_sub(1)) + 1
    }

    fn raw(&self, character: usize) -> usize {
        let line = self.lines.partition_point(|(first, _)| *first <= character).saturating_sub(1);
        self.lines.get(line).map_or(self.start, |(first, place)| place + (character - first))
    }
}

impl Progress {
    /// The next run that begins in `from..to` of `bytes`, which stand at `base` in the file. At least [`MAX_RUN`] bytes follow `to`, and a few more for
    /// what stands behind a run, unless the file ends; as many as a run may reach back stand before `from`.
    pub(super) fn next_run(&mut self, bytes: &[u8], base: u64, from: usize, to: usize) -> Option<Run> {
        loop {
            let handled = usize::try_from(self.handled.saturating_sub(base)).unwrap_or(usize::MAX);
            let at = from.max(handled);
            if at >= to {
                return None;
            }
            let (start, encoding) = match self.rest {
                Rest::More(encoding) => (at, encoding),
                Rest::Refused => {
                    self.pass_over(bytes, base, at);
                    continue;
                }
                Rest::None => {
                    let first = next_start(bytes, at, to)?;
                    let start = first - reach_back(bytes.get(handled..first).unwrap_or_default());
                    let known = [start, first].into_iter().find_map(|at| Some((at, sniff(bytes.get(at..)?)?)));
                    let Some(known) = known else {
                        self.pass_over(bytes, base, first);
                        continue;
                    };
                    known
                }
            };
            let (run, end, more) = decode(bytes, start, encoding);
            self.handled = base + end as u64;
            self.rest = if more { Rest::More(encoding) } else { Rest::None };
            return Some(run);
        }
    }

    /// Leaves the run at `at` alone.
    fn pass_over(&mut self, bytes: &[u8], base: u64, at: usize) {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| value(*byte).is_none());
        self.rest = if length.is_none() { Rest::Refused } else { Rest::None };
        self.handled = base + (at + length.unwrap_or(rest.len()).max(1)) as u64;
    }
}

/// Where the next run's letters and digits begin in `from..to`. Whatever is at the end of a window and no letter or digit rules out every beginning in it, so of
/// most bytes nothing is looked at (Boyer and Moore's idea).
fn next_start(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut start = from;
    while start < to {
        let window = bytes.get(start..)?.first_chunk::<MIN_RUN>()?;
        match window.iter().rposition(|byte| !LETTERS[usize::from(*byte)]) {
            Some(other) => start += other + 1,
            None => return Some(start),
        }
    }
    None
}

/// Which bytes are letters and digits.
const LETTERS: [bool; 256] = {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        letters[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    letters
};

/// How many of a run's other characters stand in front of its first letters and digits.
fn reach_back(before: &[u8]) -> usize {
    before.iter().rev().take(MIN_RUN).take_while(|byte| value(**byte).is_some()).count()
}

/// The value of a character of either base64 alphabet.
fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// How the run at the start of `bytes` is encoded, by what its first characters decode to; none if that is no text.
fn sniff(bytes: &[u8]) -> Option<Encoding> {
    let head = bytes.get(..bytes.len().min(MIN_RUN))?;
    let mut text = Vec::with_capacity(MIN_RUN);
    if head.iter().all(|byte| nibble(*byte).is_some()) {
        unpack(Encoding::Hex, head, &mut text);
        if is_text(&text) {
            return Some(Encoding::Hex);
        }
        text.clear();
    }
    let length = head.iter().take_while(|byte| value(**byte).is_some()).count();
    unpack(Encoding::Base64, head.get(..length)?, &mut text);
    is_text(&text).then_some(Encoding::Base64)
}

/// ASCII text, also as UTF-16 (little endian, as Windows writes it).
fn is_text(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let wide = |pair: &[u8; 2]| plain(&pair[0]) && pair[1] == 0;
    !bytes.is_empty() && (bytes.iter().all(plain) || bytes.as_chunks::<2>().0.iter().all(wide))
}

/// Appends what the characters decode to; stops at one that is of another alphabet.
fn unpack(encoding: Encoding, characters: &[u8], text: &mut Vec<u8>) {
    let (bits, value): (u32, fn(u8) -> Option<u8>) = match encoding {
        Encoding::Base64 => (6, value),
        Encoding::Hex | Encoding::Escapes => (4, nibble),
    };
    let (mut held, mut count) = (0_u32, 0);
    for character in characters {
        let Some(value) = value(*character) else { return };
        held = held << bits | u32::from(value);
        count += bits;
        if count >= 8 {
            count -= 8;
            text.push((held >> count) as u8);
        }
    }
}

/// Decodes the run at `start`: the run, where to go on, and whether that is in the middle of it.
fn decode(bytes: &[u8], start: usize, encoding: Encoding) -> (Run, usize, bool) {
    let limit = bytes.len().min(start.saturating_add(MAX_RUN));
    let mut characters = Vec::new();
    let mut lines = Vec::new();
    let mut at = start;
    loop {
        let line = bytes.get(at..limit).unwrap_or_default();
        let length = line.iter().take_while(|byte| is_member(encoding, **byte)).count();
        lines.push((characters.len(), at));
        characters.extend_from_slice(line.get(..length).unwrap_or_default());
        at += length;
        if at >= limit || length < MIN_LINE || length % 4 != 0 {
            break;
        }
        let Some(next) = next_line(bytes.get(at..limit).unwrap_or_default(), encoding) else { break };
        at += next;
    }
    let mut run = Run { encoding, start, text: Vec::with_capacity(characters.len()), stretch: 1, lines };
    let more = at >= limit && limit < bytes.len() && characters.len() > 2 * OVERLAP;
    if more {
        // The next piece begins at a whole group, and a whole character of UTF-16.
        at = run.raw((characters.len() - OVERLAP) / 8 * 8);
    }
    unpack(encoding, &characters, &mut run.text);
    if is_wide(&run.text) {
        run.text = run.text.as_chunks::<2>().0.iter().map(|[byte, _]| *byte).collect();
        run.stretch = 2;
    }
    (run, at.max(start + 1), more)
}

fn is_member(encoding: Encoding, byte: u8) -> bool {
    match encoding {
        Encoding::Base64 => value(byte).is_some(),
        Encoding::Hex | Encoding::Escapes => nibble(byte).is_some(),
    }
}

/// Length of a line's end and the next one's indentation, where that line is more of the run: nothing else may stand on it.
fn next_line(rest: &[u8], encoding: Encoding) -> Option<usize> {
    // In a string of JSON or of a program, line ends are escaped.
    const ENDS: [&[u8]; 4] = [b"\r\n", b"\n", b"\\r\\n", b"\\n"];
    let end = ENDS.iter().find(|end| rest.starts_with(end))?.len();
    let indentation = rest.get(end..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let line = rest.get(end + indentation..)?;
    let length = line.iter().take_while(|byte| is_member(encoding, **byte)).count();
    let is_whole = matches!(line.get(length), None | Some(b'\r' | b'\n' | b'=' | b'"' | b'\'' | b'\\' | b'<' | b' '));
    (length > 0 && is_whole).then_some(end + indentation)
}

/// UTF-16 of ASCII.
fn is_wide(text: &[u8]) -> bool {
    let pairs = text.as_chunks::<2>().0;
    pairs.len() >= 4 && pairs.iter().take(8).all(|[byte, zero]| *byte != 0 && *zero == 0)
}
