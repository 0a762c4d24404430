//! From a reference to an [`Image`]: which manifests there are, what they run, and where their layers' bytes come from.
//!
//! In: a parsed [`crate::reference::Reference`] and the platforms asked for. Out: an [`Image`], every manifest and configuration of which was
//! checked against its digest and size. Layers stay unread; [`Blobs::open`] gives their stored bytes and the layer pass verifies those.
//! Nothing here looks inside a layer.

pub mod archive;
mod attached;
pub mod carriers;
pub mod copy;
pub mod daemon;
pub mod git;
pub mod layout;
pub mod referrer;
pub mod registry;
pub mod repository;
mod resolve;
pub mod rootfs;
pub mod sbom;
mod spool;
pub mod storage;
mod verified;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

pub use attached::Attached;
pub use resolve::Descriptor;
pub use verified::Verified;

use crate::digest::Digest;
use crate::oci::{ImageConfig, Platform};

/// Largest manifest or index that is read, in bytes. Registries refuse larger ones (distribution-spec: "at least 4 megabytes" must be accepted).
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Largest image configuration that is read, in bytes. It holds the history and labels; real ones stay below 100 KiB.
pub const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// Most manifests that one index may list. The largest published multi-arch indexes have fewer than 40 entries with attestations.
pub const MAX_INDEX_ENTRIES: usize = 512;

/// Most layers of one image. Docker's overlay driver stops at 128; other builders at 500.
pub const MAX_LAYERS: usize = 1024;

/// The transport of bills of materials.
const SBOM: &str = "sbom";

/// One reference's images: one manifest a platform.
#[derive(Clone)]
pub struct Image {
    /// The reference, as the user wrote it.
    pub reference: String,
    /// Who answered, for a bare name that may be in an engine or a registry: `registry`, `docker-daemon`, …
    pub transport: &'static str,
    /// Digest of the index or manifest that the reference names; none for a directory.
    pub digest: Option<Digest>,
    /// Media type of that index or manifest.
    pub media_type: String,
    /// Annotations of the index, empty for a single manifest.
    pub annotations: BTreeMap<String, String>,
    /// The bytes of that index, for whoever writes it again; none for a single manifest.
    pub index: Option<Arc<[u8]>>,
    /// Every platform that the index lists, chosen or not; empty for a single manifest.
    pub offered: Vec<Platform>,
    /// The chosen platforms' manifests, in the order of the index.
    pub manifests: Vec<Manifest>,
    /// Attestations and the like that are kept with it.
    pub attached: Vec<Attached>,
    /// Where the layers are read from.
    pub blobs: Arc<dyn Blobs>,
}

impl Image {
    /// Whether it says how it is run; a folder and a bill of materials do not.
    #[must_use]
    pub fn has_config(&self) -> bool {
        self.transport != "dir" && self.has_layers()
    }

    /// Whether its files can be looked at; those of a bill of materials cannot.
    #[must_use]
    pub fn has_layers(&self) -> bool {
        self.transport != SBOM
    }
}

/// One platform's image.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What it runs on: the index's word, else the configuration's.
    pub platform: Platform,
    /// Digest of the manifest; none for a directory.
    pub digest: Option<Digest>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The image configuration, verified.
    pub config: ImageConfig,
    /// Manifest and configuration as they are stored.
    pub documents: Documents,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// What a bill of materials lists, in place of layers.
    pub listing: Option<Arc<sbom::Listing>>,
}

/// The documents of one platform's image as they are stored: whoever writes it again must not lose the fields that nobody here reads.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The manifest; none where the source keeps none (a Docker archive).
    pub manifest: Option<Arc<[u8]>>,
    /// The image configuration; none for what is no image (a folder, a bill of materials) and for archives of Docker before 1.10.
    pub config: Option<Arc<[u8]>>,
}

/// One layer of an image, before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Digest of the stored bytes that [`Blobs::open`] will give; none for a directory tree.
    pub digest: Option<Digest>,
    /// Length of the stored bytes; 0 where it is not known before reading (a directory tree).
    pub size: u64,
    /// The descriptor's media type.
    pub media_type: String,
    /// Digest of the uncompressed tar as the configuration names it.
    pub diff_id: Option<Digest>,
    /// Where the bytes are, in words only the source understands: a blob digest, an offset in an archive, a folder.
    pub place: Place,
}

/// Where a layer's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A blob found by its digest (registry, layout).
    Digest,
    /// A byte range of the archive file.
    Range {
        /// First byte.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
    /// A folder that holds the unpacked files.
    Tree(PathBuf),
    /// A layer of an engine's store, by its id there.
    Stored(String),
    /// Not kept with the image (Windows foreign layers, encrypted ones): it cannot be read, and the platform is not complete.
    Absent {
        /// Why, in words for people.
        reason: String,
    },
}

/// The content of a layer.
pub enum Content {
    /// The stored bytes, compressed or not, in order. Not yet verified.
    Bytes(Box<dyn Read + Send>),
    /// A folder of unpacked files.
    Tree(PathBuf),
}

/// Gives the bytes of layers.
pub trait Blobs: Send + Sync {
    /// Opens one layer. Called from several threads at once; may be called again for the same layer (a bounded second read).
    /// The reader must end at the layer's size: more bytes than that are an error of the caller's check, not to be cut here.
    ///
    /// # Errors
    /// When the layer's bytes cannot be reached.
    fn open(&self, layer: &Layer) -> Result<Content, SourceError>;
}

/// Which platforms of an index are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum PlatformChoice {
    /// Every one.
    #[default]
    All,
    /// The machine's own.
    Native,
    /// The ones listed.
    Only(Vec<Platform>),
}

impl PlatformChoice {
    /// Whether this platform is among those that are meant.
    #[must_use]
    pub fn wants(&self, platform: &Platform) -> bool {
        match self {
            Self::All => true,
            Self::Native => platform.satisfies(&Platform::native()),
            Self::Only(wanted) => wanted.iter().any(|wanted| platform.satisfies(wanted)),
        }
    }
}

/// Why an image could not be had. The class decides the exit code: [`SourceError::is_damage`] is 3, [`SourceError::Configuration`] is 2, the rest is 5.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such file, image, tag or blob.
    #[error("{what} was not found at `{place}`")]
    NotFound {
        /// What was looked for.
        what: String,
        /// Where.
        place: String,
    },
    /// The repository is there and has other tags.
    #[error("`{repository}` has no tag `{tag}`; {}", others(near, *count))]
    NoTag {
        /// Host and repository.
        repository: String,
        /// The tag.
        tag: String,
        /// Tags that look like it, best first.
        near: Vec<String>,
        /// How many tags there are.
        count: usize,
    },
    /// The server wants other credentials (401).
    #[error("`{host}` asks for other credentials ({detail})")]
    Unauthorized {
        /// Registry host.
        host: String,
        /// What the server said and which credentials were tried, never the secret itself.
        detail: String,
    },
    /// The credentials are known but may not read this (403).
    #[error("`{host}` denies access to `{what}` ({detail})")]
    Forbidden {
        /// Registry host.
        host: String,
        /// Repository.
        what: String,
        /// What the server said.
        detail: String,
    },
    /// Too many requests (429), after the retries.
    #[error("`{host}` limits the request rate{}", retry_after.map(|s| format!(", asks to wait {s} s")).unwrap_or_default())]
    RateLimited {
        /// Registry host.
        host: String,
        /// Seconds the server asked to wait.
        retry_after: Option<u64>,
    },
    /// The server failed (5xx), after the retries.
    #[error("`{host}` failed with status {status} while {phase}")]
    Server {
        /// Registry host.
        host: String,
        /// HTTP status.
        status: u16,
        /// What was being done.
        phase: &'static str,
    },
    /// An answer that the protocol does not allow.
    #[error("`{host}` gave an unexpected answer while {phase}: {detail}")]
    Protocol {
        /// Registry host.
        host: String,
        /// What was being done.
        phase: &'static str,
        /// What was wrong.
        detail: String,
    },
    /// No answer in time.
    #[error("`{host}` did not finish in time while {phase}: {detail}")]
    TimedOut {
        /// Host.
        host: String,
        /// What was being done.
        phase: &'static str,
        /// Which limit was reached.
        detail: String,
    },
    /// No connection, or it broke.
    #[error("`{host}` could not be reached while {phase}: {detail}")]
    Unreachable {
        /// Host, or the path of a socket.
        host: String,
        /// What was being done.
        phase: &'static str,
        /// The cause.
        detail: String,
    },
    /// A configuration file of the machine or user that cannot be used.
    #[error("the configuration in `{place}` cannot be used: {detail}")]
    Configuration {
        /// The file or variable.
        place: String,
        /// What is wrong, without quoting what may be secret.
        detail: String,
    },
    /// `--offline` forbids what the reference needs.
    #[error("`{0}` needs the network, and --offline forbids it")]
    Offline(String),
    /// A local file or folder could not be read.
    #[error("`{path}` could not be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Bytes that do not have the digest by which they were asked for.
    #[error("{what} has the digest {actual}, not {expected}: the content is damaged or was replaced")]
    DigestMismatch {
        /// Which content.
        what: String,
        /// The digest that pins it.
        expected: Digest,
        /// The digest of what was read.
        actual: Digest,
    },
    /// Bytes that are more or fewer than the descriptor says.
    #[error("{what} has {actual} bytes, not {expected}: the content is damaged or was replaced")]
    SizeMismatch {
        /// Which content.
        what: String,
        /// The descriptor's size.
        expected: u64,
        /// What was read, or at least that.
        actual: u64,
    },
    /// Something larger than we are willing to read.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// Which content.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// An index, manifest, configuration or archive that does not follow its format.
    #[error("{what} is malformed: {detail}")]
    Malformed {
        /// Which content.
        what: String,
        /// What was wrong.
        detail: String,
    },
    /// The image has none of the platforms asked for.
    #[error("no manifest for {wanted}; there are: {available}")]
    NoPlatform {
        /// Asked for.
        wanted: String,
        /// What the index lists.
        available: String,
    },
    /// The reference names several images and does not say which.
    #[error("`{place}` holds several images; name one of: {choices}")]
    Ambiguous {
        /// Archive or layout.
        place: String,
        /// References to choose from.
        choices: String,
    },
}

/// The tags there are, for people.
fn others(near: &[String], count: usize) -> String {
    let named: Vec<String> = near.iter().map(|tag| format!("`{tag}`")).collect();
    match count.saturating_sub(near.len()) {
        0 => format!("there is {}", named.join(", ")),
        more => format!("there is {} and {more} more", named.join(", ")),
    }
}

impl SourceError {
    /// Whether content was read that cannot be believed (exit 3), in contrast to content that could not be had (exit 5).
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::TooLarge { .. } | Self::Malformed { .. }
        )
    }

    /// What to do next, for people; none when the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoTag { .. } => "check the spelling of the tag",
            Self::NotFound { .. } => {
                "check the spelling and the tag; a private repository also answers like this to strangers"
            }
            Self::Unauthorized { .. } => {
                "log in (docker login, podman login or skopeo login) or set DOCKER_AUTH_CONFIG"
            }
            Self::Forbidden { .. } => "ask for read access to this repository; logging in again will not help",
            Self::RateLimited { .. } => "wait, log in to get a higher limit, or use a mirror",
            Self::Server { .. } => "the registry has trouble; try again later",
            Self::TimedOut { .. } => "try again later, use a mirror, or give it more time with --timeout",
            Self::Unreachable { .. } => {
                "check the host name, the proxy settings and --ca; --plain-http HOST is needed for a registry without TLS"
            }
            Self::Offline(_) => "leave out --offline, or scan an oci: layout or an archive",
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } => {
                "do not use this copy; fetch or build the image again"
            }
            Self::NoPlatform { .. } => "use --platform with one of the platforms listed, or all",
            Self::Ambiguous { .. } => "append :REFERENCE or @DIGEST",
            _ => return None,
        })
    }
}
