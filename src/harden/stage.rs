//! A folder for the blobs of the new image, until somebody has looked at them.
//!
//! In: tar streams. Out: blobs, each under its digest, with size and diff ID known. The folder goes with the [`Stage`]; a process that is killed leaves it to whoever cleans the folder for temporary files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::GzBuilder;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::HardenError;
use crate::digest::{Digest, Hasher};
use crate::layer::inflate::Compression;

/// How layers are compressed. The same bytes come out whenever the same bytes go in: no time and no name is written, one thread compresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packing {
    /// With what.
    pub compression: Compression,
    /// How hard: 1 to 9 for gzip, 1 to 22 for zstd.
    pub level: u32,
}

impl Packing {
    /// As builders do it: gzip at 6, zstd at 3.
    #[must_use]
    pub fn usual(compression: Compression) -> Self {
        Self { compression, level: if compression == Compression::Zstd { 3 } else { 6 } }
    }
}

/// A layer that was put aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StagedLayer {
    /// Digest of the stored bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
    /// Digest of the tar stream.
    pub diff_id: Digest,
    /// How they are compressed.
    pub compression: Compression,
}

/// The folder.
pub struct Stage {
    folder: TempDir,
    blobs: Mutex<BTreeMap<Digest, u64>>,
}

impl Stage {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    /// When no folder can be made there.
    pub fn new() -> Result<Self, HardenError> {
        let folder = tempfile::Builder::new().prefix("imgguard-harden").tempdir();
        let folder = folder.map_err(|source| HardenError::Stage { path: std::env::temp_dir(), source })?;
        Ok(Self { folder, blobs: Mutex::default() })
    }

    /// Where a blob is, and its size; none where it is not here.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<(PathBuf, u64)> {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(digest).map(|size| (self.path(digest), *size))
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// When it is not here.
    pub fn open(&self, digest: &Digest) -> Result<File, HardenError> {
        let path = self.path(digest);
        File::open(&path).map_err(|source| HardenError::Stage { path, source })
    }

    /// A file beside the blobs, for content that is too large for memory; it goes with the stage.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(&self) -> Result<(File, PathBuf), HardenError> {
        let aside = tempfile::Builder::new().prefix("content").tempfile_in(self.folder.path());
        let aside = aside.and_then(|aside| aside.keep().map_err(std::io::Error::from));
        aside.map_err(|source| HardenError::Stage { path: self.folder.path().to_owned(), source })
    }

    /// Begins a layer.
    ///
    /// # Errors
    /// When its file cannot be made, or the compressor refuses the level.
    pub fn layer(&self, packing: Packing) -> Result<LayerWriter<'_>, HardenError> {
        let (file, path) = self.file()?;
        let stored = Stored { file: BufWriter::new(file), hasher: Hasher::sha256(), size: 0 };
        let encoder = match packing.compression {
            Compression::None => Encoder::None(stored),
            // The level of flate2 is at most 9.
            Compression::Gzip => {
                let level = flate2::Compression::new(packing.level.min(9));
                // 255: made on an unknown system (RFC 1952).
                Encoder::Gzip(GzBuilder::new().operating_system(255).write(stored, level))
            }
            Compression::Zstd => {
                let level = i32::try_from(packing.level).unwrap_or(i32::MAX);
                let encoder = zstd::stream::write::Encoder::new(stored, level);
                Encoder::Zstd(encoder.map_err(|source| HardenError::Stage { path: path.clone(), source })?)
            }
        };
        Ok(LayerWriter { stage: self, path, encoder, hasher: Hasher::sha256(), compression: packing.compression })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.path().join(digest.hex())
    }

    fn enter(&self, digest: &Digest, size: u64) {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), size);
    }
}

/// The stored side of a layer: written, counted and hashed.
struct Stored {
    file: BufWriter<File>,
    hasher: Hasher,
    size: u64,
}

impl Write for Stored {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

enum Encoder {
    None(Stored),
    Gzip(GzEncoder<Stored>),
    Zstd(zstd::stream::write::Encoder<'static, Stored>),
}

impl Encoder {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::None(stored) => stored.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<Stored> {
        let mut stored = match self {
            Self::None(stored) => stored,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        stored.flush()?;
        Ok(stored)
    }
}

/// A layer that is being written: takes the tar stream.
pub struct LayerWriter<'s> {
    stage: &'s Stage,
    path: PathBuf,
    encoder: Encoder,
    hasher: Hasher,
    compression: Compression,
}

impl LayerWriter<'_> {
    /// The next bytes of the tar stream.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), HardenError> {
        self.hasher.update(bytes);
        self.encoder.write_all(bytes).map_err(failed(&self.path))
    }

    /// Puts the layer under its digest.
    ///
    /// # Errors
    /// When it cannot be written to its end.
    pub fn finish(self) -> Result<StagedLayer, HardenError> {
        let Self { stage, path, encoder, hasher, compression } = self;
        let stored = encoder.finish().map_err(failed(&path))?;
        let (digest, size) = (stored.hasher.finish(), stored.size);
        std::fs::rename(&path, stage.path(&digest)).map_err(failed(&path))?;
        stage.enter(&digest, size);
        Ok(StagedLayer { digest, size, diff_id: hasher.finish(), compression })
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> HardenError + '_ {
    move |source| HardenError::Stage { path: path.to_owned(), source }
}
