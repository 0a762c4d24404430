//! The 512-byte header block and its fields, in the formats V7, USTAR (also PAX, whose blocks look the same), STAR and GNU.
//!
//! Source: Go `archive/tar/format.go` and `reader.go` (`readHeader`).

use super::number::{numeric, octal};
use super::{BLOCK, Block, EntryKind, TarError};

/// The format that a header's magic bytes name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header with a good checksum and readable numbers.
#[derive(Clone, Copy)]
pub(super) struct RawHeader<'a> {
    block: &'a Block,
    pub(super) format: Format,
    pub(super) type_flag: u8,
    pub(super) size: i64,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) mtime: i64,
}

/// Bytes that the sparse map in a GNU header takes, as Go counts them.
pub(super) const GNU_SPARSE_BYTES: u64 = 24 * 4 + 1;

/// One entry of an old GNU sparse map: the fields for offset and length, not yet parsed.
pub(super) type SparseFields<'a> = (&'a [u8], &'a [u8]);

impl<'a> RawHeader<'a> {
    /// Reads the block at byte `at` and refuses what Go's reader refuses of any header.
    pub(super) fn parse(block: &'a Block, at: u64) -> Result<Self, TarError> {
        if !checksum_fits(block) {
            return Err(TarError::Checksum { at });
        }
        let format = format(block);
        let number =
            |start, length, name| numeric(field(block, start, length)).ok_or(TarError::Field { at, field: name });
        let header = Self {
            block,
            format,
            type_flag: block[156],
            size: number(124, 12, "size")?,
            mode: number(100, 8, "mode")?,
            uid: number(108, 8, "uid")?,
            gid: number(116, 8, "gid")?,
            mtime: number(136, 12, "modification time")?,
        };
        if format != Format::V7 {
            number(329, 8, "device number")?;
            number(337, 8, "device number")?;
        }
        if format == Format::Star {
            number(476, 12, "access time")?;
            number(488, 12, "change time")?;
        }
        Ok(header)
    }

    /// The name, put together in `joined` where the format has a prefix.
    pub(super) fn name<'n>(&self, joined: &'n mut Vec<u8>) -> &'n [u8]
    where
        'a: 'n,
    {
        let name = until_nul(field(self.block, 0, 100));
        let prefix = match self.format {
            Format::V7 => b"",
            Format::Ustar => until_nul(field(self.block, 345, 155)),
            Format::Star => until_nul(field(self.block, 345, 131)),
            Format::Gnu => self.prefix_of_misnamed_ustar(),
        };
        if prefix.is_empty() {
            return name;
        }
        joined.clear();
        joined.extend_from_slice(prefix);
        joined.push(b'/');
        joined.extend_from_slice(name);
        joined
    }

    /// Go before 1.8 wrote USTAR prefixes into headers marked as GNU; they show by access and change times that are not numbers.
    fn prefix_of_misnamed_ustar(&self) -> &'a [u8] {
        let is_time =
            |start| matches!(field(self.block, start, 12), time if time.first() == Some(&0) || numeric(time).is_some());
        if is_time(345) && is_time(357) {
            return b"";
        }
        let prefix = until_nul(field(self.block, 345, 155));
        if prefix.is_ascii() { prefix } else { b"" }
    }

    pub(super) fn link_name(&self) -> &'a [u8] {
        until_nul(field(self.block, 157, 100))
    }

    /// What the entry is; in the oldest archives the name decides, which is then asked for. None for types that engines refuse.
    pub(super) fn kind(&self, names_folder: impl FnOnce() -> bool) -> Option<EntryKind> {
        Some(match self.type_flag {
            0 if names_folder() => EntryKind::Directory,
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

    /// Old GNU sparse: the length with holes.
    pub(super) fn gnu_real_size(&self) -> Option<u64> {
        numeric(field(self.block, 483, 12)).and_then(|size| u64::try_from(size).ok())
    }

    /// Old GNU sparse: the entries in the header, and whether blocks with more follow.
    pub(super) fn gnu_sparse(&self) -> (impl Iterator<Item = SparseFields<'a>> + use<'a>, bool) {
        (sparse_entries(self.block, 386, 4), self.block[482] > 0)
    }
}

/// The entries of a block that continues an old GNU sparse map, and whether another follows.
pub(super) fn gnu_sparse_extension(block: &Block) -> (impl Iterator<Item = SparseFields<'_>>, bool) {
    (sparse_entries(block, 0, 21), block[504] > 0)
}

/// Entries of 24 bytes; one that begins with NUL ends the list, as in GNU and BSD tar.
fn sparse_entries(block: &Block, start: usize, count: usize) -> impl Iterator<Item = SparseFields<'_>> {
    let entries =
        (0..count).map(move |index| (field(block, start + index * 24, 12), field(block, start + index * 24 + 12, 12)));
    entries.take_while(|(offset, _)| offset.first() != Some(&0))
}

/// Half of an end mark.
pub(super) fn is_zero(block: &Block) -> bool {
    block[0] == 0 && *block == [0; BLOCK]
}

/// Whether the checksum fits, summed with unsigned or (as Sun's tar did) signed bytes, its own eight bytes taken as spaces.
fn checksum_fits(block: &Block) -> bool {
    let own = field(block, 148, 8);
    let Some(stated) = octal(own) else { return false };
    let blank = 8 * i64::from(b' ');
    let sum = |bytes: &[u8]| i64::from(bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>());
    let unsigned = sum(block) - sum(own) + blank;
    if stated == unsigned {
        return true;
    }
    // Each byte from 0x80 on counts 256 less when it is signed.
    let high = |bytes: &[u8]| 256 * i64::from(bytes.iter().map(|byte| u32::from(byte >> 7)).sum::<u32>());
    stated == unsigned - high(block) + high(own)
}

fn format(block: &Block) -> Format {
    match field(block, 257, 6) {
        b"ustar\0" if field(block, 508, 4) == b"tar\0" => Format::Star,
        b"ustar\0" => Format::Ustar,
        b"ustar " if field(block, 263, 2) == b" \0" => Format::Gnu,
        _ => Format::V7,
    }
}

/// The field of `length` bytes at `start`; both are constants within the block.
#[inline]
fn field(block: &Block, start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// Text up to the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.get(..memchr::memchr(0, bytes).unwrap_or(bytes.len())).unwrap_or_default()
}
