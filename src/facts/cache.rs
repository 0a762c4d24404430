//! Facts of layers that were read before and inventories that were merged from them, in a folder that several processes may use at once.
//!
//! One file a layer, named by the layer's digest and the [`Key`] of what the tool would say of it today, and one a platform, named by its
//! manifest's digest: most scans are of an image that was scanned before, and need neither its hundred thousand paths nor a merge. A file is written aside and renamed, begins with a
//! checksum over the rest, and is believed only when that fits: a killed run or a full disk leaves nothing that a later run trusts. The folder is
//! private to its user (mode 0700), since whoever can write it can tell what images contain. Files used least recently go first.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::merge::{self, MergeOptions};
use super::{Inventory, LayerFacts};
use crate::digest::Digest;

/// Bytes that the folder may hold before the least recently used files go.
pub const MAX_CACHE_BYTES: u64 = 2 << 30;

/// Largest file that is read back: the facts of a layer with millions of paths stay below.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Largest facts in memory after decompression.
const MAX_FACTS_BYTES: usize = 1 << 30;

/// What files hold.
trait Kept: Serialize + DeserializeOwned {
    /// First bytes of every file; the number changes with the serialisation.
    const MAGIC: &[u8; 8];
}

impl Kept for LayerFacts {
    const MAGIC: &[u8; 8] = b"imggLF08";
}

impl Kept for Inventory {
    const MAGIC: &[u8; 8] = b"imggPI03";
}

/// What besides the layer's bytes decides about its facts: revisions of inspectors and rules, limits in force, how the layer was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key over everything in `parts`.
    #[must_use]
    pub fn new(parts: &[&str]) -> Self {
        let joined = parts.join("\0");
        let digest = Digest::sha256(joined.as_bytes());
        Self(digest.hex().get(..16).unwrap_or_default().to_owned())
    }
}

/// Where facts are kept.
#[derive(Clone, Debug)]
pub enum Cache {
    /// In a folder.
    Folder {
        /// The folder.
        path: Arc<Path>,
        /// What the facts depend on.
        key: Key,
        /// Bytes it may hold.
        limit: u64,
    },
    /// Nowhere: each run reads every layer once.
    Off,
}

impl Cache {
    /// Opens or makes the folder. One that cannot be written, or that others may write, is not used, and the reason is told.
    ///
    /// # Errors
    /// Why the folder is not used; the caller goes on with [`Cache::Off`].
    pub fn open(path: &Path, key: Key) -> Result<Self, CacheError> {
        let refused = |source| CacheError::Io { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refused)?;
        let meta = fs::metadata(path).map_err(refused)?;
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.permissions().mode() & 0o022 != 0 {
            return Err(CacheError::Shared { path: path.to_owned() });
        }
        // A read-only folder is found out now and not at the end of a long run.
        tempfile::Builder::new().prefix(".probe").tempfile_in(path).map_err(refused)?;
        Ok(Self::Folder { path: path.into(), key, limit: MAX_CACHE_BYTES })
    }

    /// The facts of a layer, if they are there and undamaged.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<LayerFacts> {
        let Self::Folder { path, key, .. } = self else { return None };
        read(&file_of(path, key, digest))
    }

    /// What was merged of a platform, if it is there and undamaged.
    #[must_use]
    pub fn get_platform(&self, manifest: &Digest, merging: MergeOptions) -> Option<Inventory> {
        let Self::Folder { path, key, .. } = self else { return None };
        read(&platform_file(path, key, manifest, merging))
    }

    /// Keeps the facts of a layer whose digest was verified.
    ///
    /// # Errors
    /// When the file cannot be written; the run does not need it.
    pub fn put(&self, digest: &Digest, facts: &LayerFacts) -> Result<(), CacheError> {
        let Self::Folder { path, key, limit } = self else { return Ok(()) };
        write(path, &file_of(path, key, digest), facts, *limit)
    }

    /// Keeps what was merged of a platform, all layers of which were verified and read.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_platform(
        &self,
        manifest: &Digest,
        merging: MergeOptions,
        inventory: &Inventory,
    ) -> Result<(), CacheError> {
        let Self::Folder { path, key, limit } = self else { return Ok(()) };
        write(path, &platform_file(path, key, manifest, merging), inventory, *limit)
    }
}

fn read<T: Kept>(file: &Path) -> Option<T> {
    let opened = File::open(file).ok()?;
    let length = opened.metadata().ok()?.len();
    if length > MAX_FILE_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    opened.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    let kept = decode(&bytes);
    match &kept {
        // The modification time is the time of last use; whether it can be set does not matter.
        Some(_) => drop(touch(file)),
        None => drop(fs::remove_file(file)),
    }
    kept
}

fn write<T: Kept>(folder: &Path, file: &Path, kept: &T, limit: u64) -> Result<(), CacheError> {
    let refused = |source| CacheError::Io { path: folder.to_path_buf(), source };
    let bytes = encode(kept).map_err(refused)?;
    let mut aside = tempfile::Builder::new().prefix(".new").tempfile_in(folder).map_err(refused)?;
    aside.write_all(&bytes).map_err(refused)?;
    aside.persist(file).map_err(|error| refused(error.error))?;
    evict(folder, limit).map_err(refused)
}

/// Why the cache is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder or a file in it could not be written.
    #[error("the cache folder `{path}` cannot be used")]
    Io {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Other users can write the folder, so its content proves nothing.
    #[error("the cache folder `{path}` belongs to or can be written by other users")]
    Shared {
        /// The folder.
        path: PathBuf,
    },
}

fn file_of(folder: &Path, key: &Key, digest: &Digest) -> PathBuf {
    folder.join(format!("{}-{}-{}", digest.algorithm(), digest.hex(), key.0))
}

/// A merge depends on its options and on itself besides what it is made of.
fn platform_file(folder: &Path, key: &Key, manifest: &Digest, merging: MergeOptions) -> PathBuf {
    let MergeOptions { source_tree, without_development, verify_files } = merging;
    let options = [source_tree, without_development, verify_files].map(|option| if option { 'y' } else { 'n' });
    let (revision, options) = (merge::REVISION, String::from_iter(options));
    folder.join(format!("{}-{}-{}-m{revision}{options}", manifest.algorithm(), manifest.hex(), key.0))
}

/// Magic, SHA-256 of the rest in hex, the rest: zstd over postcard.
fn encode<T: Kept>(kept: &T) -> std::io::Result<Vec<u8>> {
    let plain = postcard::to_stdvec(kept).map_err(std::io::Error::other)?;
    let mut packed = (plain.len() as u64).to_le_bytes().to_vec();
    packed.extend(zstd::bulk::compress(&plain, 1)?);
    let mut bytes = T::MAGIC.to_vec();
    bytes.extend_from_slice(Digest::sha256(&packed).hex().as_bytes());
    bytes.extend_from_slice(&packed);
    Ok(bytes)
}

fn decode<T: Kept>(bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(T::MAGIC)?;
    let (sum, packed) = rest.split_at_checked(64)?;
    if Digest::sha256(packed).hex().as_bytes() != sum {
        return None;
    }
    let (length, compressed) = packed.split_at_checked(8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let plain = zstd::bulk::decompress(compressed, length.min(MAX_FACTS_BYTES)).ok()?;
    postcard::from_bytes(&plain).ok()
}

fn touch(file: &Path) -> std::io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    Ok(rustix::fs::utimensat(CWD, file, &times, AtFlags::empty())?)
}

/// Removes the least recently used files until the folder is within `limit`. Another process doing the same is harmless.
fn evict(folder: &Path, limit: u64) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(entry) = entry else { continue };
        let Ok(meta) = entry.metadata() else { continue };
        let used = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        files.push((used, meta.len(), entry.path()));
    }
    let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
    files.sort();
    for (_, length, path) in files {
        if total <= limit {
            break;
        }
        if fs::remove_file(path).is_ok() {
            total -= length;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Effect, Unknown};

    fn facts(stored_bytes: u64) -> LayerFacts {
        let unknown = Unknown { effect: Effect::Optional, path: None, by: "x".into(), reason: "y".into() };
        LayerFacts { stored_bytes, unknowns: vec![unknown], ..LayerFacts::default() }
    }

    fn open(folder: &Path, key: &str) -> Cache {
        Cache::open(&folder.join("c"), Key::new(&[key])).unwrap()
    }

    #[test]
    fn gives_back_what_was_put_and_only_for_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::sha256(b"layer");
        let cache = open(folder.path(), "1");
        assert_eq!(cache.get(&digest), None);
        cache.put(&digest, &facts(7)).unwrap();
        assert_eq!(cache.get(&digest), Some(facts(7)));
        assert_eq!(open(folder.path(), "2").get(&digest), None);
    }

    #[test]
    fn an_inventory_is_kept_beside_the_layers_and_for_the_same_merge() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::sha256(b"manifest");
        let cache = open(folder.path(), "1");
        let merging = MergeOptions::default();
        let inventory = Inventory {
            wasted: vec![7],
            live: [("etc/passwd".to_owned(), (1, crate::facts::FilePath::new(b"usr/etc/passwd")))].into(),
            no_password: [("root".to_owned(), "etc/shadow".to_owned())].into(),
            ..Inventory::default()
        };
        cache.put(&digest, &facts(7)).unwrap();
        cache.put_platform(&digest, merging, &inventory).unwrap();
        assert_eq!(cache.get(&digest), Some(facts(7)));
        assert_eq!(cache.get_platform(&digest, merging), Some(inventory));
        for other in [
            MergeOptions { source_tree: true, ..merging },
            MergeOptions { without_development: true, ..merging },
            MergeOptions { verify_files: true, ..merging },
        ] {
            assert_eq!(cache.get_platform(&digest, other), None, "{other:?}");
        }
        assert_eq!(open(folder.path(), "2").get_platform(&digest, merging), None);
        // A file under another's name is no answer.
        let Cache::Folder { path, key, .. } = &cache else { panic!() };
        fs::copy(file_of(path, key, &digest), platform_file(path, key, &digest, merging)).unwrap();
        assert_eq!(cache.get_platform(&digest, merging), None);
    }

    #[test]
    fn a_damaged_file_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::sha256(b"layer");
        let cache = open(folder.path(), "1");
        cache.put(&digest, &facts(7)).unwrap();
        let file = fs::read_dir(folder.path().join("c")).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&file).unwrap();
        for at in [0, 8, 40, 80, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&file, &damaged).unwrap();
            assert_eq!(cache.get(&digest), None, "byte {at}");
        }
        for cut in [0, 5, 80, whole.len() - 1] {
            fs::write(&file, &whole[..cut]).unwrap();
            assert_eq!(cache.get(&digest), None, "cut at {cut}");
        }
    }

    #[test]
    fn least_recently_used_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), "1");
        let digests: Vec<Digest> = (0..4u8).map(|n| Digest::sha256(&[n])).collect();
        digests.iter().for_each(|digest| cache.put(digest, &facts(1)).unwrap());
        let Cache::Folder { path, key, .. } = &cache else { panic!() };
        for (age, digest) in [3u64, 1, 2, 0].iter().zip(&digests) {
            let file = File::options().write(true).open(file_of(path, key, digest)).unwrap();
            file.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(1000 - age)).unwrap();
        }
        let one = fs::metadata(file_of(path, key, &digests[0])).unwrap().len();
        evict(path, one * 2).unwrap();
        let kept: Vec<bool> = digests.iter().map(|digest| cache.get(digest).is_some()).collect();
        assert_eq!(kept, [false, true, false, true]);
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Cache::open(folder.path(), Key::new(&[])), Err(CacheError::Shared { .. })));
    }
}
