//! What build and run files say: a file in, [`Problem`]s with their places out, and from these findings like those about an image.
//!
//! ```text
//! bytes ─ dockerfile/ (Subject) ─ dockerfile/rules/* ─┬─ Problems ─ ignore.rs (comments) ─ findings.rs ─ finding::Finding
//! files ─ workload/ ─ container/ ─ container/rules/* ──┤       └ fix.rs (edits of the file)
//! folder ─ repository/ ─ repository/rules/* ───────────┘
//! ```
//!
//! A rule is one file with one [`Rule`]: its [`Meta`] is what reports, `rules list` and `docs/rules/` say of it, its check looks at one kind of file. Cases with what
//! it must and must not find stand in `testdata/lint/KIND/RULE.md`, and `tests/lint.rs` tries them.

pub mod container;
pub mod dockerfile;
pub mod files;
pub mod findings;
pub mod fix;
pub mod ignore;
pub(crate) mod image_name;
mod problem;
pub mod repository;
mod secrets;
mod transport;

pub use problem::{Edit, Fix, Problem, Problems};

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::advisory::Store;
use crate::advisory::model::Severity;

/// What a rule is.
#[derive(Debug)]
pub struct Meta {
    /// Its name in reports, policies and waivers; it names the bad pattern.
    pub id: &'static str,
    /// How bad what it finds is.
    pub severity: Severity,
    /// One line: what is wrong.
    pub summary: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Names of the same rule elsewhere: hadolint's `DL…`, `CIS-…`, Dockle's `CIS-DI-…` and `DKL-…`, Trivy's `DS-…`, Checkov's `CKV…`, KICS' first eight
    /// digits as `KICS-…`, compose-lint's `CL-…`, BuildKit's names as `BuildKit:…`.
    pub aliases: &'static [&'static str],
    /// Where what it says can be read up.
    pub sources: &'static [&'static str],
    /// Whether it runs without being asked for.
    pub default: bool,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What it is.
    pub meta: Meta,
    /// What it does.
    pub check: Check,
}

/// What a rule looks at. It states problems; comments, waivers and policies are not its business.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// One Dockerfile.
    Dockerfile(fn(&dockerfile::Subject<'_>, &mut Problems)),
    /// A container of a Compose file or of a Kubernetes manifest.
    Container(fn(&container::Subject<'_>, &mut Problems)),
    /// What is around them in a repository.
    Repository(fn(&repository::Subject<'_>, &mut Problems)),
}

impl Check {
    /// The kind of file, as `rules list` names it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Dockerfile(_) => "dockerfile",
            Self::Container(_) => "container",
            Self::Repository(_) => "repository",
        }
    }
}

/// Every rule, kind by kind, in the order of the docs.
pub fn rules() -> impl Iterator<Item = &'static Rule> + Clone {
    dockerfile::RULES.iter().chain(container::RULES).chain(repository::RULES).copied()
}

/// Root, as engines read a user with or without a group: a number with the value 0, or the name.
#[must_use]
pub(crate) fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name == "root" || name.parse::<i64>() == Ok(0)
}

/// The rule of that id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.meta.id == id)
}

/// What a user has said about what is right here.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Registries that bases may come from; any where empty. `*.example` stands for all hosts under it.
    pub trusted_registries: Vec<String>,
    /// Labels that an image must have, with what their values are.
    pub labels: Vec<(String, LabelKind)>,
    /// No other labels than these.
    pub strict_labels: bool,
    /// Rules that run besides those that run anyway; `all` stands for every one.
    pub enabled: Vec<String>,
    /// Rules that do not run.
    pub disabled: Vec<String>,
    /// The digests that images have now, by the names that files give them. Without them nothing is pinned: a digest is asked for and never guessed.
    pub digests: BTreeMap<String, String>,
}

impl Options {
    /// Whether a rule runs; it may be named by an alias, too.
    #[must_use]
    pub fn runs(&self, meta: &Meta) -> bool {
        let names = |list: &[String]| list.iter().any(|name| name == "all" || meta.is_named(name));
        !names(&self.disabled) && (meta.default || names(&self.enabled))
    }
}

impl Meta {
    /// Whether somebody means this rule by a name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.id == name || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// What a label's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// Any text that is not empty.
    Text,
    /// An absolute address.
    Url,
    /// A time of RFC 3339.
    Time,
    /// An SPDX licence expression.
    Licence,
    /// A commit of git, whole or shortened to seven digits or more.
    GitHash,
    /// A version of Semantic Versioning 2.0.
    Semver,
    /// An address of mail.
    Email,
}

impl LabelKind {
    /// Every one, by its name on the command line.
    pub const NAMES: &[(&str, Self)] = &[
        ("text", Self::Text),
        ("url", Self::Url),
        ("rfc3339", Self::Time),
        ("spdx", Self::Licence),
        ("hash", Self::GitHash),
        ("semver", Self::Semver),
        ("email", Self::Email),
    ];
}

/// What is known besides the file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where end-of-life dates are.
    pub store: Option<&'a Store>,
    /// The date at which ages are judged.
    pub evaluated_at: Date,
    /// What the user has said.
    pub options: &'a Options,
}
