//! Which tags of a repository carry given content: for whoever has to know where else a leaked layer is published.
//!
//! In: a repository, its tags, digests of layers and manifests. Out: the tags by digest, and what was not looked at. Nothing is downloaded but indexes and manifests.

use std::collections::{BTreeMap, BTreeSet};

use super::repository::{At, Document, Repository, Stored};
use super::{MAX_INDEX_ENTRIES, SourceError};
use crate::digest::Digest;

/// Most tags that are looked at: two to five requests each, so a minute or two.
pub const MAX_TAGS: usize = 500;

/// What carries what.
#[derive(Clone, Debug, Default)]
pub struct Carriers {
    /// The tags of each wanted digest.
    pub tags: BTreeMap<Digest, BTreeSet<String>>,
    /// Tags that were looked at.
    pub looked_at: usize,
    /// Tags that could not be read, with the reason.
    pub unread: Vec<(String, String)>,
    /// Tags beyond [`MAX_TAGS`].
    pub left_out: usize,
}

/// Looks at the first [`MAX_TAGS`] of `tags` for the layers and manifests in `wanted`.
#[must_use]
pub fn carriers(repository: &dyn Repository, tags: &[String], wanted: &BTreeSet<Digest>) -> Carriers {
    let mut carriers = Carriers { left_out: tags.len().saturating_sub(MAX_TAGS), ..Carriers::default() };
    let mut known = Known { repository, contents: BTreeMap::new() };
    for tag in tags.iter().take(MAX_TAGS) {
        match known.of_tag(tag) {
            Ok(contents) => {
                carriers.looked_at += 1;
                for digest in contents.intersection(wanted) {
                    carriers.tags.entry(digest.clone()).or_default().insert(tag.clone());
                }
            }
            Err(error) => carriers.unread.push((tag.clone(), error.to_string())),
        }
    }
    carriers
}

/// What indexes and manifests hold, each read once: tags mostly share them.
struct Known<'r> {
    repository: &'r dyn Repository,
    contents: BTreeMap<Digest, BTreeSet<Digest>>,
}

impl Known<'_> {
    fn of_tag(&mut self, tag: &str) -> Result<BTreeSet<Digest>, SourceError> {
        let stored = self.repository.manifest(At::Tag(tag))?;
        let missing = || SourceError::NotFound { what: format!("the tag `{tag}`"), place: self.repository.name() };
        let stored = stored.ok_or_else(missing)?;
        if let Some(contents) = self.contents.get(&stored.digest) {
            return Ok(contents.clone());
        }
        let contents = self.of_document(&stored, true)?;
        self.contents.insert(stored.digest, contents.clone());
        Ok(contents)
    }

    fn of_digest(&mut self, digest: &Digest) -> Result<BTreeSet<Digest>, SourceError> {
        if let Some(contents) = self.contents.get(digest) {
            return Ok(contents.clone());
        }
        let Some(stored) = self.repository.manifest(At::Digest(digest))? else { return Ok(BTreeSet::new()) };
        // An index in an index is nobody's image; its layers are not followed further.
        let contents = self.of_document(&stored, false)?;
        self.contents.insert(digest.clone(), contents.clone());
        Ok(contents)
    }

    fn of_document(&mut self, stored: &Stored, follows: bool) -> Result<BTreeSet<Digest>, SourceError> {
        let malformed = |error: serde_json::Error| SourceError::Malformed {
            what: format!("manifest {}", stored.digest),
            detail: error.to_string(),
        };
        let document: Document = serde_json::from_slice(&stored.bytes).map_err(malformed)?;
        let mut contents = BTreeSet::from([stored.digest.clone()]);
        for layer in &document.layers {
            contents.insert(layer.parsed_digest()?);
        }
        for child in document.manifests.iter().flatten().take(MAX_INDEX_ENTRIES).filter(|_| follows) {
            contents.extend(self.of_digest(&child.parsed_digest()?)?);
        }
        Ok(contents)
    }
}
