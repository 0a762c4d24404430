//! A bill to the platforms that it is about.
//!
//! Our own bills of an index list each platform's image with a property that names it, and what each contains. All other tools' bills are about one platform, of
//! which they tell the CPU at most, in the package URL of the image.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bill, Component, Listing, Role, manifest};
use crate::oci::Platform;
use crate::source::resolve::{check_choice, check_single};
use crate::source::{Manifest, PlatformChoice, SourceError};

/// The property of an image's component that names its platform.
pub(crate) const PLATFORM: &str = "imgguard:platform";

/// The property of an image's component that says whether everything in it was read.
const COMPLETE: &str = "imgguard:complete";

/// What stands for a CPU that is not told.
pub(super) const UNKNOWN: &str = "unknown";

/// The platforms of a bill, in its order; there is at least one.
pub(super) fn split(bill: Bill, file: &str) -> Vec<Manifest> {
    let is_platform = |component: &Component| component.role == Role::Container && named_platform(component).is_some();
    let images: Vec<usize> =
        bill.components.iter().enumerate().filter(|(_, component)| is_platform(component)).map(|(at, _)| at).collect();
    if images.is_empty() {
        return vec![single(bill, file)];
    }
    images.into_iter().filter_map(|image| one_of(&bill, image, file)).collect()
}

/// The platforms that are asked for. One whose CPU is not told may be any.
pub(super) fn choose(manifests: Vec<Manifest>, choice: &PlatformChoice) -> Result<Vec<Manifest>, SourceError> {
    let is_told = |manifest: &Manifest| manifest.platform.architecture != UNKNOWN;
    match manifests.as_slice() {
        [only] if is_told(only) => check_single(choice, only)?,
        [_] => {}
        several => check_choice(choice, several.iter().map(|manifest| Some(&manifest.platform)))?,
    }
    let is_only = manifests.len() == 1;
    Ok(manifests.into_iter().filter(|manifest| is_only || choice.wants(&manifest.platform)).collect())
}

fn named_platform(component: &Component) -> Option<Platform> {
    component.property(PLATFORM)?.parse().ok()
}

/// The platform of `image`, with what the bill says that it has.
fn one_of(bill: &Bill, image: usize, file: &str) -> Option<Manifest> {
    let subject = bill.components.get(image)?;
    let has = bill.relations.iter().filter(|relation| relation.from == image && !relation.owns);
    let chosen: BTreeSet<usize> = has.map(|relation| relation.to).collect();
    let mut listing = listing(bill, file, |place| chosen.contains(&place));
    if subject.property(COMPLETE) == Some("false") {
        listing.incomplete.push("not everything in the image was read".into());
    }
    Some(manifest(named_platform(subject)?, subject.digest.clone(), listing))
}

/// The only platform.
fn single(bill: Bill, file: &str) -> Manifest {
    let image = bill.components.iter().find(|component| component.role == Role::Container);
    let platform = Platform {
        os: "linux".into(),
        architecture: image.and_then(architecture).unwrap_or(UNKNOWN).to_owned(),
        variant: String::new(),
    };
    let digest = image.and_then(|image| image.digest.clone());
    manifest(platform, digest, Listing { incomplete: bill.incomplete.clone(), ..listing(&bill, file, |_| true) })
}

/// `arch` of `pkg:oci/app@sha256:…?arch=arm64`.
fn architecture(image: &Component) -> Option<&str> {
    let (_, qualifiers) = image.purl.as_deref()?.split_once('?')?;
    let value = qualifiers.split('&').find_map(|pair| pair.strip_prefix("arch="))?;
    value.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(value)
}

/// The chosen components, with owners under their new places.
fn listing(bill: &Bill, file: &str, is_chosen: impl Fn(usize) -> bool) -> Listing {
    let mut listing = Listing {
        file: file.to_owned(),
        seal: bill.seal,
        format: bill.format.clone(),
        malformed: bill.malformed,
        ..Listing::default()
    };
    let systems: Vec<usize> = bill
        .components
        .iter()
        .enumerate()
        .filter(|(place, component)| component.role == Role::OperatingSystem && is_chosen(*place))
        .map(|(place, _)| place)
        .collect();
    let size = |system: &usize| bill.relations.iter().filter(|relation| relation.from == *system).count();
    // The first of those with the most packages.
    let system = systems.iter().rev().max_by_key(|system| size(system));
    listing.os = system.and_then(|place| bill.components.get(*place)).cloned();
    let mut places = BTreeMap::new();
    for (place, component) in bill.components.iter().enumerate() {
        if is_chosen(place) && component.role != Role::OperatingSystem {
            places.insert(place, listing.components.len());
            listing.components.push(component.clone());
        }
    }
    for relation in bill.relations.iter().filter(|relation| relation.owns) {
        let owner = bill.components.get(relation.from).map(|owner| owner.name.clone());
        if let (Some(owned), Some(owner)) = (places.get(&relation.to), owner) {
            listing.owners.insert(*owned, owner);
        }
    }
    listing
}
