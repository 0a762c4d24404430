//! What is wrong, where, how bad and how sure: made by matching and checks, weighed by a policy, shown by a report. A finding is no verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisory::exploitation::Exploitation;
use crate::advisory::model::{Informational, Severity, Status};
use crate::digest::Digest;
use crate::facts::{Confidence, FilePath, SecretValue};

/// The class of a finding, as the report contract names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A leaked secret.
    Secret,
    /// Something about how the image is configured.
    Config,
    /// A signature that is demanded and was not found.
    Signature,
    /// A package with a published vulnerability.
    Vulnerability,
    /// A published notice about a package that is no vulnerability.
    Informational,
    /// Something that a build or run file says.
    Lint,
    /// What the image stands on: how old that is, and whether it is what the image says.
    Base,
    /// A distribution or a runtime that gets no more fixes, or soon will not.
    Eol,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Secret,
        Self::Config,
        Self::Signature,
        Self::Vulnerability,
        Self::Informational,
        Self::Lint,
        Self::Base,
        Self::Eol,
    ];

    /// Its name in reports and policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
            Self::Signature => "signature",
            Self::Vulnerability => "vulnerability",
            Self::Informational => "informational",
            Self::Lint => "lint",
            Self::Base => "base",
            Self::Eol => "eol",
        }
    }
}

/// Where a finding is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Location {
    /// In a file.
    File {
        /// The file; inside archives with `!` before the inner path.
        path: String,
        /// Layer that the bytes are in; none for a folder.
        layer: Option<Digest>,
        /// Its index.
        layer_index: Option<usize>,
        /// Line, from 1.
        line: Option<u32>,
        /// `present`, `deleted` or `overwritten`.
        state: &'static str,
        /// The build instruction that made the layer.
        instruction: Option<String>,
    },
    /// In the image configuration: `env:NAME`, `label:NAME`, `history:INDEX:NAME`, `annotation:NAME`.
    Config(String),
    /// In a build or run file.
    Source {
        /// The file, as it was named or found.
        path: String,
        /// Where in it.
        region: Region,
        /// Its line, with secrets masked.
        text: Option<String>,
        /// What mends it there.
        fix: Option<Fix>,
    },
    /// In the history of a checkout, or what is staged there.
    Commit {
        /// The file, from the checkout's root.
        path: String,
        /// Line, from 1.
        line: Option<u32>,
        /// `present`, `deleted` or `overwritten`: whether the checked out commit still has these bytes at this path.
        state: &'static str,
        /// The commit that brought them.
        commit: Commit,
    },
}

/// A part of a text, for people: lines and columns in characters, both from 1; the end is the first place after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Region {
    /// Where it begins.
    pub line: u32,
    /// The column there.
    pub column: u32,
    /// Where it ends.
    pub end_line: u32,
    /// The column there.
    pub end_column: u32,
}

/// Changes of a file that mend what is wrong at a place; they do not overlap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fix {
    /// What they do, such as "add --no-install-recommends".
    pub title: String,
    /// Parts of the file, with what takes their place.
    pub edits: Vec<(Region, String)>,
}

/// A commit, as git tells it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Commit {
    /// Its id, in hex.
    pub id: String,
    /// Name and address of the author, as the commit spells them.
    pub author: String,
    /// When it was written (RFC 3339).
    pub date: String,
}

impl Location {
    /// The file, or the part of the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Commit { path, .. } | Self::Source { path, .. } => path,
            Self::Config(place) => place,
        }
    }

    /// File, line and commit of a place in a folder or its history; none of a place in an image.
    #[must_use]
    pub fn in_checkout(&self) -> Option<(&str, u32, Option<&str>)> {
        match self {
            Self::File { path, layer: None, line, .. } => {
                Some((path.trim_start_matches('/'), line.unwrap_or_default(), None))
            }
            Self::Commit { path, line, commit, .. } => {
                Some((path.trim_start_matches('/'), line.unwrap_or_default(), Some(&commit.id)))
            }
            Self::File { .. } | Self::Source { .. } | Self::Config(_) => None,
        }
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Class.
    pub kind: Kind,
    /// Rule or advisory id.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// How sure.
    pub confidence: Confidence,
    /// What the id is made of besides kind and rule: the purl without version, the path or key, or a secret's own fingerprint. Never line, layer or platform.
    pub identity: String,
    /// The packages, as purls: one, or several where versions or architectures of it are installed side by side.
    pub packages: BTreeSet<String>,
    /// What the advisory's source states.
    pub status: Option<Status>,
    /// Versions with the fix.
    pub fixed_in: Vec<String>,
    /// Other ids of the same flaw.
    pub aliases: Vec<String>,
    /// CVSS base score.
    pub cvss: Option<f64>,
    /// What is known about its use by attackers.
    pub exploitation: Exploitation,
    /// RustSec's class.
    pub informational: Option<Informational>,
    /// Platforms that have it.
    pub platforms: BTreeSet<String>,
    /// Places, each with the platforms that have it there.
    pub locations: BTreeMap<Location, BTreeSet<String>>,
    /// Masked text, or the range that matched.
    pub evidence: Option<String>,
    /// What to do.
    pub remediation: Option<String>,
    /// Set where somebody's word sets it aside: gates pass over it, reports keep it.
    pub set_aside: Option<SetAside>,
    /// A waiver that would set it aside and has expired: told, and counts for nothing.
    pub lapsed: Option<SetAside>,
    /// Each of its places has a comment that allows it.
    pub allowed_inline: bool,
    /// A secret in clear, in a run that was asked for it: several where one place held several, one after the other.
    pub values: BTreeSet<SecretValue>,
    /// What the provider says of the secret, where it was asked.
    pub activity: Option<Activity>,
}

/// What a provider says of a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Activity {
    /// The provider does not know it, or not any more.
    Inactive,
    /// No answer that says so.
    Unknown,
    /// It works.
    Active,
}

impl Activity {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Unknown => "unknown",
            Self::Active => "active",
        }
    }
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// `waived`, `vex`, `baseline` or `suppressed`, as the report contract names it.
    pub state: &'static str,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Last day of it, `YYYY-MM-DD`.
    pub expires: Option<String>,
}

impl Finding {
    /// A finding with nothing optional.
    #[must_use]
    pub fn new(
        kind: Kind,
        rule: impl Into<String>,
        severity: Severity,
        title: impl Into<String>,
        identity: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            rule: rule.into(),
            severity,
            title: title.into(),
            confidence: Confidence::High,
            identity: identity.into(),
            packages: BTreeSet::new(),
            status: None,
            fixed_in: Vec::new(),
            aliases: Vec::new(),
            cvss: None,
            exploitation: Exploitation::default(),
            informational: None,
            platforms: BTreeSet::new(),
            locations: BTreeMap::new(),
            evidence: None,
            remediation: None,
            set_aside: None,
            lapsed: None,
            allowed_inline: false,
            values: BTreeSet::new(),
            activity: None,
        }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.locations.entry(location).or_default();
        self
    }

    /// On a platform, at all its places.
    pub fn seen_on(&mut self, platform: &str) {
        self.platforms.insert(platform.to_owned());
        for platforms in self.locations.values_mut() {
            platforms.insert(platform.to_owned());
        }
    }

    /// With advice.
    #[must_use]
    pub fn advise(mut self, remediation: impl Into<String>) -> Self {
        self.remediation = Some(remediation.into());
        self
    }

    /// Takes what another finding with the same id adds.
    fn absorb(&mut self, other: Self) {
        self.platforms.extend(other.platforms);
        self.packages.extend(other.packages);
        for (location, platforms) in other.locations {
            self.locations.entry(location).or_default().extend(platforms);
        }
        self.severity = self.severity.max(other.severity);
        self.confidence = self.confidence.max(other.confidence);
        self.allowed_inline &= other.allowed_inline;
        self.values.extend(other.values);
        self.cvss = self.cvss.into_iter().chain(other.cvss).reduce(f64::max);
        self.exploitation.join(other.exploitation.exploited, other.exploitation.score);
        for (list, more) in [(&mut self.fixed_in, other.fixed_in), (&mut self.aliases, other.aliases)] {
            let new: Vec<String> = more.into_iter().filter(|item| !list.contains(item)).collect();
            list.extend(new);
        }
    }

    /// 16 hex digits, the same in every rebuild of the image as long as the thing itself is the same.
    #[must_use]
    pub fn id(&self) -> String {
        self.id_as(&self.rule)
    }

    /// The id that the same thing has under another rule, such as an alias.
    #[must_use]
    pub fn id_as(&self, rule: &str) -> String {
        let text = [self.kind.name(), rule, &self.identity].join("\0");
        Digest::sha256(text.as_bytes()).hex().get(..16).unwrap_or_default().to_owned()
    }
}

/// One list of the findings of several platforms: the same finding with all its platforms and places.
#[must_use]
pub fn unite(findings: impl IntoIterator<Item = Finding>) -> Vec<(String, Finding)> {
    let mut united: BTreeMap<String, Finding> = BTreeMap::new();
    for finding in findings {
        match united.entry(finding.id()) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(finding)),
            std::collections::btree_map::Entry::Occupied(mut place) => {
                place.get_mut().absorb(finding);
            }
        }
    }
    united.into_iter().collect()
}

/// A place in a file of the merged view.
#[must_use]
pub fn file(path: &FilePath, layer: Option<Digest>, layer_index: Option<usize>, instruction: Option<&str>) -> Location {
    Location::File {
        path: path.to_string(),
        layer,
        layer_index,
        line: None,
        state: "present",
        instruction: instruction.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_thing_and_not_its_place() {
        let finding = || Finding::new(Kind::Config, "root-user", Severity::High, "runs as root", "user");
        let elsewhere = Finding { title: "other words".into(), ..finding() }.at(Location::Config("env:A".into()));
        assert_eq!(finding().id(), elsewhere.id());
        assert_ne!(finding().id(), Finding { identity: "other".into(), ..finding() }.id());
        let on = |platform: &str| Finding { platforms: [platform.to_owned()].into(), ..finding() };
        let united = unite([on("linux/amd64"), on("linux/arm64")]);
        assert_eq!(united.len(), 1);
        assert_eq!(united[0].1.platforms.len(), 2);
    }

    #[test]
    fn a_place_knows_its_platforms() {
        let on = |platform: &str, place: &str| {
            let mut finding =
                Finding::new(Kind::Config, "a", Severity::Low, "a", "a").at(Location::Config(place.into()));
            finding.seen_on(platform);
            finding
        };
        let united = unite([on("linux/amd64", "env:A"), on("linux/arm64", "env:A"), on("linux/arm64", "env:B")]);
        let places: Vec<usize> = united[0].1.locations.values().map(BTreeSet::len).collect();
        assert_eq!(places, [2, 1]);
    }
}
