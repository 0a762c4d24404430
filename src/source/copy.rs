//! An image from one repository to another, with all platforms and what hangs on it.
//!
//! In: two repositories and what is meant in the first. Out: the same bytes in the second. Manifests are read first, so that everything is known before anything is sent; content goes before what
//! points to it and the tag last, so that a run that was killed leaves the tag as it was, and the next one sends only what is missing.
//!
//! Source: OCI distribution-spec, "Push"; image-spec `image-index.md`; cosign `specs/SIGNATURE_SPEC.md` (tags).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::repository::{At, Document, INDEX, MANIFEST, Put, Repository, Stored, tag};
use super::resolve::{Descriptor, INDEX_TYPES, MANIFEST_TYPES};
use super::{SourceError, referrer};
use crate::digest::Digest;

/// Blobs that are sent at the same time.
const CONNECTIONS: usize = 4;

/// Most manifests of one copy, of platforms and of what hangs on them.
const MAX_MANIFESTS: usize = 8192;

/// Deepest nesting: an index in an index, what refers to it, and what refers to that.
const MAX_DEPTH: u32 = 6;

/// Suffixes of the tags on which cosign 2 hangs signatures, attestations and bills of materials.
const TAGS: [&str; 3] = [".sig", ".att", ".sbom"];

/// What is to be copied.
pub struct Plan {
    /// The image's own index or manifest.
    root: Stored,
    /// Manifests, each after what it points to.
    manifests: Vec<Step>,
    blobs: BTreeMap<String, Descriptor>,
    /// Tags of cosign 2, and what is under them.
    tags: Vec<(String, Stored)>,
    /// Layers that registries do not hand on, by digest.
    left_out: BTreeSet<String>,
}

/// One manifest to store.
struct Step {
    stored: Stored,
    role: Role,
}

/// What a manifest is in the copy.
#[derive(Clone)]
enum Role {
    /// Of the image itself.
    Image,
    /// It refers to this.
    Referrer(Digest),
    /// It is under a tag of cosign 2, or part of something that hangs on the image.
    Hanging,
}

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Index and manifests of the image.
    pub manifests: usize,
    /// Manifests that hang on it.
    pub referrers: usize,
    /// Blobs that the destination had.
    pub present: usize,
    /// Blobs that the registry took from another repository of its own.
    pub mounted: usize,
    /// Blobs that were sent.
    pub sent: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Digests of layers that registries do not hand on (`foreign`, `nondistributable`): they stay where their manifest says.
    pub left_out: Vec<String>,
    /// Tags of cosign 2 under which the destination had something else; that was kept.
    pub kept: Vec<String>,
    /// What the tag pointed to before, if to something else.
    pub replaced: Option<Digest>,
}

impl Plan {
    /// Reads the manifests of what is at `at`, and with `referrers` of everything that hangs on it.
    ///
    /// # Errors
    /// When one cannot be had or understood, or there are too many.
    pub fn read(from: &dyn Repository, at: At<'_>, referrers: bool) -> Result<Self, SourceError> {
        let what = match at {
            At::Tag(tag) => format!("tag `{tag}`"),
            At::Digest(digest) => format!("manifest {digest}"),
        };
        let root = from.manifest(at)?.ok_or_else(|| SourceError::NotFound { what, place: from.name() })?;
        let mut reading = Reading { from, referrers, seen: BTreeSet::new(), plan: Self::new(named(root, "")?) };
        let root = reading.plan.root.clone();
        reading.visit(root, Role::Image, 0)?;
        Ok(reading.plan)
    }

    fn new(root: Stored) -> Self {
        Self { root, manifests: Vec::new(), blobs: BTreeMap::new(), tags: Vec::new(), left_out: BTreeSet::new() }
    }

    /// The image's digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.root.digest
    }

    /// Bytes of its blobs, as their descriptors say.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blobs.values().map(|blob| blob.size).fold(0, u64::saturating_add)
    }

    /// Stores everything, under `tag` at last. `progress` is told the bytes of each blob that is there.
    ///
    /// # Errors
    /// When something could not be read or stored; the tag is then as it was.
    pub fn write(
        &self,
        from: &Arc<dyn Repository>,
        to: &dyn Repository,
        tag: &str,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Copied, SourceError> {
        let mut copied = self.put_blobs(from, to, progress)?;
        for Step { stored, role } in &self.manifests {
            if let Role::Referrer(subject) = role {
                referrer::put(to, subject, stored)?;
            } else {
                to.put_manifest(At::Digest(&stored.digest), &stored.media_type, &stored.bytes)?;
            }
        }
        for (tag, stored) in &self.tags {
            let mut keeps = false;
            to.update(tag, &stored.media_type, &mut |there| {
                keeps = there.is_some_and(|there| there.digest != stored.digest);
                Ok(there.is_none().then(|| stored.bytes.clone()))
            })?;
            copied.kept.extend(keeps.then(|| tag.clone()));
        }
        copied.manifests = self.manifests.iter().filter(|step| matches!(step.role, Role::Image)).count();
        copied.referrers = self.manifests.len() - copied.manifests;
        copied.left_out = self.left_out.iter().cloned().collect();
        let before = to.manifest(At::Tag(tag))?.map(|stored| stored.digest);
        copied.replaced = before.filter(|before| *before != self.root.digest);
        to.put_manifest(At::Tag(tag), &self.root.media_type, &self.root.bytes)?;
        Ok(copied)
    }

    /// Stores the blobs, several at a time.
    fn put_blobs(
        &self,
        from: &Arc<dyn Repository>,
        to: &dyn Repository,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Copied, SourceError> {
        let blobs: Vec<&Descriptor> = self.blobs.values().collect();
        let (next, copied, failed) = (AtomicUsize::new(0), Mutex::new(Copied::default()), Mutex::new(None));
        let work = || {
            while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (source, descriptor) = (from.clone(), (*blob).clone());
                match to.put_stream(blob, Arc::new(move || source.open_blob(&descriptor))) {
                    Ok(put) => count(&mut copied.lock().unwrap_or_else(PoisonError::into_inner), put, blob.size),
                    Err(error) => {
                        next.store(blobs.len(), Ordering::Relaxed);
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
                progress(blob.size);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS.min(blobs.len()) {
                scope.spawn(work);
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(copied.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

fn count(copied: &mut Copied, put: Put, bytes: u64) {
    match put {
        Put::Present => copied.present += 1,
        Put::Mounted => copied.mounted += 1,
        Put::Sent => {
            copied.sent += 1;
            copied.bytes += bytes;
        }
    }
}

struct Reading<'a> {
    from: &'a dyn Repository,
    referrers: bool,
    seen: BTreeSet<Digest>,
    plan: Plan,
}

impl Reading<'_> {
    fn visit(&mut self, stored: Stored, role: Role, depth: u32) -> Result<(), SourceError> {
        if !self.seen.insert(stored.digest.clone()) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.seen.len() > MAX_MANIFESTS {
            let detail = format!("it has more than {MAX_MANIFESTS} manifests, or more than {MAX_DEPTH} in one another");
            return Err(SourceError::Malformed { what: format!("image {}", self.plan.root.digest), detail });
        }
        let document = Document::parse(&stored)?;
        document.config.into_iter().chain(document.layers).for_each(|blob| self.blob(blob));
        let part = if matches!(role, Role::Image) { Role::Image } else { Role::Hanging };
        for entry in document.manifests.unwrap_or_default() {
            // Build caches list layers in an index.
            if is_manifest(&entry.media_type) {
                self.visit_entry(&entry, part.clone(), depth)?;
            } else {
                self.blob(entry);
            }
        }
        let digest = stored.digest.clone();
        self.plan.manifests.push(Step { stored, role });
        if self.referrers { self.visit_hanging(&digest, depth) } else { Ok(()) }
    }

    fn visit_entry(&mut self, entry: &Descriptor, role: Role, depth: u32) -> Result<(), SourceError> {
        let digest = entry.parsed_digest()?;
        let missing = || SourceError::NotFound { what: format!("manifest {digest}"), place: self.from.name() };
        let stored = self.from.manifest(At::Digest(&digest))?.ok_or_else(missing)?;
        self.visit(named(stored, &entry.media_type)?, role, depth + 1)
    }

    fn visit_hanging(&mut self, subject: &Digest, depth: u32) -> Result<(), SourceError> {
        for entry in referrer::all(self.from, subject)? {
            self.visit_entry(&entry, Role::Referrer(subject.clone()), depth)?;
        }
        for suffix in TAGS {
            let tag = tag(subject, suffix);
            let Some(stored) = self.from.manifest(At::Tag(&tag))? else { continue };
            let stored = named(stored, MANIFEST)?;
            self.plan.tags.push((tag, stored.clone()));
            self.visit(stored, Role::Hanging, depth + 1)?;
        }
        Ok(())
    }

    fn blob(&mut self, blob: Descriptor) {
        if blob.media_type.contains("foreign") || blob.media_type.contains("nondistributable") {
            self.plan.left_out.insert(blob.digest);
        } else {
            self.plan.blobs.entry(blob.digest.clone()).or_insert(blob);
        }
    }
}

fn is_manifest(media_type: &str) -> bool {
    INDEX_TYPES.contains(&media_type) || MANIFEST_TYPES.contains(&media_type)
}

/// With its media type: its own word, else that of what points to it, else of the repository, else what it looks like.
fn named(stored: Stored, pointed: &str) -> Result<Stored, SourceError> {
    let document = Document::parse(&stored)?;
    let fallback = if document.is_index() { INDEX } else { MANIFEST };
    let words = [document.media_type.as_str(), pointed, stored.media_type.as_str()];
    let media_type = words.into_iter().find(|word| is_manifest(word)).unwrap_or(fallback).to_owned();
    Ok(Stored { media_type, ..stored })
}
