//! The 512-byte header block and its fields, in the formats V7, USTAR, STAR and GNU.
//!
//! Source: Go `archive/tar/format.go` and `strconv.go`.

use super::{BLOCK, EntryKind, TarError};

/// One block.
#[derive(Clone)]
pub(super) struct Block(pub(super) [u8; BLOCK]);

impl Default for Block {
    fn default() -> Self {
        Self([0; BLOCK])
    }
}

/// The format that a header's magic bytes name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    V7,
    /// Also PAX, whose blocks look the same.
    Ustar,
    Star,
    Gnu,
}

/// Entries of an old GNU sparse map: offset and length fields, still text.
pub(super) type SparseField<'a> = (&'a [u8], &'a [u8]);

impl Block {
    /// The field of `length` bytes at `at`; both are constants within the block.
    fn field(&self, at: usize, length: usize) -> &[u8] {
        self.0.get(at..at + length).unwrap_or_default()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the checksum fits, summed with unsigned or (as some old programs did) signed bytes.
    pub(super) fn checksum_fits(&self) -> bool {
        let Some(stated) = octal(self.field(148, 8)) else { return false };
        let blank = 8 * i64::from(b' ');
        let kept = || self.0.iter().take(148).chain(self.0.iter().skip(156));
        // Summed in 32 bits, which the compiler turns into vector code.
        let unsigned = i64::from(kept().map(|byte| u32::from(*byte)).sum::<u32>()) + blank;
        let signed = || i64::from(kept().map(|byte| i32::from(byte.cast_signed())).sum::<i32>()) + blank;
        stated == unsigned || stated == signed()
    }

    pub(super) fn format(&self) -> Format {
        match (self.field(257, 6), self.field(263, 2), self.field(508, 4)) {
            (b"ustar\0", _, b"tar\0") => Format::Star,
            (b"ustar\0", _, _) => Format::Ustar,
            (b"ustar ", b" \0", _) => Format::Gnu,
            _ => Format::V7,
        }
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0.get(156).copied().unwrap_or(0)
    }

    /// Refuses a header any number of which Go's reader could not parse.
    pub(super) fn check_numbers(&self, at: u64) -> Result<(), TarError> {
        let check = |field, bytes: &[u8]| numeric(bytes).map(|_| ()).ok_or(TarError::Field { at, field });
        check("size", self.field(124, 12))?;
        check("mode", self.field(100, 8))?;
        check("uid", self.field(108, 8))?;
        check("gid", self.field(116, 8))?;
        check("modification time", self.field(136, 12))?;
        if self.format() != Format::V7 {
            check("device number", self.field(329, 8))?;
            check("device number", self.field(337, 8))?;
        }
        if self.format() == Format::Star {
            check("access time", self.field(476, 12))?;
            check("change time", self.field(488, 12))?;
        }
        Ok(())
    }

    pub(super) fn size_or_negative(&self, at: u64) -> Result<i64, TarError> {
        numeric(self.field(124, 12)).ok_or(TarError::Field { at, field: "size" })
    }

    pub(super) fn size(&self, at: u64) -> Result<u64, TarError> {
        u64::try_from(self.size_or_negative(at)?).map_err(|_| TarError::Field { at, field: "size" })
    }

    pub(super) fn mode(&self) -> u32 {
        u32::try_from(numeric(self.field(100, 8)).unwrap_or(0) & 0o7777).unwrap_or(0)
    }

    pub(super) fn uid(&self) -> i64 {
        numeric(self.field(108, 8)).unwrap_or(0)
    }

    pub(super) fn gid(&self) -> i64 {
        numeric(self.field(116, 8)).unwrap_or(0)
    }

    pub(super) fn link_name(&self) -> &[u8] {
        until_nul(self.field(157, 100))
    }

    /// The name, with the prefix that its format has.
    pub(super) fn name(&self, name: &mut Vec<u8>) {
        let prefix = match self.format() {
            Format::V7 => b"",
            Format::Ustar => until_nul(self.field(345, 155)),
            Format::Star => until_nul(self.field(345, 131)),
            Format::Gnu => self.prefix_of_misnamed_ustar(),
        };
        name.clear();
        if !prefix.is_empty() {
            name.extend_from_slice(prefix);
            name.push(b'/');
        }
        name.extend_from_slice(until_nul(self.field(0, 100)));
    }

    /// Go before 1.8 wrote USTAR prefixes into headers marked as GNU; they show by times that are not numbers.
    fn prefix_of_misnamed_ustar(&self) -> &[u8] {
        let is_time = |field: &[u8]| field.first() == Some(&0) || numeric(field).is_some();
        if is_time(self.field(345, 12)) && is_time(self.field(357, 12)) {
            return b"";
        }
        let prefix = until_nul(self.field(345, 155));
        if prefix.is_ascii() { prefix } else { b"" }
    }

    /// What the entry is; `name` decides for the oldest archives. None for types that engines refuse.
    pub(super) fn kind(&self, name: &[u8]) -> Option<EntryKind> {
        Some(match self.type_flag() {
            0 if name.ends_with(b"/") => EntryKind::Directory,
            // Contiguous and old GNU sparse files are read too: they hold content, even though Docker stops at them.
            0 | b'0' | b'7' | b'S' => EntryKind::Regular,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            _ => return None,
        })
    }

    pub(super) fn gnu_real_size(&self) -> Option<i64> {
        numeric(self.field(483, 12))
    }

    pub(super) fn gnu_sparse_entries(&self) -> impl Iterator<Item = SparseField<'_>> {
        self.sparse_entries(386, 4)
    }

    pub(super) fn gnu_is_extended(&self) -> bool {
        self.0.get(482).is_some_and(|flag| *flag > 0)
    }

    /// The entries of a block that continues a sparse map.
    pub(super) fn extension_entries(&self) -> impl Iterator<Item = SparseField<'_>> {
        self.sparse_entries(0, 21)
    }

    pub(super) fn extension_is_extended(&self) -> bool {
        self.0.get(504).is_some_and(|flag| *flag > 0)
    }

    /// Entries of 24 bytes; one that begins with NUL ends the list, as in GNU and BSD tar.
    fn sparse_entries(&self, at: usize, count: usize) -> impl Iterator<Item = SparseField<'_>> {
        (0..count).map(move |index| (self.field(at + index * 24, 12), self.field(at + index * 24 + 12, 12))).take_while(|(offset, _)| offset.first() != Some(&0))
    }
}

/// Text up to the first NUL.
fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.get(..memchr::memchr(0, bytes).unwrap_or(bytes.len())).unwrap_or_default()
}

/// A number in octal text or, with the highest bit set, in base 256 (two's complement).
pub(super) fn numeric(bytes: &[u8]) -> Option<i64> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        return octal(bytes);
    }
    let invert = if first & 0x40 != 0 { 0xff } else { 0 };
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let byte = if index == 0 { (byte ^ invert) & 0x7f } else { byte ^ invert };
        if value >> 56 > 0 {
            return None;
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).ok()?;
    Some(if invert == 0 { value } else { !value })
}

/// Octal text, padded with spaces or NULs on both sides; empty is 0.
fn octal(bytes: &[u8]) -> Option<i64> {
    let is_padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = bytes.iter().position(|byte| !is_padding(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_padding(byte)).map_or(start, |last| last + 1);
    let digits = until_nul(bytes.get(start..end).unwrap_or_default());
    if start == end {
        return Some(0);
    }
    if digits.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(u64::from(digit))?;
    }
    // Go converts without a check; what wraps to a negative number is refused where a length is meant.
    Some(value.cast_signed())
}
