//! The secrets of a checkout's history, or of what is staged in it: blobs by `git`, the same rules, the same report.
//!
//! Of the history each blob is searched once, however many commits and paths have it; a secret is told at each path with the oldest commit that has it there. Of what is staged only what the
//! commit would add is told: a secret that the last commit has in the same file was told before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::collect::{CollectOptions, Collector, Worker};
use super::findings::{Found, place_identity, secret_finding};
use super::run::{ScannedImage, ScannedPlatform};
use super::schedule::GATHER_BUDGET_BYTES;
use super::secrets::BY as SECRETS;
use crate::facts::{Effect, FilePath, Inventory, SecretFact, SecretValue, Unknown};
use crate::finding::{self, Finding, Location};
use crate::layer::{Budget, Entry, EntryKind, Visitor as _};
use crate::secret::{self, CHECKOUT_REMEDIATION};
use crate::source::Image;
use crate::source::git::{Blob, Blobs, Change, Checkout, Commit, GitError};

/// Most places that are kept; a history with more is one problem, not a million.
const MAX_PLACES: usize = 100_000;

/// Most files that could not be read and are told one by one.
const MAX_UNKNOWNS: usize = 1000;

/// Bytes that are read of a blob at a time.
const WINDOW: usize = 256 << 10;

/// What of a checkout is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// What the next commit would change.
    Staged,
    /// Every commit of every ref.
    History,
}

/// Reads a checkout; `image` is the folder as a source opens it, and names the subject.
///
/// # Errors
/// When git cannot tell what is there.
pub(super) fn scan(
    image: Image,
    checkout: &Checkout,
    part: Part,
    collect: CollectOptions,
) -> Result<(ScannedImage, Vec<Found>), GitError> {
    let mut reader = Reader {
        blobs: checkout.blobs()?,
        worker: Worker::default(),
        budget: Budget::new(GATHER_BUDGET_BYTES),
        buffer: vec![0; WINDOW],
        unknowns: Vec::new(),
    };
    let mut findings = match part {
        Part::Staged => staged(checkout, &mut reader)?,
        Part::History => history(checkout, &mut reader)?,
    };
    let mut unknowns = reader.unknowns;
    if part == Part::History && checkout.is_shallow {
        let reason = "the clone is shallow, so that older commits are not in it; `git fetch --unshallow` gets them";
        unknowns.push(unknown(Effect::Required, None, reason));
    }
    let mut platforms = Vec::new();
    for mut manifest in image.manifests.clone() {
        let name = manifest.platform.to_string();
        findings.iter_mut().for_each(|finding| finding.seen_on(&name));
        manifest.layers.clear();
        let unknowns: Vec<_> = unknowns.drain(..).map(|unknown| (None, unknown)).collect();
        let complete = unknowns.iter().all(|(_, unknown)| unknown.effect == Effect::Optional);
        platforms.push(ScannedPlatform {
            manifest,
            inventory: Inventory { unknowns, ..Inventory::default() },
            complete,
            read: Vec::new(),
        });
    }
    if !collect.reveal {
        findings.iter_mut().for_each(|finding| finding.values.clear());
    }
    let found = vec![Found {
        findings,
        coverage: Vec::new(),
        undetermined: Vec::new(),
        support: Vec::new(),
        unjudged: Vec::new(),
    }];
    Ok((ScannedImage { image, platforms, failures: Vec::new() }, found))
}

fn unknown(effect: Effect, path: Option<&[u8]>, reason: &str) -> Unknown {
    Unknown { effect, path: path.map(FilePath::new), by: "git".into(), reason: reason.to_owned() }
}

/// How blobs are searched: as files of a layer are. Values tell an old secret from a new one at the same place; they leave this room only where that was asked for.
const COLLECT: CollectOptions = CollectOptions { secrets: true, reveal: true, checkout: false };

/// A secret of a blob.
#[derive(Clone)]
struct Seen {
    /// The file, with the place in it where that is an archive.
    path: FilePath,
    fact: SecretFact,
}

/// Searches blobs.
struct Reader {
    blobs: Blobs,
    worker: Worker,
    budget: Budget,
    buffer: Vec<u8>,
    unknowns: Vec<Unknown>,
}

impl Reader {
    /// The secrets of a blob as a file at `path`.
    fn read(&mut self, id: &str, path: &[u8]) -> Result<Vec<Seen>, GitError> {
        let mut collector = Collector::new(&mut self.worker, &self.budget, COLLECT);
        let (buffer, mut is_missing) = (&mut self.buffer, false);
        self.blobs.read(id, &mut |blob| match blob {
            Blob::Missing => {
                is_missing = true;
                Ok(())
            }
            Blob::Content { size, reader } => collect(&mut collector, path, size, reader, buffer),
        })?;
        let facts = collector.finish();
        if is_missing {
            self.unread(Effect::Required, path, "the repository does not have its content (a partial clone)");
        }
        for unknown in facts.unknowns.into_iter().filter(|unknown| unknown.by == SECRETS) {
            self.unread(unknown.effect, path, &unknown.reason);
        }
        let mut seen = Vec::new();
        for file in facts.secrets {
            let path = super::secrets::place(path, file.inside.as_ref().map_or(b"", FilePath::as_bytes));
            seen.extend(file.secrets.into_iter().map(|fact| Seen { path: path.clone(), fact }));
        }
        Ok(seen)
    }

    fn unread(&mut self, effect: Effect, path: &[u8], reason: &str) {
        if self.unknowns.len() < MAX_UNKNOWNS {
            self.unknowns.push(unknown(effect, Some(path), reason));
        } else if self.unknowns.len() == MAX_UNKNOWNS {
            self.unknowns.push(unknown(Effect::Required, None, "there are more files that could not be read"));
        }
    }
}

/// Lets a blob stream by as a file of a layer does.
fn collect(
    collector: &mut Collector<'_>,
    path: &[u8],
    size: u64,
    reader: &mut dyn Read,
    buffer: &mut [u8],
) -> std::io::Result<()> {
    let kind = EntryKind::File;
    collector.entry(&Entry { path, kind, size, mode: 0o644, uid: 0, gid: 0, link: b"", capability: None });
    loop {
        match reader.read(buffer)? {
            0 => break collector.end(),
            n => collector.data(buffer.get(..n).unwrap_or_default()),
        }
    }
    Ok(())
}

/// As a place identifies it, the same as in a scan of the folder.
fn finding_of(Seen { path, fact }: &Seen) -> Finding {
    let finding = secret_finding(fact, &place_identity(&path.to_string(), fact));
    let rotation = secret::rule(&fact.rule).map(|rule| rule.rotation.as_str()).filter(|at| !at.is_empty());
    let rotation = rotation.map(|at| format!("; rotate at {at}")).unwrap_or_default();
    finding.advise(format!("{CHECKOUT_REMEDIATION}{rotation}"))
}

/// What makes two secrets of a file the same one, wherever in it they stand. One that has no value (a file of keys) is known by its fingerprint.
fn sameness(Seen { fact, .. }: &Seen) -> (&str, Option<&str>, Option<&SecretValue>, Option<&str>) {
    (&fact.rule, fact.key.as_deref(), fact.value.as_ref(), fact.fingerprint.as_deref())
}

fn staged(checkout: &Checkout, reader: &mut Reader) -> Result<Vec<Finding>, GitError> {
    let mut findings = Vec::new();
    for Change { path, blob, before, .. } in checkout.staged()? {
        let mut seen = reader.read(&blob, &path)?;
        // Most files have none, and then nothing needs a comparison.
        if let Some(before) = before.filter(|_| !seen.is_empty()) {
            let mut old = reader.read(&before, &path)?;
            seen.retain(|new| match old.iter().position(|old| sameness(old) == sameness(new)) {
                Some(index) => {
                    old.swap_remove(index);
                    false
                }
                None => true,
            });
        }
        findings.extend(seen.iter().map(|seen| {
            finding_of(seen).at(Location::File {
                path: seen.path.to_string(),
                layer: None,
                layer_index: None,
                line: seen.fact.line,
                state: "present",
                instruction: None,
            })
        }));
    }
    Ok(findings)
}

/// A secret at a path: since which commit, and whether it is there now.
struct Place {
    finding: Finding,
    /// The file in the repository.
    file: FilePath,
    line: Option<u32>,
    commit: Option<Arc<Commit>>,
    is_present: bool,
}

/// The places of the history, each secret once a path.
#[derive(Default)]
struct Places {
    places: BTreeMap<(FilePath, String, Option<String>, Option<SecretValue>), Place>,
    is_full: bool,
}

impl Places {
    fn add(&mut self, seen: &Seen, file: &FilePath, commit: Option<&Arc<Commit>>, is_present: bool) {
        let Seen { path, fact } = seen;
        let (rule, key, value) = (fact.rule.clone(), fact.key.clone(), fact.value.clone());
        let is_full = self.places.len() >= MAX_PLACES;
        match self.places.entry((path.clone(), rule, key, value)) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().is_present |= is_present,
            std::collections::btree_map::Entry::Vacant(_) if is_full => self.is_full = true,
            std::collections::btree_map::Entry::Vacant(new) => {
                let (finding, line, file) = (finding_of(seen), fact.line, file.clone());
                new.insert(Place { finding, file, line, commit: commit.cloned(), is_present });
            }
        }
    }

    fn findings(self, tree: &BTreeMap<Vec<u8>, String>) -> Vec<Finding> {
        let finding = |((path, ..), place): ((FilePath, String, Option<String>, Option<SecretValue>), Place)| {
            let state = match (place.is_present, tree.contains_key(place.file.as_bytes())) {
                (true, _) => "present",
                (false, true) => "overwritten",
                (false, false) => "deleted",
            };
            let commit = place.commit.as_deref().map(|commit| finding::Commit {
                id: commit.id.clone(),
                author: commit.author.clone(),
                date: commit.date.clone(),
            });
            let commit = commit.unwrap_or_else(|| finding::Commit {
                id: String::new(),
                author: String::new(),
                date: String::new(),
            });
            place.finding.at(Location::Commit { path: path.to_string(), line: place.line, state, commit })
        };
        self.places.into_iter().map(finding).collect()
    }
}

/// What was searched already. A blob's name counts, too, since files of some names are parsed; of both a hash is kept, since a history has millions of them.
#[derive(Default)]
struct Searched {
    clean: HashSet<[u8; 16]>,
    leaking: HashMap<[u8; 16], Vec<Seen>>,
    /// Secrets in `leaking`.
    kept: usize,
}

impl Searched {
    /// The secrets of a change's file; searched when it is met for the first time, and again where too many are kept already.
    fn of(&mut self, change: &Change, reader: &mut Reader) -> Result<Vec<Seen>, GitError> {
        let name = change.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let hash = Sha256::digest([change.blob.as_bytes(), b"/", name].concat());
        let key = hash.first_chunk().copied().unwrap_or_default();
        if self.clean.contains(&key) {
            return Ok(Vec::new());
        }
        if let Some(facts) = self.leaking.get(&key) {
            return Ok(facts.clone());
        }
        let facts = reader.read(&change.blob, &change.path)?;
        if facts.is_empty() {
            self.clean.insert(key);
        } else if self.kept + facts.len() <= MAX_PLACES {
            self.kept += facts.len();
            self.leaking.insert(key, facts.clone());
        }
        Ok(facts)
    }
}

fn history(checkout: &Checkout, reader: &mut Reader) -> Result<Vec<Finding>, GitError> {
    let tree = checkout.tree()?;
    let (mut searched, mut places) = (Searched::default(), Places::default());
    checkout.history::<GitError>(&mut |change| {
        let seen = searched.of(&change, reader)?;
        if !seen.is_empty() {
            let is_present = tree.get(&change.path).is_some_and(|blob| *blob == change.blob);
            let file = FilePath::new(&change.path);
            seen.iter().for_each(|seen| places.add(seen, &file, change.commit.as_ref(), is_present));
        }
        Ok(())
    })?;
    if places.is_full {
        let reason = format!("the history has secrets at more than {MAX_PLACES} places; the others are not listed");
        reader.unknowns.push(unknown(Effect::Required, None, &reason));
    }
    Ok(places.findings(&tree))
}
