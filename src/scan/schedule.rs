//! All layers of a run: each distinct one is read once, biggest first, one a core; the last ones are split over two threads each.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::collect::{CollectOptions, Collector, Worker, collect_layer};
use crate::diagnostics::{Fact, tell};
use crate::digest::Digest;
use crate::facts::cache::Cache;
use crate::facts::merge::MergeOptions;
use crate::facts::{Effect, LayerFacts, Unknown};
use crate::layer::{Budget, LayerError, PassOptions};
use crate::source::{Blobs, Content, Layer, Place, SourceError, rootfs};

/// Bytes that all workers together hold for files being gathered: room for a few large ones, and far below the 96 MB that a scan may take.
pub(super) const GATHER_BUDGET_BYTES: u64 = 24 << 20;

/// By what a layer is known in a run: its digest, or for a folder its place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LayerKey {
    /// The digest of its stored bytes.
    Digest(Digest),
    /// A folder, or a layer of an archive that only has a diff ID.
    Place(String),
}

impl LayerKey {
    /// The key of a layer of the image number `image` of the run.
    #[must_use]
    pub fn of(layer: &Layer, image: usize) -> Self {
        match (&layer.digest, &layer.diff_id) {
            (Some(digest), _) => Self::Digest(digest.clone()),
            (None, diff_id) => Self::Place(format!("{image}:{:?}:{diff_id:?}", layer.place)),
        }
    }
}

/// One layer to read.
pub struct Job {
    /// Its key.
    pub key: LayerKey,
    /// What it is.
    pub layer: Layer,
    /// Who gives its bytes.
    pub blobs: Arc<dyn Blobs>,
}

/// What came of a layer.
pub(super) type Outcome = Result<LayerFacts, LayerError>;

/// Told of the progress of a run, from any thread.
pub trait Progress: Send + Sync {
    /// So many stored bytes of a layer were read, or needed no reading since its facts were in the cache.
    fn read(&self, stored_bytes: u64);
}

/// A layer's bytes, counted on their way.
struct Counted {
    reader: Box<dyn Read + Send>,
    progress: Arc<dyn Progress>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.progress.read(n as u64);
        Ok(n)
    }
}

/// How the layers of a run are read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// What to look for.
    pub collect: CollectOptions,
    /// Check diff IDs of compressed layers too.
    pub verify_diff_ids: bool,
    /// How layers are merged.
    pub merging: MergeOptions,
    /// Threads; at least 1.
    pub threads: usize,
}

/// Reads every job, from the cache where it knows the layer.
#[must_use]
pub(super) fn read_layers(
    jobs: Vec<Job>,
    options: ReadOptions,
    cache: &Cache,
    progress: &Arc<dyn Progress>,
) -> BTreeMap<LayerKey, Outcome> {
    let (mut outcomes, mut queue) = (BTreeMap::new(), jobs);
    // Biggest last: workers take from the end.
    queue.sort_by(|a, b| (a.layer.size, &a.key).cmp(&(b.layer.size, &b.key)));
    let live = AtomicUsize::new(queue.len());
    let workers = options.threads.clamp(1, queue.len().max(1));
    let (queue, done) = (Mutex::new(queue), Mutex::new(&mut outcomes));
    let budget = Budget::new(GATHER_BUDGET_BYTES);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut worker = Worker::default();
                while let Some(job) = lock(&queue).pop() {
                    let known = if options.verify_diff_ids { None } else { known(cache, &job.key) };
                    if known.is_some() {
                        progress.read(job.layer.size);
                    }
                    let (how, started) = (if known.is_some() { "cache" } else { "source" }, Instant::now());
                    let outcome = known.map(Ok).unwrap_or_else(|| {
                        let split = live.load(Ordering::Relaxed) < options.threads;
                        let pass = PassOptions { split, verify_diff_id: options.verify_diff_ids };
                        let outcome = read_one(&job, pass, options.collect, &mut worker, &budget, progress);
                        keep(cache, &job.key, &outcome);
                        outcome
                    });
                    live.fetch_sub(1, Ordering::Relaxed);
                    tell_layer(&job, how, &outcome, started.elapsed());
                    lock(&done).insert(job.key, outcome);
                }
            });
        }
    });
    outcomes
}

/// How a layer is named in diagnostics.
fn name(job: &Job) -> Fact<'_> {
    job.layer.digest.as_ref().map_or(Fact::Word("without digest"), Fact::Digest)
}

/// Tells of a layer that needs no reading, since a cache has what was made of it and the others of its platforms.
pub(super) fn tell_merged(job: &Job) {
    tell("layer", &[("digest", name(job)), ("from", Fact::Word("the cached platform"))]);
}

/// Tells of a layer where its facts came from, and what was found in it.
fn tell_layer(job: &Job, how: &'static str, outcome: &Outcome, time: Duration) {
    let count =
        |of: fn(&LayerFacts) -> usize| outcome.as_ref().map_or(Fact::Word("unread"), |facts| Fact::Count(of(facts)));
    let facts = [
        ("digest", name(job)),
        ("stored", Fact::Bytes(job.layer.size)),
        ("from", Fact::Word(how)),
        ("time", Fact::Time(time)),
        ("files with secrets", count(|facts| facts.secrets.len())),
        ("unknowns", count(|facts| facts.unknowns.len())),
    ];
    tell("layer", &facts);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The facts of a layer that was read before.
fn known(cache: &Cache, key: &LayerKey) -> Option<LayerFacts> {
    match key {
        LayerKey::Digest(digest) => cache.get(digest),
        LayerKey::Place(_) => None,
    }
}

/// Facts are kept only of a layer that was verified whole; that the cache cannot be written costs the next run time and this one nothing.
fn keep(cache: &Cache, key: &LayerKey, outcome: &Outcome) {
    if let (LayerKey::Digest(digest), Ok(facts)) = (key, outcome) {
        let _ = cache.put(digest, facts);
    }
}

fn read_one(
    job: &Job,
    pass: PassOptions,
    collect: CollectOptions,
    worker: &mut Worker,
    budget: &Budget,
    progress: &Arc<dyn Progress>,
) -> Outcome {
    if let Place::Absent { reason } = &job.layer.place {
        return Err(SourceError::NotFound { what: format!("the layer ({reason})"), place: "the image".into() }.into());
    }
    match job.blobs.open(&job.layer)? {
        Content::Bytes(reader) => {
            let counted = Box::new(Counted { reader, progress: progress.clone() });
            collect_layer(counted, &job.layer, pass, collect, worker, budget)
        }
        Content::Tree(root) => {
            let mut collector = Collector::new(worker, budget, collect);
            let end = rootfs::walk(&root, &mut collector)?;
            let mut facts = collector.finish();
            if let Some(reason) = end {
                facts.unknowns.push(Unknown { effect: Effect::Required, path: None, by: "layer".into(), reason });
            }
            Ok(facts)
        }
    }
}
