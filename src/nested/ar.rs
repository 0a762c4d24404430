//! `ar` archives, as far as Debian packages need them: short names, no symbol table.
//!
//! Source: deb(5), ar(5) of FreeBSD.

use super::NestedError;
use crate::layer::{ReadAt as _, Slice};

const MAGIC: u64 = 8;
const HEADER: usize = 60;
const DAMAGED: NestedError = NestedError::Damaged("ar archive");

/// One member of an archive.
pub(crate) struct Member<'s> {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// Its content.
    pub(crate) content: Slice<'s>,
}

/// The members of an archive, up to the first that is damaged.
pub(crate) struct Members<'s> {
    archive: Slice<'s>,
    at: u64,
}

impl<'s> Members<'s> {
    pub(crate) fn new(archive: Slice<'s>) -> Self {
        Self { archive, at: MAGIC }
    }

    /// The next member; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member<'s>>, NestedError> {
        if self.at >= self.archive.len() {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        self.archive.read_exact_at(self.at, &mut header).map_err(|_| DAMAGED)?;
        if !header.ends_with(b"`\n") {
            return Err(DAMAGED);
        }
        let name = header.get(..16).unwrap_or_default().trim_ascii();
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        let size = header.get(48..58).and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse::<u64>().ok());
        let start = self.at + HEADER as u64;
        let end =
            size.and_then(|size| start.checked_add(size)).filter(|end| *end <= self.archive.len()).ok_or(DAMAGED)?;
        self.at = end.next_multiple_of(2);
        Ok(Some(Member { name, content: self.archive.part(start, end - start) }))
    }
}
