//! Where signatures and attestations of a manifest may be, and what is there.
//!
//! In: a repository and a digest. Out: every candidate of every place, one after the other, and what was found in each place. Nothing is believed of a descriptor: which kind an artifact is says
//! its own manifest, which kind a signature is says its layer.
//!
//! | place | what is there |
//! |---|---|
//! | the referrers API | bundles (cosign 3, GitHub); cosign 2's manifests in its OCI 1.1 mode |
//! | the tag `sha256-HEX` | the same, in registries without that API |
//! | the tags `sha256-HEX.sig` and `.att` | cosign 2's signatures and attestations |
//!
//! Requests: one for the referrers, up to three for the tags, and two for each candidate (its manifest and its content).
//!
//! Source: OCI distribution-spec, "Listing Referrers" and "Referrers Tag Schema"; cosign `specs/SIGNATURE_SPEC.md`, `ATTESTATION_SPEC.md`, `BUNDLE_SPEC.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::bundle;
use super::engine::MAX_BUNDLE_BYTES;
use crate::digest::Digest;
use crate::source::repository::{At, Document, MAX_REFERRERS, Repository, Stored, tag};
use crate::source::{Descriptor, MAX_MANIFEST_BYTES, SourceError};

/// Most signatures in one of cosign 2's manifests that are looked at.
const MAX_LAYERS: usize = 256;

/// Layer of an image signature of cosign 2.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Layer of an attestation of cosign 2.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The annotation of a bundle's manifest that names the type of its predicate.
pub const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// A place where signatures may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The referrers API.
    Referrers,
    /// Its fallback tag.
    FallbackTag,
    /// cosign 2's tag for signatures.
    SignatureTag,
    /// cosign 2's tag for attestations.
    AttestationTag,
    /// A file of the user's.
    File,
}

impl Place {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Referrers => "referrers",
            Self::FallbackTag => "fallback tag",
            Self::SignatureTag => ".sig tag",
            Self::AttestationTag => ".att tag",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub place: Place,
    /// How many candidates were there; none where there is no such place.
    pub found: Option<usize>,
}

/// Something that may be a signature or attestation.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where it was found.
    pub place: Place,
    /// Its manifest; none for a file.
    pub manifest: Option<Digest>,
    /// The type of its predicate, as its manifest has it; a claim until it is verified.
    pub predicate_type: Option<String>,
    /// What it is.
    pub content: Content,
}

/// What a candidate is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A Sigstore bundle, not yet parsed.
    Bundle(Vec<u8>),
    /// A signature of cosign 2: payload and annotations.
    Simple(Vec<u8>, BTreeMap<String, String>),
    /// An attestation of cosign 2: envelope and annotations.
    Envelope(Vec<u8>, BTreeMap<String, String>),
    /// Of the other kind than is looked for, as its manifest has it; it was not read.
    NotAsked,
    /// Something else: its artifact type or that of its layer.
    Other(String),
    /// It could not be read.
    Unreadable(String),
}

/// Which candidates are read; the others are only listed. Manifests annotate bundles with their predicate's type, and leaving out what claims to be of another kind can only
/// refuse more.
pub type Wanted<'a> = dyn Fn(Option<&str>) -> bool + 'a;

/// Gives every candidate of `subject` to `each`.
///
/// # Errors
/// When a place could not be looked at: what is there is not known then, and "nothing" would be a guess.
pub fn discover(
    repository: &dyn Repository,
    subject: &Digest,
    wanted: &Wanted<'_>,
    each: &mut dyn FnMut(Candidate),
) -> Result<Vec<Look>, SourceError> {
    let mut search = Search { repository, subject, wanted, each, seen: BTreeSet::new() };
    let mut looks = Vec::new();
    let listed = repository.referrers(subject)?;
    let found = listed.map(|listed| search.listed(Place::Referrers, &listed)).transpose()?;
    looks.push(Look { place: Place::Referrers, found });
    // Both are looked at: a registry that got the API later still has what was put under the tag before.
    let fallback = repository.manifest(At::Tag(&tag(subject, "")))?;
    let found = fallback.map(|stored| search.fallback(&stored)).transpose()?;
    looks.push(Look { place: Place::FallbackTag, found });
    for (place, suffix) in [(Place::SignatureTag, ".sig"), (Place::AttestationTag, ".att")] {
        let stored = repository.manifest(At::Tag(&tag(subject, suffix)))?;
        let found = stored.map(|stored| search.manifest(place, &stored, false)).transpose()?;
        looks.push(Look { place, found });
    }
    Ok(looks)
}

struct Search<'a> {
    repository: &'a dyn Repository,
    subject: &'a Digest,
    wanted: &'a Wanted<'a>,
    each: &'a mut dyn FnMut(Candidate),
    /// Manifests that were given already: one may be listed in several places.
    seen: BTreeSet<Digest>,
}

impl Search<'_> {
    fn listed(&mut self, place: Place, listed: &[Descriptor]) -> Result<usize, SourceError> {
        let mut found = 0;
        for descriptor in listed.iter().take(MAX_REFERRERS) {
            found += self.referrer(place, descriptor)?;
        }
        Ok(found)
    }

    fn fallback(&mut self, stored: &Stored) -> Result<usize, SourceError> {
        match Document::parse(stored) {
            Ok(Document { manifests: Some(listed), .. }) => self.listed(Place::FallbackTag, &listed),
            Ok(_) => Ok(self.give(Place::FallbackTag, Some(&stored.digest), Content::Other("no index".into()))),
            Err(error) => self.broken(Place::FallbackTag, Some(&stored.digest), error),
        }
    }

    fn referrer(&mut self, place: Place, descriptor: &Descriptor) -> Result<usize, SourceError> {
        let digest = match descriptor.parsed_digest() {
            Ok(digest) => digest,
            Err(error) => return self.broken(place, None, error),
        };
        if !self.seen.insert(digest.clone()) {
            return Ok(0);
        }
        if descriptor.size > MAX_MANIFEST_BYTES {
            let error = SourceError::TooLarge { what: format!("manifest {digest}"), limit: MAX_MANIFEST_BYTES };
            return self.broken(place, Some(&digest), error);
        }
        match self.repository.manifest(At::Digest(&digest))? {
            Some(stored) => self.manifest(place, &stored, true),
            None => Ok(self.give(place, Some(&digest), Content::Unreadable("it is listed, but not there".into()))),
        }
    }

    /// The candidates in a manifest; `refers` where it was listed as a referrer and must name the subject itself.
    fn manifest(&mut self, place: Place, stored: &Stored, refers: bool) -> Result<usize, SourceError> {
        self.seen.insert(stored.digest.clone());
        let document = match Document::parse(stored) {
            Ok(document) => document,
            Err(error) => return self.broken(place, Some(&stored.digest), error),
        };
        if refers && document.subject.as_ref().is_none_or(|named| named.digest != self.subject.as_str()) {
            let why = "it is listed for this image, and refers to something else";
            return Ok(self.give(place, Some(&stored.digest), Content::Unreadable(why.into())));
        }
        let annotated = document.annotations.get(PREDICATE_TYPE).cloned();
        let mut found = 0;
        for layer in document.layers.iter().take(MAX_LAYERS) {
            let predicate_type = annotated.clone().or_else(|| layer.annotations.get("predicateType").cloned());
            let content = self.content(layer, predicate_type.as_deref(), &document)?;
            found += 1;
            (self.each)(Candidate { place, manifest: Some(stored.digest.clone()), predicate_type, content });
        }
        Ok(found)
    }

    fn content(
        &self,
        layer: &Descriptor,
        predicate_type: Option<&str>,
        document: &Document,
    ) -> Result<Content, SourceError> {
        let is_bundle = layer.media_type.starts_with(bundle::MEDIA_TYPE_PREFIX);
        if !is_bundle && layer.media_type != SIMPLE_SIGNING && layer.media_type != ENVELOPE {
            let kind = if document.artifact_type.is_empty() { &layer.media_type } else { &document.artifact_type };
            return Ok(Content::Other(kind.chars().take(200).collect()));
        }
        let kind = if layer.media_type == SIMPLE_SIGNING { Some(super::predicate::SIGNATURE) } else { predicate_type };
        if !(self.wanted)(kind) {
            return Ok(Content::NotAsked);
        }
        if layer.size > MAX_BUNDLE_BYTES {
            return Ok(Content::Unreadable(format!("it is larger than {MAX_BUNDLE_BYTES} bytes")));
        }
        let bytes = match self.repository.blob(layer) {
            Ok(bytes) => bytes,
            Err(SourceError::NotFound { .. }) => return Ok(Content::Unreadable("its content is not there".into())),
            Err(error @ SourceError::Malformed { .. }) => return Ok(Content::Unreadable(error.to_string())),
            Err(error) => return Err(error),
        };
        let annotations = layer.annotations.clone();
        Ok(match layer.media_type.as_str() {
            SIMPLE_SIGNING => Content::Simple(bytes, annotations),
            ENVELOPE => Content::Envelope(bytes, annotations),
            _ => Content::Bundle(bytes),
        })
    }

    fn give(&mut self, place: Place, manifest: Option<&Digest>, content: Content) -> usize {
        (self.each)(Candidate { place, manifest: manifest.cloned(), predicate_type: None, content });
        1
    }

    /// Whoever may push can put nonsense here, which must not hide what is beside it; content that is not what its digest says ends the search.
    fn broken(&mut self, place: Place, manifest: Option<&Digest>, error: SourceError) -> Result<usize, SourceError> {
        match error {
            SourceError::Malformed { .. } | SourceError::TooLarge { .. } => {
                Ok(self.give(place, manifest, Content::Unreadable(error.to_string())))
            }
            error => Err(error),
        }
    }
}

/// Whether something that claims to be a signature of `subject` is there; whose it is, and whether it fits, is not asked.
///
/// # Errors
/// As [`discover`].
pub fn is_signed(repository: &dyn Repository, subject: &Digest) -> Result<bool, SourceError> {
    let mut is_signed = false;
    let nothing = |_: Option<&str>| false;
    discover(repository, subject, &nothing, &mut |candidate| {
        let is_signature = matches!(candidate.predicate_type.as_deref(), None | Some(super::predicate::SIGNATURE));
        is_signed |= is_signature && matches!(candidate.content, Content::NotAsked);
    })?;
    Ok(is_signed)
}
