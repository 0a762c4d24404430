//! What each platform stands on: the identified base, the newer one of its line, and what that would change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::findings::{Found, candidates, vulnerability};
use super::run::{ScannedImage, ScannedPlatform, scan_images};
use super::schedule::{Progress, ReadOptions};
use crate::advisory::{AdvisoryError, Inventory as AdvisoryInventory, Store, match_inventory};
use crate::base::catalogue::{Draft, Read};
use crate::base::staleness::{Newer, newer};
use crate::base::{Catalogue, CatalogueError, Identity, LayerRead, Subject, findings, identify};
use crate::facts::cache::Cache;
use crate::facts::{Effect, Inventory};
use crate::finding::{Finding, Kind};
use crate::source::{Image, Layer};

/// Why a run has no answer: what it compares with is damaged.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The advisory store.
    #[error(transparent)]
    Store(#[from] AdvisoryError),
    /// The base catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// What a platform stands on.
#[derive(Default)]
pub(super) struct Standing<'c> {
    /// The base, with its evidence.
    pub identity: Identity<'c>,
    /// The newer one.
    pub newer: Option<Newer<'c>>,
    /// What the newer one would change.
    pub change: Change,
}

/// Vulnerabilities by the ids of their findings, each with the advisory's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Those of the image that the newer base has not.
    pub fixes: BTreeMap<String, String>,
    /// Those that only the newer base has.
    pub adds: BTreeMap<String, String>,
}

/// Finds out what a platform stands on; what there is to say of it goes to its findings.
pub(super) fn stand<'c>(
    scanned: &ScannedImage,
    platform: &ScannedPlatform,
    found: &mut Found,
    store: &Store,
    catalogue: Option<&'c Catalogue>,
) -> Result<Standing<'c>, RunError> {
    let image = &scanned.image;
    let subject = Subject {
        manifest: &platform.manifest,
        index: &image.annotations,
        attached: &image.attached,
        inventory: &platform.inventory,
        read: &platform.read,
    };
    let identity = identify(&subject, catalogue)?;
    let mut standing = Standing { identity, ..Standing::default() };
    if let (Some(catalogue), Some(base)) = (catalogue, standing.identity.base.as_ref().filter(|base| base.is_proven)) {
        standing.newer = newer(catalogue, base, &base.image.platform);
        if let Some(newer) = &standing.newer {
            let [before, after] = [base.image, newer.image].map(|image| catalogue.inventory(image));
            let [before, after] = [open(store, &before?)?, open(store, &after?)?];
            standing.change = change(&found.findings, &before, &after);
        }
    }
    let mut more = findings::of_base(&standing.identity, standing.newer.as_ref(), standing.change.fixes.len());
    let name = platform.manifest.platform.to_string();
    more.iter_mut().for_each(|finding| finding.seen_on(&name));
    found.findings.extend(more);
    Ok(standing)
}

/// What a newer base changes in an image with these findings.
fn change(own: &[Finding], before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Change {
    let own: BTreeSet<String> = own.iter().filter(|finding| is_open(finding)).map(Finding::id).collect();
    let fixes = before.iter().filter(|(id, _)| own.contains(*id) && !after.contains_key(*id));
    let adds = after.iter().filter(|(id, _)| !own.contains(*id) && !before.contains_key(*id));
    let owned = |(id, rule): (&String, &String)| (id.clone(), rule.clone());
    Change { fixes: fixes.map(owned).collect(), adds: adds.map(owned).collect() }
}

/// The vulnerabilities that a scan of such an image would leave open, by the ids of their findings.
fn open(store: &Store, inventory: &Inventory) -> Result<BTreeMap<String, String>, AdvisoryError> {
    let (candidates, os) = candidates(inventory);
    let outcome = match_inventory(store, &AdvisoryInventory { packages: &candidates, os })?;
    let findings = outcome.matches.iter().map(|found| vulnerability(inventory, found));
    Ok(findings.filter(is_open).map(|finding| (finding.id(), finding.rule)).collect())
}

fn is_open(finding: &Finding) -> bool {
    finding.kind == Kind::Vulnerability && finding.set_aside.is_none()
}

/// A base image that is to be read.
pub struct BaseToRead {
    /// The name of its repository in the catalogue.
    pub repository: String,
    /// Whether a signature hangs on it.
    pub signed: Option<bool>,
    /// The image.
    pub image: Image,
}

/// Reads base images, each distinct layer once, and adds them to a catalogue. Gives what was left out, and why: a platform that was not read whole is no base to go by.
#[must_use]
pub fn index(
    bases: Vec<BaseToRead>,
    read: ReadOptions,
    cache: &Cache,
    progress: Arc<dyn Progress>,
    draft: &mut Draft,
) -> Vec<String> {
    let mut left_out = Vec::new();
    let (names, images): (Vec<_>, Vec<_>) =
        bases.into_iter().map(|base| ((base.repository, base.signed), base.image)).unzip();
    let scanned = scan_images(images, read, cache, &progress);
    for ((repository, signed), scanned) in names.into_iter().zip(scanned) {
        let (whole, rest): (Vec<_>, Vec<_>) = scanned.platforms.iter().partition(|platform| is_whole(platform));
        let reference = &scanned.image.reference;
        left_out.extend(rest.iter().map(|platform| {
            let why = platform.inventory.unknowns.iter().find(|(_, unknown)| unknown.effect == Effect::Required);
            let why = why.map_or("its layers have no diff IDs", |(_, unknown)| unknown.reason.as_str());
            format!("`{reference}` for {} was left out: {why}", platform.manifest.platform)
        }));
        let Some(root) = scanned.image.digest.as_ref().filter(|_| !whole.is_empty()) else { continue };
        let reads: Vec<Read<'_>> = whole
            .iter()
            .map(|platform| Read { manifest: &platform.manifest, inventory: &platform.inventory })
            .collect();
        draft.add(&repository, root, signed, &reads);
    }
    left_out
}

/// Whether everything of a platform was read, and each layer held against its diff ID.
fn is_whole(platform: &ScannedPlatform) -> bool {
    let has_ids = |layer: &Layer| layer.digest.is_some() && layer.diff_id.is_some();
    let layers = &platform.manifest.layers;
    platform.complete && layers.iter().all(has_ids) && platform.read.iter().all(|read| *read == LayerRead::Unpacked)
}
