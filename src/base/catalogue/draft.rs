//! A catalogue in the making: the one that there was, and what was read since.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use jiff::civil::Date;

use super::file::{Sections, encode};
use super::{BaseImage, Catalogue, CatalogueError, Content, Held, Packages, Root, Step};
use crate::advisory::store::replace_file;
use crate::digest::Digest;
use crate::facts::{FilePath, InstalledPackage, Inventory};
use crate::source::Manifest;

/// An image of one platform that was read whole, each diff ID compared with its layer.
pub struct Read<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// What its layers hold.
    pub inventory: &'a Inventory,
}

/// A catalogue in the making.
#[derive(Default)]
pub struct Draft {
    content: Content,
    packages: Vec<Vec<InstalledPackage>>,
}

impl Draft {
    /// Begins with what is known.
    ///
    /// # Errors
    /// When the catalogue is damaged.
    pub fn of(catalogue: &Catalogue) -> Result<Self, CatalogueError> {
        let lists = catalogue.packages()?;
        let list = |number: usize| {
            let rows = lists.rows(u32::try_from(number).ok()?)?;
            Some(rows.into_iter().cloned().collect())
        };
        let packages = (0..lists.lists.len()).map(list).collect::<Option<_>>();
        let packages = packages.ok_or(CatalogueError::Damaged("it has no such list"))?;
        Ok(Self { content: catalogue.content.clone(), packages })
    }

    /// Whether an index or manifest was read before, so that only its tags may be new.
    #[must_use]
    pub fn knows(&self, name: &str, root: &Digest) -> bool {
        self.content.repositories.get(name).is_some_and(|repository| repository.roots.contains_key(root))
    }

    /// Declares a repository official, or not.
    pub fn declare(&mut self, name: &str, official: bool) {
        self.content.repositories.entry(name.to_owned()).or_default().official = official;
    }

    /// Notes that a tag points to a root that is known; a day later the same day's note is taken further, and one of another root is added.
    pub fn saw(&mut self, name: &str, tag: &str, root: &Digest, on: Date) {
        self.content.indexed = self.content.indexed.max(Some(on));
        let Some(repository) = self.content.repositories.get_mut(name) else { return };
        let history = repository.tags.entry(tag.to_owned()).or_default();
        match history.last_mut() {
            Some(last) if last.root == *root => last.until = last.until.max(on),
            _ => history.push(Held { root: root.clone(), since: on, until: on }),
        }
    }

    /// Adds an index or manifest with its platforms.
    pub fn add(&mut self, name: &str, root: &Digest, signed: Option<bool>, images: &[Read<'_>]) {
        let manifests: Vec<Digest> = images.iter().filter_map(|read| self.image(read)).collect();
        let repository = self.content.repositories.entry(name.to_owned()).or_default();
        repository.roots.insert(root.clone(), Root { signed, manifests });
    }

    /// Whether a signature hangs on a root that is known.
    pub fn signed(&mut self, name: &str, root: &Digest, signed: Option<bool>) {
        let root = self.content.repositories.get_mut(name).and_then(|repository| repository.roots.get_mut(root));
        if let (Some(root), Some(_)) = (root, signed) {
            root.signed = signed;
        }
    }

    fn image(&mut self, read: &Read<'_>) -> Option<Digest> {
        let (manifest, inventory) = (read.manifest, read.inventory);
        let layers: Option<Vec<Digest>> = manifest.layers.iter().map(|layer| layer.digest.clone()).collect();
        let diff_ids: Option<Vec<Digest>> = manifest.layers.iter().map(|layer| layer.diff_id.clone()).collect();
        self.packages.push(inventory.packages.iter().map(bare).collect());
        let image = BaseImage {
            platform: manifest.platform.clone(),
            created: manifest.config.created.clone(),
            layers: layers?,
            diff_ids: diff_ids?,
            history: Step::of(&manifest.config),
            os: inventory.os.clone(),
            channels: inventory.channels.clone(),
            list: u32::try_from(self.packages.len() - 1).ok()?,
        };
        let digest = manifest.digest.clone()?;
        self.content.images.insert(digest.clone(), image);
        Some(digest)
    }

    /// The catalogue's file.
    ///
    /// # Errors
    /// When it would be too large.
    pub fn compile(mut self) -> Result<Vec<u8>, CatalogueError> {
        let used: BTreeSet<u32> = self.content.images.values().map(|image| image.list).collect();
        let list = |number: &u32| self.packages.get(*number as usize).into_iter().flatten();
        let rows: BTreeSet<&InstalledPackage> = used.iter().flat_map(list).collect();
        let number: BTreeMap<&InstalledPackage, u32> = rows.iter().copied().zip(0..).collect();
        let numbers = |used: u32| {
            let places: BTreeSet<u32> = list(&used).filter_map(|row| number.get(row).copied()).collect();
            let mut last = 0;
            let steps = places.into_iter().map(|at| at - std::mem::replace(&mut last, at)).collect::<Vec<u32>>();
            (used, steps)
        };
        let lists: BTreeMap<u32, Vec<u32>> = used.iter().copied().map(numbers).collect();
        let mut shared: BTreeMap<Vec<u32>, u32> = lists.values().map(|list| (list.clone(), 0)).collect();
        shared.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        for image in self.content.images.values_mut() {
            let list = lists.get(&image.list).and_then(|list| shared.get(list));
            image.list = *list.ok_or(CatalogueError::Damaged("it has no such list"))?;
        }
        let rows = rows.into_iter().cloned().collect();
        let packages = Packages { rows, lists: shared.into_keys().collect() };
        Sections::assemble([&encode(&self.content)?, &encode(&packages)?])
    }

    /// Writes the catalogue: aside, and then renamed over the one that there was.
    ///
    /// # Errors
    /// When it would be too large, or the file cannot be written; the old one then stays.
    pub fn write(self, path: &Path) -> Result<Catalogue, CatalogueError> {
        let bytes = self.compile()?;
        replace_file(path, |file| file.write_all(&bytes))
            .map_err(|source| CatalogueError::Write { path: path.to_owned(), source })?;
        Catalogue::from_memory(bytes)
    }
}

/// What advisories ask of a package, and similarity: neither where it is recorded nor under which licence.
fn bare(package: &InstalledPackage) -> InstalledPackage {
    let mut bare = InstalledPackage { path: FilePath::new(b""), layer: 0, loaded: None, ..package.clone() };
    (bare.fact.licenses, bare.fact.inside) = (Vec::new(), None);
    bare
}
