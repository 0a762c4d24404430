//! What a store has about an id, a package, or a part of either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::format::Table;
use super::{IdEntry, Store, decode};
use crate::advisory::error::{AdvisoryError, Damage};
use crate::advisory::model::{Advisory, Row};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// How many records there are; `hits` may have fewer.
    pub total: usize,
    /// The first of them, by id.
    pub hits: Vec<Hit>,
    /// Set when the text is the id of a withdrawn record: when that was, in Unix seconds (0 if its source does not say).
    pub withdrawn: Option<i64>,
}

/// A record and what it says.
#[derive(Debug, Serialize)]
pub struct Hit {
    /// The record.
    pub advisory: Advisory,
    /// Name of its source.
    pub source: String,
    /// Its rows.
    pub rows: Vec<Statement>,
}

/// A row with its package.
#[derive(Debug, Serialize)]
pub struct Statement {
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Name of the package.
    pub package: String,
    /// What the record says of it.
    pub row: Row,
}

impl Store {
    /// Searches records. Text that is an id finds the records that it leads to; any other finds those whose id, or the name of a package of
    /// which, has it as a part. Capital letters make no difference.
    ///
    /// At most `limit` records are given. Time: the store is read once or twice from start to end.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn search(&self, text: &str, limit: usize) -> Result<Found, AdvisoryError> {
        let text = text.trim();
        let exact = match self.id(text)? {
            None => self.id(&text.to_ascii_uppercase())?,
            found => found,
        };
        let withdrawn = exact.as_ref().and_then(|entry| entry.withdrawn);
        let numbers: BTreeSet<u32> = match exact {
            Some(entry) => entry.records.into_iter().collect(),
            None => self.having(&text.to_lowercase())?,
        };
        let total = numbers.len();
        let wanted: BTreeSet<u32> = numbers.into_iter().take(limit).collect();
        let mut rows = if wanted.is_empty() { BTreeMap::new() } else { self.rows_of(&wanted)? };
        let hit = |number: u32| {
            let advisory = Arc::unwrap_or_clone(self.advisory(number)?);
            let source = self.provenance.sources.get(advisory.source as usize).ok_or(Damage::Reference)?;
            let (source, rows) = (source.name.clone(), rows.remove(&number).unwrap_or_default());
            Ok(Hit { advisory, source, rows })
        };
        Ok(Found { total, hits: wanted.into_iter().map(hit).collect::<Result<_, AdvisoryError>>()?, withdrawn })
    }

    /// The records that have `part`, in small letters, in an id or in a package's name.
    fn having(&self, part: &str) -> Result<BTreeSet<u32>, AdvisoryError> {
        let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase().contains(part);
        let mut numbers = BTreeSet::new();
        for (key, value) in self.pairs(Table::Ids)? {
            if has(&key) {
                numbers.extend(decode::<IdEntry>(&value)?.records);
            }
        }
        for (key, value) in self.pairs(Table::Packages)? {
            let name = key.split(|byte| *byte == 0).next_back().unwrap_or_default();
            if has(name) {
                numbers.extend(decode::<Vec<(u32, Row)>>(&value)?.into_iter().map(|(number, _)| number));
            }
        }
        Ok(numbers)
    }

    fn rows_of(&self, wanted: &BTreeSet<u32>) -> Result<BTreeMap<u32, Vec<Statement>>, AdvisoryError> {
        let mut found: BTreeMap<u32, Vec<Statement>> = BTreeMap::new();
        for (key, value) in self.pairs(Table::Packages)? {
            let key = String::from_utf8(key).map_err(|_| Damage::Encoding)?;
            let (ecosystem, package) = key.split_once('\0').ok_or(Damage::Encoding)?;
            for (number, row) in decode::<Vec<(u32, Row)>>(&value)? {
                if wanted.contains(&number) {
                    let (ecosystem, package) = (ecosystem.to_owned(), package.to_owned());
                    found.entry(number).or_default().push(Statement { ecosystem, package, row });
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::store::delta::tests::store;

    #[test]
    fn ids_packages_and_parts_of_them() {
        let store = store(&[
            ("GHSA-aaaa", "openssl", "1.0.0"),
            ("GHSA-aab", "openssl-sys", "1.0.0"),
            ("RUSTSEC-1", "zlib", "2.0.0"),
        ]);
        let ids = |text: &str, limit: usize| {
            let found = store.search(text, limit).expect("a sound store");
            let ids: Vec<String> = found.hits.into_iter().map(|hit| hit.advisory.id).collect();
            (found.total, ids.join(" "))
        };
        assert_eq!(ids("GHSA-aaaa", 9), (1, "GHSA-aaaa".into()));
        assert_eq!(ids("rustsec-1", 9), (1, "RUSTSEC-1".into()), "capital letters make no difference");
        assert_eq!(ids("OpenSSL", 9), (2, "GHSA-aaaa GHSA-aab".into()));
        assert_eq!(ids("openssl", 1), (2, "GHSA-aaaa".into()), "what is not shown is counted");
        assert_eq!(ids("crates.io", 9), (0, String::new()), "the name of the ecosystem is no package");
        let found = store.search("zlib", 9).expect("a sound store");
        let [Hit { rows, .. }] = &found.hits[..] else { panic!("{found:?}") };
        assert_eq!((rows.len(), rows[0].package.as_str(), rows[0].ecosystem.as_str()), (1, "zlib", "crates.io"));
    }
}
