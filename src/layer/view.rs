//! Random access to one file of a layer, however large: in memory up to [`MEMORY_BYTES`], above that in an unlinked temporary file.
//!
//! A tar stream cannot be read backwards, but an SQLite page, a section of an ELF file or a zip directory must be. [`Gather`] takes a
//! file's bytes as they stream by, [`FileView`] is what an inspector then reads. [`Budget`] bounds what all workers hold together; it is
//! taken before a file starts, so nobody waits while holding some.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::Entry;

/// A file up to this size is held in memory: more than any dpkg status or package list seen, less than most programs.
pub const MEMORY_BYTES: u64 = 8 << 20;

/// Largest file that is gathered at all. The largest rpm database seen is 200 MB, the largest Go program 1 GB.
pub const MAX_FILE_BYTES: u64 = 2 << 30;

/// Random access to the bytes of one file. Errors are those of a temporary file.
pub trait ReadAt {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond the end, or the temporary file's own errors.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to `buffer.len()` bytes from `offset`; fewer only at the end of the file.
    ///
    /// # Errors
    /// The temporary file's own errors.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = left.min(buffer.len());
        self.read_exact_at(offset, buffer.get_mut(..n).unwrap_or_default())?;
        Ok(n)
    }
}

/// A part of a file: an archive in an archive, a program in a universal one.
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    length: u64,
}

impl<'a> Slice<'a> {
    /// All of it.
    #[must_use]
    pub fn whole(source: &'a dyn ReadAt) -> Self {
        Self { source, start: 0, length: source.len() }
    }

    /// The part of it from `start` on, of up to `length` bytes.
    #[must_use]
    pub fn part(self, start: u64, length: u64) -> Self {
        let start = start.min(self.length);
        Self { start: self.start + start, length: length.min(self.length - start), ..self }
    }
}

impl ReadAt for Slice<'_> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.length);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.source.read_exact_at(self.start + offset, buffer)
    }
}

impl ReadAt for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// One gathered file.
pub struct FileView<'a> {
    /// Its metadata.
    pub entry: Entry<'a>,
    body: Body<'a>,
}

enum Body<'a> {
    Memory(&'a [u8]),
    Spooled { file: &'a File, length: u64 },
}

impl<'a> FileView<'a> {
    /// A view of bytes in memory.
    #[must_use]
    pub fn in_memory(entry: Entry<'a>, bytes: &'a [u8]) -> Self {
        Self { entry, body: Body::Memory(bytes) }
    }

    /// The whole content, where it is at most [`MEMORY_BYTES`].
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self.body {
            Body::Memory(bytes) => Some(bytes),
            Body::Spooled { .. } => None,
        }
    }
}

impl ReadAt for FileView<'_> {
    fn len(&self) -> u64 {
        match self.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Spooled { length, .. } => length,
        }
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.body {
            Body::Memory(bytes) => bytes.read_exact_at(offset, buffer),
            Body::Spooled { file, .. } => file.read_exact_at(buffer, offset),
        }
    }
}

/// Takes one file's bytes as they stream by. Reused from file to file; a worker has one.
#[derive(Default)]
pub struct Gather {
    memory: Vec<u8>,
    spool: Option<File>,
    length: u64,
    failed: Option<io::Error>,
}

impl Gather {
    /// Forgets the last file and makes ready for one of `size` bytes.
    pub fn start(&mut self, size: u64) {
        self.memory.clear();
        self.spool = None;
        self.length = 0;
        self.failed = None;
        if size > MEMORY_BYTES {
            self.spill();
        } else if self.memory.capacity() > 1 << 20 && size < 64 << 10 {
            // One large file must not pin its buffer for the rest of the layer.
            self.memory = Vec::new();
        }
    }

    /// Moves what there is to a temporary file.
    fn spill(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        let file = tempfile::tempfile().or_else(|_| memory_file());
        match file.and_then(|mut file| file.write_all(&memory).map(|()| file)) {
            Ok(file) => self.spool = Some(file),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Adds bytes, also more than the announced size, which may be a lie of an archive in the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.spool.is_none() && self.failed.is_none() && self.length > MEMORY_BYTES {
            self.spill();
        }
        match &mut self.spool {
            _ if self.failed.is_some() => {}
            Some(file) => {
                if let Err(error) = file.write_all(bytes) {
                    self.failed = Some(error);
                }
            }
            None => self.memory.extend_from_slice(bytes),
        }
    }

    /// The file, whole.
    ///
    /// # Errors
    /// The temporary file could not be made or written.
    pub fn view<'a>(&'a mut self, entry: Entry<'a>) -> io::Result<FileView<'a>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let body = match &self.spool {
            Some(file) => Body::Spooled { file, length: self.length },
            None => Body::Memory(&self.memory),
        };
        Ok(FileView { entry, body })
    }
}

/// Where no temporary folder can be written (a read-only root), an anonymous file in memory serves.
fn memory_file() -> io::Result<File> {
    let descriptor = rustix::fs::memfd_create("imgguard", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(File::from(descriptor))
}

/// Bytes that all workers together may hold for gathered files.
#[derive(Clone)]
pub struct Budget(Arc<(Mutex<u64>, Condvar, u64)>);

/// A share of the [`Budget`], given back when dropped.
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Budget {
    /// A budget of `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new((Mutex::new(bytes), Condvar::new(), bytes)))
    }

    /// Waits until `bytes` (at most the whole budget) are free. The caller must hold no other reservation.
    #[must_use]
    pub fn reserve(&self, bytes: u64) -> Reservation {
        let (left, freed, whole) = &*self.0;
        let bytes = bytes.min(*whole);
        let mut free = left.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            free = freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Reservation { budget: self.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let (left, freed, _) = &*self.budget.0;
        *left.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    fn entry(size: u64) -> Entry<'static> {
        Entry { path: b"x", kind: EntryKind::File, size, mode: 0o644, uid: 0, gid: 0, link: b"", capability: None }
    }

    #[test]
    fn small_and_large_files_read_alike() {
        for size in [0, 10, MEMORY_BYTES, MEMORY_BYTES + 12_345] {
            let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let mut gather = Gather::default();
            gather.start(size);
            content.chunks(70_001).for_each(|chunk| gather.push(chunk));
            let view = gather.view(entry(size)).unwrap();
            assert_eq!(view.len(), size);
            assert_eq!(view.bytes().is_some(), size <= MEMORY_BYTES);
            let mut tail = [0; 16];
            let from = size.saturating_sub(16);
            let n = view.read_at(from, &mut tail).unwrap();
            assert_eq!(tail[..n], content[from as usize..]);
            assert!(view.read_exact_at(size, &mut [0]).is_err());
        }
    }

    #[test]
    fn a_file_that_is_larger_than_announced_does_not_stay_in_memory() {
        let mut gather = Gather::default();
        gather.start(10);
        (0..=MEMORY_BYTES / 1024).for_each(|n| gather.push(&[n as u8; 1024]));
        assert_eq!(gather.memory.capacity(), 0);
        let view = gather.view(entry(10)).unwrap();
        assert_eq!(view.len(), MEMORY_BYTES + 1024);
        let mut first = [9; 2];
        view.read_exact_at(1023, &mut first).unwrap();
        assert_eq!(first, [0, 1]);
    }

    #[test]
    fn budget_is_given_back() {
        let budget = Budget::new(10);
        for _ in 0..3 {
            let _all = budget.reserve(99);
        }
        let half = budget.reserve(5);
        let other = budget.reserve(5);
        drop((half, other));
        let _again = budget.reserve(10);
    }
}
