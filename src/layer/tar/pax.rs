//! Records of a PAX extended header.
//!
//! Source: POSIX.1-2024 `pax`, "pax Extended Header"; Go `archive/tar` (`parsePAX`, `parsePAXRecord`, `mergePAX`, `readGNUSparsePAXHeaders`).

use super::TarError;
use super::number::{decimal, is_time};

/// Where the value of a record lies in the text; empty where there is none, which means the same to Go.
#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// The records that mean something here, the last of each key. Holds the text and spans into it, so that the memory is reused from entry to entry.
#[derive(Default)]
pub(super) struct Records {
    /// The extended header as it was read.
    text: Vec<u8>,
    spans: Spans,
    /// The map that records of the sparse format 0.0 make together.
    joined_map: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Default)]
struct Spans {
    path: Span,
    link_path: Span,
    size: Span,
    uid: Span,
    gid: Span,
    modification_time: Span,
    access_time: Span,
    change_time: Span,
    capability: Span,
    sparse_major: Span,
    sparse_minor: Span,
    sparse_name: Span,
    sparse_size: Span,
    sparse_real_size: Span,
    sparse_map: Span,
    sparse_count: Span,
}

/// What records say of the numbers of a header; none where the header's own stands.
pub(super) struct Numbers {
    pub(super) size: Option<i64>,
    pub(super) uid: Option<i64>,
    pub(super) gid: Option<i64>,
}

/// Where a PAX sparse file keeps its map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SparseVersion {
    /// 0.0 and 0.1: in the extended header.
    InHeader,
    /// 1.0: in front of the data.
    InData,
}

impl Records {
    /// Forgets everything; the memory stays.
    pub(super) fn clear(&mut self) {
        if self.text.is_empty() {
            return;
        }
        self.text.clear();
        self.spans = Spans::default();
        self.joined_map = None;
    }

    /// Adds text of the extended header.
    pub(super) fn extend(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// Splits the text into records. `at` is the offset of its header, for the error.
    pub(super) fn parse(&mut self, at: u64) -> Result<(), TarError> {
        let mut start = 0;
        let mut map_parts = 0usize;
        while start < self.text.len() {
            let record = record(self.text.get(start..).unwrap_or_default()).ok_or(TarError::Pax { at })?;
            let value = Span { start: start + record.value_start, end: start + record.length - 1 };
            match record.key {
                // Version 0.0 repeats two keys in turn; put together they are version 0.1's map.
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    let is_offset = record.key == b"GNU.sparse.offset";
                    let text = self.text.get(value.start..value.end).unwrap_or_default();
                    if is_offset != map_parts.is_multiple_of(2) || text.contains(&b',') {
                        return Err(TarError::Pax { at });
                    }
                    let map = self.joined_map.get_or_insert_default();
                    if map_parts > 0 {
                        map.push(b',');
                    }
                    map.extend_from_slice(text);
                    map_parts += 1;
                }
                key => {
                    if let Some(span) = self.spans.of(key) {
                        *span = value;
                    }
                }
            }
            start += record.length;
        }
        Ok(())
    }

    fn text(&self, span: Span) -> &[u8] {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The numbers that replace those of the header; refuses values that Go's reader could not merge into it.
    pub(super) fn numbers(&self, at: u64) -> Result<Numbers, TarError> {
        let times = [self.spans.modification_time, self.spans.access_time, self.spans.change_time];
        if !times.iter().map(|span| self.text(*span)).all(|time| time.is_empty() || is_time(time)) {
            return Err(TarError::Pax { at });
        }
        let number = |span| match self.text(span) {
            b"" => Ok(None),
            text => decimal(text).map(Some).ok_or(TarError::Pax { at }),
        };
        Ok(Numbers { size: number(self.spans.size)?, uid: number(self.spans.uid)?, gid: number(self.spans.gid)? })
    }

    pub(super) fn path(&self) -> Option<&[u8]> {
        some(self.text(self.spans.path))
    }

    pub(super) fn link_path(&self) -> Option<&[u8]> {
        some(self.text(self.spans.link_path))
    }

    pub(super) fn capability(&self) -> Option<&[u8]> {
        some(self.text(self.spans.capability))
    }

    pub(super) fn sparse_name(&self) -> Option<&[u8]> {
        some(self.text(self.spans.sparse_name))
    }

    fn sparse_map(&self) -> &[u8] {
        self.joined_map.as_deref().unwrap_or_else(|| self.text(self.spans.sparse_map))
    }

    pub(super) fn sparse_version(&self) -> Option<SparseVersion> {
        match (self.text(self.spans.sparse_major), self.text(self.spans.sparse_minor)) {
            (b"0", b"0" | b"1") => Some(SparseVersion::InHeader),
            (b"1", b"0") => Some(SparseVersion::InData),
            (b"", b"") if !self.sparse_map().is_empty() => Some(SparseVersion::InHeader),
            _ => None,
        }
    }

    /// The length with holes that a sparse file states.
    pub(super) fn sparse_size(&self, at: u64) -> Result<Option<u64>, TarError> {
        let stated = some(self.text(self.spans.sparse_size)).or_else(|| some(self.text(self.spans.sparse_real_size)));
        let size = |text| decimal(text).and_then(|size| u64::try_from(size).ok()).ok_or(TarError::Sparse { at });
        stated.map(size).transpose()
    }

    /// Offsets and lengths of a map in the header, in turn; none where they are not as many as stated or not numbers.
    pub(super) fn sparse_pairs(&self, parts: &mut Vec<(u64, u64)>) -> Option<()> {
        let stated = usize::try_from(decimal(self.text(self.spans.sparse_count))?).ok()?;
        let map = self.sparse_map();
        let mut numbers =
            map.split(|byte| *byte == b',').map(|text| decimal(text).and_then(|number| u64::try_from(number).ok()));
        let found = if map.is_empty() { 0 } else { memchr::memchr_iter(b',', map).count() + 1 };
        if stated.checked_mul(2)? != found {
            return None;
        }
        for _ in 0..stated {
            parts.push((numbers.next()??, numbers.next()??));
        }
        Some(())
    }
}

impl Spans {
    fn of(&mut self, key: &[u8]) -> Option<&mut Span> {
        Some(match key {
            b"path" => &mut self.path,
            b"linkpath" => &mut self.link_path,
            b"size" => &mut self.size,
            b"uid" => &mut self.uid,
            b"gid" => &mut self.gid,
            b"mtime" => &mut self.modification_time,
            b"atime" => &mut self.access_time,
            b"ctime" => &mut self.change_time,
            b"SCHILY.xattr.security.capability" => &mut self.capability,
            b"GNU.sparse.major" => &mut self.sparse_major,
            b"GNU.sparse.minor" => &mut self.sparse_minor,
            b"GNU.sparse.name" => &mut self.sparse_name,
            b"GNU.sparse.size" => &mut self.sparse_size,
            b"GNU.sparse.realsize" => &mut self.sparse_real_size,
            b"GNU.sparse.map" => &mut self.sparse_map,
            b"GNU.sparse.numblocks" => &mut self.sparse_count,
            _ => return None,
        })
    }
}

/// One record `LENGTH KEY=VALUE\n`.
struct Record<'a> {
    key: &'a [u8],
    value_start: usize,
    /// With the newline.
    length: usize,
}

/// The record at the start of `text`. Its stated length decides where it ends, so a value may hold newlines and other records.
fn record(text: &[u8]) -> Option<Record<'_>> {
    let space = memchr::memchr(b' ', text)?;
    let length = usize::try_from(decimal(text.get(..space)?)?).ok()?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return None;
    }
    let body = text.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    let (key, value) = (body.get(..equals)?, body.get(equals + 1..)?);
    // A NUL would end the text for a C program; Go refuses it in the names of the header and in all other keys.
    let checked = if matches!(key, b"path" | b"linkpath" | b"uname" | b"gname") { value } else { key };
    let is_valid = !key.is_empty() && memchr::memchr(0, checked).is_none();
    is_valid.then_some(Record { key, value_start: space + 1 + equals + 1, length })
}

/// The records of a text in order: the key and the record's bytes with its length and newline; none for what is no record, which is the last then.
pub(super) fn raw_records(text: &[u8]) -> impl Iterator<Item = Option<(&[u8], &[u8])>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(found) = record(rest) else {
            rest = &[];
            return Some(None);
        };
        let (bytes, behind) = rest.split_at_checked(found.length)?;
        rest = behind;
        Some(Some((found.key, bytes)))
    })
}

fn some(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty()).then_some(value)
}
