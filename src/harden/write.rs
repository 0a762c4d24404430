//! The new image to where it shall be: a registry, a layout, an archive.
//!
//! Content comes before what names it, and the tag last: whoever asks for the tag gets the old image until the new one is there whole, and a run that is killed leaves the tag as it was. An archive is written
//! beside its place and renamed. A tag that is not what it was when the plan was made is left alone.
//!
//! Sources: OCI distribution-spec, "Push"; image-spec `image-layout.md`; moby `image/spec/v1.2.md` ("Combined Image JSON + Filesystem Changeset Format").

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::HardenError;
use super::entry::{NewContent, NewEntry, NewKind};
use super::image::{Document, NewImage, NewLayer};
use super::stage::Stage;
use crate::digest::{Digest, Hasher};
use crate::source::layout::LayoutRepository;
use crate::source::registry::RegistryRepository;
use crate::source::repository::{At, Repository as _};
use crate::source::{Content, SourceError};

/// A destination.
pub enum Destination {
    /// A tag of a repository in a registry.
    Registry {
        /// The repository.
        repository: RegistryRepository,
        /// The tag.
        tag: String,
    },
    /// A tag of a layout, which is made where there is none.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The tag.
        tag: String,
    },
    /// A layout in a tar file.
    OciArchive {
        /// The file.
        path: PathBuf,
        /// The tag.
        tag: String,
    },
    /// An archive for `docker load`, which takes one platform.
    DockerArchive {
        /// The file.
        path: PathBuf,
        /// The name that `docker load` gives the image; none for no name.
        name: Option<String>,
    },
}

/// What a tag was when somebody looked.
pub type Seen = Option<Digest>;

impl Destination {
    /// What is there now. A file that is there has no digest, since nobody reads it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn current(&self) -> Result<Seen, HardenError> {
        let stored = match self {
            Self::Registry { repository, tag } => repository.manifest(At::Tag(tag))?,
            Self::Layout { path, tag } if path.join("oci-layout").exists() => {
                LayoutRepository::open(path)?.manifest(At::Tag(tag))?
            }
            Self::Layout { .. } | Self::OciArchive { .. } | Self::DockerArchive { .. } => None,
        };
        Ok(stored.map(|stored| stored.digest))
    }

    /// Writes the image. `seen` is what [`current`](Self::current) said when the plan was made.
    ///
    /// # Errors
    /// When it cannot be written whole, or the destination changed meanwhile; then the tag is what it was.
    pub fn publish(&self, image: &NewImage, stage: &Stage, seen: &Seen) -> Result<(), HardenError> {
        match self {
            Self::Registry { repository, tag } => {
                for (layer, _) in distinct(image) {
                    repository.put_blob(&read(layer, stage)?)?;
                }
                for platform in &image.platforms {
                    repository.put_blob(&platform.config.bytes)?;
                    let Document { bytes, digest, media_type } = &platform.manifest;
                    repository.put_manifest(At::Digest(digest), media_type, bytes)?;
                }
                self.check(seen, tag)?;
                repository.put_manifest(At::Tag(tag), &image.root.media_type, &image.root.bytes)?;
            }
            Self::Layout { path, tag } => {
                make_layout(path)?;
                let repository = LayoutRepository::open(path)?;
                for (layer, _) in distinct(image) {
                    repository.put_blob(&read(layer, stage)?)?;
                }
                for platform in &image.platforms {
                    repository.put_blob(&platform.config.bytes)?;
                    // As a blob: a manifest that `index.json` lists would be an image of its own.
                    repository.put_blob(&platform.manifest.bytes)?;
                }
                self.check(seen, tag)?;
                repository.put_manifest(At::Tag(tag), &image.root.media_type, &image.root.bytes)?;
            }
            Self::OciArchive { path, tag } => write_archive(path, |archive| oci_archive(archive, image, stage, tag))?,
            Self::DockerArchive { path, name } => {
                write_archive(path, |archive| docker_archive(archive, image, stage, name.as_deref()))?;
            }
        }
        Ok(())
    }

    fn check(&self, seen: &Seen, tag: &str) -> Result<(), HardenError> {
        if self.current()? == *seen { Ok(()) } else { Err(HardenError::Moved { place: tag.to_owned() }) }
    }
}

/// Every layer that is stored with the image, once, with its digest.
fn distinct(image: &NewImage) -> Vec<(&NewLayer, &Digest)> {
    let mut seen = BTreeSet::new();
    let layers = image.platforms.iter().flat_map(|platform| &platform.layers);
    let stored = layers.filter(|new| !matches!(new.layer.place, crate::source::Place::Absent { .. }));
    let named = stored.filter_map(|new| Some((new, new.layer.digest.as_ref()?)));
    named.filter(|(_, digest)| seen.insert(*digest)).collect()
}

/// The stored bytes of a layer, verified by its digest.
fn read(new: &NewLayer, stage: &Stage) -> Result<Vec<u8>, HardenError> {
    let mut bytes = Vec::new();
    copy(new, stage, &mut |part| {
        bytes.extend_from_slice(part);
        Ok(())
    })?;
    Ok(bytes)
}

/// Hands the stored bytes of a layer to `take`, and compares them with their digest and size.
fn copy(
    new: &NewLayer,
    stage: &Stage,
    take: &mut dyn FnMut(&[u8]) -> Result<(), HardenError>,
) -> Result<(), HardenError> {
    let layer = &new.layer;
    let digest = layer.digest.as_ref().ok_or_else(|| HardenError::Differs("a layer has no digest".into()))?;
    let mut reader: Box<dyn Read + Send> = match &new.blobs {
        Some(blobs) => match blobs.open(layer)? {
            Content::Bytes(reader) => reader,
            Content::Tree(_) => return Err(HardenError::Differs("a layer is only a folder".into())),
        },
        None => Box::new(stage.open(digest)?),
    };
    let mut hasher = digest.hasher();
    let mut size = 0;
    let mut window = vec![0; 128 << 10];
    loop {
        let n = match reader.read(&mut window) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_failed(error, digest)),
        };
        let part = window.get(..n).unwrap_or_default();
        hasher.update(part);
        size += n as u64;
        if size > layer.size {
            break;
        }
        take(part)?;
    }
    check_stored(layer.size, size, digest, hasher)
}

fn read_failed(error: std::io::Error, digest: &Digest) -> HardenError {
    match error.downcast::<SourceError>() {
        Ok(source) => source.into(),
        Err(source) => SourceError::Io { path: digest.as_str().into(), source }.into(),
    }
}

fn check_stored(expected: u64, actual: u64, digest: &Digest, hasher: Hasher) -> Result<(), HardenError> {
    let what = format!("layer {digest}");
    if expected != actual {
        return Err(SourceError::SizeMismatch { what, expected, actual }.into());
    }
    let found = hasher.finish();
    if found == *digest {
        return Ok(());
    }
    Err(SourceError::DigestMismatch { what, expected: digest.clone(), actual: found }.into())
}

/// An empty layout, where there is none.
fn make_layout(path: &Path) -> Result<(), HardenError> {
    let failed = |source| HardenError::Stage { path: path.to_owned(), source };
    if path.join("oci-layout").exists() {
        return Ok(());
    }
    std::fs::create_dir_all(path.join("blobs/sha256")).map_err(failed)?;
    std::fs::write(path.join("index.json"), EMPTY_INDEX).map_err(failed)?;
    // Last, since it is what makes the folder a layout.
    std::fs::write(path.join("oci-layout"), LAYOUT).map_err(failed)
}

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

const EMPTY_INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// A tar file that is written beside its place and renamed when it is complete.
fn write_archive(path: &Path, fill: impl FnOnce(&mut Archive) -> Result<(), HardenError>) -> Result<(), HardenError> {
    let failed = |source| HardenError::Stage { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let aside = tempfile::Builder::new().prefix(".imgguard").permissions(mode).tempfile_in(folder).map_err(failed)?;
    let file = aside.as_file().try_clone().map_err(failed)?;
    let mut archive = Archive { file: BufWriter::new(file), path: path.to_owned() };
    fill(&mut archive)?;
    archive.write(&super::entry::END_MARK)?;
    archive.file.flush().map_err(failed)?;
    aside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A tar file.
struct Archive {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Archive {
    fn write(&mut self, bytes: &[u8]) -> Result<(), HardenError> {
        let path = &self.path;
        self.file.write_all(bytes).map_err(|source| HardenError::Stage { path: path.clone(), source })
    }

    fn document(&mut self, name: &str, bytes: &[u8]) -> Result<(), HardenError> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes)?;
        self.pad(bytes.len() as u64)
    }

    fn layer(&mut self, name: &str, new: &NewLayer, stage: &Stage) -> Result<(), HardenError> {
        self.begin(name, new.layer.size)?;
        copy(new, stage, &mut |part| self.write(part))?;
        self.pad(new.layer.size)
    }

    fn begin(&mut self, name: &str, size: u64) -> Result<(), HardenError> {
        let kind = NewKind::File(NewContent::File(PathBuf::new(), size));
        let mut headers = Vec::new();
        NewEntry::new(name.as_bytes(), kind, 0o644, 0).headers(&mut headers);
        self.write(&headers)
    }

    fn pad(&mut self, size: u64) -> Result<(), HardenError> {
        let padding = usize::try_from(size.wrapping_neg() % 512).unwrap_or(0);
        self.write([0; 512].get(..padding).unwrap_or_default())
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn oci_archive(archive: &mut Archive, image: &NewImage, stage: &Stage, tag: &str) -> Result<(), HardenError> {
    archive.document("oci-layout", LAYOUT.as_bytes())?;
    let root = &image.root;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": root.media_type,
            "digest": root.digest.as_str(),
            "size": root.bytes.len(),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }],
    });
    archive.document("index.json", index.to_string().as_bytes())?;
    let documents = image.platforms.iter().flat_map(|platform| [&platform.config, &platform.manifest]);
    let mut written = BTreeSet::new();
    for document in documents.chain([root]).filter(|document| written.insert(document.digest.clone())) {
        archive.document(&blob_name(&document.digest), &document.bytes)?;
    }
    distinct(image).into_iter().try_for_each(|(layer, digest)| archive.layer(&blob_name(digest), layer, stage))
}

fn docker_archive(
    archive: &mut Archive,
    image: &NewImage,
    stage: &Stage,
    name: Option<&str>,
) -> Result<(), HardenError> {
    let [platform] = image.platforms.as_slice() else {
        let what = "an image of several platforms".to_owned();
        return Err(HardenError::Unfit { what, why: "`docker load` takes one; choose it with --platform".into() });
    };
    let config = format!("{}.json", platform.config.digest.hex());
    archive.document(&config, &platform.config.bytes)?;
    let layers = distinct(image);
    let file = |digest: &Digest| format!("{}.tar", digest.hex());
    for (layer, digest) in &layers {
        archive.layer(&file(digest), layer, stage)?;
    }
    let names: Vec<String> = platform.layers.iter().filter_map(|new| new.layer.digest.as_ref()).map(file).collect();
    let manifest = json!([{"Config": config, "RepoTags": name.map(|name| vec![name]), "Layers": names}]);
    archive.document("manifest.json", manifest.to_string().as_bytes())
}
