//! What a file's bytes are: text, UTF-16 that is decoded on the way in, or neither.

use super::{CAPACITY, FileScan};

/// Bytes at a file's start that tell text from binary, as git does.
pub(super) const HEAD: usize = 8000;

/// How a file's bytes are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    /// Not yet known.
    Undecided,
    /// One byte a character, or UTF-8.
    Text,
    /// Not text; only rules for binaries apply.
    Binary,
    /// UTF-16, decoded on the way in.
    Utf16 { big_endian: bool },
}

impl FileScan<'_> {
    /// Decides what the file is, from its first bytes.
    pub(super) fn decide(&mut self) {
        let head = self.scratch.buffer.get(..self.scratch.buffer.len().min(HEAD)).unwrap_or_default();
        self.encoding = match head {
            [0xff, 0xfe, ..] => Encoding::Utf16 { big_endian: false },
            [0xfe, 0xff, ..] => Encoding::Utf16 { big_endian: true },
            _ if memchr::memchr(0, head).is_none() => Encoding::Text,
            _ => zeros_of_utf16(head),
        };
        if let Encoding::Utf16 { big_endian } = self.encoding {
            let raw = std::mem::take(&mut self.scratch.buffer);
            self.take_utf16(&raw, big_endian);
        }
    }

    pub(super) fn take_utf16<'b>(&mut self, bytes: &'b [u8], big_endian: bool) -> &'b [u8] {
        let mut used = 0;
        for byte in bytes {
            if self.scratch.buffer.len() >= CAPACITY {
                break;
            }
            used += 1;
            match self.half.take() {
                None => self.half = Some(*byte),
                Some(first) => self.scratch.buffer.push(narrow(first, *byte, big_endian)),
            }
        }
        bytes.get(used..).unwrap_or_default()
    }
}

/// A character of UTF-16 as one byte; `?` for what is not Latin-1, which no secret holds, a space for the mark of the byte order.
pub(super) fn narrow(first: u8, second: u8, big_endian: bool) -> u8 {
    let (high, low) = if big_endian { (first, second) } else { (second, first) };
    match (high, low) {
        (0, low) => low,
        (0xfe, 0xff) => b' ',
        _ => b'?',
    }
}

/// UTF-16 without a mark: nearly every second byte is zero, and hardly any other.
fn zeros_of_utf16(head: &[u8]) -> Encoding {
    let pairs = head.as_chunks::<2>().0;
    let (mut first, mut second) = (0, 0);
    for [a, b] in pairs {
        first += usize::from(*a == 0);
        second += usize::from(*b == 0);
    }
    let most = pairs.len() * 9 / 10;
    match (first, second) {
        (0, second) if second > most && second > 8 => Encoding::Utf16 { big_endian: false },
        (first, 0) if first > most && first > 8 => Encoding::Utf16 { big_endian: true },
        _ => Encoding::Binary,
    }
}
