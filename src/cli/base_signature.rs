//! Whether an image was built on what a demand wants to be signed.
//!
//! An image says itself what its base is, in annotations that anybody can write. So what it says counts only when it begins with the very layers of that base.
//!
//! Source: OCI image-spec, "Annotations" (`org.opencontainers.image.base.*`).

use super::args::Reading;
use super::sources::Opener;
use crate::oci::{BASE_DIGEST, BASE_NAME, Platform};
use crate::reference::{ImageName, Reference};
use crate::source::{Image, Manifest, SourceError};

/// The distinct bases of an image's platforms, as references with digests.
///
/// The inner error says why there is none that counts.
///
/// # Errors
/// When a base could not be read.
pub(super) fn bases(image: &Image, how: &Reading) -> Result<Result<Vec<String>, String>, SourceError> {
    let all = Reading { offline: how.offline, network: how.network.clone(), ..Reading::default() };
    let opener = Opener::new(&all, false);
    let mut bases: Vec<String> = Vec::new();
    for manifest in &image.manifests {
        let name = match named(image, manifest) {
            Ok(name) => name,
            Err(why) => return Ok(Err(why)),
        };
        let text = name.to_string();
        let base = opener.open(&text, &Reference::Registry { name, bare: false })?;
        if let Err(why) = begins_with(manifest, &base, &text, how.verify_diff_ids) {
            return Ok(Err(why));
        }
        if !bases.contains(&text) {
            bases.push(text);
        }
    }
    Ok(if bases.is_empty() { Err("it has no platform".to_owned()) } else { Ok(bases) })
}

/// What a platform's image, or else its index, says that it was built on.
pub(super) fn named(image: &Image, manifest: &Manifest) -> Result<ImageName, String> {
    let platform = &manifest.platform;
    let said = |key: &str| manifest.annotations.get(key).or_else(|| image.annotations.get(key));
    let (Some(name), Some(digest)) = (said(BASE_NAME), said(BASE_DIGEST)) else {
        return Err(format!(
            "the image for {platform} does not say what it was built on (annotations {BASE_NAME} and {BASE_DIGEST})"
        ));
    };
    let wrong =
        || format!("what the image for {platform} says that it was built on is no name of an image with a digest");
    let mut name: ImageName = name.parse().map_err(|_| wrong())?;
    name.tag = None;
    name.digest = Some(digest.parse().map_err(|_| wrong())?);
    Ok(name)
}

/// Whether the layers of a base are the first of an image. Stored layers have digests that are checked as they are read; where they were compressed anew, diff IDs are compared, which say something
/// only when they are checked.
fn begins_with(manifest: &Manifest, base: &Image, name: &str, checks_diff_ids: bool) -> Result<(), String> {
    let same = |candidate: &&Manifest| base.manifests.len() == 1 || is_same(&candidate.platform, &manifest.platform);
    let platform = &manifest.platform;
    let Some(below) = base.manifests.iter().find(same) else {
        return Err(format!("`{name}` has no image for {platform}"));
    };
    let stored = manifest.layers.iter().map(|layer| &layer.digest);
    let is_stored = !below.layers.is_empty()
        && below.layers.len() <= manifest.layers.len()
        && below.layers.iter().zip(stored).all(|(below, own)| own.is_some() && below.digest == *own);
    if is_stored {
        return Ok(());
    }
    let (own, below) = (&manifest.config.rootfs.diff_ids, &below.config.rootfs.diff_ids);
    if below.is_empty() || !own.starts_with(below) {
        return Err(format!(
            "the image for {platform} does not begin with the layers of `{name}`, on which it says that it was built"
        ));
    }
    if checks_diff_ids {
        Ok(())
    } else {
        Err(format!(
            "the layers of `{name}` are compressed anew in the image for {platform}; pass --verify-diff-ids to have them compared"
        ))
    }
}

fn is_same(a: &Platform, b: &Platform) -> bool {
    a.to_string() == b.to_string()
}
