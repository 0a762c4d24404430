//! What a reference means to signing: the index or image itself, and the manifests below it.

use super::verify::Subject;
use crate::digest::Digest;
use crate::oci::Platform;
use crate::source::repository::{At, Document, INDEX, MANIFEST, Repository, Stored};
use crate::source::{Descriptor, PlatformChoice, SourceError};

/// What a reference names, and with `children` each platform's manifest of an index after it, attestation manifests left out.
///
/// # Errors
/// When one of them cannot be had.
pub fn subjects(
    repository: &dyn Repository,
    root: At<'_>,
    children: Option<&PlatformChoice>,
) -> Result<Vec<Subject>, SourceError> {
    let missing = |what: &str| SourceError::NotFound { what: format!("manifest `{what}`"), place: repository.name() };
    let stored = repository.manifest(root)?.ok_or_else(|| missing(root.as_str()))?;
    let document = Document::parse(&stored)?;
    let mut subjects = vec![subject(stored, &document, None)];
    let (Some(choice), Some(entries)) = (children, document.manifests) else { return Ok(subjects) };
    for entry in entries {
        let is_attestation = is_attestation(&entry);
        let is_chosen = entry.platform.as_ref().is_none_or(|platform| choice.wants(platform));
        if is_attestation || !is_chosen || !entry.artifact_type.is_empty() {
            continue;
        }
        let digest: Digest = entry.parsed_digest()?;
        let stored = repository.manifest(At::Digest(&digest))?.ok_or_else(|| missing(digest.as_str()))?;
        let document = Document::parse(&stored)?;
        subjects.push(subject(stored, &document, entry.platform));
    }
    if subjects.len() == 1 && *choice != PlatformChoice::All {
        let (wanted, available) = ("the platforms asked for".into(), "others".into());
        return Err(SourceError::NoPlatform { wanted, available });
    }
    Ok(subjects)
}

/// The attestation manifests of an index, in which BuildKit keeps provenance and bills of materials of the platforms. Nothing in them is signed; a signature on the index, or on one of them,
/// says who stands for it.
///
/// Source: `moby/buildkit` `docs/attestations/attestation-storage.md`.
///
/// # Errors
/// When one of them cannot be had.
pub fn attestation_manifests(repository: &dyn Repository, root: At<'_>) -> Result<Vec<Subject>, SourceError> {
    let missing = |what: &str| SourceError::NotFound { what: format!("manifest `{what}`"), place: repository.name() };
    let stored = repository.manifest(root)?.ok_or_else(|| missing(root.as_str()))?;
    let entries = Document::parse(&stored)?.manifests.unwrap_or_default();
    let mut found = Vec::new();
    for entry in entries.into_iter().filter(is_attestation) {
        let digest: Digest = entry.parsed_digest()?;
        let stored = repository.manifest(At::Digest(&digest))?.ok_or_else(|| missing(digest.as_str()))?;
        let document = Document::parse(&stored)?;
        found.push(subject(stored, &document, entry.platform));
    }
    Ok(found)
}

fn is_attestation(entry: &Descriptor) -> bool {
    entry.platform.as_ref().is_some_and(Platform::is_attestation)
        || entry.annotations.contains_key("vnd.docker.reference.type")
}

fn subject(stored: Stored, document: &Document, platform: Option<Platform>) -> Subject {
    let default = if document.is_index() { INDEX } else { MANIFEST };
    let said = [document.media_type.as_str(), stored.media_type.as_str()].into_iter().find(|said| !said.is_empty());
    let media_type = said.unwrap_or(default).to_owned();
    Subject { digest: stored.digest, bytes: stored.bytes, media_type, platform }
}
