//! A blob's bytes, taken up again where the connection broke.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};

use super::answers::refusal;
use super::session::Session;
use crate::digest::Digest;
use crate::net::{Answer, Cause, NetError};
use crate::source::SourceError;

/// How often in a row a download may break before it brought [`PROGRESS_BYTES`].
const MAX_INTERRUPTIONS: u32 = 5;

/// What a download must bring to count as going on; below it a server could break it for ever.
const PROGRESS_BYTES: u64 = 1 << 20;

/// The bytes of a blob, in order, not yet verified: who reads them checks digest and size, so a resumed download needs no `If-Range`.
pub(super) struct BlobReader {
    session: Arc<Session>,
    digest: Digest,
    size: u64,
    phase: &'static str,
    /// Bytes given out.
    at: u64,
    answer: Option<Answer>,
    /// Bytes of the answer that were given out before it: the server began again from the start.
    skip: u64,
    chunk: Bytes,
    interruptions: u32,
    /// Where the first of these interruptions was.
    interrupted_at: u64,
}

/// A [`SourceError`] that travelled inside an I/O error.
pub(super) fn unwrap(error: io::Error, digest: &Digest) -> SourceError {
    error.downcast().unwrap_or_else(|source| SourceError::Io { path: digest.as_str().into(), source })
}

impl BlobReader {
    /// Asks for the blob, which must have `size` bytes.
    ///
    /// # Errors
    /// When it cannot be had, or the server says that it has another size.
    pub(super) fn open(
        session: Arc<Session>,
        digest: &Digest,
        size: u64,
        phase: &'static str,
    ) -> Result<Self, SourceError> {
        let mut reader = Self {
            session: session.clone(),
            digest: digest.clone(),
            size,
            phase,
            at: 0,
            answer: None,
            skip: 0,
            chunk: Bytes::new(),
            interruptions: 0,
            interrupted_at: 0,
        };
        session.transport().block_on(reader.request())?;
        Ok(reader)
    }

    /// Asks for what is missing.
    async fn request(&mut self) -> Result<(), SourceError> {
        let mut headers = HeaderMap::new();
        if self.at > 0 {
            let range = HeaderValue::try_from(format!("bytes={}-", self.at));
            headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let path = format!("{}/blobs/{}", self.session.repository(), self.digest);
        let answer = self.session.get(&path, &headers, self.phase).await?;
        self.skip = match answer.status() {
            StatusCode::OK => {
                self.check_size(answer.content_length())?;
                self.at
            }
            StatusCode::PARTIAL_CONTENT if self.at > 0 => {
                self.check_range(&answer)?;
                0
            }
            // What we have is all there is.
            StatusCode::RANGE_NOT_SATISFIABLE if self.at > 0 => return Err(self.size_mismatch(self.at)),
            _ => {
                let what = format!("blob {} of `{}`", self.digest, self.session.place());
                return Err(refusal(answer, &what, self.phase).await);
            }
        };
        self.answer = Some(answer);
        Ok(())
    }

    fn check_size(&self, length: Option<u64>) -> Result<(), SourceError> {
        match length {
            Some(length) if length != self.size => Err(self.size_mismatch(length)),
            _ => Ok(()),
        }
    }

    /// `Content-Range: bytes FIRST-LAST/SIZE` must go on where we stopped (RFC 9110 §14.4).
    fn check_range(&self, answer: &Answer) -> Result<(), SourceError> {
        let text = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match parse_range(text) {
            Some((first, size)) if first == self.at => self.check_size(size),
            _ => Err(SourceError::Protocol {
                host: answer.host().to_owned(),
                phase: self.phase,
                detail: format!(
                    "bytes from {} on were asked for, it gives `{}`",
                    self.at,
                    crate::net::excerpt(text.as_bytes())
                ),
            }),
        }
    }

    fn size_mismatch(&self, actual: u64) -> SourceError {
        SourceError::SizeMismatch { what: format!("blob {}", self.digest), expected: self.size, actual }
    }

    /// The next bytes; none at the end of what the server has, be it the whole or not.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let Some(answer) = &mut self.answer else {
                self.request().await?;
                continue;
            };
            match answer.chunk().await {
                Ok(None) => return Ok(None),
                Ok(Some(mut chunk)) => {
                    let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
                    self.skip -= known as u64;
                    let new = chunk.split_off(known);
                    if !new.is_empty() {
                        self.at += new.len() as u64;
                        return Ok(Some(new));
                    }
                }
                Err(NetError::Host { host, cause: cause @ (Cause::Broken(_) | Cause::Stalled(_)), .. }) => {
                    self.answer = None;
                    self.pause(host, &cause).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Decides whether a broken download is taken up again, and waits if it broke before.
    async fn pause(&mut self, host: String, cause: &Cause) -> Result<(), SourceError> {
        if self.at >= self.interrupted_at + PROGRESS_BYTES || self.interruptions == 0 {
            (self.interruptions, self.interrupted_at) = (0, self.at);
        }
        self.interruptions += 1;
        if self.interruptions > MAX_INTERRUPTIONS {
            let detail = format!("{cause}, {} times at byte {} of {}", self.interruptions, self.at, self.size);
            return Err(SourceError::Unreachable { host, phase: self.phase, detail });
        }
        // The first time costs nothing: long downloads break for harmless reasons.
        if let Some(repetition) = self.interruptions.checked_sub(2) {
            self.session.transport().back_off(&host, self.phase, repetition).await?;
        }
        Ok(())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            let session = self.session.clone();
            match session.transport().block_on(self.next()).map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        Ok(crate::net::take(&mut self.chunk, buffer))
    }
}

/// First byte and, where it is told, the whole's size.
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.parse().ok()?;
    match size {
        "*" => Some((first, None)),
        size => Some((first, Some(size.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes */10", "bytes 5/10", "items 5-9/10", "bytes 5-9/x"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
    }
}
