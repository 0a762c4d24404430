//! What is remembered of the artifact that a store came from, in a file beside the store.
//!
//! It keeps the newest date that was accepted, so that nobody can serve an older store again, signed as it may be.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ArtifactError;
use crate::advisory::store::replace_file;

/// Layout of the file.
const FORMAT: u32 = 1;

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Where a store came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    format: u32,
    /// The reference that it was fetched from.
    pub reference: String,
    /// Digest of the manifest.
    pub manifest: String,
    /// When that was published, RFC 3339.
    pub published: jiff::Timestamp,
    /// Root digest of the store. Where the store beside has another one, it was made otherwise since.
    pub store: String,
    /// Who signed; none where that was not asked.
    pub signer: Option<String>,
}

impl Origin {
    /// Of a store that is about to be put in place.
    #[must_use]
    pub fn new(reference: &str, published: &super::Published, signer: Option<String>) -> Self {
        Self {
            format: FORMAT,
            reference: reference.to_owned(),
            manifest: published.manifest.to_string(),
            published: published.created,
            store: published.root.clone(),
            signer,
        }
    }

    /// What is remembered beside `store`. A file that is not understood counts as none: the dates of the sources in the store are still compared.
    #[must_use]
    pub fn beside(store: &Path) -> Option<Self> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(place(store)).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|origin: &Self| origin.format == FORMAT)
    }

    /// Writes it beside `store`, before the store itself is replaced: a run that ends between the two has remembered a date too many, and no date too few.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, store: &Path) -> Result<(), ArtifactError> {
        let path = place(store);
        let written = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        let written = written.and_then(|bytes| replace_file(&path, |file| file.write_all(&bytes)));
        written.map_err(|source| ArtifactError::Write { path, source })
    }
}

fn place(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".origin.json");
    store.with_file_name(name)
}
