//! Where advisories are published, and a folder that keeps up with it.
//!
//! In: the ecosystems that are wanted. Out: files of a [`Mirror`] folder, up to date, which `import` compiles into a store. Every upstream is public and
//! needs no server of ours; its address can be replaced by a copy's. What did not change is not sent again: single files by their validators, OSV's by its list of changes.
//!
//! * [`UPSTREAMS`]: the list, with addresses and what each speaks for.
//! * [`Mirror`]: the folder, one process at a time.
//! * `osv`: osv.dev's layout, record by record.

mod mirror;
mod osv;

use std::collections::BTreeMap;

use reqwest::Url;

pub use mirror::{Change, Mirror, UpdateError, Updated, Wanted};

/// One publisher's files.
#[derive(Debug)]
pub struct Upstream {
    /// Stable name, under which its address can be replaced and its files are kept.
    pub name: &'static str,
    /// Address of the folder that its files are in.
    pub base: &'static str,
    /// Its files.
    pub files: Files,
    /// Which ecosystems it speaks for.
    pub speaks_for: SpeaksFor,
}

/// What an upstream publishes.
#[derive(Debug)]
pub enum Files {
    /// osv.dev's layout: for each ecosystem a folder with `all.zip`, `modified_id.csv` and the single records.
    Osv,
    /// These files; `{release}` stands for what follows the colon of the ecosystem, `{major}` for its first number.
    Plain(&'static [&'static str]),
}

/// Which ecosystems an upstream has data of.
#[derive(Debug)]
pub enum SpeaksFor {
    /// Any language's, and these distributions'.
    LanguagesAnd(&'static [&'static str]),
    /// This distribution's.
    One(&'static str),
    /// It has facts about CVEs, whatever they are of.
    Every,
}

/// Every upstream. Addresses as of 2026-11.
///
/// What OSV exports is taken from it: one format, record by record. Beside it stand those whose data it lacks (`docs/architecture.md`): Debian's reasons for leaving an issue open, Alpine's community
/// repository and negative statements, and distributions that it does not know.
pub static UPSTREAMS: &[Upstream] = &[
    Upstream {
        name: "osv",
        base: "https://osv-vulnerabilities.storage.googleapis.com/",
        files: Files::Osv,
        speaks_for: SpeaksFor::LanguagesAnd(&[
            "AlmaLinux",
            "Red Hat",
            "Rocky Linux",
            "SUSE",
            "Ubuntu",
            "openEuler",
            "openSUSE",
        ]),
    },
    Upstream {
        name: "debian",
        base: "https://security-tracker.debian.org/tracker/data/",
        files: Files::Plain(&["json"]),
        speaks_for: SpeaksFor::One("Debian"),
    },
    Upstream {
        name: "alpine",
        base: "https://secdb.alpinelinux.org/",
        files: Files::Plain(&["{release}/main.json", "{release}/community.json"]),
        speaks_for: SpeaksFor::One("Alpine"),
    },
    Upstream {
        name: "wolfi",
        base: "https://packages.wolfi.dev/os/",
        files: Files::Plain(&["security.json"]),
        speaks_for: SpeaksFor::One("Wolfi"),
    },
    Upstream {
        name: "chainguard",
        base: "https://packages.cgr.dev/chainguard/",
        files: Files::Plain(&["security.json"]),
        speaks_for: SpeaksFor::One("Chainguard"),
    },
    Upstream {
        name: "oracle",
        base: "https://linux.oracle.com/security/oval/",
        files: Files::Plain(&["com.oracle.elsa-ol{major}.xml.bz2"]),
        speaks_for: SpeaksFor::One("Oracle Linux"),
    },
    Upstream {
        name: "photon",
        base: "https://packages.broadcom.com/photon/photon_cve_metadata/",
        files: Files::Plain(&["cve_data_photon{release}.json"]),
        speaks_for: SpeaksFor::One("Photon OS"),
    },
    Upstream {
        name: "azure",
        base: "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/",
        files: Files::Plain(&["azurelinux-{release}-oval.xml"]),
        speaks_for: SpeaksFor::One("Azure Linux"),
    },
    Upstream {
        name: "arch",
        base: "https://security.archlinux.org/issues/",
        files: Files::Plain(&["all.json"]),
        speaks_for: SpeaksFor::One("Arch Linux"),
    },
    Upstream {
        name: "kev",
        base: "https://www.cisa.gov/sites/default/files/feeds/",
        files: Files::Plain(&["known_exploited_vulnerabilities.json"]),
        speaks_for: SpeaksFor::Every,
    },
    Upstream {
        name: "epss",
        base: "https://epss.empiricalsecurity.com/",
        files: Files::Plain(&["epss_scores-current.csv.gz"]),
        speaks_for: SpeaksFor::Every,
    },
];

/// Addresses that replace those of [`UPSTREAMS`], by name.
pub type Addresses = BTreeMap<String, Url>;

impl Upstream {
    /// Whether it has data of an ecosystem with release, as `coverage` names it.
    #[must_use]
    pub fn speaks_for(&self, ecosystem: &str) -> bool {
        let base = super::ecosystem::base(ecosystem);
        match self.speaks_for {
            SpeaksFor::LanguagesAnd(distributions) => {
                distributions.contains(&base) || super::ecosystem::is_language(ecosystem)
            }
            SpeaksFor::One(distribution) => distribution == base,
            SpeaksFor::Every => true,
        }
    }

    /// Whether it has facts about CVEs of whatever ecosystem.
    #[must_use]
    pub fn is_general(&self) -> bool {
        matches!(self.speaks_for, SpeaksFor::Every)
    }

    /// The files that speak for an ecosystem, below the base. For OSV its folder.
    #[must_use]
    pub fn paths(&self, ecosystem: &str) -> Vec<String> {
        let (base, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
        let major = release.split('.').next().unwrap_or_default();
        match self.files {
            Files::Osv => vec![base.to_owned()],
            Files::Plain(files) => {
                files.iter().map(|file| file.replace("{release}", release).replace("{major}", major)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecosystem_leads_to_its_files() {
        let files = |ecosystem: &str| {
            let speaking = UPSTREAMS.iter().filter(|upstream| upstream.speaks_for(ecosystem));
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
            ("Red Hat:enterprise_linux:9", &["Red Hat"]),
            ("deb", &[]),
        ] {
            assert_eq!(files(ecosystem), expected, "{ecosystem}");
        }
    }
}
