//! What refers to a manifest, in a registry that keeps a list of it and in one that does not.
//!
//! Source: OCI distribution-spec, "Listing Referrers", "Referrers Tag Schema", "Pushing Manifests with Subject".

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::SourceError;
use super::repository::{At, Document, INDEX, MAX_REFERRERS, Repository, Stored, tag};
use super::resolve::Descriptor;
use crate::digest::Digest;

/// Everything that says of itself that it refers to `subject`, each once: a registry that got the list later still has what was put under the tag before.
///
/// # Errors
/// When a list cannot be had.
pub fn all(repository: &dyn Repository, subject: &Digest) -> Result<Vec<Descriptor>, SourceError> {
    let mut found = repository.referrers(subject)?.unwrap_or_default();
    if let Some(fallback) = repository.manifest(At::Tag(&tag(subject, "")))? {
        found.extend(Document::parse(&fallback)?.manifests.unwrap_or_default());
    }
    let mut seen = BTreeSet::new();
    found.retain(|descriptor| seen.insert(descriptor.digest.clone()));
    Ok(found)
}

/// Stores a manifest that names `subject` as its subject, and enters it into the index under the fallback tag where the registry keeps no list.
///
/// # Errors
/// When something could not be read or stored.
pub fn put(repository: &dyn Repository, subject: &Digest, manifest: &Stored) -> Result<(), SourceError> {
    if repository.put_manifest(At::Digest(&manifest.digest), &manifest.media_type, &manifest.bytes)? {
        return Ok(());
    }
    let document = Document::parse(manifest)?;
    // Where the manifest does not say what it is, its configuration does.
    let config = document.config.map(|config| config.media_type).unwrap_or_default();
    let artifact_type = if document.artifact_type.is_empty() { config } else { document.artifact_type };
    let annotations = document.annotations;
    let entry = Descriptor { artifact_type, annotations, ..Descriptor::of(&manifest.media_type, &manifest.bytes) };
    let entry = serde_json::to_value(&entry).map_err(|error| malformed(&error.to_string()))?;
    repository.update(&tag(subject, ""), INDEX, &mut |stored| enter(stored, &entry))
}

fn malformed(detail: &str) -> SourceError {
    let what = "the index under the fallback tag of the referrers API".into();
    SourceError::Malformed { what, detail: detail.into() }
}

/// The index with the entry, or none when it has it. Entries of others stay as they are, also in what we do not know of them.
fn enter(stored: Option<&Stored>, entry: &Value) -> Result<Option<Vec<u8>>, SourceError> {
    let mut index = match stored {
        Some(stored) => serde_json::from_slice(&stored.bytes).map_err(|_| malformed("it is no JSON"))?,
        None => json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}),
    };
    let manifests =
        index.get_mut("manifests").and_then(Value::as_array_mut).ok_or_else(|| malformed("it lists no manifests"))?;
    if manifests.iter().any(|known| known.get("digest") == entry.get("digest")) {
        return Ok(None);
    }
    if manifests.len() >= MAX_REFERRERS {
        return Err(malformed("it is full"));
    }
    manifests.push(entry.clone());
    let bytes = serde_json::to_vec(&index).map_err(|error| malformed(&error.to_string()))?;
    Ok(Some(bytes))
}
