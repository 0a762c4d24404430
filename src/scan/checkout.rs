//! The secrets of a checkout's history, or of what is staged in it: blobs by `git`, the same rules, the same report.
//!
//! Of the history each blob is searched once, however many commits and paths have it; a secret is told at each path with the oldest commit that has it there. Of what is staged only what the
//! commit would add is told: a secret that the last commit has in the same file was told before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::collect::CollectOptions;
use super::findings::{Found, place_identity, secret_finding};
use super::run::{ScannedImage, ScannedPlatform};
use crate::facts::{Effect, FilePath, Inventory, SecretFact, SecretValue, Unknown};
use crate::finding::{self, Finding, Location};
use crate::secret::{self, CHECKOUT_REMEDIATION, FileScan, Scanner, Scratch};
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
    let mut scratch = Scratch::default();
    // Values tell an old secret from a new one at the same place; they leave this room only where that was asked for.
    let scan = Scanner::in_use().scan(&mut scratch).revealing(true);
    let mut reader = Reader { blobs: checkout.blobs()?, scan, buffer: vec![0; WINDOW], unknowns: Vec::new() };
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
        });
    }
    if !collect.reveal {
        findings.iter_mut().for_each(|finding| finding.values.clear());
    }
    let found = vec![Found { findings, coverage: Vec::new(), undetermined: Vec::new() }];
    Ok((ScannedImage { image, platforms, failures: Vec::new() }, found))
}

fn unknown(effect: Effect, path: Option<&[u8]>, reason: &str) -> Unknown {
    Unknown { effect, path: path.map(FilePath::new), by: "git".into(), reason: reason.to_owned() }
}

/// Searches blobs.
struct Reader<'s> {
    blobs: Blobs,
    scan: FileScan<'s>,
    buffer: Vec<u8>,
    unknowns: Vec<Unknown>,
}

impl Reader<'_> {
    /// The secrets of a blob as a file at `path`.
    fn read(&mut self, id: &str, path: &[u8]) -> Result<Vec<SecretFact>, GitError> {
        let (scan, buffer) = (&mut self.scan, &mut self.buffer);
        let mut found = Some(Vec::new());
        self.blobs.read(id, &mut |blob| {
            found = match blob {
                Blob::Missing => None,
                Blob::Content { size, reader } => Some(search(scan, buffer, path, size, reader)?),
            };
            Ok(())
        })?;
        match (&found, self.scan.unread()) {
            (None, _) => {
                self.unread(Effect::Required, path, "the repository does not have its content (a partial clone)")
            }
            (Some(_), Some(reason)) => self.unread(Effect::Optional, path, reason),
            (Some(_), None) => {}
        }
        Ok(found.unwrap_or_default())
    }

    fn unread(&mut self, effect: Effect, path: &[u8], reason: &str) {
        if self.unknowns.len() < MAX_UNKNOWNS {
            self.unknowns.push(unknown(effect, Some(path), reason));
        } else if self.unknowns.len() == MAX_UNKNOWNS {
            self.unknowns.push(unknown(Effect::Required, None, "there are more files that could not be read"));
        }
    }
}

fn search(
    scan: &mut FileScan<'_>,
    buffer: &mut [u8],
    path: &[u8],
    size: u64,
    reader: &mut dyn Read,
) -> std::io::Result<Vec<SecretFact>> {
    scan.begin(path, size);
    loop {
        match reader.read(buffer)? {
            0 => return Ok(scan.finish()),
            n => scan.feed(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// As a place identifies it, the same as in a scan of the folder.
fn finding_of(fact: &SecretFact, path: &FilePath) -> Finding {
    let finding = secret_finding(fact, &place_identity(path, fact));
    let rotation = secret::rule(&fact.rule).map(|rule| rule.rotation.as_str()).filter(|at| !at.is_empty());
    let rotation = rotation.map(|at| format!("; rotate at {at}")).unwrap_or_default();
    finding.advise(format!("{CHECKOUT_REMEDIATION}{rotation}"))
}

/// What makes two secrets of a file the same one, wherever in it they stand.
fn sameness(fact: &SecretFact) -> (&str, Option<&str>, Option<&SecretValue>) {
    (&fact.rule, fact.key.as_deref(), fact.value.as_ref())
}

fn staged(checkout: &Checkout, reader: &mut Reader<'_>) -> Result<Vec<Finding>, GitError> {
    let mut findings = Vec::new();
    for Change { path, blob, before, .. } in checkout.staged()? {
        let mut facts = reader.read(&blob, &path)?;
        // Most files have none, and then nothing needs a comparison.
        if let Some(before) = before.filter(|_| !facts.is_empty()) {
            let mut old = reader.read(&before, &path)?;
            facts.retain(|fact| match old.iter().position(|old| sameness(old) == sameness(fact)) {
                Some(index) => {
                    old.swap_remove(index);
                    false
                }
                None => true,
            });
        }
        let path = FilePath::new(&path);
        findings.extend(facts.iter().map(|fact| {
            finding_of(fact, &path).at(Location::File {
                path: path.to_string(),
                layer: None,
                layer_index: None,
                line: fact.line,
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
    fn add(&mut self, path: &FilePath, fact: &SecretFact, commit: Option<&Arc<Commit>>, is_present: bool) {
        let (rule, key, value) = (fact.rule.clone(), fact.key.clone(), fact.value.clone());
        let is_full = self.places.len() >= MAX_PLACES;
        match self.places.entry((path.clone(), rule, key, value)) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().is_present |= is_present,
            std::collections::btree_map::Entry::Vacant(_) if is_full => self.is_full = true,
            std::collections::btree_map::Entry::Vacant(new) => {
                let (finding, line) = (finding_of(fact, path), fact.line);
                new.insert(Place { finding, line, commit: commit.cloned(), is_present });
            }
        }
    }

    fn findings(self, tree: &BTreeMap<Vec<u8>, String>) -> Vec<Finding> {
        let finding = |((path, ..), place): ((FilePath, String, Option<String>, Option<SecretValue>), Place)| {
            let state = match (place.is_present, tree.contains_key(path.as_bytes())) {
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
    leaking: HashMap<[u8; 16], Vec<SecretFact>>,
    /// Secrets in `leaking`.
    kept: usize,
}

impl Searched {
    /// The secrets of a change's file; searched when it is met for the first time, and again where too many are kept already.
    fn of(&mut self, change: &Change, reader: &mut Reader<'_>) -> Result<Vec<SecretFact>, GitError> {
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

fn history(checkout: &Checkout, reader: &mut Reader<'_>) -> Result<Vec<Finding>, GitError> {
    let tree = checkout.tree()?;
    let (mut searched, mut places) = (Searched::default(), Places::default());
    checkout.history::<GitError>(&mut |change| {
        let facts = searched.of(&change, reader)?;
        if !facts.is_empty() {
            let is_present = tree.get(&change.path).is_some_and(|blob| *blob == change.blob);
            let path = FilePath::new(&change.path);
            facts.iter().for_each(|fact| places.add(&path, fact, change.commit.as_ref(), is_present));
        }
        Ok(())
    })?;
    if places.is_full {
        let reason = format!("the history has secrets at more than {MAX_PLACES} places; the others are not listed");
        reader.unknowns.push(unknown(Effect::Required, None, &reason));
    }
    Ok(places.findings(&tree))
}
