//! Two stores ▸ what is in only one of them, or in both and not the same.

use std::collections::BTreeMap;

use serde::Serialize;

use super::format::Table;
use super::{Store, decode};
use crate::advisory::error::{AdvisoryError, Damage};
use crate::advisory::model::{Advisory, Row, Severity};

/// What became of a store's records. Lists are sorted by id.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Records that only the new store has.
    pub added: Vec<Changed>,
    /// Records that only the old store has.
    pub removed: Vec<Changed>,
    /// Records that both have and that do not say the same.
    pub changed: Vec<Changed>,
    /// CVEs that are in CISA's catalogue of the new store alone.
    pub exploited_added: Vec<String>,
    /// CVEs that are in CISA's catalogue of the old store alone.
    pub exploited_removed: Vec<String>,
}

/// A record of a difference.
#[derive(Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Name of its source.
    pub source: String,
    /// Its severity, in the new store where it is there.
    pub severity: Severity,
    /// Packages that it is about, each with its ecosystem in front: `Debian:12 openssl`.
    pub packages: Vec<String>,
    /// Parts that changed: `versions`, `severity`, `ids`, `dates`, `other`; none for a record that came or went.
    pub what: Vec<&'static str>,
}

/// By id and source; two records of one source never have the same id.
type Records = BTreeMap<(String, String), Whole>;

/// A record with its rows, without the numbers that it has only in its store.
#[derive(PartialEq)]
struct Whole {
    advisory: Advisory,
    rows: Vec<(String, Row)>,
}

impl Store {
    /// What `new` has that this store has not, and the other way round.
    ///
    /// Memory: the records of both stores.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn difference(&self, new: &Self) -> Result<Difference, AdvisoryError> {
        let (mut before, after) = (self.records()?, new.records()?);
        let mut difference = Difference::default();
        for (key, record) in after {
            match before.remove(&key) {
                None => difference.added.push(record.changed(key, Vec::new())),
                Some(old) if old == record => {}
                Some(old) => {
                    let what = record.parts_unlike(&old);
                    difference.changed.push(record.changed(key, what));
                }
            }
        }
        difference.removed = before.into_iter().map(|(key, record)| record.changed(key, Vec::new())).collect();
        let (old, new) = (self.exploited()?, new.exploited()?);
        difference.exploited_added = new.iter().filter(|cve| old.binary_search(cve).is_err()).cloned().collect();
        difference.exploited_removed = old.into_iter().filter(|cve| new.binary_search(cve).is_err()).collect();
        Ok(difference)
    }

    fn records(&self) -> Result<Records, AdvisoryError> {
        let mut rows: BTreeMap<u32, Vec<(String, Row)>> = BTreeMap::new();
        for (key, value) in self.pairs(Table::Packages)? {
            let name = String::from_utf8(key).map_err(|_| Damage::Encoding)?.replace('\0', " ");
            for (number, row) in decode::<Vec<(u32, Row)>>(&value)? {
                rows.entry(number).or_default().push((name.clone(), row));
            }
        }
        let mut records = Records::new();
        for (number, (_, value)) in (0..).zip(self.pairs(Table::Advisories)?) {
            let advisory: Advisory = decode(&value)?;
            let source = self.provenance.sources.get(advisory.source as usize).ok_or(Damage::Reference)?;
            let key = (advisory.id.clone(), source.name.clone());
            let advisory = Advisory { group: 0, source: 0, ..advisory };
            records.insert(key, Whole { advisory, rows: rows.remove(&number).unwrap_or_default() });
        }
        Ok(records)
    }

    fn exploited(&self) -> Result<Vec<String>, AdvisoryError> {
        let text = |(key, _)| String::from_utf8(key).map_err(|_| Damage::Encoding.into());
        self.pairs(Table::Exploited)?.into_iter().map(text).collect()
    }
}

impl Whole {
    fn changed(self, (id, source): (String, String), what: Vec<&'static str>) -> Changed {
        let mut packages: Vec<String> = self.rows.into_iter().map(|(package, _)| package).collect();
        packages.dedup();
        Changed { id, source, severity: self.advisory.rating.severity, packages, what }
    }

    fn parts_unlike(&self, old: &Self) -> Vec<&'static str> {
        let (a, b) = (&self.advisory, &old.advisory);
        let parts = [
            ("versions", self.rows != old.rows),
            ("severity", a.rating != b.rating || a.vectors != b.vectors),
            ("ids", a.aliases != b.aliases || a.upstream != b.upstream || a.cves != b.cves),
            ("dates", a.published != b.published || a.modified != b.modified),
            ("other", (&a.informational, &a.license, a.restricted) != (&b.informational, &b.license, b.restricted)),
        ];
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::store::delta::tests::store;

    #[test]
    fn what_came_went_and_changed() {
        let old = store(&[("A-1", "a", "1.0.0"), ("B-1", "b", "1.0.0"), ("C-1", "c", "1.0.0")]);
        let new = store(&[("A-1", "a", "1.0.0"), ("B-1", "b", "1.0.1"), ("D-1", "d", "1.0.0")]);
        let difference = old.difference(&new).expect("sound stores");
        let told = |records: &[Changed]| {
            let one = |changed: &Changed| format!("{} {:?} {:?}", changed.id, changed.packages, changed.what);
            records.iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(told(&difference.added), [r#"D-1 ["crates.io d"] []"#]);
        assert_eq!(told(&difference.removed), [r#"C-1 ["crates.io c"] []"#]);
        assert_eq!(told(&difference.changed), [r#"B-1 ["crates.io b"] ["versions"]"#], "A-1 only has another number");
        assert_eq!(old.difference(&old).expect("sound"), Difference::default());
    }
}
