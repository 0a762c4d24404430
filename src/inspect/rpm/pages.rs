//! A file as numbered pages of one size, each of which a sound database uses for one thing only.

use super::RpmError;
use crate::layer::view::ReadAt;

/// Hands out pages and remembers which were claimed, so that no walk visits a page twice: cycles and shared pages end it, and its steps
/// are bounded by the number of pages. Costs one bit of memory a page.
pub(super) struct Pages<'a> {
    db: &'a dyn ReadAt,
    size: usize,
    count: u64,
    claimed: Vec<u64>,
}

impl<'a> Pages<'a> {
    /// Pages of `size` bytes (not 0), numbered from 0. A rest at the end that fills no page is out of range.
    pub(super) fn new(db: &'a dyn ReadAt, size: usize) -> Self {
        let count = db.len() / (size as u64).max(1);
        let words = usize::try_from(count / 64 + 1).unwrap_or(usize::MAX);
        Self { db, size, count, claimed: vec![0; words] }
    }

    /// Bytes of a page.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Bytes of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.db.len()
    }

    /// Offset of `page` in the file.
    ///
    /// # Errors
    /// Beyond the last whole page.
    pub(super) fn offset(&self, page: u64) -> Result<u64, RpmError> {
        if page < self.count { Ok(page * self.size as u64) } else { Err(RpmError::PageOutOfRange { page }) }
    }

    /// Marks `page` as used.
    ///
    /// # Errors
    /// Beyond the end, or when it was used before.
    pub(super) fn claim(&mut self, page: u64) -> Result<(), RpmError> {
        self.offset(page)?;
        let bit = 1 << (page % 64);
        let word = usize::try_from(page / 64).ok().and_then(|index| self.claimed.get_mut(index));
        let word = word.ok_or(RpmError::PageOutOfRange { page })?;
        if *word & bit != 0 {
            return Err(RpmError::PageReused { page });
        }
        *word |= bit;
        Ok(())
    }

    /// Reads the first `buffer.len()` bytes of `page`; the buffer is at most a page long.
    ///
    /// # Errors
    /// Beyond the end, or the file's own.
    pub(super) fn read(&self, page: u64, buffer: &mut [u8]) -> Result<(), RpmError> {
        Ok(self.db.read_exact_at(self.offset(page)?, buffer)?)
    }
}
