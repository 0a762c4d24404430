//! A layout as a repository: its tags are names in `index.json`, and its referrers are the manifests listed there that name a subject.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Folder, check_version, named, open_regular};
use crate::digest::Digest;
use crate::source::repository::{At, Change, Document, INDEX, MANIFEST, OpenBlob, Put, Repository, Stored};
use crate::source::resolve::{self, ContentStore as _, Descriptor, Kind};
use crate::source::{MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, SourceError, Verified};

const NAME: &str = "org.opencontainers.image.ref.name";

/// The content of `oci-layout` (image-spec, "oci-layout file").
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// A layout in a folder.
pub struct LayoutRepository {
    folder: Folder,
}

impl LayoutRepository {
    /// Opens the layout in `path`, or makes one where there is nothing yet.
    ///
    /// # Errors
    /// When something else is there, or nothing can be.
    pub fn create(path: &Path) -> Result<Self, SourceError> {
        let failed = |source: std::io::Error| SourceError::Io { path: path.to_owned(), source };
        match std::fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(path).map_err(failed)?;
            }
            Ok(false) => return Self::open(path),
            Err(error) => return Err(failed(error)),
        }
        let made = Self { folder: Folder { path: path.to_owned() } };
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
        std::fs::create_dir_all(path.join("blobs/sha256")).map_err(failed)?;
        made.replace(&path.join("index.json"), &mut index.as_bytes())?;
        made.replace(&path.join("oci-layout"), &mut VERSION.as_bytes())?;
        Ok(made)
    }

    /// Opens the layout in `path`.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let folder = Folder { path: path.to_owned() };
        check_version(&folder.read_file(Path::new("oci-layout"), 4096)?, &path.display().to_string())?;
        Ok(Self { folder })
    }

    fn index(&self) -> Result<(Value, Vec<Descriptor>), SourceError> {
        let malformed = |detail: String| SourceError::Malformed {
            what: format!("`index.json` of `{}`", self.folder.path.display()),
            detail,
        };
        let bytes = self.folder.read_file(Path::new("index.json"), MAX_MANIFEST_BYTES)?;
        let index: Value = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        let entries = index.get("manifests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if entries.len() > MAX_INDEX_ENTRIES {
            return Err(malformed(format!("it lists more than {MAX_INDEX_ENTRIES} entries")));
        }
        let entries = entries.iter().map(|entry| serde_json::from_value(entry.clone()));
        let entries = entries.collect::<Result<_, _>>().map_err(|error| malformed(error.to_string()))?;
        Ok((index, entries))
    }

    /// A manifest by its digest, of whatever size it is stored with.
    fn by_digest(&self, digest: &Digest, media_type: &str) -> Result<Option<Stored>, SourceError> {
        let descriptor = Descriptor { size: MAX_MANIFEST_BYTES, digest: digest.to_string(), ..Descriptor::of("", b"") };
        let bytes = match self.folder.read(Kind::Manifest, &descriptor, digest) {
            Err(SourceError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(SourceError::TooLarge { what: format!("manifest {digest}"), limit: MAX_MANIFEST_BYTES });
        }
        resolve::check_digest(&format!("manifest {digest}"), digest, &bytes)?;
        Ok(Some(Stored { bytes, digest: digest.clone(), media_type: media_type.to_owned() }))
    }

    /// Writes a file aside and renames it, so that a reader meets the old one or the new one.
    fn replace(&self, path: &Path, content: &mut dyn Read) -> Result<(), SourceError> {
        let failed = |source: std::io::Error| {
            source.downcast().unwrap_or_else(|source| SourceError::Io { path: path.to_owned(), source })
        };
        let folder = path.parent().unwrap_or(&self.folder.path);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let mut aside =
            tempfile::Builder::new().prefix(".imgguard").permissions(mode).tempfile_in(folder).map_err(failed)?;
        std::io::copy(content, &mut aside).map_err(failed)?;
        aside.flush().map_err(failed)?;
        aside.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Held while `index.json` is changed; ends with the file.
    fn lock(&self) -> Result<File, SourceError> {
        let path = self.folder.path.join("oci-layout");
        let failed = |source: std::io::Error| SourceError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        Ok(file)
    }

    /// Adds an entry to `index.json` for what refers to something, or moves a tag. The lock must be held.
    fn enter(&self, at: At<'_>, media_type: &str, bytes: &[u8], digest: &Digest) -> Result<(), SourceError> {
        let (mut index, entries) = self.index()?;
        let path = self.folder.path.join("index.json");
        let tag = if let At::Tag(tag) = at { Some(tag) } else { None };
        let stored = Stored { bytes: bytes.to_vec(), digest: digest.clone(), media_type: media_type.to_owned() };
        let Document { artifact_type: kind, subject, .. } = Document::parse(&stored)?;
        // What has neither a tag nor a subject is found through an index.
        if tag.is_none() && (subject.is_none() || entries.iter().any(|entry| entry.digest == digest.as_str())) {
            return Ok(());
        }
        let mut entry = json!({"mediaType": media_type, "digest": digest.as_str(), "size": bytes.len()});
        if !kind.is_empty() {
            entry["artifactType"] = kind.into();
        }
        if let Some(tag) = tag {
            entry["annotations"] = json!({NAME: tag});
        }
        let malformed = || SourceError::Malformed { what: "`index.json`".into(), detail: "it is no object".into() };
        let index_object = index.as_object_mut().ok_or_else(malformed)?;
        let manifests = index_object.entry("manifests").or_insert_with(|| json!([]));
        if manifests.is_null() {
            *manifests = json!([]);
        }
        let manifests = manifests.as_array_mut().ok_or_else(malformed)?;
        manifests.retain(|known| {
            tag.is_none() || known.pointer(&format!("/annotations/{NAME}")).and_then(Value::as_str) != tag
        });
        manifests.push(entry);
        let bytes = serde_json::to_vec(&index)
            .map_err(|error| SourceError::Malformed { what: "`index.json`".into(), detail: error.to_string() })?;
        self.replace(&path, &mut bytes.as_slice())
    }

    fn store(&self, bytes: &[u8]) -> Result<Digest, SourceError> {
        let digest = Digest::sha256(bytes);
        let path: PathBuf = self.folder.blob(&digest);
        if !path.is_file() {
            self.replace(&path, &mut &*bytes)?;
        }
        Ok(digest)
    }

    fn tagged(&self, tag: &str) -> Result<Option<Stored>, SourceError> {
        let (_, entries) = self.index()?;
        let matching = named(&entries, tag);
        let Some(entry) = matching.first() else { return Ok(None) };
        let missing = || SourceError::NotFound {
            what: format!("manifest {} of the tag `{tag}`", entry.digest),
            place: self.folder.path.display().to_string(),
        };
        self.by_digest(&entry.parsed_digest()?, &entry.media_type)?.map(Some).ok_or_else(missing)
    }
}

impl Repository for LayoutRepository {
    fn name(&self) -> String {
        self.folder.path.display().to_string()
    }

    fn manifest(&self, at: At<'_>) -> Result<Option<Stored>, SourceError> {
        match at {
            At::Tag(tag) => self.tagged(tag),
            At::Digest(digest) => self.by_digest(digest, ""),
        }
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        resolve::read_checked(&self.folder, Kind::Blob, descriptor, descriptor.size)
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(open_regular(&self.folder.blob(&descriptor.parsed_digest()?))?))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError> {
        let mut found = Vec::new();
        for entry in self.index()?.1 {
            if entry.media_type != MANIFEST && !entry.media_type.is_empty() {
                continue;
            }
            let Some(stored) = self.by_digest(&entry.parsed_digest()?, &entry.media_type)? else { continue };
            let refers = Document::parse(&stored)?.subject.is_some_and(|named| named.digest == subject.as_str());
            if refers {
                found.push(entry);
            }
        }
        Ok(Some(found))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, SourceError> {
        self.store(bytes)
    }

    fn put_stream(&self, descriptor: &Descriptor, open: OpenBlob) -> Result<Put, SourceError> {
        let digest = descriptor.parsed_digest()?;
        let path = self.folder.blob(&digest);
        if path.is_file() {
            return Ok(Put::Present);
        }
        let reader = open()?.take(descriptor.size.saturating_add(1));
        self.replace(&path, &mut Verified::new(reader, digest, descriptor.size))?;
        Ok(Put::Sent)
    }

    fn put_manifest(&self, at: At<'_>, media_type: &str, bytes: &[u8]) -> Result<bool, SourceError> {
        let _lock = self.lock()?;
        let digest = self.store(bytes)?;
        self.enter(at, media_type, bytes, &digest)?;
        Ok(true)
    }

    fn update(&self, tag: &str, media_type: &str, change: &mut Change<'_>) -> Result<(), SourceError> {
        let _lock = self.lock()?;
        if let Some(bytes) = change(self.tagged(tag)?.as_ref())? {
            let digest = self.store(&bytes)?;
            self.enter(At::Tag(tag), media_type, &bytes, &digest)?;
        }
        Ok(())
    }
}
