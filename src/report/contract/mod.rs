//! The report contract, version 1.0: what `--format json` writes and every other format is made of. `docs/schema/report-1.0.json` describes it.
//!
//! Names and meanings are fixed; adding a field is free, renaming one needs a new major version. [`Report::sort`] puts every list into its order, so that the
//! same image, store, policy and date give the same bytes.

mod base;
mod inventory;

pub use base::{Base, Change, LowerBase, NewerBase, Statement, Support};
pub use inventory::{Configuration, Layer, Os, Package, Platform, SourcePackage, User};
use serde::{Deserialize, Serialize};

/// Version of the contract.
pub const SCHEMA_VERSION: &str = "1.0";

/// `subject.transport` of a report about build and run files, which has its own page.
pub const SOURCE_TRANSPORT: &str = "source";

/// Several subjects of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reports {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// One report a subject, in the order of the command line.
    pub reports: Vec<Report>,
}

impl Reports {
    /// These reports, in the version that this program writes.
    #[must_use]
    pub fn of(reports: impl IntoIterator<Item = Report>) -> Self {
        Self { schema_version: SCHEMA_VERSION.to_owned(), reports: reports.into_iter().collect() }
    }
}

/// The report of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// Who wrote it.
    pub tool: Tool,
    /// The date at which ages were judged, `YYYY-MM-DD`.
    pub evaluated_at: String,
    /// What was scanned.
    pub subject: Subject,
    /// The advisory data that was used.
    pub advisories: Advisories,
    /// How far each ecosystem of each platform could be checked.
    pub coverage: Vec<Coverage>,
    /// What was not looked at: `secrets` and `development dependencies`, because the user said so; `configuration`, because a folder has none.
    pub skipped: Vec<String>,
    /// The platforms.
    pub platforms: Vec<Platform>,
    /// Installed packages of all platforms.
    pub packages: Vec<Package>,
    /// Findings of all platforms.
    pub findings: Vec<Finding>,
    /// Verified signatures; empty in a scan.
    pub signatures: Vec<serde_json::Value>,
    /// Controls of benchmarks, in their order: the twelve of section 4 of the CIS Docker Benchmark, in a scan that looks at everything.
    pub controls: Vec<Control>,
    /// What could not be read.
    pub unknowns: Vec<Unknown>,
    /// What the policy says.
    pub verdict: Verdict,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// `imgguard`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// As the user wrote it.
    pub reference: String,
    /// Who answered: `registry`, `oci`, `docker-daemon`, …
    pub transport: String,
    /// Digest of the index or manifest; null for a folder.
    pub digest: Option<String>,
    /// Its media type.
    pub media_type: String,
}

/// The advisory store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advisories {
    /// Digest of the store.
    pub digest: String,
    /// What it was made from.
    pub sources: Vec<Source>,
}

/// One source of advisories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// When its newest record was changed (RFC 3339).
    pub modified: Option<String>,
    /// How many records it has.
    pub records: u64,
}

/// How far an ecosystem could be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The platform.
    pub platform: String,
    /// The ecosystem, with its release.
    pub ecosystem: String,
    /// Packages of it.
    pub packages: u32,
    /// `full`, `fixed_only`, `stale` or `none`.
    pub data: String,
    /// Age of the data; null without any.
    pub modified: Option<String>,
}

/// Where something is: a file of a layer, or a part of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file; `!` stands before a path inside an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `env:NAME`, `label:NAME`, `history:INDEX:NAME`, `annotation:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// First layer since which it has been there; null for a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// That layer's index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_index: Option<usize>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in a build or run file, in characters from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Line that it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// First column after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// The line in a build or run file, with secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What mends it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// `present`, `deleted` or `overwritten`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The build instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// The commit that brought it, in the history of a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Platforms, where not all of the subject have it there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
}

/// Changes of a file that mend what is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fix {
    /// What they do.
    pub title: String,
    /// They do not overlap.
    pub edits: Vec<Edit>,
}

/// A part of a file, from its first place to the first after it, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edit {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Line that it ends in.
    pub end_line: u32,
    /// First column after it.
    pub end_column: u32,
    /// The new text.
    pub text: String,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit {
    /// Its id; empty for what is staged and not yet committed.
    pub id: String,
    /// Its author.
    pub author: String,
    /// When it was written (RFC 3339).
    pub date: String,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// 16 hex digits, stable across rebuilds.
    pub id: String,
    /// `secret`, `config`, `vulnerability`, `informational`, `lint`, …
    pub kind: String,
    /// Rule or advisory id.
    pub rule: String,
    /// `critical` … `unknown`.
    pub severity: String,
    /// One line.
    pub title: String,
    /// Platforms that have it.
    pub platforms: Vec<String>,
    /// The package's purl; the first of `packages`.
    pub package: Option<String>,
    /// Purls of all packages that have it: several where versions or architectures of a package are installed side by side.
    pub packages: Vec<String>,
    /// What the advisory states.
    pub status: Option<String>,
    /// Versions with the fix.
    pub fixed_in: Vec<String>,
    /// Other ids.
    pub aliases: Vec<String>,
    /// CVSS base score.
    pub cvss: Option<f64>,
    /// EPSS probability, where there is data.
    pub epss: Option<f64>,
    /// EPSS percentile.
    #[serde(default)]
    pub epss_percentile: Option<f64>,
    /// Whether the image's command can load one of the packages: `false` where no path leads to any, absent where nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<bool>,
    /// Known to be exploited.
    pub kev: bool,
    /// When CISA listed it, `YYYY-MM-DD`.
    #[serde(default)]
    pub kev_added: Option<String>,
    /// Whether ransomware campaigns are known to use it.
    #[serde(default)]
    pub kev_ransomware: bool,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// Whether all its places are in layers that are proven to be the base image's.
    pub in_base: bool,
    /// What was decided about it.
    pub disposition: Disposition,
    /// Where it is.
    pub locations: Vec<Location>,
    /// Masked text, or the range that matched.
    pub evidence: Option<String>,
    /// What to do.
    pub remediation: Option<String>,
    /// `active`, `inactive` or `unknown`: what the provider says of a secret, with `--verify-secrets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// The secret in clear, only with `--show-secrets`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What was decided about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disposition {
    /// `open`, `waived`, `vex`, `baseline` or `suppressed`.
    pub state: String,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unknown {
    /// 16 hex digits.
    pub id: String,
    /// The file.
    pub path: Option<String>,
    /// The layer.
    pub layer: Option<String>,
    /// `required` or `optional`.
    pub effect: String,
    /// Why.
    pub reason: String,
    /// Platforms that have it.
    pub platforms: Vec<String>,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// `pass`, `fail`, `incomplete`, or `none` when no policy was asked.
    pub result: String,
    /// The policy's name; in a scan without one, the policy whose gates are previewed.
    pub policy: String,
    /// Its gates.
    pub gates: Vec<GateResult>,
}

/// One gate's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// Name.
    pub name: String,
    /// `pass` or `fail`.
    pub result: String,
    /// Ids of the findings that fail it.
    pub findings: Vec<String>,
}

/// A control of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// `CIS-4.1`.
    pub id: String,
    /// `pass`, `fail`, `not_applicable`, or `unknown` where not all was looked at that could fail it.
    pub result: String,
    /// Ids of the findings about it, those that are set aside too.
    pub findings: Vec<String>,
}

/// Place of a severity word in the order from worst to least.
#[must_use]
pub fn severity_rank(severity: &str) -> u8 {
    match severity {
        "critical" => 0,
        "high" => 1,
        "medium" => 2,
        "unknown" => 3,
        "low" => 4,
        _ => 5,
    }
}

impl Report {
    /// What is there alone, as a run says it that judges nothing.
    #[must_use]
    pub fn inventory(&self) -> Self {
        Self {
            advisories: Advisories { digest: String::new(), sources: Vec::new() },
            coverage: Vec::new(),
            findings: Vec::new(),
            signatures: Vec::new(),
            controls: Vec::new(),
            verdict: Verdict { result: "none".into(), policy: String::new(), gates: Vec::new() },
            ..self.clone()
        }
    }

    /// Puts every list into its order.
    pub fn sort(&mut self) {
        self.coverage.sort_by(|a, b| (&a.platform, &a.ecosystem).cmp(&(&b.platform, &b.ecosystem)));
        self.packages.sort_by(|a, b| (&a.purl, &a.locations).cmp(&(&b.purl, &b.locations)));
        self.packages.iter_mut().for_each(|package| package.locations.sort());
        self.findings.sort_by(|a, b| {
            let key = |f: &Finding| {
                (f.kind.clone(), severity_rank(&f.severity), f.package.clone(), f.rule.clone(), f.id.clone())
            };
            key(a).cmp(&key(b))
        });
        self.findings.iter_mut().for_each(|finding| finding.locations.sort());
        self.unknowns.sort_by(|a, b| {
            (&a.effect != "required", &a.layer, &a.path, &a.reason).cmp(&(
                &b.effect != "required",
                &b.layer,
                &b.path,
                &b.reason,
            ))
        });
        self.advisories.sources.sort_by(|a, b| a.name.cmp(&b.name));
    }
}
