//! Records of a PAX extended header.
//!
//! Source: POSIX.1-2024 `pax`, "pax Extended Header"; Go `archive/tar` (`parsePAXRecord`, `mergePAX`, `readGNUSparsePAXHeaders`).

use super::TarError;

/// The records that mean something here, the last of each key.
#[derive(Default)]
pub(super) struct Records {
    path: Vec<u8>,
    link_path: Vec<u8>,
    size: Vec<u8>,
    uid: Vec<u8>,
    gid: Vec<u8>,
    times: [Vec<u8>; 3],
    capability: Option<Vec<u8>>,
    sparse_major: Vec<u8>,
    sparse_minor: Vec<u8>,
    sparse_name: Vec<u8>,
    sparse_size: Vec<u8>,
    sparse_real_size: Vec<u8>,
    sparse_map: Vec<u8>,
    sparse_count: Vec<u8>,
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
    pub(super) fn parse(text: &[u8], at: u64) -> Result<Self, TarError> {
        const BAD: fn(u64) -> TarError = |at| TarError::Pax { at };
        let mut records = Self::default();
        let mut map_parts = 0usize;
        let mut map: Vec<u8> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, value, next) = record(rest).ok_or(BAD(at))?;
            rest = next;
            // Version 0.0 repeats two keys in turn; put together they are version 0.1's map.
            let part = match key {
                b"GNU.sparse.offset" => Some(0),
                b"GNU.sparse.numbytes" => Some(1),
                _ => None,
            };
            match part {
                Some(part) if map_parts % 2 != part || value.contains(&b',') => return Err(BAD(at)),
                Some(_) => {
                    if map_parts > 0 {
                        map.push(b',');
                    }
                    map.extend_from_slice(value);
                    map_parts += 1;
                }
                None => records.set(key, value),
            }
        }
        if map_parts > 0 {
            records.sparse_map = map;
        }
        Ok(records)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        let slot = match key {
            b"path" => &mut self.path,
            b"linkpath" => &mut self.link_path,
            b"size" => &mut self.size,
            b"uid" => &mut self.uid,
            b"gid" => &mut self.gid,
            b"mtime" => &mut self.times[0],
            b"atime" => &mut self.times[1],
            b"ctime" => &mut self.times[2],
            b"GNU.sparse.major" => &mut self.sparse_major,
            b"GNU.sparse.minor" => &mut self.sparse_minor,
            b"GNU.sparse.name" => &mut self.sparse_name,
            b"GNU.sparse.size" => &mut self.sparse_size,
            b"GNU.sparse.realsize" => &mut self.sparse_real_size,
            b"GNU.sparse.map" => &mut self.sparse_map,
            b"GNU.sparse.numblocks" => &mut self.sparse_count,
            b"SCHILY.xattr.security.capability" => {
                self.capability = Some(value.to_vec());
                return;
            }
            _ => return,
        };
        slot.clear();
        slot.extend_from_slice(value);
    }

    /// Refuses values that Go's reader could not merge into a header.
    pub(super) fn check(&self, at: u64) -> Result<(), TarError> {
        self.uid(at)?;
        self.gid(at)?;
        self.size(at)?;
        if self.times.iter().all(|time| time.is_empty() || is_time(time)) { Ok(()) } else { Err(TarError::Pax { at }) }
    }

    pub(super) fn path(&self) -> Option<&[u8]> {
        some(&self.path)
    }

    pub(super) fn link_path(&self) -> Option<&[u8]> {
        some(&self.link_path)
    }

    pub(super) fn size(&self, at: u64) -> Result<Option<i64>, TarError> {
        number(&self.size, at)
    }

    pub(super) fn uid(&self, at: u64) -> Result<Option<i64>, TarError> {
        number(&self.uid, at)
    }

    pub(super) fn gid(&self, at: u64) -> Result<Option<i64>, TarError> {
        number(&self.gid, at)
    }

    pub(super) fn capability(&self) -> Option<&[u8]> {
        self.capability.as_deref().filter(|value| !value.is_empty())
    }

    pub(super) fn sparse_name(&self) -> Option<&[u8]> {
        some(&self.sparse_name)
    }

    pub(super) fn sparse_version(&self) -> Option<SparseVersion> {
        match (self.sparse_major.as_slice(), self.sparse_minor.as_slice()) {
            (b"0", b"0" | b"1") => Some(SparseVersion::InHeader),
            (b"1", b"0") => Some(SparseVersion::InData),
            (b"", b"") if !self.sparse_map.is_empty() => Some(SparseVersion::InHeader),
            _ => None,
        }
    }

    /// The logical size that a sparse file states; a negative one is refused later by its map, so it is here.
    pub(super) fn sparse_size(&self, at: u64) -> Result<Option<u64>, TarError> {
        let stated = if self.sparse_size.is_empty() { &self.sparse_real_size } else { &self.sparse_size };
        number(stated, at)?.map(|size| u64::try_from(size).map_err(|_| TarError::Sparse { at })).transpose()
    }

    /// Offsets and lengths of the map in the header.
    pub(super) fn sparse_pairs(&self, at: u64) -> Result<Vec<(u64, u64)>, TarError> {
        let bad = TarError::Sparse { at };
        let count = parse_int(&self.sparse_count).and_then(|count| usize::try_from(count).ok()).ok_or(bad.clone())?;
        let numbers: Vec<&[u8]> = if self.sparse_map.is_empty() { Vec::new() } else { self.sparse_map.split(|b| *b == b',').collect() };
        if count.checked_mul(2) != Some(numbers.len()) {
            return Err(bad);
        }
        let pair = |pair: &[&[u8]]| match pair {
            [offset, length] => Some((u64::try_from(parse_int(offset)?).ok()?, u64::try_from(parse_int(length)?).ok()?)),
            _ => None,
        };
        numbers.chunks(2).map(pair).collect::<Option<_>>().ok_or(bad)
    }
}

/// One record `LENGTH KEY=VALUE\n` at the start of `text`: key, value and what follows.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = memchr::memchr(b' ', text)?;
    let length = usize::try_from(parse_int(text.get(..space)?)?).ok()?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return None;
    }
    let (body, rest) = (text.get(space + 1..length)?, text.get(length..)?);
    let body = body.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    let (key, value) = (body.get(..equals)?, body.get(equals + 1..)?);
    // A NUL would end the text for a C program; Go refuses it in names and in all keys.
    let checked = if matches!(key, b"path" | b"linkpath" | b"uname" | b"gname") { value } else { key };
    (!key.is_empty() && !checked.contains(&0)).then_some((key, value, rest))
}

fn some(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty()).then_some(value)
}

/// An empty value leaves the header's own.
fn number(value: &[u8], at: u64) -> Result<Option<i64>, TarError> {
    if value.is_empty() { Ok(None) } else { parse_int(value).map(Some).ok_or(TarError::Pax { at }) }
}

/// Decimal with an optional sign, as Go's `strconv.ParseInt`.
pub(super) fn parse_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds, and optionally a point and digits.
fn is_time(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |b| *b == b'.');
    let seconds = parts.next().and_then(parse_int).is_some();
    seconds && parts.next().unwrap_or_default().iter().all(u8::is_ascii_digit)
}
