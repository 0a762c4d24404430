//! Digests of single files, as package managers record them and as layers have them: compact enough to keep those of every file of an image.
//!
//! One record is 24 bytes, a key of the path and the beginning of the digest: 2.4 MB for 100,000 files, without a second copy of their names.

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::tree::bytes;

/// Bytes of a digest that are kept: all that MD5 has, and more than anyone can hit by search.
const DIGEST_BYTES: usize = 16;

/// Bytes of a path's own SHA-256 that stand for it.
const KEY_BYTES: usize = 8;

/// How a package manager hashes files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Algorithm {
    /// dpkg, and rpm before 4.6.
    Md5,
    /// apk-tools 2.
    Sha1,
    /// rpm, apk-tools 3.
    Sha256,
    /// rpm, where a distribution chose so.
    Sha512,
}

impl Algorithm {
    /// Bytes of a whole digest.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `content`.
    #[must_use]
    pub fn digest(self, content: &[u8]) -> FileDigest {
        let mut hasher = FileHasher::new(self);
        hasher.update(content);
        hasher.finish()
    }
}

/// The first 16 bytes of a file's digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileDigest([u8; DIGEST_BYTES]);

impl FileDigest {
    /// From at least as many bytes as are kept.
    #[must_use]
    pub fn from_bytes(digest: &[u8]) -> Option<Self> {
        digest.first_chunk().copied().map(Self)
    }

    /// From the hex digits of a whole digest of `algorithm`.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, hex: &[u8]) -> Option<Self> {
        if hex.len() != algorithm.bytes() * 2 {
            return None;
        }
        let mut digest = [0; DIGEST_BYTES];
        for (byte, digits) in digest.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(digest))
    }
}

/// What stands for a path among [`FileDigests`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PathKey([u8; KEY_BYTES]);

impl PathKey {
    /// The key of a normalised path.
    #[must_use]
    pub fn of(path: &[u8]) -> Self {
        Self(Sha256::digest(path).first_chunk().copied().unwrap_or_default())
    }
}

/// Digests of files by path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileDigests {
    /// How they were made.
    pub algorithm: Algorithm,
    /// Key and digest of each file, sorted.
    #[serde(with = "bytes")]
    records: Vec<u8>,
}

impl FileDigests {
    /// Of paths that are named twice, one stands.
    #[must_use]
    pub fn build(algorithm: Algorithm, files: impl IntoIterator<Item = (PathKey, FileDigest)>) -> Self {
        let mut files: Vec<(PathKey, FileDigest)> = files.into_iter().collect();
        files.sort_unstable();
        files.dedup_by_key(|(key, _)| *key);
        let mut records = Vec::with_capacity(files.len() * (KEY_BYTES + DIGEST_BYTES));
        for (PathKey(key), FileDigest(digest)) in files {
            records.extend_from_slice(&key);
            records.extend_from_slice(&digest);
        }
        Self { algorithm, records }
    }

    /// Keys and digests, by key.
    pub fn iter(&self) -> impl Iterator<Item = (PathKey, FileDigest)> {
        (0..self.len()).filter_map(|index| self.record(index))
    }

    /// The digest of the file with this key.
    #[must_use]
    pub fn get(&self, key: PathKey) -> Option<FileDigest> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.record(middle)?.0 < key { low = middle + 1 } else { high = middle }
        }
        self.record(low).filter(|(found, _)| *found == key).map(|(_, digest)| digest)
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() / (KEY_BYTES + DIGEST_BYTES)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn record(&self, index: usize) -> Option<(PathKey, FileDigest)> {
        let record = self.records.get(index * (KEY_BYTES + DIGEST_BYTES)..)?;
        Some((PathKey(*record.first_chunk()?), FileDigest::from_bytes(record.get(KEY_BYTES..)?)?))
    }
}

/// A running hash of one file.
#[derive(Clone)]
pub struct FileHasher(State);

#[derive(Clone)]
enum State {
    Md5(Box<Md5>),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
    Sha512(Box<Sha512>),
}

impl FileHasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Md5 => State::Md5(Box::default()),
            Algorithm::Sha1 => State::Sha1(Box::default()),
            Algorithm::Sha256 => State::Sha256(Box::default()),
            Algorithm::Sha512 => State::Sha512(Box::default()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md5(hash) => hash.update(bytes),
            State::Sha1(hash) => hash.update(bytes),
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all bytes added.
    #[must_use]
    pub fn finish(self) -> FileDigest {
        let digest = match self.0 {
            State::Md5(hash) => FileDigest::from_bytes(&hash.finalize()),
            State::Sha1(hash) => FileDigest::from_bytes(&hash.finalize()),
            State::Sha256(hash) => FileDigest::from_bytes(&hash.finalize()),
            State::Sha512(hash) => FileDigest::from_bytes(&hash.finalize()),
        };
        // Every one of them is longer than what is kept.
        digest.unwrap_or(FileDigest([0; DIGEST_BYTES]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values: RFC 1321 and FIPS 180-4 examples for "abc".
    #[test]
    fn hashes_as_published() {
        for (algorithm, hex) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(
                FileDigest::from_hex(algorithm, hex.as_bytes()),
                Some(algorithm.digest(b"abc")),
                "{algorithm:?}"
            );
        }
        assert_eq!(FileDigest::from_hex(Algorithm::Md5, b"900150983cd24fb0d6963f7d28e17f7"), None);
        assert_eq!(FileDigest::from_hex(Algorithm::Md5, b"zz0150983cd24fb0d6963f7d28e17f72"), None);
    }

    #[test]
    fn finds_what_was_put_in() {
        let digest = |text: &str| Algorithm::Md5.digest(text.as_bytes());
        let paths: Vec<String> = (0..1000).map(|n| format!("usr/share/{n}")).collect();
        let files = paths.iter().map(|path| (PathKey::of(path.as_bytes()), digest(path)));
        let digests = FileDigests::build(Algorithm::Md5, files.clone().chain(files.clone().take(3)));
        assert_eq!(digests.len(), 1000);
        assert!(paths.iter().all(|path| digests.get(PathKey::of(path.as_bytes())) == Some(digest(path))));
        assert_eq!(digests.get(PathKey::of(b"usr/share")), None);
        assert_eq!(digests.iter().count(), 1000);
    }
}
