//! The table `Packages` of an SQLite file, read-only and without SQL.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>. rpm (`lib/backend/sqlite.cc`) creates `Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)`:
//! the row number is the package's number and the second column its header. Only table b-trees are walked, from their root, so
//! free pages, indexes and the other tables are never looked at. A file in WAL mode (bytes 18 and 19 of its header are 2) reads as any
//! other; what is only in a `-wal` file is not seen.

use super::RpmError;
use super::database::{Record, Sink};
use super::header::{HeaderError, MAX_HEADER_BYTES};
use super::pages::Pages;
use crate::layer::view::ReadAt;
pub(super) use crate::nested::sqlite::MAGIC;
use crate::nested::sqlite::{Cell, Columns, FILE_HEADER_BYTES, LEAF, Value, be16, be32, cell};

const FORM: &str = "SQLite";
const INTERIOR: u8 = 0x05;

/// Deepest b-tree: SQLite's own limit (`BTCURSOR_MAX_DEPTH`). Four levels hold more rows than a file can.
const MAX_DEPTH: u8 = 20;

/// Room for what a row holds besides its header: the record's own few bytes.
const MAX_ROW_BYTES: u64 = MAX_HEADER_BYTES + 64;

/// Smallest part of a page that can be used: the format's own limit.
const MIN_USABLE_BYTES: usize = 480;

/// Calls `sink` for the header of every row.
pub(super) fn walk(db: &dyn ReadAt, sink: &mut Sink<'_>) -> Result<(), RpmError> {
    let mut file = File::open(db)?;
    let mut root = None;
    file.rows(1, &mut |row| {
        root = root.or(row.payload.ok().and_then(packages_root));
        Ok(())
    })?;
    file.rows(root.ok_or(RpmError::NoPackagesTable)?, &mut |row| {
        let blob = row.payload.and_then(|payload| match column(payload, 1) {
            Some(Value::Bytes(blob)) => Ok(blob),
            _ => Err(HeaderError::NotABlob),
        });
        sink(Record { offset: row.offset, stored: row.stored, blob })
    })
}

/// The root page of rpm's table, where this row of `sqlite_schema` (type, name, tbl_name, rootpage, sql) describes it.
fn packages_root(payload: &[u8]) -> Option<u64> {
    let is = |index, text: &[u8]| matches!(column(payload, index), Some(Value::Bytes(bytes)) if bytes == text);
    match column(payload, 3) {
        Some(Value::Integer(root)) if is(0, b"table") && is(1, b"Packages") => Some(root),
        _ => None,
    }
}

/// One row of a table.
struct Row<'a> {
    /// Where its cell is in the file.
    offset: u64,
    /// Bytes of its record.
    stored: u64,
    /// The record.
    payload: Result<&'a [u8], HeaderError>,
}

type Rows<'a> = dyn FnMut(Row<'_>) -> Result<(), RpmError> + 'a;

struct File<'a> {
    pages: Pages<'a>,
    /// Bytes of a page without the reserved ones at its end.
    usable: usize,
    /// Bytes of records that may still be collected: all of them together cannot be longer than the file.
    bytes_left: u64,
}

impl<'a> File<'a> {
    /// Reads the file's header.
    fn open(db: &'a dyn ReadAt) -> Result<Self, RpmError> {
        if db.len() < FILE_HEADER_BYTES as u64 {
            return Err(RpmError::PageOutOfRange { page: 1 });
        }
        let mut header = [0; FILE_HEADER_BYTES];
        db.read_exact_at(0, &mut header)?;
        let byte = |offset: usize| usize::from(header.get(offset).copied().unwrap_or(0));
        let page_bytes = match byte(16) << 8 | byte(17) {
            1 => 65_536,
            bytes => bytes,
        };
        let usable = page_bytes.saturating_sub(byte(20));
        let page_fits = page_bytes.is_power_of_two() && page_bytes >= 512;
        let encoding = u64::from(be32(&header, 56).unwrap_or(0));
        let checks = [
            ("page size", page_bytes as u64, page_fits),
            ("reserved bytes", byte(20) as u64, usable >= MIN_USABLE_BYTES),
            ("read version", byte(19) as u64, matches!(byte(19), 1 | 2)),
            // 1 is UTF-8; 0 stands in a file without any table.
            ("text encoding", encoding, encoding <= 1),
        ];
        if let Some((field, value, _)) = checks.into_iter().find(|(_, _, supported)| !supported) {
            return Err(RpmError::Unsupported { form: FORM, field, value });
        }
        Ok(Self { pages: Pages::new(db, page_bytes), usable, bytes_left: db.len() })
    }

    /// Calls `each` for every row of the table whose b-tree begins at page `root`, in the order of the row numbers.
    fn rows(&mut self, root: u64, each: &mut Rows<'_>) -> Result<(), RpmError> {
        let mut page = vec![0; self.pages.size()];
        let mut payload = Vec::new();
        self.claim(root)?;
        let mut stack = vec![(root, 1)];
        while let Some((number, depth)) = stack.pop() {
            self.read_page(number, &mut page)?;
            let bad = |reason| RpmError::BadPage { page: number, reason };
            let tree = Node::parse(number, &page, self.usable).ok_or(bad("its cells have no room"))?;
            match tree.kind {
                LEAF => self.leaf(&tree, &mut payload, each)?,
                INTERIOR if depth == MAX_DEPTH => return Err(bad("the b-tree is too deep")),
                INTERIOR => {
                    let first = stack.len();
                    for child in tree.children() {
                        let child = child.ok_or(bad("a cell ends beyond the page"))?;
                        self.claim(child)?;
                        stack.push((child, depth + 1));
                    }
                    stack.get_mut(first..).unwrap_or_default().reverse();
                }
                _ => return Err(bad("it is not a page of a table")),
            }
        }
        Ok(())
    }

    fn leaf(&mut self, node: &Node<'_>, payload: &mut Vec<u8>, each: &mut Rows<'_>) -> Result<(), RpmError> {
        let base = self.page_offset(node.number)?;
        for start in node.cells() {
            let bad = |reason| RpmError::BadPage { page: node.number, reason };
            let cell = node.page.get(start..).and_then(|bytes| cell(bytes, self.usable));
            let cell = cell.ok_or(bad("a cell ends beyond the page"))?;
            let left = self.bytes_left.checked_sub(cell.length);
            self.bytes_left = left.ok_or(bad("the length of a row lies"))?;
            let fits = cell.length <= MAX_ROW_BYTES;
            if fits {
                self.payload(&cell, payload)?;
            }
            let too_large = HeaderError::TooLarge { size: cell.length };
            each(Row {
                offset: base + start as u64,
                stored: cell.length,
                payload: if fits { Ok(payload) } else { Err(too_large) },
            })?;
        }
        Ok(())
    }

    /// Collects the record of a cell from its page and its chain of overflow pages.
    fn payload(&mut self, cell: &Cell<'_>, payload: &mut Vec<u8>) -> Result<(), RpmError> {
        payload.clear();
        payload.extend_from_slice(cell.local);
        let mut next = cell.overflow;
        let mut page = Vec::new();
        while let left @ 1.. = cell.length.saturating_sub(payload.len() as u64) {
            self.claim(next)?;
            page.resize(self.pages.size(), 0);
            self.read_page(next, &mut page)?;
            let room = (self.usable - 4).min(usize::try_from(left).unwrap_or(usize::MAX));
            payload.extend_from_slice(page.get(4..4 + room).unwrap_or_default());
            next = u64::from(be32(&page, 0).unwrap_or(0));
        }
        Ok(())
    }

    /// SQLite counts pages from 1; 0 ends a chain and is never a page.
    fn index(page: u64) -> Result<u64, RpmError> {
        page.checked_sub(1).ok_or(RpmError::PageOutOfRange { page })
    }

    fn claim(&mut self, page: u64) -> Result<(), RpmError> {
        self.pages.claim(Self::index(page)?).map_err(|error| renumbered(error, page))
    }

    fn page_offset(&self, page: u64) -> Result<u64, RpmError> {
        self.pages.offset(Self::index(page)?).map_err(|error| renumbered(error, page))
    }

    fn read_page(&self, page: u64, buffer: &mut [u8]) -> Result<(), RpmError> {
        self.pages.read(Self::index(page)?, buffer).map_err(|error| renumbered(error, page))
    }
}

/// Tells SQLite's number of a page instead of ours.
fn renumbered(error: RpmError, page: u64) -> RpmError {
    match error {
        RpmError::PageOutOfRange { .. } => RpmError::PageOutOfRange { page },
        RpmError::PageReused { .. } => RpmError::PageReused { page },
        other => other,
    }
}

/// A page of a b-tree ("B-tree Pages").
struct Node<'a> {
    number: u64,
    kind: u8,
    /// The usable part of the page.
    page: &'a [u8],
    /// Offsets of the cells, 2 bytes each.
    pointers: &'a [u8],
    /// The last child of an interior page.
    rightmost: u64,
}

impl<'a> Node<'a> {
    fn parse(number: u64, page: &'a [u8], usable: usize) -> Option<Self> {
        let start = if number == 1 { FILE_HEADER_BYTES } else { 0 };
        let page = page.get(..usable)?;
        let kind = *page.get(start)?;
        let count = usize::from(be16(page, start + 3)?);
        let cells = start + if kind == INTERIOR { 12 } else { 8 };
        let rightmost = u64::from(be32(page, start + 8)?);
        let pointers = page.get(cells..cells + count * 2)?;
        Some(Self { number, kind, page, pointers, rightmost })
    }

    fn cells(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.pointers.chunks_exact(2).filter_map(|raw| be16(raw, 0)).map(usize::from)
    }

    /// The pages below an interior page; `None` for a cell that is not on the page.
    fn children(&self) -> impl Iterator<Item = Option<u64>> + use<'a> {
        let page = self.page;
        let cells = self.cells().map(move |start| be32(page, start).map(u64::from));
        cells.chain(std::iter::once(Some(self.rightmost)))
    }
}

/// Column `wanted` of a record; `None` where the record is not well-formed up to it.
fn column(payload: &[u8], wanted: usize) -> Option<Value<'_>> {
    Columns::of(payload)?.nth(wanted)
}
