//! Berkeley DB's hash access method, read-only and only as far as rpm uses it.
//!
//! Source: the page layouts of Berkeley DB (`dbinc/db_page.h`) as rpm's own reader (`lib/backend/bdb_ro.cc`) takes them. The file is in the byte
//! order of the machine that made it. Hash pages hold pairs of items, key (the package's number) and value (the header); a value larger
//! than a quarter of a page is a reference to a chain of overflow pages.
//!
//! Every hash page of the file is read in order of its number, instead of bucket by bucket: a page that belongs to no bucket is
//! returned by Berkeley DB to the free list and has another type, so both give the same items. Free pages are therefore never looked at.

use super::RpmError;
use super::database::{Record, Sink};
use super::header::{HeaderError, MAX_HEADER_BYTES};
use super::pages::Pages;
use crate::layer::view::ReadAt;

const MAGIC: u32 = 0x0006_1561;
const FORM: &str = "Berkeley DB";

/// Bytes of the first page that are looked at; the smallest page has as many.
const META_BYTES: usize = 512;
/// Bytes in front of the items of a page.
const PAGE_HEAD_BYTES: usize = 26;

const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH_META: u8 = 8;
const PAGE_HASH: u8 = 13;

const ITEM_INLINE: u8 = 1;
const ITEM_OVERFLOW: u8 = 3;
const OVERFLOW_ITEM_BYTES: usize = 12;

/// Byte order of all numbers in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, bytes: &[u8], offset: usize) -> Option<u16> {
        let raw = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(raw),
            Self::Big => u16::from_be_bytes(raw),
        })
    }

    fn u32(self, bytes: &[u8], offset: usize) -> Option<u32> {
        let raw = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(raw),
            Self::Big => u32::from_be_bytes(raw),
        })
    }
}

/// The byte order of a hash database; `None` when `head` is not the beginning of one.
pub(super) fn byte_order(head: &[u8]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32(head, 12) == Some(MAGIC))
}

/// Calls `sink` for the header of every package.
pub(super) fn walk(db: &dyn ReadAt, sink: &mut Sink<'_>) -> Result<(), RpmError> {
    let mut file = HashFile::open(db)?;
    let mut page = vec![0; file.pages.size()];
    let mut blob = Vec::new();
    for number in 1..=file.last_page {
        let head = page.get_mut(..PAGE_HEAD_BYTES).unwrap_or_default();
        file.pages.read(number, head)?;
        if matches!(head.get(25), Some(&PAGE_HASH | &PAGE_HASH_UNSORTED)) {
            file.pages.claim(number)?;
            file.read_page(number, &mut page)?;
            file.items(number, &page, &mut blob, sink)?;
        }
    }
    Ok(())
}

struct HashFile<'a> {
    pages: Pages<'a>,
    order: ByteOrder,
    last_page: u64,
}

impl<'a> HashFile<'a> {
    /// Reads the first page (`HMETA33` in `db_page.h`).
    fn open(db: &'a dyn ReadAt) -> Result<Self, RpmError> {
        if db.len() < META_BYTES as u64 {
            return Err(RpmError::PageOutOfRange { page: 0 });
        }
        let mut meta = [0; META_BYTES];
        db.read_exact_at(0, &mut meta)?;
        let order = byte_order(&meta).ok_or(RpmError::UnknownForm)?;
        let number = |offset| u64::from(order.u32(&meta, offset).unwrap_or(0));
        let byte = |offset| u64::from(meta.get(offset).copied().unwrap_or(0));
        let page_bytes = number(20);
        let checks = [
            ("hash version", number(16), (8..=10).contains(&number(16))),
            ("page size", page_bytes, page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes)),
            ("encryption", byte(24), byte(24) == 0),
            ("page type", byte(25), byte(25) == u64::from(PAGE_HASH_META)),
            // Checksums move the items of a page; rpm never asks for them.
            ("flags", byte(26), byte(26) & 1 == 0),
        ];
        if let Some((field, value, _)) = checks.into_iter().find(|(_, _, supported)| !supported) {
            return Err(RpmError::Unsupported { form: FORM, field, value });
        }
        let pages = Pages::new(db, usize::try_from(page_bytes).unwrap_or(META_BYTES));
        Ok(Self { pages, order, last_page: number(32) })
    }

    /// Reads a whole page, which must know its own number.
    fn read_page(&self, page: u64, buffer: &mut [u8]) -> Result<(), RpmError> {
        self.pages.read(page, buffer)?;
        if self.order.u32(buffer, 8).map(u64::from) == Some(page) {
            return Ok(());
        }
        Err(RpmError::BadPage { page, reason: "it has the number of another page" })
    }

    /// Calls `sink` for the values on one hash page.
    fn items(&mut self, number: u64, page: &[u8], blob: &mut Vec<u8>, sink: &mut Sink<'_>) -> Result<(), RpmError> {
        let bad = |reason| RpmError::BadPage { page: number, reason };
        let base = self.pages.offset(number)?;
        let count = self.order.u16(page, 20).map_or(0, usize::from);
        let mut end = page.len();
        for pair in 0..count / 2 {
            let key = self.item(page, pair * 2, end).ok_or(bad("an item has no room"))?;
            let value = self.item(page, pair * 2 + 1, key.start);
            let value = value.ok_or(bad("an item has no room"))?;
            end = value.start;
            let offset = base + value.start as u64;
            if is_counter(page.get(key).unwrap_or_default()) {
                continue;
            }
            let item = page.get(value).unwrap_or_default();
            let stored = match item.split_first() {
                Some((&ITEM_INLINE, inline)) => {
                    sink(Record { offset, stored: inline.len() as u64, blob: Ok(inline) })?;
                    continue;
                }
                Some((&ITEM_OVERFLOW, _)) if item.len() == OVERFLOW_ITEM_BYTES => self.overflow(number, item, blob)?,
                _ => return Err(bad("an item has an unknown type")),
            };
            let blob = if stored > MAX_HEADER_BYTES {
                Err(HeaderError::TooLarge { size: stored })
            } else {
                Ok(blob.as_slice())
            };
            sink(Record { offset, stored, blob })?;
        }
        Ok(())
    }

    /// Where item `index` is, which ends where the one before it begins.
    fn item(&self, page: &[u8], index: usize, end: usize) -> Option<std::ops::Range<usize>> {
        let slot = PAGE_HEAD_BYTES + index * 2;
        let start = usize::from(self.order.u16(page, slot)?);
        (start > slot && start < end).then_some(start..end)
    }

    /// Collects the chain of overflow pages that `item` refers to, and tells its length. A chain longer than
    /// [`MAX_HEADER_BYTES`] is not followed.
    fn overflow(&mut self, from: u64, item: &[u8], blob: &mut Vec<u8>) -> Result<u64, RpmError> {
        let mut next = u64::from(self.order.u32(item, 4).unwrap_or(0));
        let length = u64::from(self.order.u32(item, 8).unwrap_or(0));
        if length == 0 || length > self.pages.file_bytes() {
            return Err(RpmError::BadPage { page: from, reason: "the length of an item lies" });
        }
        blob.clear();
        if length > MAX_HEADER_BYTES {
            return Ok(length);
        }
        let mut page = vec![0; self.pages.size()];
        while (blob.len() as u64) < length {
            let bad = |reason| RpmError::BadPage { page: next, reason };
            if next == 0 {
                return Err(bad("a chain of overflow pages ends early"));
            }
            self.pages.claim(next)?;
            self.read_page(next, &mut page)?;
            if page.get(25) != Some(&PAGE_OVERFLOW) {
                return Err(bad("it is not the overflow page it should be"));
            }
            let bytes = self.order.u16(&page, 22).map_or(0, usize::from);
            let content = page.get(PAGE_HEAD_BYTES..PAGE_HEAD_BYTES + bytes);
            let content = content.ok_or(bad("its length lies"))?;
            if content.is_empty() || (blob.len() + content.len()) as u64 > length {
                return Err(bad("its length lies"));
            }
            blob.extend_from_slice(content);
            next = u64::from(self.order.u32(&page, 16).unwrap_or(0));
        }
        Ok(length)
    }
}

/// Whether a key is that of rpm's counter (package number 0), whose value is no header.
fn is_counter(key: &[u8]) -> bool {
    key == [ITEM_INLINE, 0, 0, 0, 0]
}
