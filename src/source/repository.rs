//! A repository as a whole: manifests by tag and digest, what refers to them, and how more is put there.
//!
//! [`super::Image`] is what one runs; this is for what hangs on it: signatures, attestations, SBOMs. In: tags and digests. Out: bytes that have the digest they were asked for. A repository is one
//! of a registry, or an OCI layout.
//!
//! Absent and unreachable are never the same here: `None` is the repository's own word that it has no such thing, and whatever else keeps an answer from us is an error.
//!
//! Source: OCI distribution-spec, "Listing Referrers", "Pushing Manifests"; image-spec `manifest.md`.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::resolve::{Descriptor, or_default};
use super::{MAX_INDEX_ENTRIES, MAX_LAYERS, SourceError};
use crate::digest::Digest;

/// Most referrers of one manifest that are looked at.
pub const MAX_REFERRERS: usize = 1024;

/// Media type of a manifest of an artifact or image.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where a manifest is.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// Under a name that may move.
    Tag(&'a str),
    /// Under its digest.
    Digest(&'a Digest),
}

impl At<'_> {
    /// As it stands in a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag,
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

/// The tag that hangs something on a digest: `sha256-HEX` and a suffix (OCI distribution-spec, "Referrers Tag Schema"; cosign `specs/SIGNATURE_SPEC.md`).
#[must_use]
pub fn tag(digest: &Digest, suffix: &str) -> String {
    format!("{}-{}{suffix}", digest.algorithm(), digest.hex())
}

/// An index or manifest as it is stored. By digest, the bytes were checked; by tag, the digest is that of the bytes.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// What the repository says it is; empty where it does not.
    pub media_type: String,
}

/// Opens a blob at its beginning, as often as it must be sent.
pub type OpenBlob = Arc<dyn Fn() -> Result<Box<dyn Read + Send>, SourceError> + Send + Sync>;

/// How a blob came to be in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was there.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was sent.
    Sent,
}

/// A repository of a registry, or a layout.
pub trait Repository: Send + Sync {
    /// How it is named in an attestation's subject and to people: host and repository, or the folder.
    fn name(&self) -> String;

    /// An index or manifest of at most [`super::MAX_MANIFEST_BYTES`].
    ///
    /// # Errors
    /// When it cannot be had, or has not the digest.
    fn manifest(&self, at: At<'_>) -> Result<Option<Stored>, SourceError>;

    /// A blob of exactly the descriptor's size and digest; the caller bounds the size first.
    ///
    /// # Errors
    /// When it cannot be had ([`SourceError::NotFound`] when it is not there), or is another.
    fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError>;

    /// The bytes of a blob as a stream. Whoever reads it checks digest and size, and reads no more than that and one byte.
    ///
    /// # Errors
    /// When it cannot be had. What breaks later travels in the stream's errors, as [`SourceError`] where it is one.
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError>;

    /// What says of itself that it refers to `subject`; none where the repository keeps no such list.
    ///
    /// # Errors
    /// When the list cannot be had, or is longer than [`MAX_REFERRERS`].
    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError>;

    /// Stores a blob, unless it is there.
    ///
    /// # Errors
    /// When it could not be stored.
    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, SourceError>;

    /// Stores the blob that a descriptor names, unless it is there, and holds no more of it in memory than a few pieces. What `open` gives is checked before the blob counts.
    ///
    /// # Errors
    /// When it could not be read or stored, or is another.
    fn put_stream(&self, descriptor: &Descriptor, open: OpenBlob) -> Result<Put, SourceError>;

    /// Stores a manifest. Its blobs must be there. The answer says whether the repository now lists it among the referrers of its subject, if it has one.
    ///
    /// # Errors
    /// When it could not be stored.
    fn put_manifest(&self, at: At<'_>, media_type: &str, bytes: &[u8]) -> Result<bool, SourceError>;

    /// Changes the document under a tag: `change` gets what is there now and gives what shall be there, or none to leave it. It may be called again when others write at the
    /// same time.
    ///
    /// # Errors
    /// When it could not be read or stored, or the others never stop.
    fn update(&self, tag: &str, media_type: &str, change: &mut Change<'_>) -> Result<(), SourceError>;
}

/// What [`Repository::update`] makes of a document.
pub type Change<'a> = dyn FnMut(Option<&Stored>) -> Result<Option<Vec<u8>>, SourceError> + 'a;

/// An index or manifest of anything, image or artifact.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its own word of what it is.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: String,
    /// What kind of artifact it is; empty for images.
    #[serde(default, deserialize_with = "or_default")]
    pub artifact_type: String,
    /// The manifests of an index.
    #[serde(default)]
    pub manifests: Option<Vec<Descriptor>>,
    /// The configuration of a manifest.
    #[serde(default)]
    pub config: Option<Descriptor>,
    /// The layers of a manifest.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
    /// What it refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Annotations.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

impl Document {
    /// Reads an index or manifest.
    ///
    /// # Errors
    /// When it is neither, both, or too long.
    pub fn parse(stored: &Stored) -> Result<Self, SourceError> {
        let malformed = |detail: String| SourceError::Malformed { what: format!("manifest {}", stored.digest), detail };
        let document: Self = serde_json::from_slice(&stored.bytes).map_err(|error| malformed(error.to_string()))?;
        if document.manifests.is_some() && (document.config.is_some() || !document.layers.is_empty()) {
            return Err(malformed("it is an index and an image at once".into()));
        }
        let entries = document.manifests.as_ref().map_or(0, Vec::len);
        if entries > MAX_INDEX_ENTRIES.max(MAX_REFERRERS) || document.layers.len() > MAX_LAYERS {
            return Err(malformed("it is too long".into()));
        }
        Ok(document)
    }

    /// Whether it lists manifests.
    #[must_use]
    pub fn is_index(&self) -> bool {
        self.manifests.is_some()
    }
}

impl Descriptor {
    /// The digest, if it is one that can be checked.
    ///
    /// # Errors
    /// When it is not.
    pub fn parsed_digest(&self) -> Result<Digest, SourceError> {
        super::resolve::parse_digest(self)
    }

    /// A descriptor of these bytes.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            digest: Digest::sha256(bytes).to_string(),
            platform: None,
            annotations: BTreeMap::new(),
            artifact_type: String::new(),
        }
    }
}

/// A manifest to be written; the order of fields is that of go-containerregistry.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewManifest {
    /// Always 2.
    pub schema_version: u8,
    /// [`MANIFEST`].
    pub media_type: &'static str,
    /// Configuration.
    pub config: Descriptor,
    /// Layers.
    pub layers: Vec<Descriptor>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What it refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// What kind of artifact it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<&'static str>,
}
