//! The rebase of a whole image: every platform onto its part of the new base.

use std::sync::Arc;

use super::{Request, rebase};
use crate::facts::Inventory;
use crate::harden::image::Realiser;
use crate::harden::index::{assemble, left_out};
use crate::harden::plan::Step;
use crate::harden::survey::View;
use crate::harden::work::begin;
use crate::harden::{HardenError, Packing, Stage};
use crate::oci::{BASE_DIGEST, BASE_NAME};
use crate::source::{Image, Manifest, PlatformChoice};

/// What is put on which base.
pub struct Wanted<'a> {
    /// The image with all its platforms.
    pub image: &'a Image,
    /// The platforms that are put on the new base; the others are copied.
    pub choice: &'a PlatformChoice,
    /// The base that it was built on.
    pub old: &'a Image,
    /// The base that it shall be on.
    pub new: &'a Image,
    /// How people name that one.
    pub name: &'a str,
    /// `SOURCE_DATE_EPOCH`; none to date what is made as the old image is.
    pub epoch: Option<u64>,
    /// How layers that are rewritten are compressed; none for as they were.
    pub packing: Option<Packing>,
}

/// The image on the new base, staged, and what was done platform by platform.
pub struct OnBase {
    /// The image.
    pub image: Image,
    /// The base, as people name it.
    pub base: String,
    /// By platform.
    pub steps: Vec<(String, Vec<Step>)>,
    /// What happens to the image as a whole.
    pub notes: Vec<String>,
}

/// Puts an image on another base; none where every platform is on it already.
///
/// # Errors
/// As for [`rebase`], and when a base lacks a platform of the image.
pub fn put(wanted: &Wanted<'_>, stage: &Arc<Stage>) -> Result<Option<OnBase>, HardenError> {
    let Wanted { image, choice, epoch, .. } = wanted;
    let mut realiser = Realiser::new(stage, wanted.packing);
    let (mut platforms, mut steps) = (Vec::new(), Vec::new());
    for manifest in &image.manifests {
        let mut draft = begin(image, manifest, View::default(), Inventory::default(), *epoch)?;
        if choice.wants(&manifest.platform)
            && let Some(rebased) = one(wanted, manifest, draft.mtime)?
        {
            (draft.layers, draft.config) = (rebased.layers, rebased.config);
            draft.annotations.insert(BASE_NAME.to_owned(), wanted.name.into());
            draft.annotations.remove(BASE_DIGEST);
            let digest = wanted.new.digest.as_ref().map(|digest| (BASE_DIGEST.to_owned(), digest.as_str().into()));
            draft.annotations.extend(digest);
            steps.push((manifest.platform.to_string(), vec![rebased.step]));
        }
        platforms.push(realiser.platform(draft, manifest)?);
    }
    if steps.is_empty() {
        return Ok(None);
    }
    let notes = left_out(image).into_iter().collect();
    let new = assemble(image, platforms, &mut |_| None)?;
    let image = new.open(&image.reference, stage)?;
    Ok(Some(OnBase { image, base: wanted.name.to_owned(), steps, notes }))
}

fn one(wanted: &Wanted<'_>, manifest: &Manifest, mtime: u64) -> Result<Option<super::Rebased>, HardenError> {
    let of = |base: &'_ Image, which: &str| {
        let found = base.manifests.iter().position(|one| one.platform.satisfies(&manifest.platform));
        let is_only = (base.manifests.len() == 1 && wanted.image.manifests.len() == 1).then_some(0);
        found.or(is_only).ok_or_else(|| HardenError::Refused {
            what: format!("rebase onto `{}`", wanted.name),
            reasons: vec![format!("the {which} base has no image for {}", manifest.platform)],
        })
    };
    let (old, new) = (of(wanted.old, "old")?, of(wanted.new, "new")?);
    let (Some(old), Some(new)) = (wanted.old.manifests.get(old), wanted.new.manifests.get(new)) else {
        return Ok(None);
    };
    rebase(&Request {
        image: manifest,
        image_blobs: wanted.image.blobs.clone(),
        old,
        new,
        new_blobs: wanted.new.blobs.clone(),
        name: wanted.name,
        mtime,
    })
}
