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
use std::sync::Arc;

use serde_json::json;

use super::HardenError;
use super::entry::{NewContent, NewEntry, NewKind};
use super::image::{Document, NewImage, NewLayer};
use super::stage::Stage;
use crate::digest::Digest;
use crate::source::repository::{At, Repository};

use crate::source::{Content, Descriptor, Layer, Place, SourceError, Verified};

/// A destination.
pub enum Destination {
    /// A tag of a repository in a registry, or of a layout.
    Repository {
        /// The repository.
        repository: Arc<dyn Repository>,
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

/// What is at a destination: nothing, a tag that points to this, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// A tag that points to this.
    Tag(Digest),
    /// A file, of this length and time of its last change.
    File(u64, Option<std::time::SystemTime>),
}

impl Destination {
    /// What is there now.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn look(&self) -> Result<Seen, HardenError> {
        match self {
            Self::Repository { repository, tag } => {
                let stored = repository.manifest(At::Tag(tag))?;
                Ok(stored.map_or(Seen::Nothing, |stored| Seen::Tag(stored.digest)))
            }
            Self::OciArchive { path, .. } | Self::DockerArchive { path, .. } => match std::fs::metadata(path) {
                Ok(known) => Ok(Seen::File(known.len(), known.modified().ok())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Seen::Nothing),
                Err(source) => Err(HardenError::Stage { path: path.clone(), source }),
            },
        }
    }

    /// Writes the image. `seen` is what [`look`](Self::look) said when the plan was made.
    ///
    /// # Errors
    /// When it cannot be written whole, or the destination changed meanwhile; then it is what it was.
    pub fn publish(&self, image: &NewImage, stage: &Arc<Stage>, seen: &Seen) -> Result<(), HardenError> {
        match self {
            Self::Repository { repository, tag } => {
                for (layer, digest) in distinct(image) {
                    let descriptor =
                        Descriptor { size: layer.layer.size, digest: digest.to_string(), ..Descriptor::of("", b"") };
                    let (layer, stage) = (layer.clone(), stage.clone());
                    repository.put_stream(&descriptor, Arc::new(move || open(&layer, &stage)))?;
                }
                for platform in &image.platforms {
                    repository.put_blob(&platform.config.bytes)?;
                    let Document { bytes, digest, media_type } = &platform.manifest;
                    repository.put_manifest(At::Digest(digest), media_type, bytes)?;
                }
                self.check(seen)?;
                repository.put_manifest(At::Tag(tag), &image.root.media_type, &image.root.bytes)?;
            }
            Self::OciArchive { path, tag } => {
                self.write_archive(path, seen, |archive| oci_archive(archive, image, stage, tag))?;
            }
            Self::DockerArchive { path, name } => {
                self.write_archive(path, seen, |archive| docker_archive(archive, image, stage, name.as_deref()))?;
            }
        }
        Ok(())
    }

    fn check(&self, seen: &Seen) -> Result<(), HardenError> {
        if self.look()? == *seen { Ok(()) } else { Err(HardenError::Moved) }
    }

    /// A tar file that is written beside its place and renamed when it is complete.
    fn write_archive(
        &self,
        path: &Path,
        seen: &Seen,
        fill: impl FnOnce(&mut Archive) -> Result<(), HardenError>,
    ) -> Result<(), HardenError> {
        let failed = |source| HardenError::Stage { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let aside =
            tempfile::Builder::new().prefix(".imgguard").permissions(mode).tempfile_in(folder).map_err(failed)?;
        let file = aside.as_file().try_clone().map_err(failed)?;
        let mut archive = Archive { file: BufWriter::new(file), path: path.to_owned() };
        fill(&mut archive)?;
        archive.write(&super::entry::END_MARK)?;
        archive.file.flush().map_err(failed)?;
        self.check(seen)?;
        aside.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// Every layer that is stored with the image, once, with its digest.
fn distinct(image: &NewImage) -> Vec<(&NewLayer, &Digest)> {
    let mut seen = BTreeSet::new();
    let layers = image.platforms.iter().flat_map(|platform| &platform.layers);
    let stored = layers.filter(|new| !matches!(new.layer.place, Place::Absent { .. }));
    let named = stored.filter_map(|new| Some((new, new.layer.digest.as_ref()?)));
    named.filter(|(_, digest)| seen.insert(*digest)).collect()
}

/// The stored bytes of a layer, which whoever reads them checks.
fn open(new: &NewLayer, stage: &Stage) -> Result<Box<dyn Read + Send>, SourceError> {
    let missing = || SourceError::NotFound { what: "a layer".into(), place: "the new image".into() };
    match &new.blobs {
        Some(blobs) => match blobs.open(&new.layer)? {
            Content::Bytes(reader) => Ok(reader),
            Content::Tree(_) => Err(missing()),
        },
        None => {
            let (path, _) = new.layer.digest.as_ref().and_then(|digest| stage.find(digest)).ok_or_else(missing)?;
            Ok(Box::new(File::open(&path).map_err(|source| SourceError::Io { path, source })?))
        }
    }
}

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

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
        let Layer { digest, size, .. } = &new.layer;
        let digest = digest.clone().ok_or_else(|| HardenError::Differs("a layer has no digest".into()))?;
        self.begin(name, *size)?;
        let mut reader = Verified::new(open(new, stage)?, digest, *size);
        let path = &self.path;
        std::io::copy(&mut reader, &mut self.file).map_err(|error| match error.downcast::<SourceError>() {
            Ok(source) => source.into(),
            Err(source) => HardenError::Stage { path: path.clone(), source },
        })?;
        self.pad(*size)
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
