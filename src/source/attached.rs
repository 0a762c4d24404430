//! What an index keeps beside its images: BuildKit's attestations, provenance and bills of materials.
//!
//! They are manifests of no platform whose layers are in-toto statements. Provenance lists the arguments of the build, so a secret that was one of them
//! is there for everybody who can pull the image. Only stores at hand are asked: a registry would count each attestation as a pull.
//!
//! Source: BuildKit `docs/attestations/attestation-storage.md`.

use super::SourceError;
use super::repository::{Document, Stored};
use super::resolve::{ContentStore, Kind, Root, parse_digest, read_checked};
use crate::oci::Platform;

/// Most statements of an image that are read, and their bytes, one and all together. Provenance has some ten KB, a bill of materials a few MB.
const MAX_STATEMENTS: usize = 64;
const MAX_BYTES: u64 = 8 << 20;
const MAX_TOTAL: u64 = 16 << 20;

/// BuildKit's mark of an attestation's manifest.
const REFERENCE: &str = "vnd.docker.reference.type";

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
    let mut left = MAX_TOTAL;
    let mut attached = Vec::new();
    for entry in parse(root).into_iter().flat_map(|index| index.manifests.unwrap_or_default()) {
        let is_attestation = entry.platform.as_ref().is_some_and(Platform::is_attestation);
        if !is_attestation && !entry.annotations.contains_key(REFERENCE) {
            continue;
        }
        let Ok(digest) = parse_digest(&entry) else { continue };
        let Some(bytes) = present(read_checked(store, Kind::Manifest, &entry, super::MAX_MANIFEST_BYTES)) else {
            continue;
        };
        let manifest = bytes.and_then(|bytes| {
            let stored = Stored { bytes, digest: digest.clone(), media_type: entry.media_type.clone() };
            Document::parse(&stored).map_err(|error| error.to_string())
        });
        let layers = match manifest {
            Ok(manifest) => manifest.layers,
            Err(reason) => {
                attached.push(Attached { digest: digest.to_string(), content: Err(reason) });
                continue;
            }
        };
        for layer in layers {
            if attached.len() >= MAX_STATEMENTS {
                return attached;
            }
            let content = present(read_checked(store, Kind::Manifest, &layer, MAX_BYTES.min(left)));
            left = left.saturating_sub(layer.size);
            attached.extend(content.map(|content| Attached { digest: layer.digest, content }));
        }
    }
    attached
}

fn parse(root: &Root) -> Option<Document> {
    let stored = Stored { bytes: root.bytes.clone(), digest: root.digest.clone(), media_type: root.media_type.clone() };
    Document::parse(&stored).ok()
}

/// What was read, or why it could not be; none where the store has it not.
fn present(read: Result<Vec<u8>, SourceError>) -> Option<Result<Vec<u8>, String>> {
    match read {
        Ok(bytes) => Some(Ok(bytes)),
        Err(SourceError::NotFound { .. }) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}
