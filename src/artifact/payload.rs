//! What an artifact carries: a file that is replaced as a whole, and known by a root digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::ArtifactError;
use crate::advisory::refuse_step_back;
use crate::advisory::store::delta::{self, DeltaError};
use crate::advisory::store::{FORMAT, Store};
use crate::digest::Digest;

/// How a kind of file is named in manifests and to people.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Artifact type of the manifest.
    pub artifact: &'static str,
    /// Begins the media types of the file; the number of its format follows.
    pub prefix: &'static str,
    /// The format that this program reads.
    pub format: u32,
    /// Media type of a delta; its own head says which formats it is of.
    pub delta: &'static str,
    /// The name under which tools save the file.
    pub title: &'static str,
    /// What it is to people: `advisory store`.
    pub noun: &'static str,
}

/// A file that is published and fetched.
pub trait Payload: Sized {
    /// How it is named.
    const KIND: Kind;

    /// Opens the file that is in place.
    ///
    /// # Errors
    /// When it is none of its kind, or damaged.
    fn open(path: &Path) -> Result<Self, ArtifactError>;

    /// Opens a file that is not yet in place; `path` names it in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn of_file(file: &File, path: &Path) -> Result<Self, ArtifactError>;

    /// Opens one that is in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn from_memory(bytes: Vec<u8>) -> Result<Self, ArtifactError>;

    /// The whole file.
    fn as_bytes(&self) -> &[u8];

    /// Its root digest.
    fn root(&self) -> &Digest;

    /// Checks all of it.
    ///
    /// # Errors
    /// When it is damaged.
    fn verify(&self) -> Result<(), ArtifactError>;

    /// Refuses to take the place of `before`, where that knew more.
    ///
    /// # Errors
    /// Why.
    fn refuse_step_back(&self, before: &Self) -> Result<(), ArtifactError>;

    /// Names of what in it may not be handed on.
    fn restricted(&self) -> Vec<&str>;

    /// What everybody may want to know before fetching anything: annotations of the manifest.
    fn annotations(&self) -> BTreeMap<String, String>;

    /// What leads from `old` to this one.
    ///
    /// # Errors
    /// When they have nothing in common, or one is damaged.
    fn delta_from(&self, old: &Self) -> Result<Vec<u8>, DeltaError>;

    /// The bytes of the file that a delta leads to.
    ///
    /// # Errors
    /// When the delta is for another file, or damaged.
    fn follow(&self, delta: &[u8]) -> Result<Vec<u8>, DeltaError>;
}

/// SPDX ids of all records; image-spec `annotations.md`.
const LICENSES: &str = "org.opencontainers.image.licenses";

/// Number of records.
const ADVISORIES: &str = "imgguard.advisories";

/// Sources with the date of their newest record.
const SOURCES: &str = "imgguard.sources";

impl Payload for Store {
    const KIND: Kind = Kind {
        artifact: "application/vnd.imgguard.advisories",
        prefix: "application/vnd.imgguard.advisories.store.v",
        format: FORMAT,
        delta: "application/vnd.imgguard.advisories.delta.v1",
        title: "advisories.store",
        noun: "advisory store",
    };

    fn open(path: &Path) -> Result<Self, ArtifactError> {
        Ok(Self::open(path)?)
    }

    fn of_file(file: &File, path: &Path) -> Result<Self, ArtifactError> {
        Ok(Self::of_file(file, path)?)
    }

    fn from_memory(bytes: Vec<u8>) -> Result<Self, ArtifactError> {
        Ok(Self::from_memory(bytes)?)
    }

    fn as_bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn root(&self) -> &Digest {
        self.digest()
    }

    fn verify(&self) -> Result<(), ArtifactError> {
        Ok(self.verify()?)
    }

    fn refuse_step_back(&self, before: &Self) -> Result<(), ArtifactError> {
        Ok(refuse_step_back(before.provenance(), self.provenance())?)
    }

    fn restricted(&self) -> Vec<&str> {
        let restricted = self.provenance().sources.iter().filter(|source| source.restricted);
        restricted.map(|source| source.name.as_str()).collect()
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let sources = &self.provenance().sources;
        let date =
            |date: &Option<String>| date.as_deref().and_then(|date| date.get(..10)).unwrap_or("no date").to_owned();
        let dated: Vec<String> =
            sources.iter().map(|source| format!("{} {}", source.name, date(&source.modified))).collect();
        let mut licenses: Vec<&str> = sources.iter().flat_map(|source| &source.licenses).map(String::as_str).collect();
        licenses.sort_unstable();
        licenses.dedup();
        BTreeMap::from([
            (LICENSES.to_owned(), licenses.join(" AND ")),
            (ADVISORIES.to_owned(), self.provenance().advisories.to_string()),
            (SOURCES.to_owned(), dated.join(", ")),
        ])
    }

    fn delta_from(&self, old: &Self) -> Result<Vec<u8>, DeltaError> {
        delta::make(old, self)
    }

    fn follow(&self, delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
        delta::apply(self, delta)
    }
}
