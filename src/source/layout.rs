//! `oci:DIR[:ref|@digest]`: an OCI image layout in a folder.
//!
//! Source: OCI image-spec `image-layout.md`.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::resolve::{self, ContentStore, Descriptor, Kind, MANIFEST_TYPES, Root, read_bounded};
use super::{Blobs, Content, Image, Layer, MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, PlatformChoice, SourceError};
use crate::digest::Digest;

/// Which image of a layout is meant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Selection {
    /// The only one.
    #[default]
    Only,
    /// By its name: `org.opencontainers.image.ref.name` or `io.containerd.image.name`.
    Name(String),
    /// By its digest.
    Digest(Digest),
}

/// Opens an image of a layout in a folder.
///
/// # Errors
/// When the folder is no layout, or the image is not in it or damaged.
pub fn open(path: &Path, selection: &Selection, choice: &PlatformChoice, reference: &str) -> Result<Image, SourceError> {
    let folder = Arc::new(Folder { path: path.to_owned() });
    let marker = folder.read_file(Path::new("oci-layout"), 4096)?;
    check_version(&marker, &path.display().to_string())?;
    let index = folder.read_file(Path::new("index.json"), MAX_MANIFEST_BYTES)?;
    open_index(index, selection, choice, reference, "oci", folder.as_ref(), folder.clone())
}

/// Refuses a layout of another version.
pub(super) fn check_version(marker: &[u8], place: &str) -> Result<(), SourceError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    let malformed = |detail: String| SourceError::Malformed { what: format!("`oci-layout` of `{place}`"), detail };
    let marker: Marker = serde_json::from_slice(marker).map_err(|error| malformed(error.to_string()))?;
    match marker.image_layout_version.as_str() {
        "1.0.0" => Ok(()),
        other => Err(malformed(format!("version `{}` is not 1.0.0", other.chars().take(40).collect::<String>()))),
    }
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Option<Vec<serde_json::Value>>,
}

/// The image that `selection` means in an `index.json`, with its content in `store`.
pub(super) fn open_index(
    index: Vec<u8>,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
    transport: &'static str,
    store: &dyn ContentStore,
    blobs: Arc<dyn Blobs>,
) -> Result<Image, SourceError> {
    let malformed = |detail: String| SourceError::Malformed { what: format!("`index.json` of `{reference}`"), detail };
    let parsed: Index = serde_json::from_slice(&index).map_err(|error| malformed(error.to_string()))?;
    let raw = parsed.manifests.unwrap_or_default();
    if raw.len() > MAX_INDEX_ENTRIES {
        return Err(malformed(format!("it lists {} entries; more than {MAX_INDEX_ENTRIES} are refused", raw.len())));
    }
    let entries = raw.iter().map(|value| serde_json::from_value(value.clone())).collect::<Result<Vec<Descriptor>, _>>().map_err(|error| malformed(error.to_string()))?;
    let root = match choose(&entries, selection, store, reference)? {
        Chosen::Entry(entry) => {
            let digest = resolve::parse_digest(entry)?;
            let bytes = resolve::read_checked(store, Kind::Manifest, entry, MAX_MANIFEST_BYTES)?;
            Root { bytes, digest, media_type: entry.media_type.clone() }
        }
        Chosen::Found(root) => root,
        Chosen::Whole => Root { digest: Digest::sha256(&index), bytes: index, media_type: String::new() },
    };
    let digest = root.digest.clone();
    let resolved = resolve::resolve(root, store, choice)?;
    let (media_type, annotations, manifests) = (resolved.media_type, resolved.annotations, resolved.manifests);
    Ok(Image { reference: reference.to_owned(), transport, digest: Some(digest), media_type, annotations, manifests, blobs })
}

enum Chosen<'a> {
    Entry(&'a Descriptor),
    /// Found by its digest, though `index.json` does not list it.
    Found(Root),
    /// `index.json` itself is the image's index.
    Whole,
}

fn choose<'a>(entries: &'a [Descriptor], selection: &Selection, store: &dyn ContentStore, place: &str) -> Result<Chosen<'a>, SourceError> {
    match selection {
        Selection::Name(name) => {
            let entry = entries.iter().find(|entry| names(entry).any(|known| known == name));
            entry.map(Chosen::Entry).ok_or_else(|| SourceError::NotFound { what: format!("image `{name}`"), place: place.to_owned() })
        }
        Selection::Digest(digest) => match entries.iter().find(|entry| entry.digest == digest.as_str()) {
            Some(entry) => Ok(Chosen::Entry(entry)),
            None => find_by_digest(digest, store).map(Chosen::Found),
        },
        Selection::Only => {
            // A layout holds artifacts beside its image: signatures, SBOMs.
            let is_image = |entry: &&Descriptor| MANIFEST_TYPES.contains(&entry.media_type.as_str()) || entry.media_type.ends_with("index.v1+json") || entry.media_type.ends_with("list.v2+json");
            let images: Vec<&Descriptor> = entries.iter().filter(is_image).collect();
            let known: BTreeSet<&str> = images.iter().flat_map(|entry| names(entry)).collect();
            match images.as_slice() {
                [only] => Ok(Chosen::Entry(only)),
                [] => Err(SourceError::NotFound { what: "an image".into(), place: place.to_owned() }),
                // Several platforms of one image, each with an entry of its own and one name or none.
                several if known.len() <= 1 && several.iter().all(|entry| entry.platform.is_some()) => Ok(Chosen::Whole),
                several => {
                    let name = |entry: &&Descriptor| names(entry).next().map_or_else(|| format!("@{}", entry.digest), str::to_owned);
                    let choices = several.iter().map(name).collect::<Vec<_>>().join(", ");
                    Err(SourceError::Ambiguous { place: place.to_owned(), choices })
                }
            }
        }
    }
}

fn names(entry: &Descriptor) -> impl Iterator<Item = &str> {
    ["org.opencontainers.image.ref.name", "io.containerd.image.name"].into_iter().filter_map(|key| entry.annotations.get(key)).map(String::as_str)
}

/// A manifest that is only reachable by its digest: its size is what is stored, and the digest decides.
fn find_by_digest(digest: &Digest, store: &dyn ContentStore) -> Result<Root, SourceError> {
    let descriptor: Descriptor = serde_json::from_value(serde_json::json!({"digest": digest.as_str(), "size": MAX_MANIFEST_BYTES}))
        .map_err(|error| SourceError::Malformed { what: "a descriptor".into(), detail: error.to_string() })?;
    let bytes = store.read(Kind::Manifest, &descriptor, digest)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(SourceError::TooLarge { what: format!("manifest {digest}"), limit: MAX_MANIFEST_BYTES });
    }
    if !digest.matches(&bytes) {
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        return Err(SourceError::DigestMismatch { what: format!("manifest {digest}"), expected: digest.clone(), actual: hasher.finish() });
    }
    Ok(Root { bytes, digest: digest.clone(), media_type: String::new() })
}

/// The folder of a layout.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn read_file(&self, name: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
        let path = self.path.join(name);
        let file = open_regular(&path)?;
        let bytes = read_bounded(file, limit).map_err(|source| SourceError::Io { path: path.clone(), source })?;
        if bytes.len() as u64 > limit {
            return Err(SourceError::TooLarge { what: format!("`{}`", path.display()), limit });
        }
        Ok(bytes)
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        // A digest is checked hex, so this names a file of the folder.
        self.path.join("blobs").join(digest.algorithm()).join(digest.hex())
    }
}

/// Opens a file that is one: a FIFO or device in a layout must not make the run wait.
pub(super) fn open_regular(path: &Path) -> Result<File, SourceError> {
    let refused = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => SourceError::NotFound {
            what: format!("`{}`", path.file_name().unwrap_or_default().display()),
            place: path.parent().unwrap_or(path).display().to_string(),
        },
        _ => SourceError::Io { path: path.to_owned(), source },
    };
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(nonblocking).open(path).map_err(refused)?;
    if !file.metadata().map_err(refused)?.is_file() {
        return Err(SourceError::Malformed { what: format!("`{}`", path.display()), detail: "it is not a regular file".into() });
    }
    Ok(file)
}

impl ContentStore for Folder {
    fn read(&self, _kind: Kind, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        let path = self.blob(digest);
        let file = open_regular(&path)?;
        read_bounded(file, descriptor.size).map_err(|source| SourceError::Io { path, source })
    }
}

impl Blobs for Folder {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        let digest = layer.digest.as_ref().ok_or_else(|| SourceError::NotFound { what: "a layer without digest".into(), place: self.path.display().to_string() })?;
        Ok(Content::Bytes(Box::new(open_regular(&self.blob(digest))?)))
    }
}
