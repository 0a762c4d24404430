//! `oci-archive:FILE`, `docker-archive:FILE` and an archive on standard input: images in a tar file.
//!
//! In: a file or stream, compressed or not, and which of its images is meant. Out: the [`Image`]; a layer is a range of the archive's bytes and is read from there. An archive that has both an
//! OCI layout and Docker's `manifest.json` (every `docker save` since 25) is read as the layout, since only that pins every byte by digest, and refused where the two name different images.
//!
//! Sources: OCI image-spec `image-layout.md`; moby `image/spec/v1.2.md`, "Combined Image JSON + Filesystem Changeset Format"; containers-transports(5).

mod docker;
mod entries;
mod unpack;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use entries::{Entries, Span};
use serde::Deserialize;

use super::layout::{self, Selection, check_length};
use super::resolve::{ContentStore, Descriptor, Kind, parse_digest, read_checked};
use super::{
    Blobs, Content, Image, Layer, MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, Place, PlatformChoice, SourceError, spool,
};
use crate::digest::Digest;
use crate::oci::Platform;
pub use unpack::{empty_layout, pack_layout, unpack_layout};

/// What an archive is said to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `oci-archive:`, an OCI layout in a tar file.
    Oci,
    /// `docker-archive:`, what `docker save`, Kaniko, Podman and Buildah write.
    Docker,
    /// Whichever its files say.
    Detect,
}

/// Opens an image of an archive file.
///
/// # Errors
/// When the file is no such archive, or the image is not in it or damaged.
pub fn open_file(
    path: &Path,
    format: Format,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
) -> Result<Image, SourceError> {
    let place = path.display().to_string();
    let file = spool::seekable(layout::open_regular(path)?, &place)?;
    open(file, &place, format, selection, choice, reference)
}

/// Opens an image of the archive on standard input.
///
/// # Errors
/// As [`open_file`], and when the stream cannot be put aside.
pub fn open_stdin(selection: &Selection, choice: &PlatformChoice, reference: &str) -> Result<Image, SourceError> {
    open(spool::standard_input()?, "standard input", Format::Detect, selection, choice, reference)
}

/// Opens an image of an archive that is at hand as a file.
pub(super) fn open(
    file: File,
    place: &str,
    format: Format,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
) -> Result<Image, SourceError> {
    let archive = Arc::new(Archive { entries: Entries::scan(file, place)?, configs: Mutex::default() });
    let is_layout = archive.entries.has("oci-layout") && archive.entries.has("index.json");
    let is_docker = archive.entries.has("manifest.json") || archive.entries.has("repositories");
    match format {
        Format::Oci if !is_layout => Err(archive.entries.malformed("it has no `oci-layout` and `index.json`".into())),
        Format::Docker if !is_docker => Err(archive.entries.malformed("it has no `manifest.json`".into())),
        Format::Detect if !is_layout && !is_docker => {
            Err(archive.entries.malformed("it is neither an OCI layout nor what `docker save` writes".into()))
        }
        _ if is_layout => {
            let transport = if format == Format::Docker { "docker-archive" } else { "oci-archive" };
            open_layout(&archive, selection, choice, reference, transport)
        }
        _ => docker::open(&archive, selection, choice, reference),
    }
}

fn open_layout(
    archive: &Arc<Archive>,
    selection: &Selection,
    choice: &PlatformChoice,
    reference: &str,
    transport: &'static str,
) -> Result<Image, SourceError> {
    layout::check_version(&archive.entries.read("oci-layout", 4096)?, reference)?;
    let index = archive.entries.read("index.json", MAX_MANIFEST_BYTES)?;
    let by_docker = archive.entries.has("manifest.json");
    let open = |choice: &PlatformChoice| {
        layout::open_index(index.clone(), selection, choice, reference, transport, archive.as_ref(), archive.clone())
    };
    let every = if by_docker { present(archive, &index)? } else { PlatformChoice::All };
    let mut image = open(if *choice == PlatformChoice::All { &every } else { choice })?;
    if by_docker {
        if *choice != PlatformChoice::All {
            open(&every)?;
        }
        docker::check_same(archive, selection, &archive.configs())?;
    }
    for manifest in &mut image.manifests {
        for layer in manifest.layers.iter_mut().filter(|layer| layer.place == Place::Digest) {
            let digest =
                layer.digest.as_ref().ok_or_else(|| archive.entries.malformed("a layer has no digest".into()))?;
            let Span { offset, length } = archive.entries.find(&blob_name(digest))?;
            check_length(digest, layer.size, length)?;
            layer.place = Place::Range { offset, length };
        }
    }
    Ok(image)
}

/// Docker saves the whole index of an image of which it may have pulled one platform: those whose manifests are in the archive are all there are.
fn present(archive: &Archive, index: &[u8]) -> Result<PlatformChoice, SourceError> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Vec<Descriptor>,
    }
    let parse = |bytes: &[u8]| {
        serde_json::from_slice::<Index>(bytes)
            .map_err(|error| archive.entries.malformed(format!("`index.json`: {error}")))
    };
    let mut platforms = Vec::new();
    let mut absent = false;
    for entry in parse(index)?.manifests.iter().take(MAX_INDEX_ENTRIES) {
        if !entry.media_type.ends_with("index.v1+json") && !entry.media_type.ends_with("list.v2+json") {
            continue;
        }
        let bytes = read_checked(archive, Kind::Manifest, entry, MAX_MANIFEST_BYTES)?;
        for child in parse(&bytes)?.manifests.into_iter().take(MAX_INDEX_ENTRIES) {
            let stored = archive.entries.has(&blob_name(&parse_digest(&child)?));
            let Some(platform) = child.platform.filter(|platform| !platform.is_attestation()) else { continue };
            absent |= !stored;
            platforms.extend(stored.then_some(platform));
        }
    }
    Ok(if absent { PlatformChoice::Only(platforms) } else { PlatformChoice::All })
}

/// The name of a blob in a layout.
fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// A scanned archive, which gives the content of its images.
struct Archive {
    entries: Entries,
    /// Digests of the configurations that were read, to compare with Docker's `manifest.json`.
    configs: Mutex<BTreeSet<Digest>>,
}

impl Archive {
    fn configs(&self) -> BTreeSet<Digest> {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ContentStore for Archive {
    fn read(&self, kind: Kind, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        let span = self.entries.find(&blob_name(digest))?;
        if kind == Kind::Blob {
            self.configs.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone());
        }
        self.entries.read_span(span, descriptor.size)
    }
}

impl Blobs for Archive {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        match layer.place {
            Place::Range { offset, length } => {
                Ok(Content::Bytes(Box::new(self.entries.section(Span { offset, length }))))
            }
            _ => Err(SourceError::NotFound {
                what: "a layer that is not of this archive".into(),
                place: self.entries.place().to_owned(),
            }),
        }
    }
}

/// One manifest that has no index above it must still be of a platform that was asked for.
fn check_platform(choice: &PlatformChoice, platform: &Platform) -> Result<(), SourceError> {
    match choice {
        PlatformChoice::Only(wanted) if !wanted.iter().any(|wanted| platform.satisfies(wanted)) => {
            let wanted: Vec<String> = wanted.iter().map(Platform::to_string).collect();
            Err(SourceError::NoPlatform { wanted: wanted.join(", "), available: platform.to_string() })
        }
        _ => Ok(()),
    }
}
