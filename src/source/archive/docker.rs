//! Docker's own archive: `manifest.json` with paths of configurations and layers, and the form before 1.10 that has only `repositories`.
//!
//! A layer is pinned by its diff ID, which the configuration names. One that is stored uncompressed has that as the digest of its stored bytes; a compressed one (Kaniko and others of
//! go-containerregistry) has no digest here, and the layer pass verifies its diff ID instead. The oldest form pins nothing: there the digest is computed, which makes it the layer's name and no more.
//!
//! Sources: moby `image/spec/v1.2.md` and `v1.md`; go-containerregistry `pkg/v1/tarball`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::{Archive, Entries, Span, check_platform};
use crate::digest::{Digest, Hasher};
use crate::layer::inflate::{Compression, WINDOW_BYTES};
use crate::oci::{History, ImageConfig};
use crate::source::layout::{MAX_CHOICES, Selection, same_name};
use crate::source::{
    Documents, Image, Layer, MAX_CONFIG_BYTES, MAX_INDEX_ENTRIES, MAX_LAYERS, MAX_MANIFEST_BYTES, Manifest, Place,
    PlatformChoice, SourceError,
};

/// The transport's name, as the report tells it.
const TRANSPORT: &str = "docker-archive";

/// Media type of a manifest, had the archive one.
const MANIFEST_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// One image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default, deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    layers: Vec<String>,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Opens the image that `selection` means.
pub(super) fn open(
    archive: &Arc<Archive>,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
) -> Result<Image, SourceError> {
    let entries = &archive.entries;
    let (config, layers, stored) = if entries.has("manifest.json") {
        let images = read_manifest(entries)?;
        let image = select(&images, selection, entries.place())?;
        read_image(entries, image)?
    } else {
        read_oldest(entries, selection)?
    };
    let platform = config.platform();
    check_platform(choice, &platform)?;
    let (digest, annotations) = (None, BTreeMap::new());
    let documents = Documents { manifest: None, config: stored.map(Into::into) };
    let manifest = Manifest { platform, digest, annotations, config, documents, layers, listing: None };
    Ok(Image {
        reference: reference.to_owned(),
        transport: TRANSPORT,
        digest: None,
        media_type: MANIFEST_TYPE.to_owned(),
        annotations: BTreeMap::new(),
        index: None,
        offered: Vec::new(),
        manifests: vec![manifest],
        attached: Vec::new(),
        blobs: archive.clone(),
    })
}

/// Refuses an archive whose `manifest.json` gives Docker another image than its `index.json` gives everybody else.
pub(super) fn check_same(
    archive: &Archive,
    selection: &Selection,
    configs: &BTreeSet<Digest>,
) -> Result<(), SourceError> {
    let images = read_manifest(&archive.entries)?;
    // A choice that only one of the two knows cannot be compared: by the manifest's digest, by an index's place.
    let Ok(image) = select(&images, selection, archive.entries.place()) else { return Ok(()) };
    let bytes = archive.entries.read(&image.config, MAX_CONFIG_BYTES)?;
    if configs.contains(&Digest::sha256(&bytes)) {
        return Ok(());
    }
    Err(archive.entries.malformed("its `manifest.json` and its `index.json` name different images".into()))
}

fn read_manifest(entries: &Entries) -> Result<Vec<Saved>, SourceError> {
    let bytes = entries.read("manifest.json", MAX_MANIFEST_BYTES)?;
    let images: Vec<Saved> =
        serde_json::from_slice(&bytes).map_err(|error| entries.malformed(format!("`manifest.json`: {error}")))?;
    if images.len() > MAX_INDEX_ENTRIES {
        return Err(
            entries.malformed(format!("it holds {} images; more than {MAX_INDEX_ENTRIES} are refused", images.len()))
        );
    }
    Ok(images)
}

fn select<'a>(images: &'a [Saved], selection: &Selection, place: &str) -> Result<&'a Saved, SourceError> {
    let not_found = |what: String| SourceError::NotFound { what, place: place.to_owned() };
    match selection {
        Selection::Index(index) => images.get(*index).ok_or_else(|| not_found(format!("image number {index}"))),
        Selection::Digest(digest) => {
            let found = images.iter().find(|image| image_id(&image.config).as_ref() == Some(digest));
            found.ok_or_else(|| not_found(format!("image `{digest}`")))
        }
        Selection::Name(name) => {
            let found = images.iter().find(|image| image.repo_tags.iter().any(|tag| same_name(tag, name)));
            found.ok_or_else(|| not_found(format!("image `{name}`")))
        }
        Selection::Only => {
            let first = images.first().ok_or_else(|| not_found("an image".into()))?;
            if images.iter().all(|image| image.config == first.config) {
                return Ok(first);
            }
            let name = |(index, image): (usize, &Saved)| {
                image.repo_tags.first().cloned().unwrap_or_else(|| format!("@{index}"))
            };
            let choices: Vec<String> = images.iter().enumerate().take(MAX_CHOICES).map(name).collect();
            Err(SourceError::Ambiguous { place: place.to_owned(), choices: choices.join(", ") })
        }
    }
}

/// The image ID that the configuration's name promises: `HEX.json`, `sha256:HEX` or a blob of a layout.
fn image_id(name: &str) -> Option<Digest> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let hex = name.strip_suffix(".json").unwrap_or(name);
    if hex.contains(':') { hex.parse().ok() } else { format!("sha256:{hex}").parse().ok() }
}

/// A configuration, its layers, and the bytes of the configuration where the archive has them in one piece.
type ReadImage = (ImageConfig, Vec<Layer>, Option<Vec<u8>>);

fn read_image(entries: &Entries, image: &Saved) -> Result<ReadImage, SourceError> {
    let bytes = entries.read(&image.config, MAX_CONFIG_BYTES)?;
    if let Some(expected) = image_id(&image.config).filter(|expected| !expected.matches(&bytes)) {
        let mut hasher = expected.hasher();
        hasher.update(&bytes);
        return Err(SourceError::DigestMismatch {
            what: format!("image configuration `{}`", image.config),
            expected,
            actual: hasher.finish(),
        });
    }
    let config: ImageConfig = serde_json::from_slice(&bytes)
        .map_err(|error| entries.malformed(format!("image configuration `{}`: {error}", image.config)))?;
    let diff_ids = &config.rootfs.diff_ids;
    if image.layers.len() > MAX_LAYERS || diff_ids.len() != image.layers.len() {
        let detail =
            format!("`manifest.json` lists {} layers, the image configuration {}", image.layers.len(), diff_ids.len());
        return Err(entries.malformed(detail));
    }
    let layer = |(path, diff_id): (&String, &String)| {
        let diff_id: Digest =
            diff_id.parse().map_err(|error: crate::digest::DigestError| entries.malformed(error.to_string()))?;
        let (compression, place, size) = locate(entries, path)?;
        let digest = (compression == Compression::None).then(|| diff_id.clone());
        Ok(Layer { digest, size, media_type: media_type(compression), diff_id: Some(diff_id), place })
    };
    let layers = image.layers.iter().zip(diff_ids).map(layer).collect::<Result<_, SourceError>>()?;
    Ok((config, layers, Some(bytes)))
}

/// Where a layer's bytes are and how they are compressed.
fn locate(entries: &Entries, path: &str) -> Result<(Compression, Place, u64), SourceError> {
    let span = entries.find(path)?;
    let mut head = Vec::new();
    entries
        .section(span)
        .take(4)
        .read_to_end(&mut head)
        .map_err(|source| SourceError::Io { path: entries.place().into(), source })?;
    Ok((Compression::detect(&head), Place::Range { offset: span.offset, length: span.length }, span.length))
}

fn media_type(compression: Compression) -> String {
    match compression {
        Compression::None => "application/vnd.docker.image.rootfs.diff.tar".into(),
        Compression::Gzip => "application/vnd.docker.image.rootfs.diff.tar.gzip".into(),
        Compression::Zstd => "application/vnd.docker.image.rootfs.diff.tar.zstd".into(),
    }
}

/// A layer's `json` of the form before 1.10.
#[derive(Deserialize)]
struct LayerJson {
    #[serde(default, deserialize_with = "or_default")]
    parent: String,
    #[serde(default, deserialize_with = "or_default")]
    container_config: Command,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Command {
    #[serde(default, deserialize_with = "or_default")]
    cmd: Vec<String>,
}

/// An image that is a chain of `ID/json` and `ID/layer.tar` up from the ID that `repositories` names.
fn read_oldest(entries: &Entries, selection: &Selection) -> Result<ReadImage, SourceError> {
    let mut next = oldest_id(entries, selection)?;
    let mut config = None;
    let mut layers = Vec::new();
    let mut history = Vec::new();
    // Many layers may be links to one.
    let mut hashed = BTreeMap::new();
    while !next.is_empty() {
        if layers.len() >= MAX_LAYERS {
            return Err(
                entries.malformed(format!("it has more than {MAX_LAYERS} layers, or they are their own parents"))
            );
        }
        let bytes = entries.read(&format!("{next}/json"), MAX_CONFIG_BYTES)?;
        let malformed = |error: serde_json::Error| entries.malformed(format!("`{next}/json`: {error}"));
        let json: LayerJson = serde_json::from_slice(&bytes).map_err(malformed)?;
        if config.is_none() {
            config = Some(serde_json::from_slice::<ImageConfig>(&bytes).map_err(malformed)?);
        }
        let (compression, place, size) = locate(entries, &format!("{next}/layer.tar"))?;
        let span = entries.find(&format!("{next}/layer.tar"))?;
        let digest = match hashed.get(&span.offset) {
            Some(digest) => Digest::clone(digest),
            None => hash(entries, span)?,
        };
        hashed.insert(span.offset, digest.clone());
        layers.push(Layer { digest: Some(digest), size, media_type: media_type(compression), diff_id: None, place });
        history.push(History { created_by: json.container_config.cmd.join(" "), ..History::default() });
        next = json.parent;
    }
    layers.reverse();
    history.reverse();
    let config = config.ok_or_else(|| entries.malformed("its image has no layers".into()))?;
    Ok((ImageConfig { history, ..config }, layers, None))
}

/// The top layer's ID of the image that `repositories` (name, then tag) says `selection` is.
fn oldest_id(entries: &Entries, selection: &Selection) -> Result<String, SourceError> {
    let bytes = entries.read("repositories", MAX_MANIFEST_BYTES)?;
    let names: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&bytes).map_err(|error| entries.malformed(format!("`repositories`: {error}")))?;
    let tags: Vec<(String, &String)> =
        names.iter().flat_map(|(name, tags)| tags.iter().map(move |(tag, id)| (format!("{name}:{tag}"), id))).collect();
    let not_found = |what: String| SourceError::NotFound { what, place: entries.place().to_owned() };
    match (selection, tags.first()) {
        (Selection::Name(name), _) => {
            let found = tags.iter().find(|(tag, _)| same_name(tag, name));
            found.map(|(_, id)| (*id).clone()).ok_or_else(|| not_found(format!("image `{name}`")))
        }
        (Selection::Index(index), _) => {
            tags.get(*index).map(|(_, id)| (*id).clone()).ok_or_else(|| not_found(format!("image number {index}")))
        }
        (Selection::Digest(digest), _) => Err(not_found(format!("image `{digest}`"))),
        (Selection::Only, None) => Err(not_found("an image".into())),
        (Selection::Only, Some((_, first))) if tags.iter().all(|(_, id)| id == first) => Ok((*first).clone()),
        (Selection::Only, Some(_)) => {
            let choices: Vec<&str> = tags.iter().take(MAX_CHOICES).map(|(tag, _)| tag.as_str()).collect();
            Err(SourceError::Ambiguous { place: entries.place().to_owned(), choices: choices.join(", ") })
        }
    }
}

/// The digest of a file of the archive, read once; its length is bounded by the archive's.
fn hash(entries: &Entries, span: Span) -> Result<Digest, SourceError> {
    let io = |source| SourceError::Io { path: entries.place().into(), source };
    let mut section = entries.section(span);
    let mut hasher = Hasher::sha256();
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        match section.read(&mut window).map_err(io)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(window.get(..n).unwrap_or_default()),
        }
    }
}
