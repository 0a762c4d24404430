//! Images to inventories: reads each distinct layer of all images once, and merges them platform by platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::schedule::{Job, LayerKey, Outcome, Progress, ReadOptions, read_layers, tell_merged};
use super::{hash_files, second_read};
use crate::base::LayerRead;
use crate::digest::Digest;
use crate::facts::cache::Cache;
use crate::facts::merge::{MergeOptions, UnhashedFile, UnreadFile, merge, unhashed_files, unread_files};
use crate::facts::{Effect, Inventory, LayerFacts, Unknown, listed};
use crate::inspect::wanted_by_name;
use crate::layer::LayerError;
use crate::layer::inflate::Compression;
use crate::source::{Blobs, Image, Layer, Manifest, SourceError};

/// One platform of an image with all its facts.
pub(super) struct ScannedPlatform {
    /// The platform's manifest.
    pub manifest: Manifest,
    /// What its layers hold.
    pub inventory: Inventory,
    /// Whether everything required was read.
    pub complete: bool,
    /// How far each layer was read, lowest first.
    pub read: Vec<LayerRead>,
}

/// One image with all its facts.
pub(super) struct ScannedImage {
    /// The image.
    pub image: Image,
    /// Its platforms, as chosen.
    pub platforms: Vec<ScannedPlatform>,
    /// Errors that decide about the exit code: layers that could not be had, or that do not have their digest.
    pub failures: Vec<Failure>,
}

/// How a layer failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Failure {
    /// It could not be read to its end, or passed a limit.
    Unreadable,
    /// The source could not be reached.
    Unreachable,
    /// It has another digest or size than the manifest says.
    Mismatch,
}

/// The distinct layers of all images.
#[must_use]
pub fn jobs(images: &[Image]) -> Vec<Job> {
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::new();
    for (number, image) in images.iter().enumerate() {
        for layer in image.manifests.iter().flat_map(|manifest| &manifest.layers) {
            let key = LayerKey::of(layer, number);
            if seen.insert(key.clone()) {
                jobs.push(Job { key, layer: layer.clone(), blobs: image.blobs.clone() });
            }
        }
    }
    jobs
}

/// Reads and merges all images of a run.
#[must_use]
pub(super) fn scan_images(
    images: Vec<Image>,
    options: ReadOptions,
    cache: &Cache,
    progress: &Arc<dyn Progress>,
) -> Vec<ScannedImage> {
    let merged = merged_before(&images, options, cache);
    let (needed, rest) = needed(&images, &merged);
    for job in &rest {
        progress.read(job.layer.size);
        tell_merged(job);
    }
    let mut outcomes = read_layers(needed, options, cache, progress);
    for (number, image) in images.iter().enumerate() {
        let manifests: Vec<_> = unmerged(image, number, &merged).collect();
        fetch_unread(image, number, &manifests, &mut outcomes, cache);
        hash_suspects(image, number, &manifests, options.merging, &mut outcomes, cache);
    }
    let mut merging = Merging { outcomes: &outcomes, merged, options, cache };
    images.into_iter().enumerate().map(|(number, image)| merging.image(image, number)).collect()
}

/// What earlier runs merged, by the number of the image and of the platform in it.
type Merged = BTreeMap<(usize, usize), Inventory>;

fn merged_before(images: &[Image], options: ReadOptions, cache: &Cache) -> Merged {
    let mut merged = Merged::new();
    for (number, image) in images.iter().enumerate().filter(|_| !options.verify_diff_ids) {
        for (which, manifest) in image.manifests.iter().enumerate() {
            let inventory = cached_as(manifest).and_then(|digest| cache.get_platform(digest, options.merging));
            merged.extend(inventory.map(|inventory| ((number, which), inventory)));
        }
    }
    merged
}

/// What names a platform in the cache: the manifest's digest, which covers configuration and layers. A bill's packages need no merge.
fn cached_as(manifest: &Manifest) -> Option<&Digest> {
    manifest.digest.as_ref().filter(|_| manifest.listing.is_none())
}

/// The platforms that no earlier run merged.
fn unmerged<'a>(image: &'a Image, number: usize, merged: &Merged) -> impl Iterator<Item = (usize, &'a Manifest)> {
    image.manifests.iter().enumerate().filter(move |(which, _)| !merged.contains_key(&(number, *which)))
}

/// The layers of platforms that have yet to be merged, and the rest.
fn needed(images: &[Image], merged: &Merged) -> (Vec<Job>, Vec<Job>) {
    let mut keys = BTreeSet::new();
    for (number, image) in images.iter().enumerate() {
        let layers = unmerged(image, number, merged).flat_map(|(_, manifest)| &manifest.layers);
        keys.extend(layers.map(|layer| LayerKey::of(layer, number)));
    }
    jobs(images).into_iter().partition(|job| keys.contains(&job.key))
}

fn facts_of<'a>(
    manifest: &Manifest,
    image: usize,
    outcomes: &'a BTreeMap<LayerKey, Outcome>,
) -> Vec<Option<&'a LayerFacts>> {
    let facts = |layer| outcomes.get(&LayerKey::of(layer, image)).and_then(|outcome| outcome.as_ref().ok());
    manifest.layers.iter().map(facts).collect()
}

/// What is to be read again, by layer: the number of a manifest and of the layer there, and the files.
type Wanted<File> = BTreeMap<LayerKey, (usize, usize, Vec<File>)>;

/// Reads the files that only links give a name by which an inspector asks for them.
fn fetch_unread(
    image: &Image,
    number: usize,
    manifests: &[(usize, &Manifest)],
    outcomes: &mut BTreeMap<LayerKey, Outcome>,
    cache: &Cache,
) {
    let mut wanted: Wanted<UnreadFile> = BTreeMap::new();
    for &(which, manifest) in manifests {
        let unread = unread_files(&facts_of(manifest, number, outcomes));
        for file in unread.into_iter().filter(|file| wanted_by_name(file.known_as.as_bytes()).is_some()) {
            let Some(layer) = manifest.layers.get(file.layer) else { continue };
            let entry = wanted.entry(LayerKey::of(layer, number)).or_insert((which, file.layer, Vec::new()));
            if !entry.2.iter().any(|other| other.keep_at == file.keep_at) {
                entry.2.push(file);
            }
        }
    }
    read_again(image, wanted, outcomes, cache, second_read::read_again);
}

/// Hashes the files of OS packages that may have been changed.
fn hash_suspects(
    image: &Image,
    number: usize,
    manifests: &[(usize, &Manifest)],
    options: MergeOptions,
    outcomes: &mut BTreeMap<LayerKey, Outcome>,
    cache: &Cache,
) {
    let mut wanted: Wanted<UnhashedFile> = BTreeMap::new();
    for &(which, manifest) in manifests {
        for file in unhashed_files(&facts_of(manifest, number, outcomes), options) {
            let Some(layer) = manifest.layers.get(file.layer) else { continue };
            wanted.entry(LayerKey::of(layer, number)).or_insert((which, file.layer, Vec::new())).2.push(file);
        }
    }
    wanted.values_mut().for_each(|(.., files)| {
        files.sort();
        files.dedup_by(|a, b| (&a.path, a.algorithm) == (&b.path, b.algorithm));
    });
    read_again(image, wanted, outcomes, cache, hash_files::hash_files);
}

/// Reads layers again for some of their files. Facts that were completed so are kept for the next run.
fn read_again<File>(
    image: &Image,
    wanted: Wanted<File>,
    outcomes: &mut BTreeMap<LayerKey, Outcome>,
    cache: &Cache,
    read: impl Fn(&dyn Blobs, &Layer, &[File], &mut LayerFacts) -> Result<(), LayerError>,
) {
    for (key, (which, index, files)) in wanted {
        let Some(layer) = image.manifests.get(which).and_then(|manifest| manifest.layers.get(index)) else { continue };
        let Some(outcome) = outcomes.get_mut(&key) else { continue };
        let Ok(facts) = outcome else { continue };
        match read(image.blobs.as_ref(), layer, &files, facts) {
            Err(error) => *outcome = Err(error),
            Ok(()) => {
                if let LayerKey::Digest(digest) = &key {
                    let _ = cache.put(digest, facts);
                }
            }
        }
    }
}

/// The last step: the facts of layers to inventories.
struct Merging<'a> {
    outcomes: &'a BTreeMap<LayerKey, Outcome>,
    merged: Merged,
    options: ReadOptions,
    cache: &'a Cache,
}

impl Merging<'_> {
    fn image(&mut self, image: Image, number: usize) -> ScannedImage {
        let mut failures = BTreeSet::new();
        let mut platforms = Vec::new();
        for (which, manifest) in image.manifests.iter().enumerate() {
            // Only what was read whole is kept from one run to the next.
            let (mut inventory, is_read) = match self.merged.remove(&(number, which)) {
                Some(inventory) => (inventory, vec![true; manifest.layers.len()]),
                None => self.platform(manifest, number, &mut failures),
            };
            let read =
                manifest.layers.iter().zip(is_read).map(|(layer, is_read)| self.how_far(layer, is_read)).collect();
            inventory.unknowns.extend(unread_statements(&image).map(|unknown| (None, unknown)));
            let complete = inventory.unknowns.iter().all(|(_, unknown)| unknown.effect == Effect::Optional);
            platforms.push(ScannedPlatform { manifest: manifest.clone(), inventory, complete, read });
        }
        ScannedImage { image, platforms, failures: failures.into_iter().collect() }
    }

    /// A stored layer that is not compressed has its diff ID as its digest, and one without a digest is always held against its diff ID.
    fn how_far(&self, layer: &Layer, is_read: bool) -> LayerRead {
        let is_unpacked = self.options.verify_diff_ids || layer.digest.is_none() || layer.digest == layer.diff_id;
        match (is_read, is_unpacked) {
            (false, _) => LayerRead::Unread,
            (true, false) => LayerRead::Stored,
            (true, true) => LayerRead::Unpacked,
        }
    }

    /// The merged facts, and which layers were read. What was read whole is kept for the next run; that it cannot be costs that run time and this one nothing.
    fn platform(&self, manifest: &Manifest, number: usize, failures: &mut BTreeSet<Failure>) -> (Inventory, Vec<bool>) {
        let mut inventory = match &manifest.listing {
            Some(listing) => listed::inventory(listing),
            None => merge(&facts_of(manifest, number, self.outcomes), &manifest.config.config, self.options.merging),
        };
        let mut is_read = Vec::new();
        for (index, layer) in manifest.layers.iter().enumerate() {
            let outcome = self.outcomes.get(&LayerKey::of(layer, number));
            is_read.push(matches!(outcome, Some(Ok(_))));
            let unknown = match outcome {
                None => None,
                Some(Ok(facts)) => misnamed(layer, facts),
                Some(Err(error)) => {
                    failures.insert(failure(error));
                    Some(unknown(error))
                }
            };
            inventory.unknowns.extend(unknown.map(|unknown| (Some(index), unknown)));
        }
        if let Some(digest) = cached_as(manifest).filter(|_| is_read.iter().all(|is_read| *is_read)) {
            let _ = self.cache.put_platform(digest, self.options.merging, &inventory);
        }
        (inventory, is_read)
    }
}

/// Attestations that could not be read.
fn unread_statements(image: &Image) -> impl Iterator<Item = Unknown> {
    image.attached.iter().filter_map(|attached| {
        let reason = format!("the attestation {}: {}", attached.digest, attached.content.as_ref().err()?);
        Some(Unknown { effect: Effect::Optional, path: None, by: "attestations".into(), reason })
    })
}

/// Engines go by the first bytes; a media type that says something else is told, since other tools may go by it.
fn misnamed(layer: &Layer, facts: &LayerFacts) -> Option<Unknown> {
    let (said, is) = (Compression::of_media_type(&layer.media_type)?, facts.compression?);
    let reason = format!("the media type says {}, the bytes are {}", said.name(), is.name());
    (said != is).then(|| Unknown { effect: Effect::Optional, path: None, by: "layer".into(), reason })
}

fn failure(error: &LayerError) -> Failure {
    match error {
        error if error.is_mismatch() => Failure::Mismatch,
        LayerError::Source(source) if !source.is_damage() && !matches!(source, SourceError::NotFound { .. }) => {
            Failure::Unreachable
        }
        _ => Failure::Unreadable,
    }
}

fn unknown(error: &LayerError) -> Unknown {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        cause = error.source();
    }
    Unknown { effect: Effect::Required, path: None, by: "layer".into(), reason }
}
