//! Where a feed is published, in which files, and of what it tells.

use crate::advisory::ecosystem;

/// A publisher's address and files.
///
/// Every upstream is public and needs no server of ours; `db update --upstream NAME=URL` puts a copy in its place.
#[derive(Debug)]
pub struct Upstream {
    /// Stable name, under which its address can be replaced and its files are kept.
    pub name: &'static str,
    /// Address of the folder that its files are in, as of 2026-11.
    pub base: &'static str,
    /// Its files.
    pub files: Files,
    /// Which ecosystems it speaks for.
    pub speaks_for: SpeaksFor,
}

/// What an upstream publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Nothing that an update fetches: what it tells is in another upstream's, or comes in no form that can be kept up to date. `db import` reads it.
    ByHand,
    /// osv.dev's layout: for each ecosystem a folder with `all.zip`, `modified_id.csv` and the single records.
    Osv,
    /// These files; `{release}` stands for what follows the colon of the ecosystem, `{major}` for its first number.
    Plain(&'static [&'static str]),
    /// These files of each release, which is what follows the colon of the ecosystem.
    ByRelease(&'static [Release]),
    /// The errata of rpm repositories of each release. A path is that of a list of mirrors.
    Repositories(&'static [Release]),
    /// Documents of a CSAF provider.
    Csaf(Provider),
}

/// What follows the colon of an ecosystem, and its files.
pub type Release = (&'static str, &'static [&'static str]);

/// A CSAF provider's folder, with the list of what changed that the standard demands, and an archive of all documents.
///
/// Source: OASIS CSAF 2.0, section 7.1.13 (`changes.csv`); the archive is the vendors' own addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// Folder of the documents and of `changes.csv`, below the base; with a slash at its end, or empty.
    pub folder: &'static str,
    /// Where the archive is.
    pub archive: Archive,
    /// Whether there is a `deletions.csv` beside `changes.csv`.
    pub tells_deletions: bool,
}

/// Where the archive of a CSAF provider is, below the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// Always there.
    Named(&'static str),
    /// The name stands in this file.
    ToldBy(&'static str),
}

/// Which ecosystems an upstream has data of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeaksFor {
    /// Any language's, and these distributions'.
    LanguagesAnd(&'static [&'static str]),
    /// This distribution's.
    One(&'static str),
    /// It has facts about CVEs or products, whatever they are of.
    Every,
}

/// Where a mirror keeps a CSAF provider's documents.
pub(crate) const DOCUMENTS: &str = "documents";

impl Upstream {
    /// Whether it has data of an ecosystem with release, as `coverage` names it, that an update can fetch.
    #[must_use]
    pub fn speaks_for(&self, ecosystem: &str) -> bool {
        let base = ecosystem::base(ecosystem);
        match self.speaks_for {
            SpeaksFor::LanguagesAnd(distributions) => {
                distributions.contains(&base) || ecosystem::is_language(ecosystem)
            }
            SpeaksFor::One(distribution) => distribution == base,
            SpeaksFor::Every => true,
        }
    }

    /// Whether it has facts that go with every ecosystem.
    #[must_use]
    pub fn is_general(&self) -> bool {
        matches!(self.speaks_for, SpeaksFor::Every)
    }

    /// The files that speak for an ecosystem, below the base. For OSV its folder, for a CSAF provider the documents that it lists.
    #[must_use]
    pub fn paths(&self, ecosystem: &str) -> Vec<String> {
        let (base, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
        let major = release.split('.').next().unwrap_or_default();
        match self.files {
            Files::ByHand => Vec::new(),
            Files::Osv => vec![base.to_owned()],
            Files::Plain(files) => {
                files.iter().map(|file| file.replace("{release}", release).replace("{major}", major)).collect()
            }
            Files::Csaf(_) => vec![DOCUMENTS.to_owned()],
            Files::ByRelease(releases) | Files::Repositories(releases) => {
                let own = releases.iter().filter(|(known, _)| *known == release);
                own.flat_map(|(_, files)| *files).map(|file| (*file).to_owned()).collect()
            }
        }
    }
}
