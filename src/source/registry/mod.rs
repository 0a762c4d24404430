//! `registry.example/app:tag`: an image in a registry.
//!
//! In: an image name. Out: the [`Image`], whose layers are downloaded when they are read. Every run has one [`Registry`]: its references share connections, tokens and
//! credentials. Nothing that a server says of content is believed: digests are computed over the bytes that came, manifests are verified by `source::resolve`, layers by the
//! layer pass; the header `Docker-Content-Digest` is not looked at.
//!
//! The rest of the program is plain threads; they wait here for the transport's own. A layer's body is pulled by its reader, so what is in flight is bounded by the connection's
//! buffers, and dropping the reader ends the download.
//!
//! Source: OCI distribution-spec, "Pull"; Docker's token authentication specification.

mod answers;
mod blob;
mod credentials;
mod mirrors;
mod pages;
mod push;
mod referrers;
mod repository;
mod session;
mod tags;
mod token;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use blob::BlobReader;
use credentials::Credentials;
use mirrors::{Mirrors, Place};
pub use repository::RegistryRepository;
use session::{Right, Session};

use super::layout::open_regular;
use super::resolve::{self, ContentStore, Descriptor, Kind, Root, read_bounded};
use super::{Blobs, Content, Image, Layer, PlatformChoice, SourceError, attached};
use crate::digest::Digest;
use crate::net::{Settings, Transport};
use crate::reference::ImageName;

/// The registries of a run.
pub struct Registry {
    transport: Arc<Transport>,
    mirrors: Mirrors,
    credentials: Arc<Credentials>,
    /// One a repository of a host, and what may be done there: its tokens are not for others.
    sessions: Mutex<BTreeMap<(Place, Right), Arc<Session>>>,
}

impl Registry {
    /// Starts the transport with `settings` and what the machine's registry configuration adds to them. `variables` are the environment.
    ///
    /// # Errors
    /// When a configuration file cannot be used.
    pub fn new(mut settings: Settings, variables: &dyn Fn(&str) -> Option<String>) -> Result<Self, SourceError> {
        let mirrors = Mirrors::load(variables)?;
        for host in mirrors.insecure_hosts() {
            settings.insecure_tls.push(host.to_owned());
            settings.plain_http.push(host.to_owned());
        }
        settings.certificate_folders.extend(certificate_folders(variables));
        let transport = Arc::new(Transport::new(settings)?);
        let credentials = Arc::new(Credentials::new(variables));
        Ok(Self { transport, mirrors, credentials, sessions: Mutex::default() })
    }

    /// Opens an image: finds its manifests; the layers are downloaded later.
    ///
    /// # Errors
    /// When the image cannot be had, or is damaged.
    pub fn open(&self, name: &ImageName, choice: &PlatformChoice, reference: &str) -> Result<Image, SourceError> {
        let (session, root) = self.transport.block_on(self.find(name))?;
        image(session, root, choice, reference)
    }

    /// As [`open`](Self::open), with the statements that are attached to the image: some requests more, each of which may count as a pull. One that cannot be
    /// read is told in its place.
    ///
    /// # Errors
    /// When the image cannot be had, or is damaged.
    pub fn open_with_attached(
        &self,
        name: &ImageName,
        choice: &PlatformChoice,
        reference: &str,
    ) -> Result<Image, SourceError> {
        let (session, root) = self.transport.block_on(self.find(name))?;
        let mut image = image(session.clone(), root.clone(), choice, reference)?;
        let manifests: Vec<_> = image.manifests.iter().filter_map(|manifest| manifest.digest.clone()).collect();
        image.attached = attached::read_repository(&root, &manifests, &RegistryRepository::new(session));
        Ok(image)
    }

    /// The first of the image's places that has it: mirrors come first, and the last one's word is the error.
    async fn find(&self, name: &ImageName) -> Result<(Arc<Session>, Root), SourceError> {
        let mut failed = None;
        for place in self.mirrors.places(name)? {
            let session = self.session(place, Right::Pull);
            match session.root(name).await {
                Ok(root) => return Ok((session, root)),
                Err(error) => failed = Some((session, error)),
            }
        }
        Err(match (failed, name.tag.as_ref().filter(|_| name.digest.is_none())) {
            (Some((session, error @ SourceError::NotFound { .. })), Some(tag)) => session.no_tag(tag, error).await,
            (Some((_, error)), _) => error,
            (None, _) => SourceError::NotFound { what: format!("`{name}`"), place: name.registry.clone() },
        })
    }

    /// The repository that has an image, to read what hangs on it.
    ///
    /// # Errors
    /// When the image cannot be had.
    pub fn repository(&self, name: &ImageName) -> Result<RegistryRepository, SourceError> {
        let (session, _) = self.transport.block_on(self.find(name))?;
        Ok(RegistryRepository::new(session))
    }

    /// An image's own repository, no mirror, to read. Nothing is sent yet.
    ///
    /// # Errors
    /// When the machine's configuration blocks it.
    pub fn readable_repository(&self, name: &ImageName) -> Result<RegistryRepository, SourceError> {
        Ok(RegistryRepository::new(self.session(self.own_place(name)?, Right::Pull)))
    }

    /// An image's own repository, no mirror, to read and to write. Nothing is sent yet. Blobs are taken over from those of `from` that are other repositories of the same registry.
    ///
    /// # Errors
    /// When the machine's configuration blocks it.
    pub fn writable_repository(&self, name: &ImageName, from: &[ImageName]) -> Result<RegistryRepository, SourceError> {
        let place = self.own_place(name)?;
        let from = from.iter().map(|from| self.own_place(from)).collect::<Result<Vec<_>, _>>()?;
        let others = from.into_iter().filter(|from| from.host == place.host && from.repository != place.repository);
        let right = Right::Push { from: others.map(|from| from.repository).collect() };
        Ok(RegistryRepository::new(self.session(place, right)))
    }

    fn own_place(&self, name: &ImageName) -> Result<Place, SourceError> {
        let blocked = || SourceError::NotFound { what: format!("`{name}`"), place: name.registry.clone() };
        self.mirrors.places(name)?.pop().ok_or_else(blocked)
    }

    fn session(&self, place: Place, right: Right) -> Arc<Session> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let new =
            || Arc::new(Session::new(self.transport.clone(), place.clone(), self.credentials.clone(), right.clone()));
        sessions.entry((place.clone(), right.clone())).or_insert_with(new).clone()
    }
}

/// The image that a root leads to.
fn image(session: Arc<Session>, root: Root, choice: &PlatformChoice, reference: &str) -> Result<Image, SourceError> {
    let repository = Arc::new(Repository { session });
    let digest = root.digest.clone();
    let resolved = resolve::resolve(root, repository.as_ref(), choice)?;
    let (media_type, index) = (resolved.media_type, resolved.index);
    let (annotations, manifests) = (resolved.annotations, resolved.manifests);
    let (reference, digest, attached) = (reference.to_owned(), Some(digest), Vec::new());
    let (offered, blobs) = (resolved.offered, repository);
    Ok(Image {
        reference,
        transport: "registry",
        digest,
        media_type,
        annotations,
        index,
        offered,
        manifests,
        attached,
        blobs,
    })
}

/// The content of a configuration file of at most `limit` bytes.
fn read_configuration(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let unusable = |detail: String| SourceError::Configuration { place: path.display().to_string(), detail };
    let file = open_regular(path).map_err(|error| unusable(error.to_string()))?;
    let bytes = read_bounded(file, limit).map_err(|error| unusable(error.to_string()))?;
    if bytes.len() as u64 > limit { Err(unusable(format!("it is larger than {limit} bytes"))) } else { Ok(bytes) }
}

/// Where certificates of single hosts are kept (containers-certs.d(5), Docker's "Verify repository client with certificates").
fn certificate_folders(variables: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let home = variables("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let own =
        home.iter().flat_map(|home| [home.join(".config/containers/certs.d"), home.join(".config/docker/certs.d")]);
    own.chain(["/etc/containers/certs.d".into(), "/etc/docker/certs.d".into()]).collect()
}

/// The repository that an image was found in.
struct Repository {
    session: Arc<Session>,
}

impl ContentStore for Repository {
    fn read(&self, kind: Kind, descriptor: &Descriptor, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        match kind {
            Kind::Manifest => {
                let manifest = self.session.manifest(digest.as_str(), descriptor.size);
                Ok(self.session.transport().block_on(manifest)?.bytes)
            }
            Kind::Blob => {
                let reader =
                    BlobReader::open(self.session.clone(), digest, descriptor.size, "reading a configuration")?;
                read_bounded(reader, descriptor.size).map_err(|error| blob::unwrap(error, digest))
            }
        }
    }
}

impl Blobs for Repository {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        let missing =
            || SourceError::NotFound { what: "a layer without digest".into(), place: self.session.host().to_owned() };
        let digest = layer.digest.as_ref().ok_or_else(missing)?;
        let reader = BlobReader::open(self.session.clone(), digest, layer.size, "downloading a layer")?;
        Ok(Content::Bytes(Box::new(reader)))
    }
}
