//! Where a store's data comes from.

use serde::{Deserialize, Serialize};

/// A store's sources and what they hold; JSON in the store's header.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Sources, sorted by name.
    pub sources: Vec<Source>,
    /// Ecosystems that rows exist for, sorted by name.
    pub ecosystems: Vec<EcosystemData>,
    /// Records in the store; fewer than the sources hold together, since one record may stand in several and some are left out.
    pub advisories: u32,
    /// Rows in the store.
    pub rows: u64,
    /// CVEs of CISA's catalogue.
    pub exploited: u32,
    /// CVEs with an EPSS score.
    pub scores: u32,
    /// Products with end-of-life dates.
    pub lifecycles: u32,
    /// Red Hat repositories whose CPEs are known.
    pub repositories: u32,
}

/// One imported feed, zip file or folder. The counts add up to `records`, except for records that a second source holds in a newer form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Source {
    /// Its name: the feed's, or of OSV records the folder's, as in osv.dev's bucket (`crates.io`).
    pub name: String,
    /// Where the feed is published.
    pub url: String,
    /// Date of its newest record, RFC 3339; this is the age of the data, whenever it was imported. A feed without any dates (Alpine's, Debian's)
    /// is as old as its newest file.
    pub modified: Option<String>,
    /// Records read, including the ones below.
    pub records: u32,
    /// Withdrawn records: only their ids are kept.
    pub withdrawn: u32,
    /// Errata that are not about security.
    pub not_security: u32,
    /// Records left out because of their licence.
    pub not_redistributable: u32,
    /// Records that could not be read. Not counted in `records`.
    pub malformed: u32,
    /// Licences of its records, sorted SPDX ids.
    pub licenses: Vec<String>,
    /// Whether it holds records that may not be handed on; then the store may not be, either.
    pub restricted: bool,
    /// SHA-256 of its file, or over names and digests of its files.
    pub digest: String,
    /// Base ecosystems for which it is a source. A database's zip also holds rows of other ecosystems that its records mention; those alone
    /// do not make the ecosystem covered.
    pub covers: Vec<String>,
}

/// What the store holds of one ecosystem and release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcosystemData {
    /// Its name with release, `Debian:12`.
    pub name: String,
    /// Packages with at least one row.
    pub packages: u32,
    /// Rows.
    pub rows: u32,
    /// What the data can tell.
    pub data: Data,
}

/// What data of an ecosystem can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// Issues with and without a fix.
    Full,
    /// Only issues that have been fixed: unfixed ones are invisible.
    FixedOnly,
}

impl Provenance {
    /// Whether the store may be handed on: no source of it holds records whose terms forbid that.
    #[must_use]
    pub fn is_redistributable(&self) -> bool {
        self.sources.iter().all(|source| !source.restricted)
    }

    /// What the store holds of an ecosystem with release.
    #[must_use]
    pub fn ecosystem(&self, name: &str) -> Option<&EcosystemData> {
        self.ecosystems
            .binary_search_by(|known| known.name.as_str().cmp(name))
            .ok()
            .and_then(|at| self.ecosystems.get(at))
    }

    /// The sources that cover an ecosystem.
    pub fn sources_of<'a>(&'a self, ecosystem: &'a str) -> impl Iterator<Item = &'a Source> {
        let base = crate::advisory::ecosystem::base(ecosystem);
        self.sources.iter().filter(move |source| source.covers.iter().any(|covered| covered == base))
    }
}
