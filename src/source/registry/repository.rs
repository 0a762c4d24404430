//! A repository of a registry as [`Repository`] has it.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blob::{self, BlobReader};
use super::session::Session;
use super::{push, referrers};
use crate::digest::Digest;
use crate::net::{Payload, Stream};
use crate::source::repository::{At, Change, OpenBlob, Put, Repository, Stored};
use crate::source::resolve::{Descriptor, Root, check_digest, read_bounded};
use crate::source::{MAX_MANIFEST_BYTES, SourceError, Verified};

/// How often a change of a tag is tried again when others change it at the same time.
const MAX_CHANGES: u32 = 12;

/// How often a tag is read again after a change, to see whether another writer undid it.
const CHECKS: u32 = 2;

/// Shortest wait before a tag is read again.
const SETTLE: Duration = Duration::from_millis(100);

/// Longest wait before a tag is read again.
const MAX_SETTLE: Duration = Duration::from_secs(2);

/// A repository of a registry.
pub struct RegistryRepository {
    session: Arc<Session>,
}

impl RegistryRepository {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// Every tag, in the order of the registry.
    ///
    /// # Errors
    /// When the list cannot be had whole.
    pub fn tags(&self) -> Result<Vec<String>, SourceError> {
        self.session.transport().block_on(self.session.tags())
    }

    fn put(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Result<bool, SourceError> {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        self.session.transport().block_on(push::manifest(&self.session, reference, media_type, bytes))
    }

    /// Whether a change stayed: another writer that had read the tag before us may have overwritten it. Registries have no conditional PUT, so the tag is read again after a time in which such a
    /// writer must be done.
    fn stayed(&self, tag: &str, change: &mut Change<'_>, settle: Duration) -> Result<bool, SourceError> {
        for _ in 0..CHECKS {
            std::thread::sleep(settle);
            if change(self.manifest(At::Tag(tag))?.as_ref())?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Repository for RegistryRepository {
    fn name(&self) -> String {
        self.session.place().to_string()
    }

    fn manifest(&self, at: At<'_>) -> Result<Option<Stored>, SourceError> {
        let asked = self.session.manifest(at.as_str(), MAX_MANIFEST_BYTES);
        let Root { bytes, mut digest, media_type } = match self.session.transport().block_on(asked) {
            Err(SourceError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        if let At::Digest(expected) = at {
            check_digest(&format!("manifest {expected}"), expected, &bytes)?;
            digest = expected.clone();
        }
        Ok(Some(Stored { bytes, digest, media_type }))
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let digest = descriptor.parsed_digest()?;
        let reader = BlobReader::open(self.session.clone(), &digest, descriptor.size, "reading a signature")?;
        let bytes = read_bounded(reader, descriptor.size).map_err(|error| blob::unwrap(error, &digest))?;
        let what = format!("blob {digest}");
        if bytes.len() as u64 != descriptor.size {
            return Err(SourceError::SizeMismatch { what, expected: descriptor.size, actual: bytes.len() as u64 });
        }
        check_digest(&what, &digest, &bytes)?;
        Ok(bytes)
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let digest = descriptor.parsed_digest()?;
        Ok(Box::new(BlobReader::open(self.session.clone(), &digest, descriptor.size, "downloading a blob")?))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError> {
        self.session.transport().block_on(referrers::list(&self.session, subject))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, SourceError> {
        let digest = Digest::sha256(bytes);
        let content = Payload::Bytes(bytes::Bytes::copy_from_slice(bytes));
        self.session.transport().block_on(push::blob(&self.session, &digest, &content))?;
        Ok(digest)
    }

    fn put_stream(&self, descriptor: &Descriptor, open: OpenBlob) -> Result<Put, SourceError> {
        let (digest, size) = (descriptor.parsed_digest()?, descriptor.size);
        let expected = digest.clone();
        let verified = move || {
            let reader = open().map_err(std::io::Error::other)?;
            Ok(Box::new(Verified::new(reader, expected.clone(), size)) as Box<dyn Read + Send>)
        };
        let content = Payload::Stream(Stream::new(size, verified));
        self.session.transport().block_on(push::blob(&self.session, &digest, &content))
    }

    fn put_manifest(&self, at: At<'_>, media_type: &str, bytes: &[u8]) -> Result<bool, SourceError> {
        self.put(at.as_str(), media_type, bytes)
    }

    fn update(&self, tag: &str, media_type: &str, change: &mut Change<'_>) -> Result<(), SourceError> {
        for attempt in 0..MAX_CHANGES {
            let started = Instant::now();
            let Some(bytes) = change(self.manifest(At::Tag(tag))?.as_ref())? else { return Ok(()) };
            self.put(tag, media_type, &bytes)?;
            // Others are about as fast as we were.
            let settle = (started.elapsed() * 3).clamp(SETTLE, MAX_SETTLE);
            if self.stayed(tag, change, settle)? {
                return Ok(());
            }
            let back_off = self.session.transport().back_off(self.session.host(), "changing a tag", attempt.min(3));
            self.session.transport().block_on(back_off)?;
        }
        Err(self.session.protocol("changing a tag", format!("others change `{tag}` all the time")))
    }
}
