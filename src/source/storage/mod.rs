//! `containers-storage:IMAGE`: an image in the store of Podman, Buildah or CRI-O, read from disk without them.
//!
//! In: a name or ID. Out: the [`Image`], its manifest and configuration verified as ever. The store keeps a layer as a folder of files and, beside it, all bytes of its tar that are not
//! content: the two give the uncompressed layer again, whose digest is the diff ID. A layer without that record is read as a folder and pinned by nothing.
//! Nothing is locked or written; a store that is changed meanwhile shows as damage.
//!
//! Sources: containers/storage `images.go`, `layers.go`, `drivers/overlay`; containers-transports(5).

mod locate;
mod tar_split;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use locate::Specifier;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use tar_split::TarSplit;

use super::layout::{MAX_CHOICES, open_regular, same_name};
use super::resolve::{self, ContentStore, Descriptor, Kind, Root, read_bounded};
use super::{Blobs, Content, Image, Layer, MAX_LAYERS, MAX_MANIFEST_BYTES, Place, PlatformChoice, SourceError};
use crate::digest::Digest;

/// Largest `images.json` or `layers.json`: a build machine with 10 000 images has 20 MB.
const MAX_TABLE_BYTES: u64 = 256 << 20;

/// Storage drivers whose folders hold plain files.
const DRIVERS: [Driver; 2] = [Driver::Overlay, Driver::Vfs];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Driver {
    /// A folder a layer with only what the layer changes.
    Overlay,
    /// A folder a layer with everything up to it.
    Vfs,
}

impl Driver {
    fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Vfs => "vfs",
        }
    }
}

/// A row of `images.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StoredImage {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    digest: String,
    #[serde(default, deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    layer: String,
    #[serde(default, deserialize_with = "or_default")]
    big_data_names: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    big_data_digests: BTreeMap<String, String>,
}

/// A row of `layers.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StoredLayer {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    parent: String,
    #[serde(default, deserialize_with = "or_default")]
    diff_digest: String,
    /// Length of the uncompressed layer; -1 where the store does not know it.
    #[serde(default, deserialize_with = "or_default")]
    diff_size: i64,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Opens an image of the user's stores, or of the one that `name` begins with (`[DRIVER@ROOT+RUN]NAME`). `variables` are the environment.
///
/// # Errors
/// When no store has the image, or what is stored is damaged.
pub fn open(
    name: &str,
    choice: &PlatformChoice,
    reference: &str,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Image, SourceError> {
    let specifier = Specifier::parse(name);
    let roots = match specifier.root {
        Some(root) => vec![root],
        None => locate::stores(variables, rustix::process::geteuid().as_raw())?,
    };
    let stores: Vec<Store> = roots
        .iter()
        .flat_map(|root| DRIVERS.map(|driver| Store { root: root.clone(), driver }))
        .filter(Store::exists)
        .collect();
    for store in &stores {
        let images: Vec<StoredImage> = store.read_table("images")?;
        if let Some(image) = find(&images, specifier.name, &store.place())? {
            return open_image(store, &stores, image, choice, reference);
        }
    }
    let places: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
    Err(SourceError::NotFound { what: format!("image `{}`", specifier.name), place: places.join(", ") })
}

/// One driver's part of a store.
struct Store {
    root: PathBuf,
    driver: Driver,
}

impl Store {
    fn folder(&self, what: &str) -> PathBuf {
        self.root.join(format!("{}-{what}", self.driver.name()))
    }

    fn exists(&self) -> bool {
        self.folder("images").join("images.json").exists()
    }

    fn place(&self) -> String {
        self.root.display().to_string()
    }

    /// `images` or `layers`.
    fn read_table<T: DeserializeOwned>(&self, what: &str) -> Result<Vec<T>, SourceError> {
        let path = self.folder(what).join(format!("{what}.json"));
        let bytes = read_file(&path, MAX_TABLE_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| SourceError::Malformed {
            what: format!("`{}`", path.display()),
            detail: error.to_string(),
        })
    }

    /// Where the record and the files of a layer are.
    fn layer_files(&self, id: &str) -> LayerFiles {
        let folder = match self.driver {
            Driver::Overlay => self.root.join("overlay").join(id).join("diff"),
            Driver::Vfs => self.root.join("vfs/dir").join(id),
        };
        LayerFiles { split: self.folder("layers").join(format!("{id}.tar-split.gz")), folder }
    }
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let bytes =
        read_bounded(open_regular(path)?, limit).map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::TooLarge { what: format!("`{}`", path.display()), limit });
    }
    Ok(bytes)
}

/// An ID is part of a path.
fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The image that `asked` means: by name as written, as Docker or Podman complete it, by ID or the beginning of one, last by a short name of any registry.
fn find<'a>(images: &'a [StoredImage], asked: &str, place: &str) -> Result<Option<&'a StoredImage>, SourceError> {
    let (name, digest) = match asked.split_once('@') {
        Some((name, pin)) => (name, Some(pin.strip_prefix("sha256:").unwrap_or(pin))),
        None => (asked, None),
    };
    let pinned = |image: &StoredImage| digest.is_none_or(|digest| has_digest(image, digest));
    let repository = |known: &str| known.split_once('@').map_or(known, |(name, _)| name).to_owned();
    let local = format!("localhost/{name}");
    let short = format!(
        "/{name}{}",
        if name.rsplit('/').next().is_some_and(|last| last.contains(':')) { "" } else { ":latest" }
    );
    let id = asked.strip_prefix("sha256:").unwrap_or(asked);
    let tests: [&dyn Fn(&StoredImage) -> bool; 5] = [
        &|image| image.names.iter().any(|known| known == asked),
        &|image| image.names.iter().any(|known| same(known, name, digest.is_some())) && pinned(image),
        &|image| image.names.iter().any(|known| same(known, &local, digest.is_some())) && pinned(image),
        &|image| {
            (name.is_empty() && digest.is_some() && pinned(image))
                || (id.len() >= 3 && is_id(id) && image.id.starts_with(id))
        },
        &|image| {
            !name.is_empty() && image.names.iter().any(|known| repository(known).ends_with(&short)) && pinned(image)
        },
    ];
    for test in tests {
        let found: Vec<&StoredImage> = images.iter().filter(|image| test(image)).collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(Some(only)),
            several => {
                let choices: Vec<&str> = several
                    .iter()
                    .take(MAX_CHOICES)
                    .map(|image| image.names.first().unwrap_or(&image.id).as_str())
                    .collect();
                return Err(SourceError::Ambiguous { place: place.to_owned(), choices: choices.join(", ") });
            }
        }
    }
    Ok(None)
}

/// Whether two names mean the same image; with a digest the tag does not count.
fn same(known: &str, asked: &str, by_digest: bool) -> bool {
    let repository = |name: &str| {
        let reference = name.parse::<oci_spec::distribution::Reference>().ok()?;
        Some((reference.registry().to_owned(), reference.repository().to_owned()))
    };
    if by_digest {
        repository(known).is_some_and(|known| repository(asked) == Some(known))
    } else {
        same_name(known, asked)
    }
}

/// Whether the hex `digest` is the image's ID, its manifest, or an index that it came from.
fn has_digest(image: &StoredImage, digest: &str) -> bool {
    let full = format!("sha256:{digest}");
    image.id == digest
        || image.digest == full
        || image.big_data_names.iter().any(|name| name.strip_prefix("manifest-") == Some(&full))
}

fn open_image(
    store: &Store,
    stores: &[Store],
    image: &StoredImage,
    choice: &PlatformChoice,
    reference: &str,
) -> Result<Image, SourceError> {
    if !is_id(&image.id) {
        return Err(SourceError::Malformed {
            what: format!("store `{}`", store.place()),
            detail: "an image ID is not hexadecimal".into(),
        });
    }
    let data = BigData { folder: store.folder("images").join(&image.id) };
    let bytes = data.read_named("manifest", MAX_MANIFEST_BYTES)?;
    let stated = image.big_data_digests.get("manifest").unwrap_or(&image.digest);
    let digest = match stated.parse::<Digest>() {
        Ok(digest) if digest.matches(&bytes) => digest,
        Ok(expected) => {
            return Err(SourceError::DigestMismatch {
                what: format!("manifest of `{reference}`"),
                expected,
                actual: Digest::sha256(&bytes),
            });
        }
        Err(_) => Digest::sha256(&bytes),
    };
    let root = Root { bytes, digest: digest.clone(), media_type: String::new() };
    let resolved = resolve::resolve(root, &data, choice)?;
    let mut manifests = resolved.manifests;
    let mut layers = BTreeMap::new();
    for manifest in &mut manifests {
        let chain = chain(stores, &image.layer)?;
        if chain.len() != manifest.layers.len() {
            let detail = format!("the image has {} layers and the store {}", manifest.layers.len(), chain.len());
            return Err(SourceError::Malformed { what: format!("store `{}`", store.place()), detail });
        }
        for (layer, (store, stored)) in manifest.layers.iter_mut().zip(chain) {
            let files = store.layer_files(&stored.id);
            place_layer(layer, store, &stored, &files)?;
            layers.insert(stored.id, files);
        }
    }
    let (media_type, index, annotations) = (resolved.media_type, resolved.index, resolved.annotations);
    let blobs = Arc::new(StoredLayers { layers });
    Ok(Image {
        reference: reference.to_owned(),
        transport: "containers-storage",
        digest: Some(digest),
        media_type,
        annotations,
        index,
        offered: Vec::new(),
        manifests,
        attached: Vec::new(),
        blobs,
    })
}

/// The layers from the lowest to `top`, each with the store that has it.
fn chain<'a>(stores: &'a [Store], top: &str) -> Result<Vec<(&'a Store, StoredLayer)>, SourceError> {
    let mut known: BTreeMap<String, (&Store, StoredLayer)> = BTreeMap::new();
    for store in stores {
        for layer in store.read_table::<StoredLayer>("layers")? {
            known.entry(layer.id.clone()).or_insert((store, layer));
        }
    }
    let mut found = Vec::new();
    let mut next = top.to_owned();
    while !next.is_empty() {
        // Taken out, so that a layer that is its own ancestor ends the chain.
        let (store, layer) = known.remove(&next).ok_or_else(|| SourceError::NotFound {
            what: format!("layer `{}`", next.chars().take(64).collect::<String>()),
            place: stores.iter().map(Store::place).collect::<Vec<_>>().join(", "),
        })?;
        if !is_id(&layer.id) || found.len() >= MAX_LAYERS {
            return Err(SourceError::Malformed {
                what: format!("store `{}`", store.place()),
                detail: "a layer ID is not hexadecimal, or there are too many layers".into(),
            });
        }
        next = layer.parent.clone();
        found.push((store, layer));
    }
    found.reverse();
    Ok(found)
}

/// Says of a layer of the manifest what the store has instead: the uncompressed stream, or only its files.
fn place_layer(layer: &mut Layer, store: &Store, stored: &StoredLayer, files: &LayerFiles) -> Result<(), SourceError> {
    let malformed = |detail: String| SourceError::Malformed { what: format!("store `{}`", store.place()), detail };
    let diff_id =
        layer.diff_id.clone().ok_or_else(|| malformed("the image configuration has no diff ID for a layer".into()))?;
    if !stored.diff_digest.is_empty() && stored.diff_digest != diff_id.as_str() {
        return Err(malformed(format!(
            "it has the layer {} where the image configuration names {diff_id}",
            stored.diff_digest
        )));
    }
    layer.media_type = "application/vnd.oci.image.layer.v1.tar".into();
    if files.split.exists() {
        let size = u64::try_from(stored.diff_size).ok().filter(|size| *size > 0);
        // Without a length the diff ID alone is checked.
        (layer.digest, layer.size) = (size.map(|_| diff_id), size.unwrap_or(0));
        layer.place = Place::Stored(stored.id.clone());
    } else if store.driver == Driver::Overlay {
        (layer.digest, layer.size) = (None, 0);
        layer.place = Place::Tree(files.folder.clone());
    } else {
        return Err(malformed(format!(
            "layer `{}` has no tar-split record, and its folder also holds the layers below",
            stored.id
        )));
    }
    Ok(())
}

/// The small files of an image: manifest and configuration.
struct BigData {
    folder: PathBuf,
}

impl BigData {
    fn read_named(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        read_file(&self.folder.join(file_name(name)), limit)
    }
}

/// The file of an item: names of other characters than `a`-`z`, digits and `.` are written in base64 (containers/storage `makeBigDataBaseName`).
fn file_name(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if plain { name.to_owned() } else { format!("={}", BASE64.encode(name)) }
}

impl ContentStore for BigData {
    fn read(&self, kind: Kind, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        match kind {
            Kind::Manifest => self.read_named(&format!("manifest-{digest}"), descriptor.size),
            Kind::Blob => self.read_named(digest.as_str(), descriptor.size),
        }
    }
}

/// Where a layer's parts are.
#[derive(Clone, Debug)]
struct LayerFiles {
    split: PathBuf,
    folder: PathBuf,
}

struct StoredLayers {
    layers: BTreeMap<String, LayerFiles>,
}

impl Blobs for StoredLayers {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        let missing = || SourceError::NotFound {
            what: "a layer that is not of this store".into(),
            place: "containers-storage".into(),
        };
        match &layer.place {
            Place::Tree(path) => Ok(Content::Tree(path.clone())),
            Place::Stored(id) => {
                let files = self.layers.get(id).ok_or_else(missing)?;
                Ok(Content::Bytes(Box::new(TarSplit::open(&files.split, &files.folder)?)))
            }
            _ => Err(missing()),
        }
    }
}
