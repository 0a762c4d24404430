//! Where advisories are published, and a folder that keeps up with it.
//!
//! In: the ecosystems that are wanted. Out: files of a [`Mirror`] folder, up to date, which `import` compiles into a store. Every upstream is public and
//! needs no server of ours; its address can be replaced by a copy's. What did not change is not sent again: single files by their validators, OSV's by its list of changes.
//!
//! * [`upstreams`]: those that can be fetched; addresses, and what each speaks for, stand with their feeds.
//! * [`Mirror`]: the folder, one process at a time.
//! * `osv`: osv.dev's layout, record by record.
//! * `csaf`: an archive of CSAF documents once, then those that changed.
//! * `repository`: the errata of an rpm repository, through its list of mirrors.
//! * `records`: records fetched one by one, and the zip file that keeps them.

mod csaf;
mod mirror;
mod osv;
mod records;
mod repository;

use std::collections::BTreeMap;

use reqwest::Url;

use super::feed::FEEDS;
pub use super::feed::{Archive, Files, Provider, Release, SpeaksFor, Upstream};
pub use mirror::{Change, Mirror, UpdateError, Updated, Wanted};

/// Addresses that replace those of [`upstreams`], by name.
pub type Addresses = BTreeMap<String, Url>;

/// What `db update --ecosystem all` fetches: every language, and every distribution's releases that get fixes as of 2026-11. Not in it are those whose terms forbid to hand their
/// data on (Wolfi, Chainguard, MinimOS): who wants them names them.
pub static ALL: &[&str] = &[
    "AlmaLinux",
    "Alpine:edge",
    "Alpine:v3.21",
    "Alpine:v3.22",
    "Alpine:v3.23",
    "Alpine:v3.24",
    "Amazon Linux:2",
    "Amazon Linux:2023",
    "Arch Linux",
    "Azure Linux:3",
    "Bitnami",
    "CRAN",
    "ConanCenter",
    "Debian",
    "GitHub Actions",
    "Go",
    "Hex",
    "Julia",
    "Maven",
    "NuGet",
    "Oracle Linux:8",
    "Oracle Linux:9",
    "Oracle Linux:10",
    "Packagist",
    "Photon OS:4.0",
    "Photon OS:5.0",
    "Pub",
    "PyPI",
    "Red Hat",
    "Rocky Linux",
    "RubyGems",
    "SUSE",
    "SwiftURL",
    "Ubuntu",
    "crates.io",
    "npm",
    "openEuler",
    "openSUSE",
    "opam",
];

/// Every upstream whose files an update can fetch; each stands with its feed.
///
/// What OSV exports is taken from it: one format, record by record. Beside it stand those whose data it lacks (`docs/architecture.md`): Debian's reasons for leaving an issue open, Alpine's community
/// repository and negative statements, and distributions that it does not know.
pub fn upstreams() -> impl Iterator<Item = &'static Upstream> {
    FEEDS.iter().map(|feed| &feed.meta().upstream).filter(|upstream| upstream.files != Files::ByHand)
}

/// The upstream of a name.
#[must_use]
pub fn upstream(name: &str) -> Option<&'static Upstream> {
    upstreams().find(|upstream| upstream.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecosystem_leads_to_its_files() {
        let files = |ecosystem: &str| {
            let speaking = upstreams().filter(|upstream| upstream.speaks_for(ecosystem));
            let own = speaking.filter(|upstream| !matches!(upstream.speaks_for, SpeaksFor::Every));
            own.flat_map(|upstream| upstream.paths(ecosystem)).collect::<Vec<_>>()
        };
        for (ecosystem, expected) in [
            ("PyPI", &["PyPI"][..]),
            ("crates.io", &["crates.io"]),
            ("Debian:12", &["json"]),
            ("Alpine:v3.20", &["v3.20/main.json", "v3.20/community.json"]),
            ("Ubuntu:22.04:LTS", &["Ubuntu"]),
            ("Oracle Linux:9", &["com.oracle.elsa-ol9.xml.bz2"]),
            ("Red Hat:enterprise_linux:9", &["Red Hat", "documents", "repository-to-cpe.json"]),
            ("deb", &[]),
            ("Amazon Linux:2", &["2/core/latest/x86_64/mirror.list", "2/core/latest/aarch64/mirror.list"]),
            ("SUSE:Linux Enterprise Server 15 SP5", &["SUSE", "documents"]),
            ("Azure Linux:3", &["azurelinux-3.0-oval.xml"]),
            ("Azure Linux:2", &["cbl-mariner-2.0-oval.xml"]),
        ] {
            assert_eq!(files(ecosystem), expected, "{ecosystem}");
        }
    }

    #[test]
    fn all_stands_for_every_upstream_that_may_be_handed_on() {
        let things: std::collections::BTreeSet<&str> = ALL
            .iter()
            .flat_map(|ecosystem| {
                let own = upstreams().filter(|upstream| !upstream.is_general() && upstream.speaks_for(ecosystem));
                let own: Vec<&str> = own
                    .filter(|upstream| !upstream.paths(ecosystem).is_empty())
                    .map(|upstream| upstream.name)
                    .collect();
                assert!(!own.is_empty(), "{ecosystem}");
                own
            })
            .collect();
        for feed in FEEDS.iter().filter(|feed| feed.meta().upstream.files != Files::ByHand) {
            let upstream = &feed.meta().upstream;
            let expected = feed.meta().redistributable && !upstream.is_general();
            assert_eq!(things.contains(upstream.name), expected, "{}", upstream.name);
        }
        assert!(ALL.iter().all(|ecosystem| upstreams().all(|upstream| {
            upstream.paths(ecosystem).iter().all(|path| !path.contains("//") && !path.contains('{'))
        })));
    }

    #[test]
    fn every_upstream_has_its_own_name_and_a_folder_for_an_address() {
        let mut names: Vec<&str> = FEEDS.iter().map(|feed| feed.meta().upstream.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FEEDS.len());
        for upstream in upstreams() {
            assert!(upstream.base.starts_with("https://") && upstream.base.ends_with('/'), "{}", upstream.base);
        }
    }
}
