//! References to images that are being read: opening, the cache, the progress, and how the reading of one ended.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::args::{Global, Reading};
use super::exit::Ending;
use super::progress::Bar;
use super::sources::{self, Opener};
use super::{Failed, places};
use crate::diagnostics::{Fact, tell};
use crate::facts::cache::Cache;
use crate::facts::merge::MergeOptions;
use crate::reference::Reference;
use crate::report::bytes;
use crate::scan::{self, Answer, CollectOptions, Failure, ReadOptions};
use crate::source::{Image, SourceError};

/// Cores beyond which more workers only take memory: a layer is the unit of work.
const MAX_THREADS: usize = 16;

/// The images that could be opened, and how the others count: those are told, and the rest is still read.
pub(super) fn open(references: &[(String, Reference)], opener: &Opener<'_>) -> (Vec<Image>, Ending) {
    let mut worst = Ending::Pass;
    let mut images = Vec::new();
    for (text, reference) in references {
        match opener.open(text, reference) {
            Ok(image) => {
                tell_image(&image);
                images.push(image);
            }
            Err(error) => worst = worst.max(unopened(text, reference, error)),
        }
    }
    (images, worst)
}

/// Tells of an image that was opened.
fn tell_image(image: &Image) {
    let layers = image.manifests.iter().map(|manifest| manifest.layers.len()).sum();
    let facts = [
        ("from", Fact::Word(image.transport)),
        ("digest", image.digest.as_ref().map_or(Fact::Word("none"), Fact::Digest)),
        ("platforms", Fact::Count(image.manifests.len())),
        ("layers", Fact::Count(layers)),
        ("statements", Fact::Count(image.attached.len())),
    ];
    tell("image", &facts);
}

/// How layers are read.
pub(super) fn options(reading: &Reading, collect: CollectOptions) -> ReadOptions {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    ReadOptions { collect, verify_diff_ids: reading.verify_diff_ids, merging: merging(reading), threads }
}

/// How layers are merged.
fn merging(reading: &Reading) -> MergeOptions {
    MergeOptions {
        source_tree: reading.source,
        without_development: reading.no_dev,
        verify_files: reading.verify_files,
    }
}

/// How the reading of an image ended, whatever it says.
pub(super) fn ending(answer: &Answer) -> Ending {
    let failed = answer.failures.iter().map(|failure| match failure {
        Failure::Mismatch => Ending::Mismatch,
        Failure::Unreachable => Ending::Source,
        Failure::Unreadable => Ending::Incomplete,
    });
    let complete = if answer.complete { Ending::Pass } else { Ending::Incomplete };
    failed.max().unwrap_or(Ending::Pass).max(complete)
}

/// Tells why an image could not be opened, and how that counts.
fn unopened(text: &str, reference: &Reference, error: SourceError) -> Ending {
    let failed = sources::failed(error, matches!(reference, Reference::Registry { .. }), |error| {
        error.context(format!("`{text}` could not be opened"))
    });
    super::complain(&failed);
    failed.ending
}

/// Bytes of the distinct layers.
fn stored_bytes(images: &[Image]) -> u64 {
    scan::jobs(images).iter().map(|job| job.layer.size).sum()
}

/// Tells platforms and bytes, before they are read, and begins the progress.
pub(super) fn announce(images: &[Image], global: &Global) -> Arc<Bar> {
    let bar = Arc::new(Bar::new(stored_bytes(images), global));
    if global.quiet || global.no_progress || !std::io::stderr().is_terminal() {
        return bar;
    }
    for image in images {
        let platforms =
            image.manifests.iter().map(|manifest| manifest.platform.to_string()).collect::<Vec<_>>().join(", ");
        let line =
            format!("{}: {platforms}; {} of layers", image.reference, bytes(stored_bytes(std::slice::from_ref(image))));
        let _ = writeln!(anstream::stderr(), "{}", crate::report::escape::terminal(&line));
    }
    bar
}

/// `--cache`, else the user's cache folder, else none: a run needs no HOME.
pub(super) fn cache(reading: &Reading, collect: CollectOptions, global: &Global) -> Cache {
    let asked = reading.cache.clone();
    let Some(folder) = asked.clone().or_else(places::facts).filter(|folder| folder != Path::new("none")) else {
        return Cache::Off;
    };
    match Cache::open(&folder, scan::cache_key(collect)) {
        Ok(cache) => cache,
        Err(error) => {
            if asked.is_some() && !global.quiet {
                super::complain(&Failed::new(Ending::Pass, error).hint("the scan goes on without a cache"));
            }
            Cache::Off
        }
    }
}
