//! Drafts to a new image: layers kept, rewritten or made; configuration, manifest and index written anew where something below them changed, with every field that nobody here knows.
//!
//! What did not change keeps its bytes: a layer, and a platform of which no layer and no setting changed. Media types stay what they are: Docker's manifests stay Docker's.
//!
//! Source: OCI image-spec `manifest.md`, `image-index.md`; Docker's "Image Manifest Version 2, Schema 2".

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::HardenError;
use super::draft::{Draft, DraftLayer};
use super::entry::{NewEntry, layer_of};
use super::rewrite::{LayerEdits, rewrite_layer};
use super::stage::{Packing, Stage, StagedLayer};
use crate::digest::Digest;
use crate::layer::inflate::Compression;
use crate::oci::Platform;
use crate::source::repository::{INDEX, MANIFEST};
use crate::source::{Blobs, Content, Documents, Image, Layer, Manifest, Place, SourceError};

/// Docker's media type of a manifest.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A document with its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub digest: Digest,
    /// What it is.
    pub media_type: String,
}

impl Document {
    fn new(bytes: impl Into<Arc<[u8]>>, media_type: impl Into<String>) -> Self {
        let bytes = bytes.into();
        Self { digest: Digest::sha256(&bytes), bytes, media_type: media_type.into() }
    }
}

/// A layer of the new image.
#[derive(Clone)]
pub struct NewLayer {
    /// What it is, as a source would say it.
    pub layer: Layer,
    /// Who gives its bytes; none where they are in the stage.
    pub blobs: Option<Arc<dyn Blobs>>,
}

/// One platform of the new image.
#[derive(Clone)]
pub struct NewPlatform {
    /// The platform.
    pub platform: Platform,
    /// Digest of the old manifest.
    pub before: Option<Digest>,
    /// Manifest.
    pub manifest: Document,
    /// Configuration.
    pub config: Document,
    /// Layers, lowest first.
    pub layers: Vec<NewLayer>,
}

/// The new image.
#[derive(Clone)]
pub struct NewImage {
    /// The index, or the manifest of an image without one.
    pub root: Document,
    /// The platforms.
    pub platforms: Vec<NewPlatform>,
}

/// Makes layers and documents, each distinct layer once.
pub struct Realiser<'s> {
    stage: &'s Stage,
    /// How layers are compressed; none keeps what each layer has.
    packing: Option<Packing>,
    rewritten: BTreeMap<(Digest, LayerEdits), (StagedLayer, bool)>,
}

impl<'s> Realiser<'s> {
    /// Puts what it makes into `stage`.
    #[must_use]
    pub fn new(stage: &'s Stage, packing: Option<Packing>) -> Self {
        Self { stage, packing, rewritten: BTreeMap::new() }
    }

    /// Makes one platform of what its draft says. `before` is the old one.
    ///
    /// # Errors
    /// When a layer cannot be read or written, or the old image lacks what a new one needs.
    pub fn platform(&mut self, draft: Draft, before: &Manifest) -> Result<NewPlatform, HardenError> {
        let old = OldManifest::read(before)?;
        let usual = draft.layers.iter().rev().find_map(compression).unwrap_or(Compression::Gzip);
        let mut layers = Vec::with_capacity(draft.layers.len());
        for layer in draft.layers {
            layers.push(match layer {
                DraftLayer::Source { layer, blobs, edits } => self.source(&old, layer, &blobs, edits)?,
                DraftLayer::New { entries, .. } => self.new_layer(&old, &entries, usual)?,
            });
        }
        let config = self.config(draft.config, before, &layers)?;
        let manifest = old.rewritten(&config, &layers, draft.annotations)?;
        let (platform, before) = (before.platform.clone(), before.digest.clone());
        Ok(NewPlatform { platform, before, manifest, config, layers })
    }

    fn source(
        &mut self,
        old: &OldManifest,
        layer: Layer,
        blobs: &Arc<dyn Blobs>,
        edits: LayerEdits,
    ) -> Result<NewLayer, HardenError> {
        let kept = || NewLayer { layer: layer.clone(), blobs: Some(blobs.clone()) };
        let is_storable = can_keep(&layer);
        if edits.is_empty() && is_storable {
            return Ok(kept());
        }
        let key = (layer.digest.clone().or_else(|| layer.diff_id.clone()), edits);
        let known = key.0.clone().and_then(|digest| self.rewritten.get(&(digest, key.1.clone())));
        let (staged, changed) = match known {
            Some(known) => known.clone(),
            None => {
                let compression = Compression::of_media_type(&layer.media_type).unwrap_or(Compression::Gzip);
                let packing = self.packing(compression);
                let reader = open(blobs.as_ref(), &layer)?;
                let done = rewrite_layer(reader, &layer, &mut key.1.clone(), self.stage, packing)?;
                let made = (done.staged, done.changed);
                if let Some(digest) = key.0 {
                    self.rewritten.insert((digest, key.1), made.clone());
                }
                made
            }
        };
        if !changed && is_storable {
            return Ok(kept());
        }
        Ok(old.staged(staged))
    }

    fn new_layer(&self, old: &OldManifest, entries: &[NewEntry], usual: Compression) -> Result<NewLayer, HardenError> {
        Ok(old.staged(layer_of(entries, self.stage, self.packing(usual))?))
    }

    /// As the user wants it, else as the old layer was; one that was not compressed is now.
    fn packing(&self, usual: Compression) -> Packing {
        let compression = if usual == Compression::None { Compression::Gzip } else { usual };
        self.packing.unwrap_or(Packing::usual(compression))
    }

    fn config(
        &self,
        mut config: super::Config,
        before: &Manifest,
        layers: &[NewLayer],
    ) -> Result<Document, HardenError> {
        let stored = before.documents.config.clone().unwrap_or_default();
        let diff_ids = layers.iter().map(|layer| layer.layer.diff_id.clone());
        let diff_ids = diff_ids.collect::<Option<Vec<Digest>>>().ok_or_else(|| HardenError::Unfit {
            what: format!("the image for {}", before.platform),
            why: "its configuration does not name the diff ID of every layer".into(),
        })?;
        let names = diff_ids.iter().map(Digest::as_str);
        if !names.eq(before.config.rootfs.diff_ids.iter().map(String::as_str)) {
            config.set_diff_ids(&diff_ids);
        }
        let is_same = super::Config::parse(&stored).is_ok_and(|stored| stored == config);
        let bytes = if is_same { stored } else { config.to_bytes().into() };
        Ok(Document::new(bytes, ""))
    }
}

/// Whether a layer's bytes can be stored as the source gives them. An engine's store and Docker's archive have the uncompressed stream in place of what a manifest names.
fn can_keep(layer: &Layer) -> bool {
    layer.digest.is_some() && matches!(layer.place, Place::Digest | Place::Absent { .. })
}

fn compression(layer: &DraftLayer) -> Option<Compression> {
    let DraftLayer::Source { layer, .. } = layer else { return None };
    Compression::of_media_type(&layer.media_type).filter(|compression| *compression != Compression::None)
}

fn open(blobs: &dyn Blobs, layer: &Layer) -> Result<Box<dyn Read + Send>, HardenError> {
    match blobs.open(layer)? {
        Content::Bytes(reader) => Ok(reader),
        Content::Tree(path) => Err(HardenError::Unfit {
            what: format!("the layer in `{}`", path.display()),
            why: "only its files are there, not its stored bytes".into(),
        }),
    }
}

/// The manifest that there was, or an empty one of Docker's where the source keeps none.
struct OldManifest {
    document: Map<String, Value>,
    stored: Option<Arc<[u8]>>,
    is_docker: bool,
}

impl OldManifest {
    fn read(before: &Manifest) -> Result<Self, HardenError> {
        let unfit = |why: String| HardenError::Unfit { what: format!("the manifest for {}", before.platform), why };
        let stored = before.documents.manifest.clone();
        let document = match &stored {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|error| unfit(error.to_string()))?,
            None => Map::from_iter([
                ("schemaVersion".to_owned(), 2.into()),
                ("mediaType".to_owned(), MANIFEST.into()),
                ("config".to_owned(), json!({"mediaType": "application/vnd.oci.image.config.v1+json"})),
            ]),
        };
        let media_type = document.get("mediaType").and_then(Value::as_str);
        let config_type = document.get("config").and_then(|config| config.get("mediaType")).and_then(Value::as_str);
        let is_docker = media_type.or(config_type).is_some_and(|name| name.contains("vnd.docker."));
        Ok(Self { document, stored, is_docker })
    }

    fn layers(&self) -> &[Value] {
        self.document.get("layers").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The descriptor of a layer that the manifest has.
    fn descriptor(&self, digest: &Digest) -> Option<&Value> {
        let is_it = |known: &&Value| known.get("digest").and_then(Value::as_str) == Some(digest.as_str());
        self.layers().iter().find(is_it)
    }

    fn staged(&self, staged: StagedLayer) -> NewLayer {
        let StagedLayer { digest, size, diff_id, compression } = staged;
        let media_type = layer_type(self.is_docker, compression);
        let (digest, diff_id) = (Some(digest), Some(diff_id));
        NewLayer { layer: Layer { digest, size, media_type, diff_id, place: Place::Digest }, blobs: None }
    }

    fn rewritten(
        mut self,
        config: &Document,
        layers: &[NewLayer],
        annotations: Map<String, Value>,
    ) -> Result<Document, HardenError> {
        let media_type = if self.is_docker { DOCKER_MANIFEST } else { MANIFEST };
        let new_layers: Vec<Value> = layers.iter().map(|layer| self.layer_value(&layer.layer)).collect();
        let mut new_config = self.document.get("config").cloned().unwrap_or_else(|| json!({}));
        point(&mut new_config, &config.digest, config.bytes.len() as u64);
        let known = self.document.get("annotations").and_then(Value::as_object);
        let annotations_stay = known.map_or(annotations.is_empty(), |known| *known == annotations);
        let is_same = annotations_stay
            && self.layers() == new_layers
            && self.document.get("config").is_some_and(|known| *known == new_config);
        if let Some(stored) = self.stored.take().filter(|_| is_same) {
            return Ok(Document::new(stored, media_type));
        }
        self.document.insert("config".into(), new_config);
        self.document.insert("layers".into(), new_layers.into());
        if !annotations_stay {
            self.document.insert("annotations".into(), annotations.into());
        }
        Ok(Document::new(Value::Object(self.document).to_string().into_bytes(), media_type))
    }

    /// The descriptor of a layer: the one that there was, else a new one.
    fn layer_value(&self, layer: &Layer) -> Value {
        let digest = layer.digest.as_ref();
        let known = digest.and_then(|digest| self.descriptor(digest));
        let new =
            || json!({"mediaType": layer.media_type, "digest": digest.map_or("", Digest::as_str), "size": layer.size});
        known.cloned().unwrap_or_else(new)
    }
}

/// The media type of a layer.
fn layer_type(is_docker: bool, compression: Compression) -> String {
    match (is_docker, compression) {
        (true, Compression::None) => "application/vnd.docker.image.rootfs.diff.tar",
        (true, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        (true, Compression::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        (false, Compression::None) => "application/vnd.oci.image.layer.v1.tar",
        (false, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
        (false, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
    }
    .to_owned()
}

/// Makes a descriptor point to other content; a copy of the old content in it goes.
fn point(descriptor: &mut Value, digest: &Digest, size: u64) {
    if let Some(descriptor) = descriptor.as_object_mut() {
        let is_same = descriptor.get("digest").and_then(Value::as_str) == Some(digest.as_str());
        descriptor.insert("digest".into(), digest.as_str().into());
        descriptor.insert("size".into(), size.into());
        if !is_same {
            descriptor.remove("data");
        }
    }
}

/// The new image of the platforms, in the order of the old one. `mask` rewrites annotations of the index.
///
/// # Errors
/// When the index cannot be written again.
pub fn assemble(
    old: &Image,
    platforms: Vec<NewPlatform>,
    mask: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<NewImage, HardenError> {
    let Some(stored) = &old.index else {
        let root = platforms.first().map(|platform| platform.manifest.clone());
        let root = root.ok_or_else(|| HardenError::Unfit { what: "the image".into(), why: "it is empty".into() })?;
        return Ok(NewImage { root, platforms });
    };
    let unfit = |why: String| HardenError::Unfit { what: "the index".into(), why };
    let mut document: Map<String, Value> = serde_json::from_slice(stored).map_err(|error| unfit(error.to_string()))?;
    let before = document.clone();
    let media_type = document.get("mediaType").and_then(Value::as_str).unwrap_or(INDEX).to_owned();
    let entries = document.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default();
    document.insert("manifests".into(), index_entries(entries, &platforms).into());
    for part in ["annotations", "manifests"] {
        if let Some(value) = document.get_mut(part) {
            super::config::rewrite_annotations(value, mask);
        }
    }
    let bytes: Arc<[u8]> =
        if document == before { stored.clone() } else { Value::Object(document).to_string().into_bytes().into() };
    Ok(NewImage { root: Document::new(bytes, media_type), platforms })
}

/// The entries of the new index: those of platforms, pointed to their new manifests. Others go; see [`left_out`].
fn index_entries(entries: Vec<Value>, platforms: &[NewPlatform]) -> Vec<Value> {
    let mut placed = BTreeSet::new();
    let mut kept = Vec::new();
    for mut entry in entries {
        let digest = entry.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
        let platform = platforms.iter().find(|new| new.before.as_ref().is_some_and(|old| old.as_str() == digest));
        let Some(platform) = platform else { continue };
        point(&mut entry, &platform.manifest.digest, platform.manifest.bytes.len() as u64);
        placed.insert(&platform.before);
        kept.push(entry);
    }
    // Manifests of an index in the index.
    for platform in platforms.iter().filter(|platform| !placed.contains(&platform.before)) {
        let Document { bytes, digest, media_type } = &platform.manifest;
        kept.push(json!({
            "mediaType": media_type,
            "digest": digest.as_str(),
            "size": bytes.len(),
            "platform": platform_value(&platform.platform),
        }));
    }
    kept
}

/// What an index has that the new one will not have, in words: statements about the old image, and indexes in it.
#[must_use]
pub fn left_out(old: &Image) -> Option<String> {
    let document: Value = serde_json::from_slice(old.index.as_ref()?).ok()?;
    let known: BTreeSet<&str> =
        old.manifests.iter().filter_map(|known| Some(known.digest.as_ref()?.as_str())).collect();
    let entries = document.get("manifests").and_then(Value::as_array)?;
    let is_other = |entry: &&Value| entry.get("digest").and_then(Value::as_str).is_none_or(|it| !known.contains(it));
    match entries.iter().filter(is_other).count() {
        0 => None,
        1 => Some("1 entry of the index is left out, since it is no image: what it says of the old image is not true of the new one".into()),
        count => Some(format!("{count} entries of the index are left out, since they are no images: what they say of the old image is not true of the new one")),
    }
}

fn platform_value(platform: &Platform) -> Value {
    let mut value = json!({"architecture": platform.architecture, "os": platform.os});
    if !platform.variant.is_empty() {
        value["variant"] = platform.variant.clone().into();
    }
    value
}

impl NewImage {
    /// As a source would give it, so that it can be scanned before it is anywhere.
    ///
    /// # Errors
    /// When a document is not what it should be.
    pub fn open(&self, reference: &str, stage: &Arc<Stage>) -> Result<Image, HardenError> {
        let manifests = self.platforms.iter().map(NewPlatform::read).collect::<Result<Vec<_>, _>>()?;
        let is_index = self.platforms.iter().all(|platform| platform.manifest.digest != self.root.digest);
        let kept = self.platforms.iter().flat_map(|platform| &platform.layers);
        let kept = kept.filter_map(|new| Some((new.layer.digest.clone()?, (new.layer.clone(), new.blobs.clone()?))));
        let blobs = StagedBlobs { stage: stage.clone(), kept: kept.collect() };
        Ok(Image {
            reference: reference.to_owned(),
            transport: "oci",
            digest: Some(self.root.digest.clone()),
            media_type: self.root.media_type.clone(),
            annotations: annotations(&self.root.bytes),
            index: is_index.then(|| self.root.bytes.clone()),
            offered: if is_index { manifests.iter().map(|one| one.platform.clone()).collect() } else { Vec::new() },
            manifests,
            attached: Vec::new(),
            blobs: Arc::new(blobs),
        })
    }
}

fn annotations(document: &[u8]) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_slice(document).unwrap_or_default();
    document.get("annotations").and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

impl NewPlatform {
    fn read(&self) -> Result<Manifest, HardenError> {
        let config = super::Config::parse(&self.config.bytes)?.read()?;
        Ok(Manifest {
            platform: self.platform.clone(),
            digest: Some(self.manifest.digest.clone()),
            annotations: annotations(&self.manifest.bytes),
            config,
            documents: Documents {
                manifest: Some(self.manifest.bytes.clone()),
                config: Some(self.config.bytes.clone()),
            },
            layers: self.layers.iter().map(|new| new.layer.clone()).collect(),
            listing: None,
        })
    }
}

/// Layers of the new image: from the stage, or from where the old image has them.
struct StagedBlobs {
    stage: Arc<Stage>,
    kept: BTreeMap<Digest, (Layer, Arc<dyn Blobs>)>,
}

impl Blobs for StagedBlobs {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        let missing = || SourceError::NotFound { what: "a layer".into(), place: "the new image".into() };
        let digest = layer.digest.as_ref().ok_or_else(missing)?;
        if let Some((path, _)) = self.stage.find(digest) {
            let file = std::fs::File::open(&path).map_err(|source| SourceError::Io { path, source })?;
            return Ok(Content::Bytes(Box::new(file)));
        }
        let (layer, blobs) = self.kept.get(digest).ok_or_else(missing)?;
        blobs.open(layer)
    }
}
