//! Which of its names a known base is called by.

use super::catalogue::{Catalogue, Place, Repository};
use super::identify::Claim;
use super::tag::Release;
use crate::digest::Digest;
use crate::reference::ImageName;

/// Docker Hub, where names begin that name no registry.
const HUB: &str = "docker.io/";

/// Where Docker's official images are.
const OFFICIAL: &str = "docker.io/library/";

/// A name of a base of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Name<'c> {
    /// The repository's name, `docker.io/library/debian`.
    pub repository: &'c str,
    /// The repository.
    pub of: &'c Repository,
    /// The tag that says most; none where nothing points to it any more.
    pub tag: Option<&'c str>,
    /// What the tag points or pointed to: the digest to write down.
    pub root: &'c Digest,
    /// Whether the image itself names this repository.
    pub is_told: bool,
}

impl Name<'_> {
    /// `docker.io/library/debian:12.5`.
    #[must_use]
    pub fn full(&self) -> String {
        match self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.root),
        }
    }
}

/// A repository as people write it: `debian` for `docker.io/library/debian`.
#[must_use]
pub fn familiar(repository: &str) -> &str {
    repository.strip_prefix(OFFICIAL).or_else(|| repository.strip_prefix(HUB)).unwrap_or(repository)
}

/// Whether a repository is one of Docker's official images.
#[must_use]
pub fn is_official(repository: &str) -> bool {
    repository.strip_prefix(OFFICIAL).is_some_and(|name| !name.contains('/'))
}

/// The repository of a name, with its registry.
#[must_use]
pub fn repository_of(name: &ImageName) -> String {
    format!("{}/{}", name.registry, name.repository)
}

/// The best name of an image: in the repository that the image itself names, else in an official one; there the newest index, and the tag that says most.
pub(super) fn of<'c>(catalogue: &'c Catalogue, manifest: &Digest, told: &[Claim]) -> Option<Name<'c>> {
    let is_told = |place: &Place<'_>| told.iter().any(|claim| claim.repository().as_deref() == Some(place.name));
    let since = |place: &Place<'_>| {
        let held = place.repository.tags.values().flatten().filter(|held| held.root == *place.root);
        held.map(|held| held.until).max()
    };
    let best = catalogue
        .places(manifest)
        .into_iter()
        .rev()
        .max_by_key(|place| (is_told(place), place.repository.official, since(place)))?;
    let said = told.iter().filter(|claim| claim.repository().as_deref() == Some(best.name)).find_map(Claim::tag);
    Some(Name {
        repository: best.name,
        of: best.repository,
        tag: tag(best.repository, best.root, said),
        root: best.root,
        is_told: is_told(&best),
    })
}

/// The tag that says most of a root: the one that the image was built from, if that is known, else a release by as many numbers as there are, else whatever there is but `latest`.
fn tag<'c>(repository: &'c Repository, root: &'c Digest, said: Option<&str>) -> Option<&'c str> {
    let rank = |tag: &&str| {
        let release = Release::of(tag).filter(|release| !release.moves(repository));
        let numbers = release.map_or(0, |release| release.numbers.len());
        (said == Some(*tag), numbers, *tag != "latest", std::cmp::Reverse(tag.len()))
    };
    repository.tags_of(root).max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_write_them() {
        for (full, short, official) in [
            ("docker.io/library/debian", "debian", true),
            ("docker.io/org/app", "org/app", false),
            ("registry.example/base", "registry.example/base", false),
        ] {
            assert_eq!((familiar(full), is_official(full)), (short, official));
        }
    }
}
