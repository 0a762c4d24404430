//! The base catalogue: every base image that a team uses, with what is needed to know it again and to say how old it is, in one immutable file.
//!
//! In: images that were read whole ([`Draft`]). Out: repositories with the history of their tags, images with layers, diff IDs and packages ([`Catalogue`]). It is replaced as a whole and
//! never changed in place; opening it checks a root digest, and inflates what identification needs. Packages are inflated when they are first asked for.
//!
//! A chain ID is not stored: it follows from the diff IDs, and a stored one could only disagree with them. All diff IDs here were compared with the unpacked layers when the image was read.

mod delta;
mod draft;
mod error;
mod file;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use draft::{Draft, Read};
pub use error::CatalogueError;
pub use file::{FORMAT, MAX_FILE_BYTES};

use crate::digest::Digest;
use crate::facts::{InstalledPackage, Inventory, OsRelease};
use crate::oci::{ImageConfig, Platform};
use file::Sections;

/// An open catalogue.
#[derive(Debug)]
pub struct Catalogue {
    sections: Sections,
    content: Content,
    packages: OnceLock<Packages>,
}

/// What identification needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Day of the newest look at a registry.
    pub indexed: Option<Date>,
    /// Repositories by name with the registry, `docker.io/library/debian`.
    pub repositories: BTreeMap<String, Repository>,
    /// Images of one platform each, by the manifest's digest.
    pub images: BTreeMap<Digest, BaseImage>,
}

/// A repository of base images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Whether it is one of Docker's official images, or one that the team declared official.
    pub official: bool,
    /// What tags point or pointed to: indexes and single manifests, by digest.
    pub roots: BTreeMap<Digest, Root>,
    /// What each tag pointed to and when, oldest first.
    pub tags: BTreeMap<String, Vec<Held>>,
}

/// An index or a single manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// Whether a signature hung on it when it was last read; none where that was not asked.
    pub signed: Option<bool>,
    /// The manifests of its platforms, in the order of the index.
    pub manifests: Vec<Digest>,
}

/// That a tag pointed to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// To what.
    pub root: Digest,
    /// The first day on which it was seen so.
    pub since: Date,
    /// The last one.
    pub until: Date,
}

/// A base image of one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseImage {
    /// What it runs on.
    pub platform: Platform,
    /// When it was built, as its configuration says (RFC 3339).
    pub created: Option<String>,
    /// Digests of the stored layers, lowest first.
    pub layers: Vec<Digest>,
    /// Digests of the unpacked layers, each compared with its layer.
    pub diff_ids: Vec<Digest>,
    /// Its build steps.
    pub history: Vec<Step>,
    /// Its distribution.
    pub os: Option<OsRelease>,
    /// Channels of updates beyond the release's own.
    pub channels: Vec<String>,
    /// Number of its list of packages.
    list: u32,
}

/// A build step, as far as it tells images apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The instruction.
    pub created_by: String,
    /// When (RFC 3339).
    pub created: Option<String>,
}

/// Packages of all images; images mostly share them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Packages {
    /// Each distinct package once, sorted.
    rows: Vec<InstalledPackage>,
    /// Numbers of rows, each but the first as the distance from the one before.
    lists: Vec<Vec<u32>>,
}

/// A name of an image of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The repository's name.
    pub name: &'a str,
    /// The repository.
    pub repository: &'a Repository,
    /// The index or manifest that has the image.
    pub root: &'a Digest,
}

impl Catalogue {
    /// Opens a catalogue.
    ///
    /// # Errors
    /// When the file cannot be read, is no catalogue, has another format, or is damaged.
    pub fn open(path: &Path) -> Result<Self, CatalogueError> {
        Self::from_sections(Sections::open(path)?)
    }

    /// A catalogue in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_memory(bytes: Vec<u8>) -> Result<Self, CatalogueError> {
        Self::from_sections(Sections::parse(bytes)?)
    }

    fn from_sections(sections: Sections) -> Result<Self, CatalogueError> {
        let content: Content = sections.content()?;
        check(&content)?;
        Ok(Self { sections, content, packages: OnceLock::new() })
    }

    /// The root digest, which covers the whole file.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.sections.root()
    }

    /// The whole file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.sections.as_bytes()
    }

    /// Repositories and images.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// What an image holds, as far as advisories ask: distribution and packages.
    ///
    /// # Errors
    /// When the part with the packages is damaged.
    pub fn inventory(&self, image: &BaseImage) -> Result<Inventory, CatalogueError> {
        let packages = self.listed(image)?.1.into_iter().cloned().collect();
        let (os, channels) = (image.os.clone(), image.channels.clone());
        Ok(Inventory { os, channels, packages, ..Inventory::default() })
    }

    /// An image's packages as they are written, and the number of their list: images with one number have the same packages.
    ///
    /// # Errors
    /// As [`inventory`](Self::inventory).
    pub(super) fn listed(&self, image: &BaseImage) -> Result<(u32, Vec<&InstalledPackage>), CatalogueError> {
        let rows = self.packages()?.rows(image.list).ok_or(CatalogueError::Damaged("it has no such list"))?;
        Ok((image.list, rows))
    }

    /// Checks the parts that opening did not read.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn verify(&self) -> Result<(), CatalogueError> {
        let lists = self.packages()?.lists.len();
        let known = self.content.images.values().all(|image| (image.list as usize) < lists);
        if known { Ok(()) } else { Err(CatalogueError::Damaged("it has no such list")) }
    }

    fn packages(&self) -> Result<&Packages, CatalogueError> {
        if let Some(packages) = self.packages.get() {
            return Ok(packages);
        }
        let packages = self.sections.packages()?;
        Ok(self.packages.get_or_init(|| packages))
    }

    /// Every name of an image, in order.
    pub fn places<'a>(&'a self, manifest: &Digest) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        for (name, repository) in &self.content.repositories {
            let roots = repository.roots.iter().filter(|(_, root)| root.manifests.contains(manifest));
            places.extend(roots.map(|(root, _)| Place { name, repository, root }));
        }
        places
    }

    /// The image of a root for a platform; a root of one image has it for any.
    #[must_use]
    pub fn image_of<'a>(&'a self, root: &'a Root, platform: &Platform) -> Option<(&'a Digest, &'a BaseImage)> {
        let images = root.manifests.iter().filter_map(|digest| Some((digest, self.content.images.get(digest)?)));
        let mut images = images.filter(|(_, image)| image.platform.satisfies(platform));
        images.next()
    }
}

impl Repository {
    /// Tags that point to a root now, or pointed to it once.
    pub fn tags_of<'a>(&'a self, root: &'a Digest) -> impl Iterator<Item = &'a str> {
        let held = |history: &[Held]| history.iter().any(|held| held.root == *root);
        self.tags.iter().filter(move |(_, history)| held(history)).map(|(tag, _)| tag.as_str())
    }

    /// The first day on which a tag was seen to point to a root.
    #[must_use]
    pub fn seen(&self, root: &Digest) -> Option<Date> {
        self.tags.values().flatten().filter(|held| held.root == *root).map(|held| held.since).min()
    }

    /// What a tag points to, as far as is known.
    #[must_use]
    pub fn current(&self, tag: &str) -> Option<&Held> {
        self.tags.get(tag).and_then(|history| history.last())
    }
}

impl Step {
    /// The steps of a configuration.
    #[must_use]
    pub fn of(config: &ImageConfig) -> Vec<Self> {
        let step =
            |step: &crate::oci::History| Self { created_by: step.created_by.clone(), created: step.created.clone() };
        config.history.iter().map(step).collect()
    }
}

impl Packages {
    /// The packages of a list.
    fn rows(&self, number: u32) -> Option<Vec<&InstalledPackage>> {
        let mut at = 0_u32;
        let row = |step: &u32| {
            at = at.checked_add(*step)?;
            self.rows.get(at as usize)
        };
        self.lists.get(number as usize)?.iter().map(row).collect()
    }
}

/// Names that cannot be written into a build file, and what refers to nothing.
fn check(content: &Content) -> Result<(), CatalogueError> {
    for (name, repository) in &content.repositories {
        if !is_name(name, None) || !repository.tags.keys().all(|tag| is_name(name, Some(tag))) {
            return Err(CatalogueError::Damaged("it has a name that no image can have"));
        }
        let manifests = repository.roots.values().flat_map(|root| &root.manifests);
        let held = repository.tags.values().flatten().all(|held| repository.roots.contains_key(&held.root));
        if !held || !manifests.into_iter().all(|digest| content.images.contains_key(digest)) {
            return Err(CatalogueError::Damaged("it names an image that it has not"));
        }
        if repository.tags.values().any(Vec::is_empty) {
            return Err(CatalogueError::Damaged("it has a tag that never pointed to anything"));
        }
    }
    if content.images.values().any(|image| image.layers.len() != image.diff_ids.len()) {
        return Err(CatalogueError::Damaged("it has an image with other layers than diff IDs"));
    }
    Ok(())
}

/// Whether it is a repository's whole name, with a tag where one is given.
fn is_name(name: &str, tag: Option<&str>) -> bool {
    let text = tag.map_or_else(|| format!("{name}:latest"), |tag| format!("{name}:{tag}"));
    text.parse::<crate::reference::ImageName>()
        .is_ok_and(|parsed| parsed.digest.is_none() && parsed.to_string() == text)
}

#[cfg(test)]
pub(super) mod tests;
