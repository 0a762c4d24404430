//! How old a base is: the newer image of its line, by how many releases and days, and the line of a build file that takes it.
//!
//! All of it follows from the catalogue: from the history of the base's tag, and from later tags of the same line ([`super::tag`]).

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::catalogue::{BaseImage, Catalogue, Repository};
use super::identify::Match;
use super::name::familiar;
use super::tag::Release;
use crate::digest::Digest;
use crate::facts::OsRelease;
use crate::oci::Platform;

/// A newer base of the same line.
#[derive(Clone, Debug)]
pub struct Newer<'c> {
    /// Its repository, with the registry.
    pub repository: &'c str,
    /// Its tag.
    pub tag: &'c str,
    /// What the tag points to.
    pub root: &'c Digest,
    /// Its image of the platform.
    pub image: &'c BaseImage,
    /// How many images of the line came after the base, this one included.
    pub releases: usize,
    /// How many days after the base it was built; none where that is not known.
    pub days: Option<i32>,
}

impl Newer<'_> {
    /// The line to write into a build file.
    #[must_use]
    pub fn from_line(&self) -> String {
        from_line(self.repository, Some(self.tag), self.root)
    }
}

/// `FROM debian:12.7@sha256:…`.
#[must_use]
pub fn from_line(repository: &str, tag: Option<&str>, root: &Digest) -> String {
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("FROM {}{tag}@{root}", familiar(repository))
}

/// The newest image of a base's line, where there is a newer one.
#[must_use]
pub fn newer<'c>(catalogue: &'c Catalogue, base: &Match<'c>, platform: &Platform) -> Option<Newer<'c>> {
    let line = Line { catalogue, repository: base.name.of, base, platform };
    let own = base.name.tag?;
    let release = Release::of(own).filter(|release| !release.moves(base.name.of));
    let mut tags: Vec<(Release, &'c str)> = match &release {
        Some(release) => line.beside(release),
        None => Vec::new(),
    };
    tags.sort_by(|a, b| a.0.numbers.cmp(&b.0.numbers));
    let mut later = line.since(own);
    later.extend(tags.iter().flat_map(|(_, tag)| line.all(tag)));
    // The last tag of the line that has the platform: some are published for fewer.
    let candidates = tags.iter().rev().map(|(_, tag)| *tag).chain([own]);
    let (tag, root, manifest, image) = candidates.filter_map(|tag| line.current(tag)).next()?;
    if manifest == base.manifest {
        return None;
    }
    later.insert(manifest);
    later.remove(base.manifest);
    let days = days_between(built(base.image), built(image)).or_else(|| {
        let seen = [base.name.root, root].map(|root| base.name.of.seen(root));
        days_between(seen[0], seen[1])
    });
    Some(Newer { repository: base.name.repository, tag, root, image, releases: later.len(), days })
}

/// The tags around a base.
struct Line<'a, 'c> {
    catalogue: &'c Catalogue,
    repository: &'c Repository,
    base: &'a Match<'c>,
    platform: &'a Platform,
}

impl<'c> Line<'_, 'c> {
    /// Later releases of the line that are of the same release of the distribution where the numbers are the distribution's own: `22.04` is not followed by `22.10`.
    fn beside(&self, release: &Release) -> Vec<(Release, &'c str)> {
        let tags = self.repository.tags.keys().filter_map(|tag| Some((Release::of(tag)?, tag.as_str())));
        let later = tags.filter(|(other, _)| other.is_beside(release) && other.numbers > release.numbers);
        let fits = |tag: &str| {
            let image = self.current(tag).map(|(.., image)| image);
            image.is_none_or(|image| release.numbers.len() > 2 || same_release(&self.base.image.os, &image.os))
        };
        later.filter(|(other, tag)| !other.moves(self.repository) && fits(tag)).collect()
    }

    /// The manifest and image of a root for the platform.
    fn image(&self, root: &Digest) -> Option<(&'c Digest, &'c BaseImage)> {
        self.catalogue.image_of(self.repository.roots.get(root)?, self.platform)
    }

    /// What a tag points to now.
    fn current(&self, tag: &'c str) -> Option<(&'c str, &'c Digest, &'c Digest, &'c BaseImage)> {
        let root = &self.repository.current(tag)?.root;
        let (manifest, image) = self.image(root)?;
        Some((tag, root, manifest, image))
    }

    /// Every image that a tag pointed to.
    fn all(&self, tag: &str) -> BTreeSet<&'c Digest> {
        let history = self.repository.tags.get(tag).into_iter().flatten();
        history.filter_map(|held| self.image(&held.root)).map(|(manifest, _)| manifest).collect()
    }

    /// Every image that a tag pointed to after the base.
    fn since(&self, tag: &str) -> BTreeSet<&'c Digest> {
        let history = self.repository.tags.get(tag).map(Vec::as_slice).unwrap_or_default();
        let is_base = |root: &Digest| self.image(root).is_some_and(|(manifest, _)| manifest == self.base.manifest);
        let after = history.iter().rposition(|held| is_base(&held.root)).map_or(0, |at| at + 1);
        let later = history.get(after..).unwrap_or_default();
        later.iter().filter_map(|held| self.image(&held.root)).map(|(manifest, _)| manifest).collect()
    }
}

/// Whether both are of one release of a distribution, as far as its advisories go.
fn same_release(one: &Option<OsRelease>, other: &Option<OsRelease>) -> bool {
    use crate::advisory::ecosystem::{self, OsRelease as Named};
    let name = |os: &OsRelease| {
        let version_id = Some(os.version_id.as_str()).filter(|version| !version.is_empty());
        ecosystem::of_os(&Named { id: &os.id, version_id, ..Named::default() })
    };
    one.as_ref().and_then(name) == other.as_ref().and_then(name)
}

/// The day on which an image was built. Reproducible builds say 1970, or the year 1.
fn built(image: &BaseImage) -> Option<Date> {
    let day = image.created.as_deref()?.get(..10)?.parse::<Date>().ok();
    day.filter(|day| day.year() > 1980)
}

/// Whole days from one day to another, 0 where the second is earlier.
fn days_between(from: Option<Date>, to: Option<Date>) -> Option<i32> {
    Some(to?.since(from?).ok()?.get_days().max(0))
}
