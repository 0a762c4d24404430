//! What is kept beside an image: attestations, provenance and bills of materials.
//!
//! Provenance lists the arguments of the build, so a secret that was one of them is there for everybody who can pull the image. BuildKit writes manifests of no platform into the index, whose
//! layers are in-toto statements. Other tools attach manifests that name the image as their subject, or hang them on a tag. A registry counts each of these as a pull, so it is asked only where
//! somebody looks for secrets alone; stores at hand are asked always.
//!
//! Sources: BuildKit `docs/attestations/attestation-storage.md`; OCI distribution-spec, "Listing Referrers" and "Referrers Tag Schema"; cosign `specs/ATTESTATION_SPEC.md`, `SBOM_SPEC.md`.

use std::collections::BTreeSet;

use super::repository::{At, Document, Repository, Stored, tag};
use super::resolve::{ContentStore, Descriptor, Kind, Root, parse_digest, read_checked};
use super::{MAX_MANIFEST_BYTES, SourceError, referrer};
use crate::digest::Digest;
use crate::oci::Platform;

/// Most statements of an image that are read, and their bytes, one and all together. Provenance has some ten KB, a bill of materials a few MB.
const MAX_STATEMENTS: usize = 64;
const MAX_BYTES: u64 = 8 << 20;
const MAX_TOTAL: u64 = 16 << 20;

/// BuildKit's mark of an attestation's manifest.
const REFERENCE: &str = "vnd.docker.reference.type";

/// What cosign signs of an image: its digest and nothing else.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Suffixes of the tags on which cosign 2 hangs attestations and bills of materials.
const TAGS: [&str; 2] = [".att", ".sbom"];

/// Reads a layer; nothing where it is not there.
type ReadLayer<'a> = dyn Fn(&Descriptor) -> Option<Result<Vec<u8>, String>> + 'a;

/// A statement that is attached to an image.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Its digest.
    pub digest: String,
    /// Its bytes, or why they could not be read.
    pub content: Result<Vec<u8>, String>,
}

/// The statements that an index lists; none for a manifest. What is not in the store was left out when it was written, which is no error.
pub(super) fn read(root: &Root, store: &dyn ContentStore) -> Vec<Attached> {
    let mut found = Found::default();
    for entry in listed(root) {
        let Ok(digest) = parse_digest(&entry) else { continue };
        let Some(bytes) = present(read_checked(store, Kind::Manifest, &entry, MAX_MANIFEST_BYTES)) else { continue };
        let stored = |bytes| Stored { bytes, digest: digest.clone(), media_type: entry.media_type.clone() };
        let manifest = bytes.and_then(|bytes| Document::parse(&stored(bytes)).map_err(|error| error.to_string()));
        let layer = |layer: &Descriptor| present(read_checked(store, Kind::Manifest, layer, MAX_BYTES));
        found.manifest(&digest, manifest, &layer);
    }
    found.statements
}

/// The statements of an image in a registry: those of its index, and what hangs on the index and on each of `manifests`.
pub(super) fn read_repository(root: &Root, manifests: &[Digest], repository: &dyn Repository) -> Vec<Attached> {
    let mut found = Found::default();
    listed(root).for_each(|entry| found.referrer(&entry, repository));
    let mut asked = BTreeSet::new();
    for subject in std::iter::once(&root.digest).chain(manifests) {
        if !asked.insert(subject) {
            continue;
        }
        match hanging_on(subject, repository) {
            Ok((referrers, tagged)) => {
                referrers.iter().for_each(|referrer| found.referrer(referrer, repository));
                tagged.iter().for_each(|stored| found.stored(stored, repository));
            }
            Err(error) => found.unread(subject, error.to_string()),
        }
    }
    found.statements
}

/// The entries of an index that are attestations.
fn listed(root: &Root) -> impl Iterator<Item = Descriptor> {
    let stored = Stored { bytes: root.bytes.clone(), digest: root.digest.clone(), media_type: root.media_type.clone() };
    let entries = Document::parse(&stored).ok().and_then(|index| index.manifests).unwrap_or_default();
    entries.into_iter().filter(|entry| {
        let is_attestation = entry.platform.as_ref().is_some_and(Platform::is_attestation);
        is_attestation || entry.annotations.contains_key(REFERENCE)
    })
}

/// What refers to a manifest, and what is under the tags that are made of its digest.
fn hanging_on(subject: &Digest, repository: &dyn Repository) -> Result<(Vec<Descriptor>, Vec<Stored>), SourceError> {
    let referrers = referrer::all(repository, subject)?;
    let mut tagged = Vec::new();
    for suffix in TAGS {
        tagged.extend(repository.manifest(At::Tag(&tag(subject, suffix)))?);
    }
    Ok((referrers, tagged))
}

/// What was found so far.
#[derive(Default)]
struct Found {
    statements: Vec<Attached>,
    /// Digests of manifests and statements.
    seen: BTreeSet<String>,
    bytes: u64,
    is_full: bool,
}

impl Found {
    /// Reads a manifest of a repository that refers to the image.
    fn referrer(&mut self, entry: &Descriptor, repository: &dyn Repository) {
        let Ok(digest) = parse_digest(entry) else { return };
        match repository.manifest(At::Digest(&digest)) {
            Ok(Some(stored)) => self.stored(&stored, repository),
            Ok(None) => {}
            Err(error) => self.unread(&digest, error.to_string()),
        }
    }

    fn stored(&mut self, stored: &Stored, repository: &dyn Repository) {
        let layer = |layer: &Descriptor| present(bounded(layer).and_then(|()| repository.blob(layer)));
        self.manifest(&stored.digest, Document::parse(stored).map_err(|error| error.to_string()), &layer);
    }

    /// Reads the layers of a manifest, each once.
    fn manifest(&mut self, digest: &Digest, manifest: Result<Document, String>, read: &ReadLayer<'_>) {
        if !self.seen.insert(digest.to_string()) {
            return;
        }
        let layers = match manifest {
            Ok(manifest) => manifest.layers,
            Err(reason) => return self.unread(digest, reason),
        };
        for layer in layers.into_iter().filter(|layer| layer.media_type != SIMPLE_SIGNING) {
            if self.statements.len() >= MAX_STATEMENTS
                || self.bytes.saturating_add(layer.size.min(MAX_BYTES)) > MAX_TOTAL
            {
                return self.too_many(digest);
            }
            if self.seen.insert(layer.digest.clone()) {
                self.bytes += layer.size.min(MAX_BYTES);
                let content = read(&layer);
                self.statements.extend(content.map(|content| Attached { digest: layer.digest, content }));
            }
        }
    }

    fn unread(&mut self, digest: &Digest, reason: String) {
        if self.statements.len() < MAX_STATEMENTS {
            self.statements.push(Attached { digest: digest.to_string(), content: Err(reason) });
        }
    }

    fn too_many(&mut self, digest: &Digest) {
        if !std::mem::replace(&mut self.is_full, true) {
            let reason = format!("only {MAX_STATEMENTS} statements of together {} MiB are read", MAX_TOTAL >> 20);
            self.statements.push(Attached { digest: digest.to_string(), content: Err(reason) });
        }
    }
}

/// Refuses a statement that is too large before it is asked for.
fn bounded(layer: &Descriptor) -> Result<(), SourceError> {
    let what = || format!("statement {}", layer.digest);
    if layer.size > MAX_BYTES { Err(SourceError::TooLarge { what: what(), limit: MAX_BYTES }) } else { Ok(()) }
}

/// What was read, or why it could not be; none where the store has it not.
fn present(read: Result<Vec<u8>, SourceError>) -> Option<Result<Vec<u8>, String>> {
    match read {
        Ok(bytes) => Some(Ok(bytes)),
        Err(SourceError::NotFound { .. }) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}
