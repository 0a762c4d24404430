//! Packages that may be used: those of a folder or mirror, each signed with a given key.

use std::collections::BTreeMap;

use super::super::PackagesError;
use super::super::paragraphs::ranges;
use super::super::solve::Candidate;
use super::super::store::{Package, Store, StoreError};
use super::archive::Signed;
use super::keys::Keys;
use super::record::{Record, compare};

/// Largest index, as it is stored. Alpine's community has 2 MiB.
const MAX_INDEX_BYTES: u64 = 64 << 20;

const INDEX: &str = "APKINDEX.tar.gz";

/// Packages by name and by what they provide.
pub struct Repository {
    stores: Vec<Store>,
    keys: Keys,
    by_name: BTreeMap<String, Vec<Candidate>>,
    pub(super) trust: Vec<String>,
}

impl Repository {
    /// One without packages, which believes signatures of these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { stores: Vec::new(), keys, by_name: BTreeMap::new(), trust: Vec::new() }
    }

    /// Adds a store: what its signed index lists, or without one every package of the folder. Both are looked for in the store itself and in its folder named like the architecture.
    ///
    /// # Errors
    /// When there is neither, or an index or package is not signed with a given key.
    pub fn add(&mut self, store: Store, arch: &str) -> Result<(), PackagesError> {
        let index = self.stores.len();
        let mut found = 0;
        for folder in [String::new(), format!("{arch}/")] {
            found += match store.read(&format!("{folder}{INDEX}"), MAX_INDEX_BYTES) {
                Ok(bytes) => self.add_index(&store, index, &folder, &bytes)?,
                Err(StoreError::Missing) => self.add_folder(&store, index, &folder)?,
                Err(error) => return Err(refused(&store, &format!("{folder}{INDEX}"), error.to_string())),
            };
        }
        if found == 0 {
            return Err(refused(&store, INDEX, "there is neither an index nor a package".to_owned()));
        }
        self.stores.push(store);
        Ok(())
    }

    fn add_index(&mut self, store: &Store, index: usize, folder: &str, bytes: &[u8]) -> Result<usize, PackagesError> {
        let name = format!("{folder}{INDEX}");
        let refused = |reason: String| refused(store, &name, reason);
        let signed = Signed::open(&bytes, &self.keys).map_err(|error| refused(error.to_string()))?;
        let text = signed.files.get("APKINDEX").ok_or_else(|| refused("it has no APKINDEX".to_owned()))?;
        let mut count = 0;
        for range in ranges(text) {
            let Some(record) = Record::parse(text.get(range).unwrap_or_default()) else { continue };
            let file = format!("{folder}{}-{}.apk", record.get(b'P'), record.get(b'V'));
            count += usize::from(self.offer(&record, index, file));
        }
        self.trust.push(format!("{}/{name}, signed by {}", store.name(), signed.signer));
        Ok(count)
    }

    fn add_folder(&mut self, store: &Store, index: usize, folder: &str) -> Result<usize, PackagesError> {
        let names =
            store.list(folder.trim_end_matches('/')).map_err(|error| refused(store, folder, error.to_string()))?;
        let mut count = 0;
        for name in names.into_iter().filter(|name| name.ends_with(".apk")) {
            let file = format!("{folder}{name}");
            let refused = |reason: String| refused(store, &file, reason);
            let mut package = store.any_package(&file).map_err(|error| refused(error.to_string()))?;
            let view = package.view().map_err(PackagesError::Spool)?;
            let signed = Signed::open(&view, &self.keys).map_err(|error| refused(error.to_string()))?;
            let record = signed.record(0).map_err(|error| refused(error.to_string()))?;
            let by = format!("packages of {}, signed by {}", store.name(), signed.signer);
            if !self.trust.contains(&by) {
                self.trust.push(by);
            }
            count += usize::from(self.offer(&record, index, file.clone()));
        }
        Ok(count)
    }

    /// A package under its name and all that it provides.
    fn offer(&mut self, record: &Record, store: usize, file: String) -> bool {
        let Some(member) = record.member() else { return false };
        let mut names: Vec<String> = member.provides.iter().map(|one| one.name.clone()).collect();
        names.push(member.name.clone());
        names.sort();
        names.dedup();
        let source_version = member.version.clone();
        let candidate = Candidate { member, source_version, file: (store, file), proof: record.get(b'C').to_owned() };
        for name in names {
            self.by_name.entry(name).or_default().push(candidate.clone());
        }
        true
    }

    /// Versions of what has or provides a name, newest first.
    pub(super) fn candidates(&self, name: &str, arch: &str) -> Vec<Candidate> {
        let named = self.by_name.get(name).into_iter().flatten();
        let mut all: Vec<Candidate> =
            named.filter(|one| one.member.arch == arch || one.member.arch == "noarch").cloned().collect();
        all.sort_by(|a, b| compare(&b.member.version, &a.member.version).unwrap_or(std::cmp::Ordering::Equal));
        all
    }

    pub(super) fn open(&self, candidate: &Candidate) -> Result<Package, StoreError> {
        let (store, file) = &candidate.file;
        self.stores.get(*store).ok_or(StoreError::Missing)?.any_package(file)
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }
}

fn refused(store: &Store, file: &str, reason: String) -> PackagesError {
    PackagesError::Index { file: format!("{}/{file}", store.name()), reason }
}
