//! SQLite files: pages, cells and records, without SQL, and the text of every row that a page still holds.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>. In a record the values of a row follow each other without a gap, so a token is not told from what stands
//! before it; and a long value goes on in overflow pages. Leaves of tables are read wherever they are, so rows of dropped tables that were not overwritten yet are
//! seen, too. What is only in a `-wal` file is not.

use super::{Allowance, NestedError};
use crate::layer::{ReadAt as _, Slice};

/// First bytes of the file.
pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Length of the header, which is part of the first page.
pub(crate) const FILE_HEADER_BYTES: usize = 100;

/// First byte of a leaf of a table.
pub(crate) const LEAF: u8 = 0x0d;

/// Longest row that is put together; longer ones hold files, which the pages show as well.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// Shortest value that can be a secret.
const MIN_VALUE_BYTES: usize = 8;

/// Text that is shown at a time.
const TEXT_BYTES: usize = 64 << 10;

const DAMAGED: NestedError = NestedError::Damaged("SQLite file");

/// A cell of a leaf.
pub(crate) struct Cell<'a> {
    /// Bytes of the whole record.
    pub(crate) length: u64,
    /// Those on the leaf.
    pub(crate) local: &'a [u8],
    /// Page of the rest, 0 when there is none.
    pub(crate) overflow: u64,
}

/// Splits a cell of a leaf into what is on the page and where the rest begins ("B-tree Cell Format", "Cell Payload Overflow"). `usable` is the page's length without
/// the reserved bytes at its end, at least 480.
pub(crate) fn cell(bytes: &[u8], usable: usize) -> Option<Cell<'_>> {
    let (length, bytes) = varint(bytes)?;
    let (_row, bytes) = varint(bytes)?;
    let most = usable as u64 - 35;
    if length <= most {
        let local = bytes.get(..usize::try_from(length).ok()?)?;
        return Some(Cell { length, local, overflow: 0 });
    }
    let least = (usable as u64 - 12) * 32 / 255 - 23;
    let spread = least + (length - least) % (usable as u64 - 4);
    let local = if spread <= most { spread } else { least };
    let (local, rest) = bytes.split_at_checked(usize::try_from(local).ok()?)?;
    Some(Cell { length, local, overflow: u64::from(be32(rest, 0)?) })
}

/// A value of a record. Numbers with a fraction and NULL are of no use here.
pub(crate) enum Value<'a> {
    /// Negative numbers show as large ones.
    Integer(u64),
    /// Text or blob.
    Bytes(&'a [u8]),
    /// Anything else.
    Other,
}

/// The values of a record ("Record Format"), up to where it is not well-formed.
pub(crate) struct Columns<'a> {
    types: &'a [u8],
    body: &'a [u8],
}

impl<'a> Columns<'a> {
    pub(crate) fn of(payload: &'a [u8]) -> Option<Self> {
        let (header_bytes, rest) = varint(payload)?;
        let taken = payload.len() - rest.len();
        let (header, body) = payload.split_at_checked(usize::try_from(header_bytes).ok()?)?;
        Some(Self { types: header.get(taken..)?, body })
    }

    fn value(&mut self) -> Option<Value<'a>> {
        let (kind, types) = varint(self.types)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (value, body) = self.body.split_at_checked(usize::try_from(length).ok()?)?;
        (self.types, self.body) = (types, body);
        Some(match kind {
            1..=6 => Value::Integer(value.iter().fold(0, |sum, b| sum << 8 | u64::from(*b))),
            8 | 9 => Value::Integer(kind - 8),
            12.. => Value::Bytes(value),
            _ => Value::Other,
        })
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let value = self.value();
        if value.is_none() {
            self.types = &[];
        }
        value
    }
}

/// A variable-length integer of 1 to 9 bytes, and what follows it.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for length in 0..8 {
        let byte = *bytes.get(length)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(length + 1..)?));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?), bytes.get(9..)?))
}

pub(crate) fn be16(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}

pub(crate) fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// A file whose rows are shown.
pub(super) struct Rows<'s> {
    source: Slice<'s>,
    page_bytes: usize,
    usable: usize,
    /// Text is UTF-16, of either order.
    is_wide: bool,
}

impl<'s> Rows<'s> {
    pub(super) fn open(source: Slice<'s>) -> Result<Self, NestedError> {
        let mut header = [0; FILE_HEADER_BYTES];
        source.read_exact_at(0, &mut header).map_err(|_| DAMAGED)?;
        let page_bytes = match be16(&header, 16) {
            Some(1) => 65_536,
            bytes => usize::from(bytes.unwrap_or(0)),
        };
        let usable = page_bytes.saturating_sub(usize::from(header.get(20).copied().unwrap_or(0)));
        let fits = page_bytes.is_power_of_two() && page_bytes >= 512 && usable >= 480;
        let is_wide = be32(&header, 56).is_some_and(|encoding| encoding > 1);
        if fits { Ok(Self { source, page_bytes, usable, is_wide }) } else { Err(DAMAGED) }
    }

    /// Shows the text of all rows, a line a value, with the offset of the page that they begin in.
    pub(super) fn show(&self, allowance: &mut Allowance, show: &mut dyn FnMut(&[u8], u64)) -> Result<(), NestedError> {
        let mut page = vec![0; self.page_bytes];
        let mut text = Vec::new();
        let mut at = 0;
        while at + self.page_bytes as u64 <= self.source.len() {
            self.source.read_exact_at(at, &mut page)?;
            self.leaf(&page, at == 0, allowance, &mut text, &mut |text| show(text, at))?;
            at += self.page_bytes as u64;
        }
        Ok(())
    }

    fn leaf(
        &self,
        page: &[u8],
        is_first: bool,
        allowance: &mut Allowance,
        text: &mut Vec<u8>,
        show: &mut dyn FnMut(&[u8]),
    ) -> Result<(), NestedError> {
        let start = if is_first { FILE_HEADER_BYTES } else { 0 };
        if page.get(start) != Some(&LEAF) {
            return Ok(());
        }
        let count = usize::from(be16(page, start + 3).unwrap_or(0)).min(page.len() / 2);
        for index in 0..count {
            let place = be16(page, start + 8 + 2 * index).map(usize::from);
            let found = place.and_then(|place| cell(page.get(place..self.usable)?, self.usable));
            // Pages of other kinds may begin like a leaf.
            let Some(found) = found.filter(|cell| cell.length <= MAX_ROW_BYTES) else { continue };
            allowance.charge(found.length)?;
            self.row(&found, text)?;
            if text.len() > TEXT_BYTES {
                show(text);
                text.clear();
            }
        }
        if !text.is_empty() {
            show(text);
            text.clear();
        }
        Ok(())
    }

    /// Adds the values of a row to the text.
    fn row(&self, cell: &Cell<'_>, text: &mut Vec<u8>) -> Result<(), NestedError> {
        let mut payload = cell.local.to_vec();
        let mut next = cell.overflow;
        let mut page = vec![0; if next == 0 { 0 } else { self.usable }];
        while let left @ 1.. = cell.length.saturating_sub(payload.len() as u64) {
            let Some(index) = next.checked_sub(1) else { break };
            let at = index * self.page_bytes as u64;
            if self.source.read_exact_at(at, &mut page).is_err() {
                break;
            }
            let room = (self.usable - 4).min(usize::try_from(left).unwrap_or(usize::MAX));
            payload.extend_from_slice(page.get(4..4 + room).unwrap_or_default());
            next = u64::from(be32(&page, 0).unwrap_or(0));
        }
        for value in Columns::of(&payload).into_iter().flatten() {
            if let Value::Bytes(bytes) = value
                && bytes.len() >= MIN_VALUE_BYTES
            {
                text.extend(bytes.iter().filter(|byte| !self.is_wide || **byte != 0));
                text.push(b'\n');
            }
        }
        Ok(())
    }
}
