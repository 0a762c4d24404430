//! The command line: verbs, flags and their help.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::base_args::BaseArgs;
use super::copy::CopyArgs;
use super::db_args::DbVerb;
use super::harden_args::HardenArgs;
use super::lint_args::LintArgs;
use super::rules::RulesVerb;
use super::secrets_args::{SecretsArgs, Suppressing};
use super::sign_args::{
    ATTEST_USAGE, AttestArgs, GenerateArgs, ImportArgs, PublicKeyArgs, SignArgs, TreeArgs, VerifyArgs,
};
use crate::advisory::model::Severity;
use crate::oci::Platform;
use crate::report::{REPORTS, ReportFormat};
use crate::source::PlatformChoice;

/// Scans multi-arch container images for leaked secrets, vulnerable packages and root users, in one pass.
#[derive(Debug, Parser)]
#[command(name = "imgguard", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = super::exit::help())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Flags of every verb.
    #[command(flatten)]
    pub global: Global,
}

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Tell on standard error what the run does: hosts that are asked, layers, the cache, times; never what is in an image (as IMGGUARD_LOG=debug)
    #[arg(long, global = true)]
    pub debug: bool,
    /// Show no progress, even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Report what is in an image: secrets, packages and their vulnerabilities, how it runs
    #[command(
        after_help = "Examples:\n  imgguard scan registry.example/app:1.2\n  imgguard scan oci:build/image --platform linux/arm64\n  imgguard scan docker-daemon:app:dev -o json=app.json -o sarif=app.sarif\n  imgguard scan --from images.txt --fail-on high\n  docker save app | imgguard scan -"
    )]
    Scan(ScanArgs),
    /// Decide whether an image may be released: exit 0 or 1
    #[command(
        after_help = "Examples:\n  imgguard gate registry.example/app@sha256:… --policy local\n  imgguard gate oci:build/image --policy release.toml --fail-on high"
    )]
    Gate(GateArgs),
    /// Find leaked secrets in images, folders, and a checkout's history
    #[command(after_help = super::secrets_args::EXAMPLES)]
    Secrets(SecretsArgs),
    /// Make a hardened copy of an image: a plan first, then the new image, scanned before its tag moves
    #[command(after_help = super::harden_args::EXAMPLES)]
    Harden(HardenArgs),
    /// Check how an image is built: Dockerfiles
    #[command(after_help = super::lint_args::EXAMPLES)]
    Lint(LintArgs),
    /// Tell why an id is or is not reported: packages, files, ranges, comparisons
    #[command(
        after_help = "Examples:\n  imgguard explain CVE-2023-0286 registry.example/app:1.2\n  imgguard explain GHSA-jfh8-c2jp-5v3q\n  imgguard explain 3f1c0a52b7d94e60 oci:build/image --format json"
    )]
    Explain(ExplainArgs),
    /// Check who signed an image, or its attestations: exit 0 or 1
    #[command(after_help = super::sign_args::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Sign an image with a key
    #[command(after_help = super::sign_args::SIGN_EXAMPLES)]
    Sign(SignArgs),
    /// Attest something of an image: sign an SBOM, a VEX document, provenance, or any other predicate
    #[command(after_help = super::sign_args::ATTEST_EXAMPLES, override_usage = ATTEST_USAGE)]
    Attest(AttestArgs),
    /// Show everything that hangs on an image
    #[command(
        after_help = "Examples:\n  imgguard tree registry.example/app:1.2\n  imgguard tree oci:build/image --format json"
    )]
    Tree(TreeArgs),
    /// Copy an image to another registry or repository, or to a layout, with every platform and what hangs on it
    #[command(after_help = super::copy::EXAMPLES)]
    Copy(CopyArgs),
    /// Make a key pair for signing: imgguard.key, under a password, and imgguard.pub
    #[command(after_help = super::sign_args::GENERATE_EXAMPLES)]
    GenerateKeyPair(GenerateArgs),
    /// Put a private key of another tool under a password, as cosign does
    #[command(after_help = super::sign_args::IMPORT_EXAMPLES)]
    ImportKeyPair(ImportArgs),
    /// Write the public key of a private one, wherever it is kept
    #[command(after_help = super::sign_args::PUBLIC_EXAMPLES)]
    PublicKey(PublicKeyArgs),
    /// Write a bill of materials: what is installed in an image, and in which layer
    #[command(
        after_help = "Examples:\n  imgguard sbom registry.example/app:1.2 --output app.cdx.json\n  imgguard sbom oci:build/image --platform linux/arm64 --format spdx\n  imgguard sbom oci:build/image -o cyclonedx=app.cdx.json -o spdx=app.spdx.json --output app.spdx --format spdx-tag-value\n  imgguard scan sbom:app.cdx.json"
    )]
    Sbom(SbomArgs),
    /// Compare two images, or two platforms of one: packages, findings, configuration, size
    #[command(
        after_help = "Examples:\n  imgguard diff registry.example/app:1.1 registry.example/app:1.2\n  imgguard diff oci:build/image --platform linux/amd64,linux/arm64\n  imgguard diff report:released.json oci:build/image --exit-code\n  imgguard diff sbom:app.cdx.json registry.example/app:1.2 --format json"
    )]
    Diff(DiffArgs),
    /// Show, test or check rules
    Rules {
        /// What to do.
        #[command(subcommand)]
        verb: RulesVerb,
    },
    /// Tell what an image stands on, how old that is, and until when it gets fixes
    #[command(after_help = super::base_args::EXAMPLES, args_conflicts_with_subcommands = true)]
    Base(Box<BaseArgs>),
    /// Import advisories into a store, or show what a store holds
    Db {
        /// What to do.
        #[command(subcommand)]
        verb: DbVerb,
    },
}

/// What `scan` takes.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Which images, and how to read them.
    #[command(flatten)]
    pub target: Target,
    /// What is looked for.
    #[command(flatten)]
    pub looking: Looking,
    /// First fetch the advisories that the images need, as `db update --for` does
    #[arg(long, conflicts_with = "offline", help_heading = "Image")]
    pub update: bool,
    /// Fetch them from a copy instead of the publisher, such as osv=https://mirror.example/osv/
    #[arg(long, requires = "update", value_name = "NAME=URL", value_parser = super::update::address, help_heading = "Image")]
    pub upstream: Vec<(String, reqwest::Url)>,
    /// How to report.
    #[command(flatten)]
    pub output: Output,
    /// Exit 1 for a finding of this severity or worse; an unknown one counts as medium
    #[arg(long, value_name = "SEVERITY", value_parser = threshold, help_heading = "Judgement")]
    pub fail_on: Option<Severity>,
    /// Judge by this policy: a built-in name (local) or a file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judgement")]
    pub policy: Option<String>,
}

/// What `gate` takes.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Which images, and how to read them.
    #[command(flatten)]
    pub target: Target,
    /// What is looked for.
    #[command(flatten)]
    pub looking: Looking,
    /// How to report.
    #[command(flatten)]
    pub output: Output,
    /// Refuse for a finding of this severity or worse; an unknown one counts as medium
    #[arg(long, value_name = "SEVERITY", value_parser = threshold, help_heading = "Judgement")]
    pub fail_on: Option<Severity>,
    /// The policy: a built-in name (local) or a file [default: local, unless --fail-on is given]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judgement")]
    pub policy: Option<String>,
}

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A CVE or another advisory's id, or the id of a finding
    #[arg(value_name = "ID")]
    pub id: String,
    /// Which images, and how to read them; without one, what the store knows is told.
    #[command(flatten)]
    pub target: Target,
    /// Advisory store to use [default: the one of `db update`, else the embedded one]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Format of the answer
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"], help_heading = "Report")]
    pub format: String,
}

/// What `sbom` takes.
#[derive(Debug, Args)]
pub struct SbomArgs {
    /// Which images, and how to read them.
    #[command(flatten)]
    pub target: Target,
    /// Format of the bill
    #[arg(long, default_value = "cyclonedx", value_name = "FORMAT", value_parser = bills(), help_heading = "Report")]
    pub format: String,
    /// Write the bill to this file instead of standard output
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
    /// Write one more bill, such as spdx=app.spdx.json; repeat for several
    #[arg(short = 'o', value_name = "FORMAT=FILE", value_parser = bill_file, help_heading = "Report")]
    pub also: Vec<(&'static dyn ReportFormat, PathBuf)>,
}

/// What `diff` takes.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// What there was and what there is: two images, sbom:FILE, or report:FILE, which `scan --format json` wrote; a single image with two --platform compares these
    #[arg(required = true, num_args = 1..=2, value_name = "REFERENCE")]
    pub sides: Vec<String>,
    /// How images are read.
    #[command(flatten)]
    pub reading: Reading,
    /// What is looked for.
    #[command(flatten)]
    pub looking: Looking,
    /// Format of the comparison
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"], help_heading = "Report")]
    pub format: String,
    /// Write the comparison to this file instead of standard output
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
    /// Exit 1 when anything differs
    #[arg(long, help_heading = "Judgement")]
    pub exit_code: bool,
}

/// Which images, and how to read them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Image")]
pub struct Target {
    /// An image: registry.example/app:tag, oci:DIR[:ref], oci-archive:FILE, docker-archive:FILE, docker-daemon:IMAGE, containers-storage:IMAGE, dir:PATH, sbom:FILE, or - for an archive on standard input
    #[arg(value_name = "REFERENCE", help_heading = None::<&'static str>)]
    pub references: Vec<String>,
    /// Read references from a file or, with -, from standard input: one a line, a compose file, Kubernetes manifests, or `docker buildx bake --print`
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// How images are read.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Image")]
pub struct Reading {
    /// Which platforms of an index: all, native, or a list such as linux/amd64,linux/arm64
    #[arg(long, default_value = "all", value_name = "LIST", value_parser = platforms)]
    pub platform: PlatformChoice,
    /// Read a folder (dir:PATH) as a project's sources: what its lock files name counts as its packages
    #[arg(long)]
    pub source: bool,
    /// Of a project's sources, leave out what is only for development
    #[arg(long, requires = "source")]
    pub no_dev: bool,
    /// Open no network socket
    #[arg(long)]
    pub offline: bool,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Where facts of layers are kept, or none [default: the user's cache folder]
    #[arg(long, env = "IMGGUARD_CACHE_DIR", value_name = "DIR|none")]
    pub cache: Option<PathBuf>,
    /// Check the diff IDs of compressed layers too (reads cached layers again)
    #[arg(long)]
    pub verify_diff_ids: bool,
    /// Compare every file of an OS package with its record, not only those that a later layer rewrote (reads layers twice)
    #[arg(long)]
    pub verify_files: bool,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}

/// What is looked for.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Image")]
pub struct Looking {
    /// Advisory store to use [default: the one of `db update`, else the embedded one]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Base catalogue to use [default: the one of `base index` or `base pull`, where there is one]
    #[arg(long, env = "IMGGUARD_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Do not look for secrets
    #[arg(long, conflicts_with = "secret_rules")]
    pub no_secrets: bool,
    /// By which rules.
    #[command(flatten)]
    pub rules: SecretRules,
    /// Set aside what VEX documents (OpenVEX, CSAF, CycloneDX) say is no vulnerability here: files, or folders of them
    #[arg(long, value_name = "FILE|DIR")]
    pub vex: Vec<PathBuf>,
    /// What sets findings aside.
    #[command(flatten)]
    pub suppressing: Suppressing,
    /// Check the signatures and attestations that this policy demands ([[signature]] tables)
    #[arg(long, value_name = "POLICY")]
    pub verify: Option<PathBuf>,
}

/// Rules for secrets besides the shipped ones.
#[derive(Debug, Default, Args)]
pub struct SecretRules {
    /// Look for secrets by the rules in this file, too, such as a .gitleaks.toml (gitleaks' format, Betterleaks', or ours); repeat for several
    #[arg(long = "secret-rules", id = "secret_rules", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// How the network is used.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct Network {
    /// Give up on the network this many seconds after it was first used [default: no limit but those of 10 s on connecting and 30 s on silence]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,
    /// Speak plain HTTP with this registry (loopback always may)
    #[arg(long, value_name = "HOST")]
    pub plain_http: Vec<String>,
    /// Do not check this registry's certificate
    #[arg(long, value_name = "HOST")]
    pub insecure_tls: Vec<String>,
}

/// How to report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Output {
    /// Format of the report
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = formats())]
    pub format: String,
    /// Write the report to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write one more report, such as json=app.json; repeat for several
    #[arg(short = 'o', value_name = "FORMAT=FILE", value_parser = format_file)]
    pub also: Vec<(&'static dyn ReportFormat, PathBuf)>,
    /// What the table shows: problems, or all
    #[arg(long, default_value = "problems", value_name = "WHAT", value_parser = ["problems", "all"])]
    pub show: String,
    /// Severities that the table shows, such as critical,high
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = severity)]
    pub severity: Vec<Severity>,
    /// Only vulnerabilities that have a fix, in the table
    #[arg(long)]
    pub only_fixed: bool,
    /// Only findings of the application, or only those of its base, in the table
    #[arg(long, value_name = "PART", value_parser = ["application", "base"])]
    pub only: Option<String>,
}

fn severity(text: &str) -> Result<Severity, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "critical" => Ok(Severity::Critical),
        "high" => Ok(Severity::High),
        "medium" => Ok(Severity::Medium),
        "low" => Ok(Severity::Low),
        "negligible" => Ok(Severity::Negligible),
        "unknown" => Ok(Severity::Unknown),
        _ => Err("write critical, high, medium, low, negligible or unknown".into()),
    }
}

/// A severity that can be a threshold.
pub(super) fn threshold(text: &str) -> Result<Severity, String> {
    match severity(text) {
        Ok(Severity::Unknown) | Err(_) => Err("write critical, high, medium, low or negligible".into()),
        known => known,
    }
}

pub(super) fn platforms(text: &str) -> Result<PlatformChoice, String> {
    match text {
        "all" => Ok(PlatformChoice::All),
        "native" => Ok(PlatformChoice::Native),
        list => list
            .split(',')
            .map(|part| part.trim().parse::<Platform>().map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()
            .map(PlatformChoice::Only),
    }
}

/// The names of all report formats, each with its line of help.
fn formats() -> PossibleValuesParser {
    values(|_| true)
}

/// The same of those that are bills of materials.
fn bills() -> PossibleValuesParser {
    values(|format| format.is_bill())
}

fn values(takes: fn(&dyn ReportFormat) -> bool) -> PossibleValuesParser {
    let formats = REPORTS.iter().filter(|format| takes(**format));
    formats.map(|format| PossibleValue::new(format.name()).help(format.summary())).collect::<Vec<_>>().into()
}

pub(super) fn format_file(text: &str) -> Result<(&'static dyn ReportFormat, PathBuf), String> {
    file_of(text, |_| true)
}

fn bill_file(text: &str) -> Result<(&'static dyn ReportFormat, PathBuf), String> {
    file_of(text, |format| format.is_bill())
}

fn file_of(text: &str, takes: fn(&dyn ReportFormat) -> bool) -> Result<(&'static dyn ReportFormat, PathBuf), String> {
    let known = || REPORTS.iter().copied().filter(|format| takes(*format));
    let names = || known().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    let Some((name, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        let example = known().nth(1).map_or("json", |format| format.name());
        return Err(format!("write FORMAT=FILE, such as {example}=report.json"));
    };
    let format = known().find(|format| format.name() == name);
    let format = format.ok_or_else(|| format!("there is no report format `{name}`; there are: {}", names()))?;
    Ok((format, PathBuf::from(file)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
