//! The catalogue as an artifact of a registry.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use super::catalogue::{Catalogue, CatalogueError, FORMAT, MAX_FILE_BYTES};
use crate::advisory::store::delta::DeltaError;
use crate::artifact::{ArtifactError, Kind, Payload};
use crate::digest::Digest;

/// Part of the images of a published catalogue that the next one must have, in hundredths.
const LEAST_PERCENT: usize = 80;

impl From<CatalogueError> for ArtifactError {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::Format { found, supported } => Self::Format { found: found.to_string(), supported },
            error => Self::File(Box::new(error)),
        }
    }
}

impl Payload for Catalogue {
    const KIND: Kind = Kind {
        artifact: "application/vnd.imgguard.bases",
        prefix: "application/vnd.imgguard.bases.catalogue.v",
        format: FORMAT,
        delta: "application/vnd.imgguard.bases.delta.v1",
        title: "bases.catalogue",
        noun: "base catalogue",
    };

    fn open(path: &Path) -> Result<Self, ArtifactError> {
        Ok(Self::open(path)?)
    }

    fn of_file(mut file: &File, path: &Path) -> Result<Self, ArtifactError> {
        let mut bytes = Vec::new();
        let read = file.rewind().and_then(|()| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        let length = read.map_err(|source| CatalogueError::Read { path: path.to_owned(), source })?;
        if length as u64 > MAX_FILE_BYTES {
            return Err(CatalogueError::TooLarge { limit: MAX_FILE_BYTES }.into());
        }
        Ok(Self::from_memory(bytes)?)
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
        let [then, now] = [before, self].map(|catalogue| catalogue.content().images.len());
        if now < then * LEAST_PERCENT / 100 {
            return Err(CatalogueError::Fewer { before: then, now }.into());
        }
        match (before.content().indexed, self.content().indexed) {
            (Some(before), Some(now)) if now < before => Err(CatalogueError::Older { before, now }.into()),
            _ => Ok(()),
        }
    }

    fn restricted(&self) -> Vec<&str> {
        Vec::new()
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let content = self.content();
        let indexed = content.indexed.map(|day| day.to_string()).unwrap_or_default();
        let names: Vec<&str> = content.repositories.keys().map(String::as_str).collect();
        BTreeMap::from([
            ("imgguard.bases".to_owned(), content.images.len().to_string()),
            ("imgguard.indexed".to_owned(), indexed),
            ("imgguard.repositories".to_owned(), names.join(", ")),
        ])
    }

    fn delta_from(&self, old: &Self) -> Result<Vec<u8>, DeltaError> {
        self.delta_from(old)
    }

    fn follow(&self, delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
        self.follow(delta)
    }
}
