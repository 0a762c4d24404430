//! A file ▸ the artifact under a tag.

use std::collections::BTreeMap;

use super::ArtifactError;
use super::fetch;
use super::payload::Payload;
use super::published::{self, Delta, EMPTY, Extra, MAX_DELTAS, Published};
use crate::advisory::store::delta;
use crate::digest::Digest;
use crate::sign::author::Author;
use crate::sign::make::{Form, Maker};
use crate::sign::verify::Subject;
use crate::source::repository::{At, MANIFEST, Repository};

/// What is published, and by whom.
pub struct Publication<'a, P> {
    /// The file.
    pub payload: &'a P,
    /// Who signs it.
    pub author: &'a Author<'a>,
    /// The time that is written, RFC 3339 in UTC.
    pub created: &'a str,
    /// What goes with it: policies, a trusted root.
    pub extras: &'a [Extra],
    /// It stays with whoever publishes it: also what may not be handed on goes along.
    pub for_own_use: bool,
    /// Publish it also when a source of it is older, or has far fewer records, than in what is published.
    pub accept_fewer: bool,
}

/// What was published.
#[derive(Debug)]
pub struct Pushed {
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Bytes of the delta from what was published before; none where there is none.
    pub delta: Option<u64>,
    /// How many steps back the deltas reach.
    pub steps: usize,
}

/// Publishes a file: content, then the manifest, then its signature, and the tag last, so that it never points to what is not signed.
///
/// # Errors
/// When the file may not be handed on or is a step back, and when it could not be signed or stored; the tag then points to what it did.
pub fn publish<P: Payload>(
    repository: &dyn Repository,
    tag: &str,
    publication: &Publication<'_, P>,
) -> Result<Pushed, ArtifactError> {
    let payload = publication.payload;
    let restricted = payload.restricted();
    if !restricted.is_empty() && !publication.for_own_use {
        return Err(ArtifactError::Restricted(restricted.join(", ")));
    }
    payload.verify()?;
    let (deltas, delta) = deltas(repository, tag, publication)?;
    repository.put_blob(EMPTY.1)?;
    repository.put_blob(payload.as_bytes())?;
    publication.extras.iter().try_for_each(|extra| repository.put_blob(&extra.bytes).map(drop))?;
    let bytes = published::manifest(payload, &deltas, publication.extras, publication.created)?;
    let digest = Digest::sha256(&bytes);
    repository.put_manifest(At::Digest(&digest), MANIFEST, &bytes)?;
    let subject = Subject { digest, bytes, media_type: MANIFEST.to_owned(), platform: None };
    let maker = Maker { repository, author: publication.author, form: Form::Bundle, created: publication.created };
    maker.sign(&subject, &BTreeMap::new())?;
    repository.put_manifest(At::Tag(tag), MANIFEST, &subject.bytes)?;
    Ok(Pushed { manifest: subject.digest, delta, steps: deltas.len() })
}

/// The deltas to be listed: the one from what is published now, made and stored here, and those that led there.
fn deltas<P: Payload>(
    repository: &dyn Repository,
    tag: &str,
    publication: &Publication<'_, P>,
) -> Result<(Vec<Delta>, Option<u64>), ArtifactError> {
    let payload = publication.payload;
    let Some(before) = repository.manifest(At::Tag(tag))? else { return Ok((Vec::new(), None)) };
    let before = match Published::parse::<P>(&before) {
        // After a change of the format everybody fetches the whole file once.
        Err(ArtifactError::Format { .. }) => return Ok((Vec::new(), None)),
        other => other?,
    };
    if before.root == payload.root().as_str() {
        return Ok((before.deltas, None));
    }
    let old: P = fetch::whole(repository, &before)?;
    if !publication.accept_fewer {
        payload.refuse_step_back(&old)?;
    }
    let bytes = match payload.delta_from(&old) {
        Ok(bytes) => bytes,
        // They have nothing in common: the new one is fetched whole.
        Err(delta::DeltaError::Damaged(_)) => return Ok((Vec::new(), None)),
        Err(delta::DeltaError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(ArtifactError::Delta(error)),
    };
    if bytes.len() >= payload.as_bytes().len() / 2 {
        return Ok((Vec::new(), None));
    }
    repository.put_blob(&bytes)?;
    let length = bytes.len() as u64;
    let newest = Delta::new(P::KIND, &bytes, [old.root().to_string(), payload.root().to_string()]);
    let deltas = std::iter::once(newest).chain(before.deltas).take(MAX_DELTAS).collect();
    Ok((deltas, Some(length)))
}
