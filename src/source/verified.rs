//! A blob's bytes, checked as they pass.

use std::io::{self, Read};

use super::SourceError;
use crate::digest::{Digest, Hasher};

/// Reads a blob on to whoever takes it; the end is given only when its size and digest are right.
pub struct Verified<R> {
    reader: R,
    expected: Digest,
    size: u64,
    at: u64,
    hasher: Option<Hasher>,
}

impl<R: Read> Verified<R> {
    /// The blob must have `size` bytes and the digest.
    pub fn new(reader: R, expected: Digest, size: u64) -> Self {
        let hasher = Some(expected.hasher());
        Self { reader, expected, size, at: 0, hasher }
    }

    fn what(&self) -> String {
        format!("blob {}", self.expected)
    }

    fn size_mismatch(&self) -> io::Error {
        io::Error::other(SourceError::SizeMismatch { what: self.what(), expected: self.size, actual: self.at })
    }

    /// At the end of the bytes.
    fn check(&mut self) -> io::Result<()> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        if self.at != self.size {
            return Err(self.size_mismatch());
        }
        let actual = hasher.finish();
        if actual == self.expected {
            return Ok(());
        }
        let (what, expected) = (self.what(), self.expected.clone());
        Err(io::Error::other(SourceError::DigestMismatch { what, expected, actual }))
    }
}

impl<R: Read> Read for Verified<R> {
    /// # Errors
    /// Those of the reader; a [`SourceError`] inside an I/O error when the bytes are not the blob's.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        if length == 0 && !buffer.is_empty() {
            return self.check().map(|()| 0);
        }
        self.at += length as u64;
        if self.at > self.size {
            return Err(self.size_mismatch());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], of: &[u8], size: u64) -> Result<Vec<u8>, SourceError> {
        let mut read = Vec::new();
        let mut reader = Verified::new(bytes, Digest::sha256(of), size);
        reader.read_to_end(&mut read).map(|_| read).map_err(|error| error.downcast().unwrap())
    }

    #[test]
    fn only_the_blob_itself_ends() {
        assert_eq!(read(b"abc", b"abc", 3).unwrap(), b"abc");
        assert!(matches!(read(b"abd", b"abc", 3), Err(SourceError::DigestMismatch { .. })));
        assert!(matches!(read(b"abc", b"abc", 4), Err(SourceError::SizeMismatch { actual: 3, .. })));
        assert!(matches!(read(b"abcd", b"abc", 3), Err(SourceError::SizeMismatch { actual: 4, .. })));
    }
}
