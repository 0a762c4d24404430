//! A repository in memory: what cosign wrote, to be changed by a test before it is verified.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imgguard::digest::Digest;
use imgguard::sign::verify::Subject;
use imgguard::source::repository::{At, Change, Document, OpenBlob, Put, Repository, Stored};
use imgguard::source::{Descriptor, SourceError};
use serde_json::Value;

/// Documents by tag and digest.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) tags: BTreeMap<String, Digest>,
    pub(crate) content: BTreeMap<Digest, Vec<u8>>,
    pub(crate) referrers: Vec<Descriptor>,
}

impl Memory {
    /// Everything of a layout in a folder.
    pub(crate) fn of(layout: &Path) -> Self {
        let mut memory = Self::default();
        for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
            memory.put(&fs::read(blob.unwrap().path()).unwrap());
        }
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        for entry in index["manifests"].as_array().unwrap() {
            let descriptor: Descriptor = serde_json::from_value(entry.clone()).unwrap();
            match descriptor.annotations.get("org.opencontainers.image.ref.name") {
                Some(tag) => drop(memory.tags.insert(tag.clone(), descriptor.digest.parse().unwrap())),
                None => memory.referrers.push(descriptor),
            }
        }
        memory
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.content.insert(digest.clone(), bytes.to_vec());
        digest
    }

    /// The image under `v1`.
    pub(crate) fn subject(&self) -> Subject {
        let digest = self.tags["v1"].clone();
        let bytes = self.content[&digest].clone();
        Subject { digest, bytes, media_type: "application/vnd.oci.image.index.v1+json".into(), platform: None }
    }

    /// Puts a manifest where another was: in its tag or among the referrers, listed rightly.
    pub(crate) fn replace(&mut self, old: &Digest, bytes: &[u8]) {
        let digest = self.put(bytes);
        for known in self.tags.values_mut().filter(|known| *known == old) {
            *known = digest.clone();
        }
        for known in self.referrers.iter_mut().filter(|known| known.digest == old.as_str()) {
            known.digest = digest.to_string();
            known.size = bytes.len() as u64;
        }
    }

    /// Digests of the manifests that hold signatures.
    pub(crate) fn signatures(&self) -> Vec<Digest> {
        let tagged = self.tags.iter().filter(|(tag, _)| tag.as_str() != "v1").map(|(_, digest)| digest.clone());
        tagged.chain(self.referrers.iter().map(|listed| listed.digest.parse().unwrap())).collect()
    }

    pub(crate) fn document(&self, digest: &Digest) -> Value {
        serde_json::from_slice(&self.content[digest]).unwrap()
    }
}

impl Repository for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn manifest(&self, at: At<'_>) -> Result<Option<Stored>, SourceError> {
        let digest = match at {
            At::Tag(tag) => self.tags.get(tag),
            At::Digest(digest) => Some(digest),
        };
        let stored = |digest: &Digest| {
            let bytes = self.content.get(digest)?.clone();
            Some(Stored { bytes, digest: digest.clone(), media_type: String::new() })
        };
        Ok(digest.and_then(stored))
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let missing = || SourceError::NotFound { what: descriptor.digest.clone(), place: "memory".into() };
        self.content.get(&descriptor.parsed_digest()?).cloned().ok_or_else(missing)
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn std::io::Read + Send>, SourceError> {
        Ok(Box::new(std::io::Cursor::new(self.blob(descriptor)?)))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError> {
        let refers = |listed: &&Descriptor| {
            let Ok(digest) = listed.digest.parse::<Digest>() else { return true };
            let Ok(Some(stored)) = self.manifest(At::Digest(&digest)) else { return true };
            Document::parse(&stored)
                .map_or(true, |document| document.subject.is_none_or(|named| named.digest == subject.as_str()))
        };
        Ok(Some(self.referrers.iter().filter(refers).cloned().collect()))
    }

    fn put_blob(&self, _: &[u8]) -> Result<Digest, SourceError> {
        unreachable!("nothing is written")
    }

    fn put_stream(&self, _: &Descriptor, _: OpenBlob) -> Result<Put, SourceError> {
        unreachable!("nothing is written")
    }

    fn put_manifest(&self, _: At<'_>, _: &str, _: &[u8]) -> Result<bool, SourceError> {
        unreachable!("nothing is written")
    }

    fn update(&self, _: &str, _: &str, _: &mut Change<'_>) -> Result<(), SourceError> {
        unreachable!("nothing is written")
    }
}
