//! A bill to the platforms that it is about.
//!
//! Our own bills of an index list each platform's image with a property that names it, and what each contains. All other tools' bills are about one platform, of
//! which they tell the CPU at most, in the package URL of the image.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bill, Component, Listing, Role, malformed, manifest};
use crate::oci::Platform;
use crate::source::resolve::{check_choice, check_single};
use crate::source::{MAX_INDEX_ENTRIES, Manifest, PlatformChoice, SourceError};

/// The property of an image's component that names its platform.
pub(crate) const PLATFORM: &str = "imgguard:platform";

/// The property of an image's component that says whether everything in it was read.
const COMPLETE: &str = "imgguard:complete";

/// What stands for a CPU that is not told.
pub(super) const UNKNOWN: &str = "unknown";

/// Most components of all platforms together; one that several platforms have counts for each.
const MAX_LISTED: usize = 4_000_000;

/// The platforms of a bill, in its order; there is at least one.
pub(super) fn split(bill: Bill, file: &str) -> Result<Vec<Manifest>, SourceError> {
    let is_platform = |component: &Component| component.role == Role::Container && named_platform(component).is_some();
    let all = bill.components.iter().enumerate();
    let images: Vec<usize> = all.filter(|(_, component)| is_platform(component)).map(|(at, _)| at).collect();
    let related = Related::of(&bill);
    // An index of ours has no more; of a document that is none of ours, everything is one platform's.
    if images.is_empty() || images.len() > MAX_INDEX_ENTRIES {
        return Ok(vec![single(&bill, &related, file)]);
    }
    let listed = images.iter().filter_map(|image| related.has.get(image)).map(BTreeSet::len);
    if listed.sum::<usize>() > MAX_LISTED {
        return Err(malformed(format!("its platforms list more than {MAX_LISTED} components")));
    }
    Ok(images.into_iter().filter_map(|image| one_of(&bill, &related, image, file)).collect())
}

/// The relations of a bill by component, gathered once: a hostile bill has as many platforms and systems as it likes.
struct Related {
    /// What each contains or depends on.
    has: BTreeMap<usize, BTreeSet<usize>>,
    /// The name of the one whose files each is.
    owner: BTreeMap<usize, String>,
}

impl Related {
    fn of(bill: &Bill) -> Self {
        let mut related = Self { has: BTreeMap::new(), owner: BTreeMap::new() };
        for relation in &bill.relations {
            if !relation.owns {
                related.has.entry(relation.from).or_default().insert(relation.to);
            } else if let Some(owner) = bill.components.get(relation.from) {
                related.owner.insert(relation.to, owner.name.clone());
            }
        }
        related
    }
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
fn one_of(bill: &Bill, related: &Related, image: usize, file: &str) -> Option<Manifest> {
    let subject = bill.components.get(image)?;
    let chosen = related.has.get(&image).into_iter().flatten().copied();
    let mut listing = listing(bill, related, file, chosen);
    if subject.property(COMPLETE) == Some("false") {
        listing.incomplete.push("not everything in the image was read".into());
    }
    Some(manifest(named_platform(subject)?, subject.digest.clone(), listing))
}

/// The only platform.
fn single(bill: &Bill, related: &Related, file: &str) -> Manifest {
    let image = bill.components.iter().find(|component| component.role == Role::Container);
    let platform = Platform {
        os: "linux".into(),
        architecture: image.and_then(architecture).unwrap_or(UNKNOWN).to_owned(),
        variant: String::new(),
    };
    let digest = image.and_then(|image| image.digest.clone());
    let listing = listing(bill, related, file, 0..bill.components.len());
    manifest(platform, digest, Listing { incomplete: bill.incomplete.clone(), ..listing })
}

/// `arch` of `pkg:oci/app@sha256:…?arch=arm64`.
fn architecture(image: &Component) -> Option<&str> {
    let (_, qualifiers) = image.purl.as_deref()?.split_once('?')?;
    let value = qualifiers.split('&').find_map(|pair| pair.strip_prefix("arch="))?;
    value.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(value)
}

/// The chosen components; of several operating systems the first of those that have the most packages.
fn listing(bill: &Bill, related: &Related, file: &str, chosen: impl Iterator<Item = usize>) -> Listing {
    let mut listing = Listing {
        file: file.to_owned(),
        seal: bill.seal,
        format: bill.format.clone(),
        malformed: bill.malformed,
        ..Listing::default()
    };
    let mut most = None;
    for (place, component) in chosen.filter_map(|place| Some((place, bill.components.get(place)?))) {
        if component.role == Role::OperatingSystem {
            let size = related.has.get(&place).map_or(0, BTreeSet::len);
            if most.is_none_or(|most| size > most) {
                most = Some(size);
                listing.os = Some(component.clone());
            }
            continue;
        }
        let owner = related.owner.get(&place).cloned();
        listing.owners.extend(owner.map(|owner| (listing.components.len(), owner)));
        listing.components.push(component.clone());
    }
    listing
}
