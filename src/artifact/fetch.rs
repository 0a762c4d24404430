//! The artifact ▸ a file in its place.
//!
//! In this order: the manifest, its signature, its date, then the deltas from the store at hand or the whole store. What came is written aside and must have the digests that the manifest names; only then
//! is it renamed. Whatever fails before leaves the old store.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use jiff::civil::Date;

use super::payload::Payload;
use super::published::{MAX_STORE_BYTES, Published};
use super::{ArtifactError, Delta, Origin};
use crate::advisory::AdvisoryError;
use crate::advisory::store::replace_file;
use crate::digest::Digest;
use crate::sign::Engine;
use crate::sign::verify::{Demand, Subject, Verified, verify};
use crate::source::repository::{At, MANIFEST, Repository};
use crate::source::{Descriptor, SourceError};

/// Bytes that are moved at a time.
const WINDOW: usize = 64 << 10;

/// Clocks differ; a date that lies further ahead is none.
const MAX_AHEAD_DAYS: i32 = 1;

/// What a date must be.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// Today.
    pub today: Date,
    /// Oldest that is accepted, in days; none for any age.
    pub max_age: Option<i32>,
    /// Accept one that is older than what was accepted before, or has far fewer records.
    pub accept_fewer: bool,
}

/// Where the store is put.
pub struct Place<'a> {
    /// The file.
    pub output: &'a Path,
    /// Under which name the artifact is remembered.
    pub reference: &'a str,
    /// Who signed, as it is remembered.
    pub signer: Option<String>,
    /// Told of bytes as they come.
    pub progress: &'a dyn Fn(u64),
}

/// What was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// Nothing: the store at hand is the published one.
    Nothing,
    /// Deltas: how many, and their bytes.
    Deltas(usize, u64),
    /// The whole store, of so many bytes.
    Whole(u64),
}

/// What a reference names, and who signed it. With `trust` only what somebody trusted signed is given; without, everything.
///
/// # Errors
/// When it cannot be had, is no store of our format, or is not signed as demanded.
pub fn consult<P: Payload>(
    repository: &dyn Repository,
    at: At<'_>,
    trust: Option<&Engine>,
) -> Result<(Published, Option<String>), ArtifactError> {
    let missing = || SourceError::NotFound { what: format!("manifest `{}`", at.as_str()), place: repository.name() };
    let stored = repository.manifest(at)?.ok_or_else(missing)?;
    let published = Published::parse::<P>(&stored)?;
    let Some(engine) = trust else { return Ok((published, None)) };
    let subject =
        Subject { digest: stored.digest, bytes: stored.bytes, media_type: MANIFEST.to_owned(), platform: None };
    let verified = verify(engine, repository, &subject, &Demand::default())?;
    let signer = signer(&verified)?;
    Ok((published, Some(signer)))
}

/// Who signed; else why nobody counts.
fn signer(verified: &Verified) -> Result<String, ArtifactError> {
    let accepted = verified.candidates.iter().find_map(|candidate| candidate.outcome.as_ref().ok());
    if let Some(accepted) = accepted {
        return Ok(accepted.proof.signer().to_string());
    }
    if verified.is_empty() {
        return Err(ArtifactError::NotSigned("no signature was found".into()));
    }
    let refused = verified.candidates.iter().filter_map(|candidate| candidate.outcome.as_ref().err());
    let told = refused.map(|rejection| match rejection.hint() {
        Some(hint) => format!("{rejection} ({hint})"),
        None => rejection.to_string(),
    });
    Err(ArtifactError::NotSigned(told.take(3).collect::<Vec<_>>().join("; ")))
}

impl Freshness {
    /// Age of an artifact in days, where its date is accepted.
    ///
    /// # Errors
    /// When it is of the future, too old, or older than what is remembered.
    pub fn judge(self, published: &Published, known: Option<&Origin>) -> Result<i32, ArtifactError> {
        let date = published.created.to_zoned(jiff::tz::TimeZone::UTC).date();
        let days = self.today.since(date).map_or(i32::MAX, |span| span.get_days());
        if days < -MAX_AHEAD_DAYS {
            return Err(ArtifactError::Date(published.date()));
        }
        if let Some(known) = known.filter(|known| !self.accept_fewer && published.created < known.published) {
            let known = known.published.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            return Err(ArtifactError::Older { published: published.date(), known });
        }
        match self.max_age.filter(|limit| days > *limit) {
            Some(limit) => Err(ArtifactError::TooOld { days, limit }),
            None => Ok(days),
        }
    }
}

/// Brings the published store to its place.
///
/// # Errors
/// When it cannot be had, is not what the manifest says, or is a step back from the store that is there, which then stays.
pub fn bring<P: Payload>(
    repository: &dyn Repository,
    published: &Published,
    freshness: Freshness,
    place: &Place<'_>,
) -> Result<Brought, ArtifactError> {
    let origin = Origin::new(place.reference, published, place.signer.clone());
    // A file that is damaged, or of another format, has nothing to say.
    let current = P::open(place.output).ok().filter(|current| current.verify().is_ok());
    if current.as_ref().is_some_and(|current| current.root().as_str() == published.root) {
        origin.write(place.output)?;
        return Ok(Brought::Nothing);
    }
    let accept = |came: &P| {
        let found = came.root().to_string();
        if found != published.root {
            return Err(ArtifactError::OtherStore { wanted: published.root.clone(), found });
        }
        let before = current.as_ref().filter(|_| !freshness.accept_fewer);
        before.map_or(Ok(()), |before| came.refuse_step_back(before))?;
        origin.write(place.output)
    };
    if let Some((current, way)) =
        current.as_ref().and_then(|current| Some((current, published.way_from(current.root().as_str())?)))
        && let Some((bytes, fetched)) = follow(repository, current, &way, published, place)
    {
        accept(&P::from_memory(bytes.clone())?)?;
        replace_file(place.output, |file| file.write_all(&bytes))
            .map_err(|source| AdvisoryError::Write { path: place.output.to_owned(), source })?;
        return Ok(Brought::Deltas(way.len(), fetched));
    }
    replace(place.output, |file| {
        download(repository, &published.store, file, place.progress)?;
        accept(&P::of_file(file, place.output)?)
    })?;
    Ok(Brought::Whole(published.store.size))
}

/// Replaces a file, if `write` agrees.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> Result<(), ArtifactError>) -> Result<(), ArtifactError> {
    let refused = RefCell::new(None);
    let replaced = replace_file(path, |file| {
        write(file).map_err(|error| {
            refused.replace(Some(error));
            io::Error::other("refused")
        })
    });
    match (replaced, refused.into_inner()) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(source), None) => Err(AdvisoryError::Write { path: path.to_owned(), source }.into()),
    }
}

/// The new store and what was fetched for it; none where the deltas do not lead there, so that the whole store is fetched.
///
/// A delta that fails is no reason to stop: it may be of a release that packs blocks otherwise. What it leads to has the digest that is signed, or does not count.
fn follow<P: Payload>(
    repository: &dyn Repository,
    current: &P,
    way: &[&Delta],
    published: &Published,
    place: &Place<'_>,
) -> Option<(Vec<u8>, u64)> {
    let mut fetched = 0;
    let mut bytes: Option<Vec<u8>> = None;
    for step in way {
        let delta = repository.blob(&step.descriptor).ok()?;
        fetched += delta.len() as u64;
        (place.progress)(delta.len() as u64);
        bytes = Some(match bytes.take() {
            None => current.follow(&delta).ok()?,
            Some(bytes) => P::from_memory(bytes).ok()?.follow(&delta).ok()?,
        });
    }
    let bytes = bytes?;
    (Digest::sha256(&bytes).as_str() == published.store.digest).then_some((bytes, fetched))
}

/// The file in memory, for whoever publishes its successor.
pub(super) fn whole<P: Payload>(repository: &dyn Repository, published: &Published) -> Result<P, ArtifactError> {
    let mut bytes = Vec::new();
    download(repository, &published.store, &mut bytes, &|_| {})?;
    P::from_memory(bytes)
}

/// A blob as a stream, checked against its descriptor.
fn download(
    repository: &dyn Repository,
    descriptor: &Descriptor,
    to: &mut dyn io::Write,
    progress: &dyn Fn(u64),
) -> Result<(), ArtifactError> {
    let expected = descriptor.parsed_digest()?;
    let what = || format!("blob {expected}");
    if descriptor.size > MAX_STORE_BYTES {
        return Err(SourceError::TooLarge { what: what(), limit: MAX_STORE_BYTES }.into());
    }
    let mut from = repository.open_blob(descriptor)?.take(descriptor.size + 1);
    let (mut hasher, mut length, mut window) = (expected.hasher(), 0, vec![0; WINDOW]);
    loop {
        let count = from.read(&mut window).map_err(|error| unwrap(error, &expected))?;
        let Some(chunk) = window.get(..count).filter(|chunk| !chunk.is_empty()) else { break };
        hasher.update(chunk);
        length += count as u64;
        to.write_all(chunk).map_err(|source| AdvisoryError::Write { path: "the new file".into(), source })?;
        progress(count as u64);
    }
    if length != descriptor.size {
        return Err(SourceError::SizeMismatch { what: what(), expected: descriptor.size, actual: length }.into());
    }
    let actual = hasher.finish();
    if actual != expected {
        let (expected, actual) = (expected.clone(), actual);
        return Err(SourceError::DigestMismatch { what: what(), expected, actual }.into());
    }
    Ok(())
}

/// The source's own error, where one travelled inside an I/O error.
fn unwrap(error: io::Error, digest: &Digest) -> SourceError {
    error.downcast().unwrap_or_else(|source| SourceError::Io { path: digest.as_str().into(), source })
}
