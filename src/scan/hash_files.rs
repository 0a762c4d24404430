//! A bounded second read of a layer for the digests of some of its files.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::file_digest::{Algorithm, FileDigest, FileHasher, PathKey};
use crate::facts::merge::UnhashedFile;
use crate::facts::{Effect, FilePath, LayerFacts, Unknown};
use crate::layer::{Entry, LayerError, PassOptions, Visitor, read_layer};
use crate::source::{Blobs, Content, Layer, rootfs};

/// Hashes the files that `wanted` names in `layer` and adds their digests to `facts`.
///
/// # Errors
/// When the layer cannot be read or verified again.
pub(super) fn hash_files(
    blobs: &dyn Blobs,
    layer: &Layer,
    wanted: &[UnhashedFile],
    facts: &mut LayerFacts,
) -> Result<(), LayerError> {
    let mut by_path: BTreeMap<FilePath, Vec<Algorithm>> = BTreeMap::new();
    for file in wanted {
        by_path.entry(file.path.clone()).or_default().push(file.algorithm);
    }
    let mut reader = Reader { wanted: by_path, current: None, hashed: BTreeMap::new() };
    match blobs.open(layer)? {
        Content::Bytes(bytes) => drop(read_layer(bytes, layer, PassOptions::default(), &mut reader)?),
        Content::Tree(root) => drop(rootfs::walk(&root, &mut reader)?),
    }
    let algorithms: BTreeSet<Algorithm> = reader.hashed.keys().map(|(_, algorithm)| *algorithm).collect();
    for algorithm in algorithms {
        let of_algorithm = reader.hashed.iter().filter(|((_, other), _)| *other == algorithm);
        facts.add_digests(algorithm, of_algorithm.map(|((path, _), digest)| (PathKey::of(path.as_bytes()), *digest)));
    }
    let missing = wanted.iter().filter(|file| !reader.hashed.contains_key(&(file.path.clone(), file.algorithm)));
    facts.unknowns.extend(missing.map(|file| {
        let reason = "the file could not be found again to compare it with its package".to_owned();
        Unknown { effect: Effect::Optional, path: Some(file.path.clone()), by: "layer".into(), reason }
    }));
    Ok(())
}

/// Hashes the wanted files of a stream.
struct Reader {
    wanted: BTreeMap<FilePath, Vec<Algorithm>>,
    current: Option<(FilePath, Vec<(Algorithm, FileHasher)>)>,
    /// Of several files with one name the last stands.
    hashed: BTreeMap<(FilePath, Algorithm), FileDigest>,
}

impl Visitor for Reader {
    fn entry(&mut self, entry: &Entry<'_>) {
        let path = FilePath::new(entry.path);
        let algorithms = self.wanted.get(&path).filter(|_| entry.is_file());
        let hashers = algorithms.map(|all| all.iter().map(|one| (*one, FileHasher::new(*one))).collect());
        self.current = hashers.map(|hashers| (path, hashers));
    }

    fn data(&mut self, bytes: &[u8]) {
        for (_, hasher) in self.current.iter_mut().flat_map(|(_, hashers)| hashers) {
            hasher.update(bytes);
        }
    }

    fn hole(&mut self, length: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut left = length;
        while left > 0 && self.current.is_some() {
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            self.data(ZEROS.get(..n).unwrap_or_default());
            left -= n as u64;
        }
    }

    fn end(&mut self) {
        if let Some((path, hashers)) = self.current.take() {
            let digests = hashers.into_iter().map(|(algorithm, hasher)| ((path.clone(), algorithm), hasher.finish()));
            self.hashed.extend(digests);
        }
    }

    fn skipped(&mut self, _path: &[u8], _reason: &str) {
        self.current = None;
    }
}
