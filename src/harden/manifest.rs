//! A manifest written again, with every field that nobody here knows. Media types stay what they are: Docker's manifests stay Docker's.
//!
//! Source: OCI image-spec `manifest.md`; Docker's "Image Manifest Version 2, Schema 2".

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::HardenError;
use super::image::{Document, NewLayer};
use super::stage::StagedLayer;
use crate::digest::Digest;
use crate::layer::inflate::Compression;
use crate::source::repository::MANIFEST;
use crate::source::{Layer, Manifest, Place};

/// Docker's media type of a manifest.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The manifest that there was, or an empty one of Docker's where the source keeps none.
pub(super) struct OldManifest {
    document: Map<String, Value>,
    stored: Option<Arc<[u8]>>,
    is_docker: bool,
}

impl OldManifest {
    /// Reads it.
    pub(super) fn read(before: &Manifest) -> Result<Self, HardenError> {
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

    /// A layer from the stage, with the media type that fits the manifest.
    pub(super) fn staged(&self, staged: StagedLayer) -> NewLayer {
        let StagedLayer { digest, size, diff_id, compression } = staged;
        let media_type = layer_type(self.is_docker, compression);
        let (digest, diff_id) = (Some(digest), Some(diff_id));
        NewLayer { layer: Layer { digest, size, media_type, diff_id, place: Place::Digest }, blobs: None }
    }

    /// The manifest with these parts; the stored one where they are its own.
    pub(super) fn rewritten(
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
pub(super) fn point(descriptor: &mut Value, digest: &Digest, size: u64) {
    if let Some(descriptor) = descriptor.as_object_mut() {
        let is_same = descriptor.get("digest").and_then(Value::as_str) == Some(digest.as_str());
        descriptor.insert("digest".into(), digest.as_str().into());
        descriptor.insert("size".into(), size.into());
        if !is_same {
            descriptor.remove("data");
        }
    }
}
