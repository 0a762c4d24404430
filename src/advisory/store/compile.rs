//! Drafts of all sources ▸ the bytes of a store.
//!
//! Records are numbered in the order of their ids, alias groups are found over all of them, rows are filed under their packages. The same
//! drafts in whatever order give the same bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::Facts;
use super::provenance::{Data, EcosystemData, Provenance, Source};
use super::{IdEntry, copies, format, package_key, table};
use crate::advisory::aliases::Groups;
use crate::advisory::ecosystem;
use crate::advisory::error::AdvisoryError;
use crate::advisory::feed::{Draft, Item, Key};
use crate::advisory::model::{Advisory, Row, Upper};

/// Most records and rows of a store. Measured: 200,000 records with five rows each take 470 MB while they are
/// compiled.
pub(super) const MAX_RECORDS: usize = 8_000_000;
const MAX_ROWS: u64 = 100_000_000;

/// Collects drafts until [`Compiler::finish`].
#[derive(Default)]
pub(crate) struct Compiler {
    records: Vec<Pending>,
    keys: Keys,
    /// All rows' encodings, one after the other: a million rows are far smaller so than as values of their own.
    encoded: Vec<u8>,
    rows: u64,
    withdrawn: BTreeMap<String, i64>,
    facts: Facts,
    sources: Vec<SourceTotals>,
}

/// What an import knows of a source.
#[derive(Default)]
pub(crate) struct SourceTotals {
    /// Counts, dates, licences.
    pub(crate) source: Source,
    /// Newest `modified`, Unix seconds.
    pub(crate) newest: Option<i64>,
    /// Whether it is the vendor's own feed, which is believed before a copy of it in OSV.
    pub(crate) is_native: bool,
    /// What the feed can tell of a release; `None` where only its rows show that.
    pub(crate) data: Option<Data>,
}

/// Package keys, each kept once.
#[derive(Default)]
struct Keys {
    numbers: HashMap<Key, u32>,
    keys: Vec<Key>,
}

/// A record with its rows.
pub(super) struct Pending {
    pub(super) advisory: Advisory,
    pub(super) rows: Vec<PendingRow>,
}

/// Where a row belongs and where its encoding lies.
#[derive(Clone, Copy)]
pub(super) struct PendingRow {
    pub(super) key: u32,
    length: u32,
    start: usize,
    /// Whether it tells of an issue without a fix.
    unfixed: bool,
    /// Whether it tells of an issue at all, and does not clear the package.
    pub(super) exposure: bool,
}

impl Keys {
    fn number(&mut self, key: Key) -> u32 {
        let next = self.keys.len() as u32; // not more keys than rows, whose number is bounded
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            next
        })
    }
}

impl Compiler {
    /// Adds a record of source number `source`.
    pub(crate) fn add(&mut self, draft: Draft, source: u32) -> Result<(), AdvisoryError> {
        let limit = |what, limit| Err(AdvisoryError::StoreLimit { what, limit });
        self.rows += draft.rows.len() as u64;
        if self.records.len() >= MAX_RECORDS {
            return limit("records", MAX_RECORDS as u64);
        }
        if self.rows > MAX_ROWS {
            return limit("rows", MAX_ROWS);
        }
        let mut rows: Vec<PendingRow> =
            draft.rows.into_iter().map(|(key, row)| self.encode(key, &row)).collect::<Result<_, _>>()?;
        rows.shrink_to_fit();
        let advisory = Advisory { source, ..draft.advisory };
        self.records.push(Pending { advisory, rows });
        Ok(())
    }

    fn encode(&mut self, key: Key, row: &Row) -> Result<PendingRow, AdvisoryError> {
        let bytes = postcard::to_allocvec(row).map_err(AdvisoryError::Encode)?;
        let start = self.encoded.len();
        self.encoded.extend_from_slice(&bytes);
        let length = bytes.len() as u32; // a row is smaller than the record it comes from, which is bounded
        Ok(PendingRow {
            key: self.keys.number(key),
            length,
            start,
            unfixed: tells_of_unfixed(row),
            exposure: row.status.is_exposure(),
        })
    }

    /// Adds a fact that goes with advisories; `false` for an item that is none.
    pub(crate) fn add_fact(&mut self, item: Item) -> bool {
        self.facts.take(item)
    }

    pub(super) fn bytes(&self, row: &PendingRow) -> &[u8] {
        self.encoded.get(row.start..row.start + row.length as usize).unwrap_or_default()
    }

    pub(super) fn key(&self, row: &PendingRow) -> &Key {
        &self.keys.keys[row.key as usize]
    }

    /// Remembers a withdrawn id.
    pub(crate) fn add_withdrawn(&mut self, id: String, at: Option<i64>) {
        self.withdrawn.insert(id, at.unwrap_or(0));
    }

    /// Sets the sources; drafts refer to them by their places.
    pub(crate) fn set_sources(&mut self, totals: Vec<SourceTotals>) {
        self.sources = totals;
    }

    pub(super) fn source(&self, advisory: &Advisory) -> Option<&SourceTotals> {
        self.sources.get(advisory.source as usize)
    }

    /// Sorts the sources by name, so that the order in which they were met does not matter.
    fn sort_sources(&mut self) {
        let mut order: Vec<usize> = (0..self.sources.len()).collect();
        order.sort_by(|a, b| self.sources[*a].source.name.cmp(&self.sources[*b].source.name));
        let mut places = vec![0_u32; order.len()];
        for (new, old) in (0..).zip(&order) {
            places[*old] = new;
        }
        for record in &mut self.records {
            let source = &mut record.advisory.source;
            *source = places.get(*source as usize).copied().unwrap_or_default();
        }
        let mut unsorted: Vec<Option<SourceTotals>> = std::mem::take(&mut self.sources).into_iter().map(Some).collect();
        self.sources = order.into_iter().filter_map(|old| unsorted.get_mut(old)?.take()).collect();
    }

    /// Compiles the store.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, Provenance), AdvisoryError> {
        self.sort_sources();
        let records = std::mem::take(&mut self.records);
        self.records = copies::keep_one_of_each(&self, records);
        let groups = group(&mut self.records);
        let provenance = self.provenance();
        let ids = table::pack(&self.id_pairs(&groups)?)?;
        drop(groups);
        let advisories = table::pack(&self.advisory_pairs()?)?;
        let packages = table::pack(&self.package_pairs())?;
        let [exploited, scores, lifecycles, repositories] = self.facts.pairs()?;
        let [exploited, scores] = [table::pack(&exploited)?, table::pack(&scores)?];
        let [lifecycles, repositories] = [table::pack(&lifecycles)?, table::pack(&repositories)?];
        let header = serde_json::to_vec(&provenance).unwrap_or_default(); // plain structs of strings and numbers cannot fail
        let tables = [packages, advisories, ids, exploited, scores, lifecycles, repositories];
        Ok((format::assemble(&header, &tables)?, provenance))
    }

    fn provenance(&self) -> Provenance {
        let mut per_key = vec![(0_u32, false); self.keys.keys.len()];
        for record in &self.records {
            let full = self.source(&record.advisory).is_some_and(|source| source.data == Some(Data::Full));
            for row in &record.rows {
                if let Some((rows, unfixed)) = per_key.get_mut(row.key as usize) {
                    *rows += 1;
                    *unfixed |= row.unfixed || full;
                }
            }
        }
        let mut ecosystems: BTreeMap<&str, EcosystemData> = BTreeMap::new();
        for (key, (rows, unfixed)) in self.keys.keys.iter().zip(per_key).filter(|(_, (rows, _))| *rows > 0) {
            let name = key.ecosystem.as_str();
            let data = if ecosystem::is_os(name) { Data::FixedOnly } else { Data::Full };
            let known = ecosystems.entry(name).or_insert_with(|| EcosystemData {
                name: name.to_owned(),
                packages: 0,
                rows: 0,
                data,
            });
            known.packages += 1;
            known.rows += rows;
            if unfixed {
                known.data = Data::Full;
            }
        }
        let ecosystems: Vec<EcosystemData> = ecosystems.into_values().collect();
        let rows = ecosystems.iter().map(|ecosystem| u64::from(ecosystem.rows)).sum();
        let [exploited, scores, lifecycles, repositories] = self.facts.counts();
        let advisories = self.records.len() as u32;
        Provenance {
            sources: self.sources(),
            ecosystems,
            advisories,
            rows,
            exploited,
            scores,
            lifecycles,
            repositories,
        }
    }

    /// The sources with what only all their records tell: licences, and the ecosystems they cover.
    fn sources(&self) -> Vec<Source> {
        let mut contents: Vec<Contents<'_>> = vec![Contents::default(); self.sources.len()];
        for record in &self.records {
            if let Some(contents) = contents.get_mut(record.advisory.source as usize) {
                contents.restricted |= record.advisory.restricted;
                contents.licenses.extend(Some(record.advisory.license.as_str()).filter(|license| !license.is_empty()));
                contents.bases.extend(record.rows.iter().map(|row| ecosystem::base(&self.key(row).ecosystem)));
            }
        }
        self.sources.iter().zip(contents).map(|(totals, contents)| contents.complete(totals)).collect()
    }

    /// Rows under their packages, in the order of record numbers.
    ///
    /// A value is the encoding of `Vec<(u32, Row)>`, put together from rows that are encoded already: postcard writes a sequence as its
    /// length, then its items, and a pair as its parts.
    fn package_pairs(&self) -> Vec<table::Pair> {
        let mut rows_of: Vec<Vec<(u32, &PendingRow)>> = vec![Vec::new(); self.keys.keys.len()];
        for (number, record) in (0..).zip(&self.records) {
            for row in &record.rows {
                if let Some(rows) = rows_of.get_mut(row.key as usize) {
                    rows.push((number, row));
                }
            }
        }
        let filled = self.keys.keys.iter().zip(rows_of).filter(|(_, rows)| !rows.is_empty());
        let encode = |(key, rows): (&Key, Vec<(u32, &PendingRow)>)| {
            let mut value = varint(rows.len() as u64);
            for (number, row) in rows {
                value.extend(varint(u64::from(number)));
                value.extend_from_slice(self.bytes(row));
            }
            (package_key(key), value)
        };
        let mut pairs: Vec<table::Pair> = filled.map(encode).collect();
        pairs.sort();
        pairs
    }

    fn advisory_pairs(&self) -> Result<Vec<table::Pair>, AdvisoryError> {
        let encode = |(number, record): (u32, &Pending)| {
            let value = postcard::to_allocvec(&record.advisory).map_err(AdvisoryError::Encode)?;
            Ok((number.to_be_bytes().to_vec(), value))
        };
        (0..).zip(&self.records).map(encode).collect()
    }

    /// Every id that leads to records: their own, those of their alias group, and the CVEs they are about.
    fn id_pairs(&self, groups: &Groups) -> Result<Vec<table::Pair>, AdvisoryError> {
        let mut ids: BTreeMap<&str, IdEntry> = BTreeMap::new();
        for (number, record) in (0..).zip(&self.records) {
            let advisory = &record.advisory;
            let linked = advisory.upstream.iter().chain(&advisory.cves).map(String::as_str);
            for id in groups.members(&advisory.id).chain(linked) {
                let records = &mut ids.entry(id).or_default().records;
                if records.last() != Some(&number) {
                    records.push(number);
                }
            }
        }
        for (id, at) in &self.withdrawn {
            ids.entry(id).or_default().withdrawn = Some(*at);
        }
        ids.into_iter()
            .map(|(id, entry)| {
                Ok((id.as_bytes().to_vec(), postcard::to_allocvec(&entry).map_err(AdvisoryError::Encode)?))
            })
            .collect()
    }
}

/// What the records of one source hold.
#[derive(Clone, Default)]
struct Contents<'a> {
    licenses: BTreeSet<&'a str>,
    bases: BTreeSet<&'a str>,
    restricted: bool,
}

impl Contents<'_> {
    /// The source's own name among its ecosystems is the one it covers; rows of others are only mentioned there.
    fn complete(self, totals: &SourceTotals) -> Source {
        let named = self.bases.iter().find(|base| base.eq_ignore_ascii_case(&totals.source.name)).copied();
        let covers = named.map_or(self.bases, |base| [base].into());
        // A feed whose items are no records (scores, dates) states its licence itself.
        let licenses = self.licenses.into_iter().chain(totals.source.licenses.iter().map(String::as_str));
        let licenses: BTreeSet<&str> = licenses.collect();
        let owned = |texts: BTreeSet<&str>| texts.into_iter().map(str::to_owned).collect();
        Source {
            modified: totals.newest.and_then(crate::advisory::time::rfc3339),
            licenses: owned(licenses),
            restricted: self.restricted,
            covers: owned(covers),
            ..totals.source.clone()
        }
    }
}

/// Whether a row tells of an issue that no version fixes.
fn tells_of_unfixed(row: &Row) -> bool {
    let fixed = |to: &Upper| matches!(to, Upper::Fixed(_));
    row.status.is_exposure() && !row.intervals.is_empty() && !row.intervals.iter().all(|interval| fixed(&interval.to))
}

/// Finds alias groups over all records, and writes them into each.
fn group(records: &mut [Pending]) -> Groups {
    let groups =
        Groups::of(records.iter().map(|record| (record.advisory.id.as_str(), record.advisory.aliases.as_slice())));
    let mut first_of: BTreeMap<u32, u32> = BTreeMap::new();
    for (number, record) in (0..).zip(records) {
        let advisory = &mut record.advisory;
        if let Some(group) = groups.of_id(&advisory.id) {
            advisory.group = *first_of.entry(group).or_insert(number);
        }
        advisory.aliases = groups.members(&advisory.id).filter(|id| *id != advisory.id).map(str::to_owned).collect();
        let from_group = advisory.aliases.iter().filter(|id| id.starts_with("CVE-")).cloned();
        advisory.cves.extend(from_group);
        advisory.cves.sort();
        advisory.cves.dedup();
    }
    groups
}

/// postcard's variable-length integer: seven bits a byte, low first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
