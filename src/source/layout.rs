//! `oci:DIR[:ref|@digest]`: an OCI image layout in a folder.
//!
//! In: the folder and which of its images is meant. Out: the [`Image`], and its layers' stored bytes when they are asked for. Manifests and configurations are verified
//! by `source::resolve`, the layers' bytes by the layer pass; here a layer's length is compared before it is read. The folder is the user's own: where it
//! links elsewhere is followed, but only regular files are read.
//!
//! Sources: OCI image-spec `image-layout.md`; containers-transports(5).

mod repository;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::attached;
use super::resolve::{self, ContentStore, Descriptor, Kind, MANIFEST_TYPES, Root, read_bounded};
use super::{Blobs, Content, Image, Layer, MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, PlatformChoice, SourceError};
use crate::digest::Digest;
use crate::reference::ImageName;

pub use repository::LayoutRepository;

/// Most images that an error message lists.
pub(super) const MAX_CHOICES: usize = 40;

/// Which image of a layout or archive is meant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Selection {
    /// The only one.
    #[default]
    Only,
    /// By its name: `org.opencontainers.image.ref.name` or `io.containerd.image.name`, in a Docker archive one of `RepoTags`.
    Name(String),
    /// By the digest of its index or manifest, in a Docker archive that has none by the image ID.
    Digest(Digest),
    /// By its place in `index.json` or `manifest.json`, counted from 0 (the `@INDEX` of containers-transports(5)).
    Index(usize),
}

/// Opens an image of a layout in a folder.
///
/// # Errors
/// When the folder is no layout, or the image is not in it or damaged.
pub fn open(
    path: &Path,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
) -> Result<Image, SourceError> {
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
    let entries = raw
        .iter()
        .map(|value| serde_json::from_value(value.clone()))
        .collect::<Result<Vec<Descriptor>, _>>()
        .map_err(|error| malformed(error.to_string()))?;
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
    let attached = attached::read(&root, store);
    let resolved = resolve::resolve(root, store, choice)?;
    let (media_type, index) = (resolved.media_type, resolved.index);
    let (annotations, offered, manifests) = (resolved.annotations, resolved.offered, resolved.manifests);
    Ok(Image {
        reference: reference.to_owned(),
        transport,
        digest: Some(digest),
        media_type,
        annotations,
        index,
        offered,
        manifests,
        attached,
        blobs,
    })
}

enum Chosen<'a> {
    Entry(&'a Descriptor),
    /// Found by its digest, though `index.json` does not list it.
    Found(Root),
    /// `index.json` itself is the image's index.
    Whole,
}

fn choose<'a>(
    entries: &'a [Descriptor],
    selection: &Selection,
    store: &dyn ContentStore,
    place: &str,
) -> Result<Chosen<'a>, SourceError> {
    let not_found = |what: String| SourceError::NotFound { what, place: place.to_owned() };
    match selection {
        Selection::Name(name) => {
            let matching = named(entries, name);
            choose_one(&matching, entries, place)?.ok_or_else(|| not_found(format!("image `{name}`")))
        }
        Selection::Digest(digest) => match entries.iter().find(|entry| entry.digest == digest.as_str()) {
            Some(entry) => Ok(Chosen::Entry(entry)),
            None => find_by_digest(digest, store).map(Chosen::Found),
        },
        Selection::Index(index) => {
            entries.get(*index).map(Chosen::Entry).ok_or_else(|| not_found(format!("image number {index}")))
        }
        Selection::Only => {
            let images: Vec<&Descriptor> =
                entries.iter().filter(|entry| is_image(entry) && !is_attached(entry)).collect();
            choose_one(&images, entries, place)?.ok_or_else(|| not_found("an image".into()))
        }
    }
}

/// A layout holds artifacts beside its image: signatures, SBOMs.
fn is_image(entry: &Descriptor) -> bool {
    entry.artifact_type.is_empty() && is_manifest(entry)
}

/// Whether it hangs on an image under one of the tags that cosign and the fallback of the referrers API use: `sha256-HEX`, `sha256-HEX.sig`, …
fn is_attached(entry: &Descriptor) -> bool {
    let is_derived = |name: &str| {
        let hex = name.strip_prefix("sha256-").and_then(|rest| rest.split('.').next());
        hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    names(entry).any(is_derived)
}

fn is_manifest(entry: &Descriptor) -> bool {
    MANIFEST_TYPES.contains(&entry.media_type.as_str())
        || entry.media_type.ends_with("index.v1+json")
        || entry.media_type.ends_with("list.v2+json")
}

/// The entries that have a name: exactly as it is written, else with what Docker leaves out of names (`app` for `docker.io/library/app:latest`).
fn named<'a>(entries: &'a [Descriptor], name: &str) -> Vec<&'a Descriptor> {
    let matching = |same: &dyn Fn(&str) -> bool| {
        entries.iter().filter(|entry| is_manifest(entry) && names(entry).any(same)).collect::<Vec<_>>()
    };
    let exact = matching(&|known| known == name);
    if exact.is_empty() { matching(&|known| same_name(known, name)) } else { exact }
}

/// Whether two image names mean the same one once the parts that Docker leaves out are filled in.
pub(super) fn same_name(known: &str, asked: &str) -> bool {
    // Not `oci_spec`'s reference: its first one compiles an expression for 40 ms.
    let full = |name: &str| name.parse::<ImageName>();
    known == asked || matches!((full(known), full(asked)), (Ok(known), Ok(asked)) if known == asked)
}

/// The one image that `candidates` are; several platforms of one image, each with an entry of its own, are the whole layout.
fn choose_one<'a>(
    candidates: &[&'a Descriptor],
    entries: &[Descriptor],
    place: &str,
) -> Result<Option<Chosen<'a>>, SourceError> {
    let Some(first) = candidates.first() else { return Ok(None) };
    // One image with several names has an entry a name.
    if candidates.iter().all(|entry| entry.digest == first.digest) {
        return Ok(Some(Chosen::Entry(first)));
    }
    let images: Vec<&Descriptor> = entries.iter().filter(|entry| is_image(entry)).collect();
    let same_names = images.iter().all(|entry| names(entry).eq(names(first)));
    let platforms: Option<BTreeSet<String>> =
        images.iter().map(|entry| Some(entry.platform.as_ref()?.to_string())).collect();
    if same_names && platforms.is_some_and(|platforms| platforms.len() == images.len()) {
        return Ok(Some(Chosen::Whole));
    }
    let name = |entry: &&Descriptor| names(entry).next().map_or_else(|| format!("@{}", entry.digest), str::to_owned);
    let choices: Vec<String> = candidates.iter().take(MAX_CHOICES).map(name).collect();
    Err(SourceError::Ambiguous { place: place.to_owned(), choices: choices.join(", ") })
}

fn names(entry: &Descriptor) -> impl Iterator<Item = &str> {
    ["org.opencontainers.image.ref.name", "io.containerd.image.name"]
        .into_iter()
        .filter_map(|key| entry.annotations.get(key))
        .map(String::as_str)
}

/// A manifest that is only reachable by its digest: its size is what is stored, and the digest decides.
fn find_by_digest(digest: &Digest, store: &dyn ContentStore) -> Result<Root, SourceError> {
    let descriptor: Descriptor =
        serde_json::from_value(serde_json::json!({"digest": digest.as_str(), "size": MAX_MANIFEST_BYTES}))
            .map_err(|error| SourceError::Malformed { what: "a descriptor".into(), detail: error.to_string() })?;
    let bytes = store.read(Kind::Manifest, &descriptor, digest)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(SourceError::TooLarge { what: format!("manifest {digest}"), limit: MAX_MANIFEST_BYTES });
    }
    resolve::check_digest(&format!("manifest {digest}"), digest, &bytes)?;
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
        return Err(SourceError::Malformed {
            what: format!("`{}`", path.display()),
            detail: "it is not a regular file".into(),
        });
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
        let missing =
            || SourceError::NotFound { what: "a layer without digest".into(), place: self.path.display().to_string() };
        let digest = layer.digest.as_ref().ok_or_else(missing)?;
        let path = self.blob(digest);
        let file = open_regular(&path)?;
        let length = file.metadata().map_err(|source| SourceError::Io { path, source })?.len();
        check_length(digest, layer.size, length)?;
        Ok(Content::Bytes(Box::new(file)))
    }
}

/// Refuses a stored layer that has another length than its descriptor says, before any of it is read.
pub(super) fn check_length(digest: &Digest, expected: u64, actual: u64) -> Result<(), SourceError> {
    if expected == actual {
        Ok(())
    } else {
        Err(SourceError::SizeMismatch { what: format!("layer {digest}"), expected, actual })
    }
}
