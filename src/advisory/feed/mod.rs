//! Advisory feeds: one file a feed (or a folder, where several files share a format) and its line in [`FEEDS`].
//!
//! In: one document, recognised by its first bytes. Out: [`Item`]s in the store's model, one by one, so that a feed of any length takes the
//! memory of one of its records. A feed knows neither archives nor compression: `import` opens those.

mod arch;
mod csaf;
mod debian;
pub(crate) mod document;
mod draft;
mod eol;
mod epss;
pub(crate) mod errata;
mod errata_json;
mod json;
mod kev;
mod openvex;
pub(crate) mod osv;
mod oval;
mod photon;
mod published;
mod repositories;
mod rpm_builds;
mod secdb;
mod updateinfo;
mod xml;

use super::error::RecordError;
use super::exploitation::{Exploited, Score};
use super::lifecycle::Lifecycle;
use super::model::{Advisory, Row};
use super::store::Data;
pub(crate) use document::{Document, Head};
pub(crate) use draft::{plain_key, plain_version};
pub(crate) use published::DOCUMENTS;
pub use published::{Archive, Files, Provider, Release, SpeaksFor, Upstream};

/// Every feed. The first that recognises a document reads it.
pub(crate) static FEEDS: &[&dyn Feed] = &[
    // Its API's answer has what marks a record of OSV, too.
    &eol::EndOfLife,
    &osv::Osv,
    &debian::Tracker,
    &secdb::ALPINE,
    &secdb::WOLFI,
    &secdb::CHAINGUARD,
    &secdb::MINIMOS,
    &openvex::Ubuntu,
    &csaf::redhat::RedHat,
    &csaf::suse::Suse,
    &updateinfo::AMAZON,
    &updateinfo::ALMALINUX,
    &updateinfo::ROCKY,
    &errata_json::AlmaLinux,
    &errata_json::Rocky,
    &oval::Oracle,
    &oval::AzureLinux,
    &photon::Photon,
    &arch::Arch,
    &kev::Kev,
    &epss::Epss,
    &repositories::RedHatRepositories,
];

/// A source of advisories, or of facts that go with them.
pub(crate) trait Feed: Sync {
    /// What it is.
    fn meta(&self) -> &Meta;
    /// Whether a document is of this feed, by its first bytes.
    fn recognises(&self, head: &Head<'_>) -> bool;
    /// Reads a document. A record that cannot be read is given out as [`Item::Malformed`]; an error means that the rest of the document could
    /// not be read, which for a [`Documents::Collections`] feed stops the import.
    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError>;
}

/// Where items go.
pub(crate) type Output<'a> = dyn FnMut(Item) + 'a;

/// What a feed is.
#[derive(Debug)]
pub(crate) struct Meta {
    /// Name of the source in the store and in reports.
    pub(crate) name: &'static str,
    /// Where it is published.
    pub(crate) upstream: Upstream,
    /// SPDX id of the licence of its content; empty where the vendor states none.
    pub(crate) license: &'static str,
    /// Whether its terms allow to hand it on, as it is and compiled.
    pub(crate) redistributable: bool,
    /// What its documents hold.
    pub(crate) documents: Documents,
    /// What it can tell of a release; `None` where only its rows show that.
    pub(crate) data: Option<Data>,
}

/// What one document of a feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// One record. A document that cannot be read is one malformed record.
    Records,
    /// Many records. One that is cut or broken would make a smaller store that looks whole, so it stops the import.
    Collections,
}

/// What a feed gives out.
#[derive(Debug)]
pub(crate) enum Item {
    /// A record and what became of it.
    Record(Translated),
    /// A record that cannot be read.
    Malformed {
        /// Its id or place.
        name: String,
        /// Why.
        error: RecordError,
    },
    /// A CVE of CISA's catalogue.
    Exploited(String, Exploited),
    /// A CVE's EPSS score.
    Score(String, Score),
    /// A product's end-of-life dates.
    Lifecycle(Lifecycle),
    /// A Red Hat repository and the CPEs of the products that it serves.
    Repository(String, Vec<String>),
    /// When the feed was made, Unix seconds.
    Made(i64),
    /// How many records the feed says it has.
    Expected(u64),
}

/// Under what the store files a row: ecosystem and package name, both in normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Key {
    /// Ecosystem with release.
    pub(crate) ecosystem: String,
    /// Package name.
    pub(crate) name: String,
}

/// A record in the store's model, before records are numbered and grouped.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The record. `aliases` are only its own yet; `group` and `source` are not set.
    pub(crate) advisory: Advisory,
    /// What it states, per package.
    pub(crate) rows: Vec<(Key, Row)>,
    /// What was left out of it.
    pub(crate) losses: Losses,
}

/// What a record holds that did not become a row that can be evaluated.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Entries without a package, or with only git ranges, or with nothing at all: no version of a package can be told from them.
    pub(crate) without_versions: u32,
    /// Entries with a range whose versions do not parse, or of an ecosystem whose order is not known. They become undetermined rows.
    pub(crate) unevaluable: u32,
    /// Debug packages, which no image needs a finding for.
    pub(crate) debug_packages: u32,
    /// Entries of products that no image is matched by: containers, flatpaks, layered products, channels that are not known.
    pub(crate) other_products: u32,
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Translated {
    /// It has a place in the store.
    Kept(Box<Draft>),
    /// Its source took it back; only the id and the time (Unix seconds) are remembered.
    Withdrawn { id: String, modified: Option<i64>, at: Option<i64> },
    /// An erratum that is not about security.
    NotSecurity { modified: Option<i64> },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feed_has_an_address_and_its_place_in_the_documentation() {
        let documentation = include_str!("../../../docs/architecture.md");
        let mut names: Vec<&str> = FEEDS.iter().map(|feed| feed.meta().name).collect();
        names.sort_unstable();
        let forms = names.len();
        names.dedup();
        assert_eq!(forms - names.len(), 2, "AlmaLinux and Rocky Linux publish their errata in two forms each");
        for name in names {
            assert!(documentation.contains(name), "{name}");
        }
        assert!(FEEDS.iter().all(|feed| feed.meta().upstream.base.starts_with("https://")));
    }
}
