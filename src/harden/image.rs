//! Drafts to a new image: layers kept, rewritten or made, and the documents above them (`manifest`, `index`).
//!
//! What did not change keeps its bytes: a layer, and a platform of which no layer and no setting changed.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use serde_json::Value;

use super::HardenError;
use super::draft::{Draft, DraftLayer};
use super::entry::{NewEntry, layer_of};
use super::manifest::OldManifest;
use super::rewrite::{LayerEdits, rewrite_layer};
use super::squash::squash;
use super::stage::{Packing, Stage, StagedLayer};
use super::survey::{View, survey_layer};
use crate::digest::Digest;
use crate::layer::inflate::Compression;
use crate::oci::Platform;
use crate::source::{Blobs, Content, Documents, Image, Layer, Manifest, Place, SourceError};

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
    pub(super) fn new(bytes: impl Into<Arc<[u8]>>, media_type: impl Into<String>) -> Self {
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
    stage: &'s Arc<Stage>,
    /// How layers are compressed; none keeps what each layer has.
    packing: Option<Packing>,
    rewritten: BTreeMap<(Digest, LayerEdits), (StagedLayer, bool)>,
}

impl<'s> Realiser<'s> {
    /// Puts what it makes into `stage`.
    #[must_use]
    pub fn new(stage: &'s Arc<Stage>, packing: Option<Packing>) -> Self {
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
        let mut config = draft.config;
        if draft.squash && layers.len() > 1 {
            layers = vec![self.squashed(&old, &layers, usual)?];
            config.squash_history();
        }
        let config = self.config(config, before, &layers)?;
        let manifest = old.rewritten(&config, &layers, draft.annotations)?;
        let (platform, before) = (before.platform.clone(), before.digest.clone());
        Ok(NewPlatform { platform, before, manifest, config, layers })
    }

    /// All layers as one.
    fn squashed(&self, old: &OldManifest, layers: &[NewLayer], usual: Compression) -> Result<NewLayer, HardenError> {
        let blobs = StagedBlobs { stage: self.stage.clone(), kept: kept(layers) };
        let plain: Vec<Layer> = layers.iter().map(|new| new.layer.clone()).collect();
        let survey = |layer| Ok(Arc::new(survey_layer(&blobs, layer, &|_| false)?));
        let view = View::merge(plain.iter().map(survey).collect::<Result<_, HardenError>>()?);
        let open = |number| match plain.get(number) {
            Some(layer) => open(&blobs, layer),
            None => Err(HardenError::Differs("a layer is missing".into())),
        };
        Ok(old.staged(squash(&plain, &open, &view, self.stage, self.packing(usual))?))
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

impl NewImage {
    /// As a source would give it, so that it can be scanned before it is anywhere.
    ///
    /// # Errors
    /// When a document is not what it should be.
    pub fn open(&self, reference: &str, stage: &Arc<Stage>) -> Result<Image, HardenError> {
        let manifests = self.platforms.iter().map(NewPlatform::read).collect::<Result<Vec<_>, _>>()?;
        let is_index = self.platforms.iter().all(|platform| platform.manifest.digest != self.root.digest);
        let kept = self.platforms.iter().flat_map(|platform| kept(&platform.layers)).collect();
        let blobs = StagedBlobs { stage: stage.clone(), kept };
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

/// Layers that are not in the stage, with who gives their bytes.
type Kept = BTreeMap<Digest, (Layer, Arc<dyn Blobs>)>;

fn kept(layers: &[NewLayer]) -> Kept {
    let kept = |new: &NewLayer| Some((new.layer.digest.clone()?, (new.layer.clone(), new.blobs.clone()?)));
    layers.iter().filter_map(kept).collect()
}

/// Layers of the new image: from the stage, or from where the old image has them.
struct StagedBlobs {
    stage: Arc<Stage>,
    kept: Kept,
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
