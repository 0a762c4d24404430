//! The index written again, with every field that nobody here knows.
//!
//! Source: OCI image-spec `image-index.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::HardenError;
use super::image::{Document, NewImage, NewPlatform};
use super::manifest::point;
use crate::oci::Platform;
use crate::source::Image;
use crate::source::repository::INDEX;

/// The new image of the platforms, in the order of the old one. `mask` rewrites annotations of the index.
///
/// # Errors
/// When the index cannot be written again.
pub fn assemble(
    old: &Image,
    platforms: Vec<NewPlatform>,
    mask: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<NewImage, HardenError> {
    let Some(stored) = &old.index else {
        let root = platforms.first().map(|platform| platform.manifest.clone());
        let root = root.ok_or_else(|| HardenError::Unfit { what: "the image".into(), why: "it is empty".into() })?;
        return Ok(NewImage { root, platforms });
    };
    let unfit = |why: String| HardenError::Unfit { what: "the index".into(), why };
    let mut document: Map<String, Value> = serde_json::from_slice(stored).map_err(|error| unfit(error.to_string()))?;
    let before = document.clone();
    let media_type = document.get("mediaType").and_then(Value::as_str).unwrap_or(INDEX).to_owned();
    let entries = document.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default();
    document.insert("manifests".into(), index_entries(entries, &platforms).into());
    for part in ["annotations", "manifests"] {
        if let Some(value) = document.get_mut(part) {
            super::config::rewrite_annotations(value, mask);
        }
    }
    let bytes: Arc<[u8]> =
        if document == before { stored.clone() } else { Value::Object(document).to_string().into_bytes().into() };
    Ok(NewImage { root: Document::new(bytes, media_type), platforms })
}

/// The entries of the new index: those of platforms, pointed to their new manifests. Others go; see [`left_out`].
fn index_entries(entries: Vec<Value>, platforms: &[NewPlatform]) -> Vec<Value> {
    let mut placed = BTreeSet::new();
    let mut kept = Vec::new();
    for mut entry in entries {
        let digest = entry.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
        let platform = platforms.iter().find(|new| new.before.as_ref().is_some_and(|old| old.as_str() == digest));
        let Some(platform) = platform else { continue };
        point(&mut entry, &platform.manifest.digest, platform.manifest.bytes.len() as u64);
        placed.insert(&platform.before);
        kept.push(entry);
    }
    // Manifests of an index in the index.
    for platform in platforms.iter().filter(|platform| !placed.contains(&platform.before)) {
        let Document { bytes, digest, media_type } = &platform.manifest;
        kept.push(json!({
            "mediaType": media_type,
            "digest": digest.as_str(),
            "size": bytes.len(),
            "platform": platform_value(&platform.platform),
        }));
    }
    kept
}

/// What an index has that the new one will not have, in words: statements about the old image, and indexes in it.
#[must_use]
pub fn left_out(old: &Image) -> Option<String> {
    let document: Value = serde_json::from_slice(old.index.as_ref()?).ok()?;
    let known: BTreeSet<&str> =
        old.manifests.iter().filter_map(|known| Some(known.digest.as_ref()?.as_str())).collect();
    let entries = document.get("manifests").and_then(Value::as_array)?;
    let is_other = |entry: &&Value| entry.get("digest").and_then(Value::as_str).is_none_or(|it| !known.contains(it));
    match entries.iter().filter(is_other).count() {
        0 => None,
        1 => Some("1 entry of the index is left out, since it is no image: what it says of the old image is not true of the new one".into()),
        count => Some(format!("{count} entries of the index are left out, since they are no images: what they say of the old image is not true of the new one")),
    }
}

fn platform_value(platform: &Platform) -> Value {
    let mut value = json!({"architecture": platform.architecture, "os": platform.os});
    if !platform.variant.is_empty() {
        value["variant"] = platform.variant.clone().into();
    }
    value
}
