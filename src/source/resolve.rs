//! From the bytes of an index or manifest to the chosen platforms' manifests, for every source that finds content by its digest.
//!
//! Nothing is believed before its digest and size were checked over the stored bytes. Index, manifest and descriptor are own serde types: `oci-spec`'s refuse `null` lists, which
//! Docker writes, and any digest algorithm or media type that must only be passed over.
//!
//! Source: OCI image-spec `image-index.md`, `manifest.md`, `descriptor.md`; Docker's "Image Manifest Version 2, Schema 2".

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Documents, Layer, MAX_CONFIG_BYTES, MAX_INDEX_ENTRIES, MAX_LAYERS, MAX_MANIFEST_BYTES, Manifest, Place,
    PlatformChoice, SourceError,
};
use crate::digest::Digest;
use crate::oci::{ImageConfig, Platform};

/// Deepest nesting of an index in an index. Published images nest at most once.
const MAX_INDEX_DEPTH: u32 = 3;

/// Media types that name a list of manifests.
pub(super) const INDEX_TYPES: &[&str] =
    &["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Media types that name one image.
pub(super) const MANIFEST_TYPES: &[&str] =
    &["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// Media types of a configuration that says how to run an image.
const CONFIG_TYPES: &[&str] =
    &["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// A pointer to content.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type; empty where it is not told.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: String,
    /// Length of the content in bytes.
    pub size: u64,
    /// Digest of the content, as it is written: it may be none.
    pub digest: String,
    /// What an image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an artifact is; empty for images.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
}

/// Reads content by its descriptor. Whatever it gives is checked here.
pub(super) trait ContentStore {
    /// The bytes of a manifest or configuration; reads at most one byte more than the descriptor's size.
    fn read(&self, kind: Kind, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, SourceError>;
}

/// What is read; registries keep manifests and blobs apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Manifest,
    Blob,
}

/// An index or manifest whose digest is known to be right.
#[derive(Clone)]
pub(super) struct Root {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: Digest,
    /// What the source says it is; empty where it does not.
    pub(super) media_type: String,
}

/// What a [`Root`] leads to.
pub(super) struct Resolved {
    pub(super) media_type: String,
    pub(super) index: Option<Arc<[u8]>>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) offered: Vec<Platform>,
    pub(super) manifests: Vec<Manifest>,
}

/// Follows `root` to the manifests of the platforms asked for.
pub(super) fn resolve(root: Root, store: &dyn ContentStore, choice: &PlatformChoice) -> Result<Resolved, SourceError> {
    let document = Document::parse(&root.bytes, &root.media_type, &root.digest)?;
    let media_type = document.media_type.clone();
    let annotations = document.annotations.clone();
    let index = document.is_index().then(|| document.bytes.clone());
    let mut found = Vec::new();
    if document.is_index() {
        collect(document, store, choice, 1, &mut found)?;
        check_choice(choice, found.iter().map(|candidate| candidate.platform.as_ref()))?;
    } else {
        found.push(Candidate { document, digest: root.digest, platform: None });
    }
    let offered = found.iter().filter_map(|candidate| candidate.platform.clone()).collect();
    let chosen = found.into_iter().filter(|candidate| candidate.is_chosen(choice));
    let mut manifests = chosen.map(|candidate| candidate.read(store)).collect::<Result<Vec<_>, _>>()?;
    if let [only] = manifests.as_slice() {
        check_single(choice, only)?;
    }
    manifests.dedup_by(|a, b| a.digest == b.digest);
    Ok(Resolved { media_type, index, annotations, offered, manifests })
}

/// An index or manifest, parsed.
struct Document {
    bytes: Arc<[u8]>,
    media_type: String,
    annotations: BTreeMap<String, String>,
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    #[serde(default, deserialize_with = "or_default")]
    schema_version: u64,
    #[serde(default, deserialize_with = "or_default")]
    media_type: String,
    #[serde(default, deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "or_default")]
    layers: Vec<Descriptor>,
    #[serde(default)]
    fs_layers: Option<serde_json::Value>,
}

/// A manifest of an index, before its configuration is read.
struct Candidate {
    document: Document,
    digest: Digest,
    platform: Option<Platform>,
}

impl Document {
    fn parse(bytes: &[u8], media_type: &str, digest: &Digest) -> Result<Self, SourceError> {
        let what = || format!("manifest {digest}");
        let malformed = |detail: String| SourceError::Malformed { what: what(), detail };
        let raw: RawDocument = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if raw.fs_layers.is_some() || raw.schema_version == 1 {
            return Err(malformed(
                "it is of Docker's schema 1, which was withdrawn; push the image again with a current client".into(),
            ));
        }
        let said = media_type.split(';').next().unwrap_or_default().trim();
        // Two readings of one document (an index to one tool, an image to another) is an old trick; the content decides and must not contradict its label.
        let is_index = raw.manifests.is_some();
        if is_index && (raw.config.is_some() || !raw.layers.is_empty()) {
            return Err(malformed("it is an index and an image at once".into()));
        }
        for label in [said, raw.media_type.as_str()] {
            let contradicts =
                (is_index && MANIFEST_TYPES.contains(&label)) || (!is_index && INDEX_TYPES.contains(&label));
            if contradicts {
                return Err(malformed(format!("its content does not fit its media type `{label}`")));
            }
        }
        let label = if raw.media_type.is_empty() { said } else { &raw.media_type };
        let default = if is_index { INDEX_TYPES } else { MANIFEST_TYPES };
        let label = if label.is_empty() { default.first().copied().unwrap_or_default() } else { label };
        let manifests = raw.manifests.unwrap_or_default();
        if manifests.len() > MAX_INDEX_ENTRIES {
            return Err(malformed(format!(
                "it lists {} manifests; more than {MAX_INDEX_ENTRIES} are refused",
                manifests.len()
            )));
        }
        if raw.layers.len() > MAX_LAYERS {
            return Err(malformed(format!("it has {} layers; more than {MAX_LAYERS} are refused", raw.layers.len())));
        }
        if !is_index && raw.config.is_none() {
            return Err(malformed("it has neither manifests nor a config".into()));
        }
        Ok(Self {
            bytes: bytes.into(),
            media_type: label.to_owned(),
            annotations: raw.annotations,
            manifests,
            config: raw.config,
            layers: raw.layers,
        })
    }

    fn is_index(&self) -> bool {
        self.config.is_none()
    }
}

/// All runnable manifests below an index; those of platforms that were not asked for are not read.
fn collect(
    index: Document,
    store: &dyn ContentStore,
    choice: &PlatformChoice,
    depth: u32,
    found: &mut Vec<Candidate>,
) -> Result<(), SourceError> {
    for entry in index.manifests {
        let is_index = INDEX_TYPES.contains(&entry.media_type.as_str());
        let is_image = MANIFEST_TYPES.contains(&entry.media_type.as_str()) || entry.media_type.is_empty();
        let is_attestation = entry.platform.as_ref().is_some_and(Platform::is_attestation)
            || entry.annotations.contains_key("vnd.docker.reference.type");
        if !(is_index || is_image) || is_attestation || !entry.artifact_type.is_empty() {
            continue;
        }
        let unwanted = entry.platform.as_ref().is_some_and(|platform| !choice.wants(platform));
        let digest = parse_digest(&entry)?;
        if unwanted && is_image {
            // Known by name, so that an error can list it.
            let document = Document {
                bytes: Arc::new([]),
                media_type: String::new(),
                annotations: BTreeMap::new(),
                manifests: Vec::new(),
                config: None,
                layers: Vec::new(),
            };
            found.push(Candidate { document, digest, platform: entry.platform });
            continue;
        }
        let bytes = read_checked(store, Kind::Manifest, &entry, MAX_MANIFEST_BYTES)?;
        let document = Document::parse(&bytes, &entry.media_type, &digest)?;
        if document.is_index() {
            if depth >= MAX_INDEX_DEPTH {
                return Err(SourceError::Malformed {
                    what: format!("index {digest}"),
                    detail: format!("indexes are nested more than {MAX_INDEX_DEPTH} deep"),
                });
            }
            collect(document, store, choice, depth + 1, found)?;
        } else if document.config.as_ref().is_some_and(|config| CONFIG_TYPES.contains(&config.media_type.as_str())) {
            found.push(Candidate { document, digest, platform: entry.platform });
        }
        if found.len() > MAX_INDEX_ENTRIES {
            return Err(SourceError::Malformed {
                what: "the index".into(),
                detail: format!("it leads to more than {MAX_INDEX_ENTRIES} manifests"),
            });
        }
    }
    Ok(())
}

pub(super) fn describe(choice: &PlatformChoice) -> String {
    match choice {
        PlatformChoice::All => "any platform".into(),
        PlatformChoice::Native => Platform::native().to_string(),
        PlatformChoice::Only(wanted) => wanted.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Whether every platform asked for is among those that there are; one that is not known may be any.
pub(super) fn check_choice<'a>(
    choice: &PlatformChoice,
    found: impl Iterator<Item = Option<&'a Platform>>,
) -> Result<(), SourceError> {
    let found: Vec<Option<&Platform>> = found.collect();
    let missing =
        |wanted: &Platform| !found.iter().any(|platform| platform.is_none_or(|platform| platform.satisfies(wanted)));
    let missing: Vec<String> = match choice {
        PlatformChoice::Only(wanted) => {
            wanted.iter().filter(|wanted| missing(wanted)).map(Platform::to_string).collect()
        }
        PlatformChoice::Native if missing(&Platform::native()) => vec![Platform::native().to_string()],
        PlatformChoice::All if found.is_empty() => vec![describe(choice)],
        _ => return Ok(()),
    };
    if missing.is_empty() {
        return Ok(());
    }
    let available: Vec<String> = found.iter().flatten().map(ToString::to_string).collect();
    let available = if available.is_empty() { "no runnable manifest".into() } else { available.join(", ") };
    Err(SourceError::NoPlatform { wanted: missing.join(", "), available })
}

/// One manifest without an index: an explicit platform must still be the right one; `native` takes what there is.
pub(super) fn check_single(choice: &PlatformChoice, manifest: &Manifest) -> Result<(), SourceError> {
    match choice {
        PlatformChoice::Only(wanted) if !wanted.iter().any(|wanted| manifest.platform.satisfies(wanted)) => {
            Err(SourceError::NoPlatform { wanted: describe(choice), available: manifest.platform.to_string() })
        }
        _ => Ok(()),
    }
}

impl Candidate {
    fn is_chosen(&self, choice: &PlatformChoice) -> bool {
        self.document.config.is_some() && self.platform.as_ref().is_none_or(|platform| choice.wants(platform))
    }

    fn read(self, store: &dyn ContentStore) -> Result<Manifest, SourceError> {
        let Self { document, digest, platform } = self;
        let what = format!("manifest {digest}");
        let config = document
            .config
            .ok_or_else(|| SourceError::Malformed { what: what.clone(), detail: "it has no config".into() })?;
        if !CONFIG_TYPES.contains(&config.media_type.as_str()) {
            let detail = format!("it is not an image but an artifact with a config of type `{}`", config.media_type);
            return Err(SourceError::Malformed { what, detail });
        }
        let bytes = read_checked(store, Kind::Blob, &config, MAX_CONFIG_BYTES)?;
        let config: ImageConfig = serde_json::from_slice(&bytes).map_err(|error| SourceError::Malformed {
            what: format!("image configuration of {digest}"),
            detail: error.to_string(),
        })?;
        let layers = layers(&document.layers, &config)?;
        let platform = platform.unwrap_or_else(|| config.platform());
        let documents = Documents { manifest: Some(document.bytes), config: Some(bytes.into()) };
        let annotations = document.annotations;
        Ok(Manifest { platform, digest: Some(digest), annotations, config, documents, layers, listing: None })
    }
}

fn layers(descriptors: &[Descriptor], config: &ImageConfig) -> Result<Vec<Layer>, SourceError> {
    let diff_ids = &config.rootfs.diff_ids;
    let fits = diff_ids.len() == descriptors.len();
    let layer = |(index, descriptor): (usize, &Descriptor)| {
        let diff_id = diff_ids.get(index).filter(|_| fits).and_then(|text| text.parse().ok());
        let media_type = descriptor.media_type.clone();
        let place = match media_type.as_str() {
            kind if kind.contains("foreign") || kind.contains("nondistributable") => {
                Place::Absent { reason: "a foreign layer, which registries do not keep".into() }
            }
            kind if kind.contains("+encrypted") => Place::Absent { reason: "the layer is encrypted".into() },
            _ => Place::Digest,
        };
        Ok(Layer { digest: Some(parse_digest(descriptor)?), size: descriptor.size, media_type, diff_id, place })
    };
    descriptors.iter().enumerate().map(layer).collect()
}

pub(super) fn parse_digest(descriptor: &Descriptor) -> Result<Digest, SourceError> {
    descriptor.digest.parse().map_err(|error: crate::digest::DigestError| SourceError::Malformed {
        what: "a descriptor".into(),
        detail: error.to_string(),
    })
}

/// The bytes of a manifest or configuration, of exactly the descriptor's size and digest.
pub(super) fn read_checked(
    store: &dyn ContentStore,
    kind: Kind,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Vec<u8>, SourceError> {
    let digest = parse_digest(descriptor)?;
    let what = || format!("{} {digest}", if kind == Kind::Manifest { "manifest" } else { "image configuration" });
    if descriptor.size > limit {
        return Err(SourceError::TooLarge { what: what(), limit });
    }
    let bytes = store.read(kind, descriptor, &digest)?;
    if bytes.len() as u64 != descriptor.size {
        return Err(SourceError::SizeMismatch { what: what(), expected: descriptor.size, actual: bytes.len() as u64 });
    }
    check_digest(&what(), &digest, &bytes)?;
    Ok(bytes)
}

/// Refuses bytes that do not have the digest by which they were asked for.
pub(super) fn check_digest(what: &str, expected: &Digest, bytes: &[u8]) -> Result<(), SourceError> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == *expected {
        return Ok(());
    }
    Err(SourceError::DigestMismatch { what: what.to_owned(), expected: expected.clone(), actual })
}

/// Reads at most one byte more than `limit`, so that the caller sees that there was more.
pub(super) fn read_bounded(reader: impl Read, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
