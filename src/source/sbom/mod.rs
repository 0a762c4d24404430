//! A bill of materials as a source: what somebody wrote down about an image, in place of its layers.
//!
//! In: CycloneDX 1.2 to 1.7 as JSON or SPDX 2.2 and 2.3 as JSON or tag-value, bare or wrapped in an in-toto statement, a DSSE envelope or a Sigstore bundle. Out: an
//! [`Image`] whose manifests have a [`Listing`] and no layers. What the components mean as packages is worked out in `facts`; here they are only read.
//!
//! A bill is somebody's word. Nothing in it is verified: neither the digests that it names nor the signature of an envelope around it.

mod cyclonedx;
mod envelope;
mod platforms;
mod spdx;
mod tag_value;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub use envelope::Seal;
pub(crate) use envelope::unwrap;
pub(crate) use spdx::SOURCE_INFO;

use super::resolve::read_bounded;
use super::{Blobs, Content, Documents, Image, Layer, Manifest, PlatformChoice, SourceError};
use crate::digest::Digest;
use crate::oci::ImageConfig;

/// Largest bill that is read, in bytes. Those of images with a hundred thousand files have about 100 MB.
pub const MAX_BILL_BYTES: u64 = 256 << 20;

/// Longest text of a component, in bytes. Package URLs and paths have up to 4 KiB.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// Where a reference says that the bill comes from standard input.
const STANDARD_INPUT: &str = "-";

/// What a bill says, whatever its format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// `CycloneDX 1.6`, `SPDX 2.3`.
    pub format: String,
    /// Media type of the document.
    pub media_type: &'static str,
    /// What is around it.
    pub seal: Seal,
    /// Everything that it lists, the subject too.
    pub components: Vec<Component>,
    /// What it says of components among each other, by their places in `components`.
    pub relations: Vec<Relation>,
    /// What it says of its own completeness, where it does not claim to be complete.
    pub incomplete: Vec<String>,
    /// Components that could not be read.
    pub malformed: usize,
}

/// One component as listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// What it is.
    pub role: Role,
    /// Name, without the group.
    pub name: String,
    /// CycloneDX's group, npm's scope or Maven's group.
    pub group: Option<String>,
    /// Version; empty where none is given.
    pub version: String,
    /// Package URL.
    pub purl: Option<String>,
    /// Digest of a container.
    pub digest: Option<Digest>,
    /// CycloneDX's scope `excluded`: not part of what runs.
    pub is_excluded: bool,
    /// Licences as listed.
    pub licenses: Vec<String>,
    /// Who supplies it.
    pub supplier: Option<String>,
    /// Files that it was seen in.
    pub paths: Vec<String>,
    /// What the writing tool adds, under that tool's names.
    pub properties: Vec<(String, String)>,
}

impl Component {
    /// The first property of that name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a text of it is longer than any real one.
    fn is_oversized(&self) -> bool {
        let properties = self.properties.iter().flat_map(|(name, value)| [name, value]);
        let texts = [&self.name, &self.version].into_iter().chain(&self.group).chain(&self.purl).chain(&self.supplier);
        texts.chain(&self.licenses).chain(&self.paths).chain(properties).any(|text| text.len() > MAX_TEXT_BYTES)
    }
}

/// What a component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Something that a package manager installs.
    #[default]
    Package,
    /// A program, or a group of packages such as a lock file.
    Application,
    /// The distribution.
    OperatingSystem,
    /// An image.
    Container,
    /// A file or folder, and whatever else is no package.
    Other,
}

/// What one component is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Place of the one that has.
    pub from: usize,
    /// Place of what it has.
    pub to: usize,
    /// True when the files of `to` belong to the package `from`; false when `from` contains `to` or depends on it.
    pub owns: bool,
}

/// What a bill lists for one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The file, for places of components that name none.
    pub file: String,
    /// `CycloneDX 1.6`, `SPDX 2.3`.
    pub format: String,
    /// What is around the bill.
    pub seal: Seal,
    /// The distribution.
    pub os: Option<Component>,
    /// Everything else.
    pub components: Vec<Component>,
    /// Owners: by place in `components`, the name of the OS package that owns the files.
    pub owners: BTreeMap<usize, String>,
    /// What it says of its own completeness, where it does not claim to be complete.
    pub incomplete: Vec<String>,
    /// Components that could not be read.
    pub malformed: usize,
}

impl Bill {
    /// One manifest a platform that the bill is about; there is at least one. `file` is where the bill is.
    ///
    /// # Errors
    /// When its platforms list more components than are held.
    pub fn manifests(self, file: &str) -> Result<Vec<Manifest>, SourceError> {
        platforms::split(self, file)
    }
}

/// Reads a bill in any of the formats.
///
/// # Errors
/// When it is of no known format, or cut.
pub fn parse(bytes: &[u8]) -> Result<Bill, SourceError> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(format!("it is not UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        let (document, seal) = envelope::open(text)?;
        let bill = match spdx::parse(&document) {
            Some(bill) => bill?,
            None => cyclonedx::parse(&document)?,
        };
        return Ok(Bill { seal, ..bill });
    }
    tag_value::parse(text)
}

fn malformed(detail: impl Into<String>) -> SourceError {
    SourceError::Malformed { what: "the bill of materials".into(), detail: detail.into() }
}

/// Opens a bill; `-` is standard input.
///
/// # Errors
/// When it cannot be read, is of no known format, or is about none of the platforms asked for.
pub fn open(path: &Path, choice: &PlatformChoice, reference: &str) -> Result<Image, SourceError> {
    let place = path.display().to_string();
    let io_error = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => SourceError::NotFound { what: "the file".into(), place: place.clone() },
        _ => SourceError::Io { path: path.to_owned(), source },
    };
    let reader: Box<dyn Read> = if place == STANDARD_INPUT {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(io_error)?)
    };
    let bytes = read_bounded(reader, MAX_BILL_BYTES).map_err(io_error)?;
    if bytes.len() as u64 > MAX_BILL_BYTES {
        return Err(SourceError::TooLarge { what: "the bill of materials".into(), limit: MAX_BILL_BYTES });
    }
    let bill = parse(&bytes)?;
    let media_type = bill.media_type.to_owned();
    let manifests = platforms::choose(bill.manifests(&place)?, choice)?;
    Ok(Image {
        reference: reference.to_owned(),
        transport: super::SBOM,
        digest: Some(Digest::sha256(&bytes)),
        media_type,
        annotations: BTreeMap::new(),
        index: None,
        offered: Vec::new(),
        manifests,
        attached: Vec::new(),
        blobs: Arc::new(NoLayers),
    })
}

/// A platform of a bill.
fn manifest(platform: crate::oci::Platform, digest: Option<Digest>, listing: Listing) -> Manifest {
    Manifest {
        platform,
        digest,
        annotations: BTreeMap::new(),
        config: ImageConfig::default(),
        documents: Documents::default(),
        layers: Vec::new(),
        listing: Some(Arc::new(listing)),
    }
}

/// A bill has no layers that could be opened.
struct NoLayers;

impl Blobs for NoLayers {
    fn open(&self, _layer: &Layer) -> Result<Content, SourceError> {
        Err(SourceError::NotFound { what: "a layer".into(), place: super::SBOM.into() })
    }
}
