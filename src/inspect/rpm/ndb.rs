//! NDB, rpm's own form: an array of slots at the front, each pointing at one framed header.
//!
//! Source: rpm `lib/backend/ndb/rpmpkg.c` (`rpmpkgReadHeader`, `rpmpkgReadSlots`, `rpmpkgReadBlob`). All numbers are little-endian. As in rpm, a
//! bad slot spoils the file and a bad frame only its package; the Adler-32 after each header is not checked when reading.

use super::RpmError;
use super::database::{Record, Sink};
use super::header::{HeaderError, MAX_HEADER_BYTES};
use crate::layer::view::ReadAt;

/// First bytes of the file.
pub(super) const MAGIC: &[u8] = b"RpmP";

const SLOT_MAGIC: &[u8] = b"Slot";
const HEAD_MAGIC: &[u8] = b"BlbS";
const TAIL_MAGIC: &[u8] = b"BlbE";

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: u64 = 16;
/// The file's header takes the room of two slots.
const FILE_HEADER_BYTES: usize = 32;
const HEAD_BYTES: u64 = 16;
const TAIL_BYTES: u64 = 12;

/// Calls `sink` for the header of every used slot.
pub(super) fn walk(db: &dyn ReadAt, sink: &mut Sink<'_>) -> Result<(), RpmError> {
    let pages = slot_pages(db)?;
    let mut page = [0; PAGE_BYTES];
    let mut blob = Vec::new();
    let mut number = 0;
    for index in 0..pages {
        db.read_exact_at(index * PAGE_BYTES as u64, &mut page)?;
        let start = if index == 0 { FILE_HEADER_BYTES } else { 0 };
        for raw in page.get(start..).unwrap_or_default().chunks_exact(SLOT_BYTES) {
            if let Some(slot) = Slot::parse(raw, number, pages, db.len())? {
                sink(slot.read(db, &mut blob)?)?;
            }
            number += 1;
        }
    }
    Ok(())
}

/// Number of pages that hold slots.
fn slot_pages(db: &dyn ReadAt) -> Result<u64, RpmError> {
    let mut header = [0; FILE_HEADER_BYTES];
    if db.len() < header.len() as u64 {
        return Err(RpmError::PageOutOfRange { page: 0 });
    }
    db.read_exact_at(0, &mut header)?;
    let version = le32(&header, 4);
    if version != 0 {
        let value = u64::from(version);
        return Err(RpmError::Unsupported { form: "NDB", field: "version", value });
    }
    let pages = u64::from(le32(&header, 12));
    let present = db.len() / PAGE_BYTES as u64;
    if pages > present {
        return Err(RpmError::PageOutOfRange { page: present });
    }
    Ok(pages)
}

/// A slot in use.
struct Slot {
    package: u32,
    /// Offset of the frame in bytes.
    offset: u64,
    /// Length of the frame in bytes.
    length: u64,
}

impl Slot {
    /// `None` for a free slot.
    fn parse(raw: &[u8], slot: u64, pages: u64, file: u64) -> Result<Option<Self>, RpmError> {
        let bad = |reason| RpmError::BadSlot { slot, reason };
        if !raw.starts_with(SLOT_MAGIC) {
            return Err(bad("the mark `Slot` is missing"));
        }
        let offset = u64::from(le32(raw, 8)) * BLOCK_BYTES;
        if offset == 0 {
            return Ok(None);
        }
        let length = u64::from(le32(raw, 12)) * BLOCK_BYTES;
        let package = le32(raw, 4);
        if package == 0 || length == 0 {
            return Err(bad("package number or length is 0"));
        }
        if offset < pages * PAGE_BYTES as u64 {
            return Err(bad("the header lies among the slots"));
        }
        if offset + length > file {
            return Err(bad("the header ends beyond the file"));
        }
        Ok(Some(Self { package, offset, length }))
    }

    /// Reads the framed header into `blob`.
    fn read<'b>(&self, db: &dyn ReadAt, blob: &'b mut Vec<u8>) -> Result<Record<'b>, RpmError> {
        let record = |blob| Record { offset: self.offset, stored: self.length, blob };
        let damaged = |reason| Ok(record(Err(reason)));
        let Some(length) = self.framed_length(db)? else {
            return damaged(HeaderError::BadFrame);
        };
        if length > MAX_HEADER_BYTES {
            return damaged(HeaderError::TooLarge { size: length });
        }
        blob.resize(usize::try_from(length).unwrap_or(0), 0);
        db.read_exact_at(self.offset + HEAD_BYTES, blob)?;
        Ok(record(Ok(blob)))
    }

    /// Length of the header inside the frame, where head, tail and slot agree.
    fn framed_length(&self, db: &dyn ReadAt) -> Result<Option<u64>, RpmError> {
        if self.length < HEAD_BYTES + TAIL_BYTES {
            return Ok(None);
        }
        let mut head = [0; HEAD_BYTES as usize];
        let mut tail = [0; TAIL_BYTES as usize];
        db.read_exact_at(self.offset, &mut head)?;
        db.read_exact_at(self.offset + self.length - TAIL_BYTES, &mut tail)?;
        let length = le32(&head, 12);
        let framed = (HEAD_BYTES + u64::from(length) + TAIL_BYTES).next_multiple_of(BLOCK_BYTES);
        let agree = head.starts_with(HEAD_MAGIC)
            && tail.ends_with(TAIL_MAGIC)
            && le32(&head, 4) == self.package
            && le32(&tail, 4) == length
            && framed == self.length;
        Ok(agree.then_some(u64::from(length)))
    }
}

/// The number at `offset`; 0 beyond the end, which no caller asks for.
fn le32(bytes: &[u8], offset: usize) -> u32 {
    let raw = bytes.get(offset..).and_then(|bytes| bytes.first_chunk());
    raw.map_or(0, |raw| u32::from_le_bytes(*raw))
}
