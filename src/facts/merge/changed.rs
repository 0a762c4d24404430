//! Files of OS packages that are no longer what the package brought.
//!
//! A package's records tell the digests of its files. The files of layers above the one that recorded them are suspects; a second read hashes them
//! ([`unhashed_files`]), and what has another digest was changed. Within the recording layer itself nothing but hashing every file can tell, which is done
//! when the user asks for it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::PathSet;
use super::super::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use super::super::inventory::ChangedFile;
use super::super::place::{Placed, place, refer};
use super::super::tree::Node;
use super::super::view::StackedLayer;
use super::super::{Fact, FilePath};
use super::diversions::Diversions;
use super::{Merge, MergeOptions};

/// A file whose digest must be known to tell whether it was changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnhashedFile {
    /// Index of the layer that has its bytes.
    pub layer: usize,
    /// Its name in that layer.
    pub path: FilePath,
    /// How its package hashes files.
    pub algorithm: Algorithm,
}

/// The files that a second read must hash: those that a layer above their package's record rewrote, or
/// with [`MergeOptions::verify_files`] all that a record has a digest of.
#[must_use]
pub fn unhashed_files(layers: &[StackedLayer<'_>], options: MergeOptions) -> Vec<UnhashedFile> {
    let placed = place(layers);
    let stack = refer(&placed);
    let merge = Merge::new(&stack, options);
    let mut unhashed = Vec::new();
    for suspect in suspects(&merge, options.verify_files) {
        let Some(Content::Bytes(layer, path)) = merge.content_of(&suspect.path) else { continue };
        let Some(placed) = placed.get(layer).and_then(Option::as_ref) else { continue };
        let path = placed.name_in_layer(&FilePath::new(&path));
        let key = PathKey::of(path.as_bytes());
        for (_, algorithm, _) in suspect.recorded {
            if placed.facts.digest(algorithm, key).is_none() {
                unhashed.push(UnhashedFile { layer, path: path.clone(), algorithm });
            }
        }
    }
    unhashed.sort();
    unhashed.dedup();
    unhashed
}

/// A file that may have been changed.
struct Suspect<'a> {
    path: FilePath,
    /// The layer of its entry.
    layer: usize,
    /// What packages recorded of it; it is unchanged when it is what any of them brought.
    recorded: Vec<(&'a str, Algorithm, FileDigest)>,
}

/// What is to be read of a suspect.
enum Content {
    /// A file: its layer, and its path there.
    Bytes(usize, Vec<u8>),
    /// The target of a symlink that leads to no file.
    Target(Vec<u8>),
}

impl<'a> Merge<'a> {
    /// The suspects whose digest is known and not what their package recorded.
    pub(super) fn changed(&self, placed: &[Option<Placed<'_>>]) -> Vec<ChangedFile> {
        let mut changed: Vec<ChangedFile> = Vec::new();
        for suspect in suspects(self, self.options.verify_files) {
            let digest = |algorithm| self.digest_of(&suspect.path, algorithm, placed);
            let link = matches!(self.view.entry(suspect.path.as_bytes()), Some((_, Node::Symlink)));
            let target = self.view.link(suspect.path.as_bytes()).filter(|_| link);
            // apk records a symlink by the digest of its target.
            let is_link = |algorithm: Algorithm, digest| target.is_some_and(|to| algorithm.digest(to) == digest);
            let is_same = |(_, algorithm, recorded): &(&str, Algorithm, FileDigest)| {
                is_link(*algorithm, *recorded) || digest(*algorithm).is_none_or(|digest| digest == *recorded)
            };
            if let Some((owner, ..)) = suspect.recorded.first().filter(|_| !suspect.recorded.iter().any(is_same)) {
                changed.push(ChangedFile { path: suspect.path, layer: suspect.layer, owner: (*owner).to_owned() });
            }
        }
        changed
    }

    /// The digest of what is at `path`, where it was computed.
    fn digest_of(&self, path: &FilePath, algorithm: Algorithm, placed: &[Option<Placed<'_>>]) -> Option<FileDigest> {
        match self.content_of(path)? {
            Content::Bytes(layer, path) => {
                let placed = placed.get(layer)?.as_ref()?;
                let name = placed.name_in_layer(&FilePath::new(&path));
                placed.facts.digest(algorithm, PathKey::of(name.as_bytes()))
            }
            Content::Target(target) => Some(algorithm.digest(&target)),
        }
    }

    fn content_of(&self, path: &FilePath) -> Option<Content> {
        match self.view.resolve(path.as_bytes()) {
            Some((layer, path)) if !self.view.is_folder(&path) => Some(Content::Bytes(layer, path)),
            Some(_) => None,
            None => self.view.link(path.as_bytes()).map(|target| Content::Target(target.to_vec())),
        }
    }
}

/// What one package recorded.
struct Recorded<'a> {
    package: &'a str,
    digests: &'a FileDigests,
    /// First layer since which the record has been there unchanged.
    since: usize,
}

/// Live files that packages recorded digests of, in layers above their records or, with `all`, in any.
fn suspects<'a>(merge: &Merge<'a>, all: bool) -> Vec<Suspect<'a>> {
    let recorded = recorded(merge);
    let Some(lowest) = recorded.iter().map(|record| record.since).min() else { return Vec::new() };
    let lowest = if all { 0 } else { lowest + 1 };
    let (diversions, owned, conffiles) = (Diversions::of(merge), owned(merge), conffiles(merge));
    let candidates = candidates(merge, &diversions, lowest);
    let mut suspects: BTreeMap<&[u8], Suspect<'a>> = BTreeMap::new();
    for record in &recorded {
        let hits = record.digests.iter().filter_map(|(key, digest)| Some((digest, candidates.get(&key)?)));
        for (digest, candidate) in hits.flat_map(|(digest, found)| found.iter().map(move |found| (digest, found))) {
            let Candidate { layer, path, name } = candidate;
            let is_listed =
                owned.get(record.package).is_some_and(|lists| lists.iter().any(|l| l.position(name).is_some()));
            let counts = (all || *layer > record.since)
                && is_listed
                && !conffiles.iter().any(|list| list.position(name).is_some())
                && diversions.is_at(merge, record.package, name, path)
                && merge.view.entry(path).is_some_and(|(top, _)| top == *layer);
            if counts {
                let new = || Suspect { path: FilePath::new(path), layer: *layer, recorded: Vec::new() };
                let suspect = suspects.entry(path).or_insert_with(new);
                suspect.recorded.push((record.package, record.digests.algorithm, digest));
            }
        }
    }
    suspects.into_values().collect()
}

/// A path of a layer under one of the names that packages may have for it.
struct Candidate<'a> {
    layer: usize,
    path: &'a [u8],
    name: Vec<u8>,
}

fn candidates<'a>(
    merge: &Merge<'a>,
    diversions: &Diversions<'_>,
    lowest: usize,
) -> HashMap<PathKey, Vec<Candidate<'a>>> {
    let mut candidates: HashMap<PathKey, Vec<Candidate<'a>>> = HashMap::new();
    for (layer, facts) in merge.layers.iter().enumerate().skip(lowest).filter_map(|(at, facts)| Some((at, (*facts)?))) {
        for (path, node, ..) in facts.tree.iter() {
            if !matches!(node, Node::File | Node::HardLink | Node::Symlink) {
                continue;
            }
            for name in diversions.names_of(merge, path) {
                candidates.entry(PathKey::of(&name)).or_default().push(Candidate { layer, path, name });
            }
        }
    }
    candidates
}

/// The digests that the live records of installed packages tell.
fn recorded<'a>(merge: &Merge<'a>) -> Vec<Recorded<'a>> {
    let installed: HashSet<&str> = merge.installed_names();
    let mut recorded = Vec::new();
    for (layer, file) in merge.live_files().filter(|(_, file)| merge.is_database(&file.path)) {
        for fact in &file.facts {
            let Fact::Checksums(checksums) = fact else { continue };
            if installed.contains(checksums.package.as_str()) {
                let since = merge.unbroken(file, layer, |older| older == fact);
                recorded.push(Recorded { package: &checksums.package, digests: &checksums.digests, since });
            }
        }
    }
    recorded
}

/// What each package lists. dpkg leaves a file that another package took over in the first one's checksums.
fn owned<'a>(merge: &Merge<'a>) -> HashMap<&'a str, Vec<&'a PathSet>> {
    let mut owned: HashMap<&str, Vec<&PathSet>> = HashMap::new();
    for (_, file) in merge.live_files().filter(|(_, file)| merge.is_database(&file.path)) {
        for fact in &file.facts {
            if let Fact::Owned(files) = fact {
                owned.entry(&files.package).or_default().push(&files.paths);
            }
        }
    }
    owned
}

/// Files that are there to be changed.
fn conffiles<'a>(merge: &Merge<'a>) -> Vec<&'a PathSet> {
    let databases = merge.live_files().filter(|(_, file)| merge.is_database(&file.path));
    let facts = databases.flat_map(|(_, file)| &file.facts);
    facts.filter_map(|fact| if let Fact::Conffiles(paths) = fact { Some(paths) } else { None }).collect()
}
