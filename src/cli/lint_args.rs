//! The command line of `lint`.

use std::path::PathBuf;

use clap::Args;

use super::args::{Network, Output, threshold};
use super::secrets_args::Suppressing;
use crate::advisory::model::Severity;
use crate::lint::LabelKind;

/// Examples of `lint`.
pub(super) const EXAMPLES: &str = "Examples:\n  imgguard lint Dockerfile\n  imgguard lint . --fail-on medium -o sarif=lint.sarif\n  imgguard lint . --diff\n  imgguard lint compose.yaml --compose-override compose.prod.yaml\n  imgguard lint . --fix\n  imgguard lint . --pin --diff\n  imgguard lint . --context\n  imgguard lint compose.yaml --image web=registry.example/web:1.2\n  imgguard lint Dockerfile --trusted-registry registry.example --enable DL3057 --label org.opencontainers.image.source=url";

/// What `lint` takes.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Dockerfiles, Compose files, Kubernetes manifests, folders in which they are looked for, or - for a Dockerfile on standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Mend what has one right answer, and report what is left
    #[arg(long, conflicts_with = "diff", help_heading = "Fixes")]
    pub fix: bool,
    /// Show what --fix would change, and change nothing
    #[arg(long, help_heading = "Fixes")]
    pub diff: bool,
    /// Ask registries for the digests of images that have none, so that --fix and --diff add them
    #[arg(long, help_heading = "Fixes")]
    pub pin: bool,
    /// Show what a build is sent of each folder instead: how much, the largest files, and what should stay out; judge and change nothing
    #[arg(long, conflicts_with_all = ["fix", "diff", "fail_on", "policy"], help_heading = "Build contexts")]
    pub context: bool,
    /// What the image of a service or container says of user and health check counts where the file is silent, such as web=oci:build/web
    #[arg(long, value_name = "NAME=IMAGE", value_parser = named, help_heading = "Compose files")]
    pub image: Vec<(String, String)>,
    /// Put this Compose file over the one that is named, as `docker compose -f` does; may be given several times
    #[arg(long, value_name = "FILE", help_heading = "Compose files")]
    pub compose_override: Vec<PathBuf>,
    /// Take the values of variables from this file [default: .env beside the Compose file]; those of the process never count
    #[arg(long, value_name = "FILE", help_heading = "Compose files")]
    pub env_file: Vec<PathBuf>,
    /// How the rules are set.
    #[command(flatten)]
    pub rules: LintRules,
    /// Advisory store with the end-of-life dates of bases [default: the one of `db update`, else the embedded one]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE", help_heading = "Rules")]
    pub db: Option<PathBuf>,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", help_heading = "Rules")]
    pub as_of: Option<jiff::civil::Date>,
    /// Open no network socket
    #[arg(long, conflicts_with = "pin", help_heading = "Network")]
    pub offline: bool,
    /// How the network is used, by --pin and --image.
    #[command(flatten)]
    pub network: Network,
    /// What sets findings aside.
    #[command(flatten)]
    pub suppressing: Suppressing,
    /// How to report.
    #[command(flatten)]
    pub output: Output,
    /// Exit 1 for a problem of this severity or worse
    #[arg(long, value_name = "SEVERITY", value_parser = threshold, help_heading = "Judgement")]
    pub fail_on: Option<Severity>,
    /// Judge by this policy: a built-in name or a file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judgement")]
    pub policy: Option<String>,
}

/// How the rules are set.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct LintRules {
    /// Run these rules, too: ids, or names that other tools give them, such as DL3057; all for every one
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub enable: Vec<String>,
    /// Do not run these rules
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub disable: Vec<String>,
    /// Bases may come from this registry, and from no other than those named; *.example for all hosts under it
    #[arg(long, value_name = "HOST")]
    pub trusted_registry: Vec<String>,
    /// Every image must have this label, its value being text, url, rfc3339, spdx, hash, semver or email
    #[arg(long, value_name = "NAME=KIND", value_parser = label)]
    pub label: Vec<(String, LabelKind)>,
    /// An image may have no other label than those of --label
    #[arg(long, requires = "label")]
    pub strict_labels: bool,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, image) = text.split_once('=').ok_or("write NAME=IMAGE, such as web=registry.example/web:1.2")?;
    Ok((name.to_owned(), image.to_owned()))
}

fn label(text: &str) -> Result<(String, LabelKind), String> {
    let (name, kind) = text.split_once('=').ok_or("write NAME=KIND, such as org.opencontainers.image.source=url")?;
    let known = LabelKind::NAMES.iter().find(|(known, _)| *known == kind);
    let kinds = || LabelKind::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (_, kind) = known.ok_or_else(|| format!("`{kind}` is no kind of label; there are {}", kinds()))?;
    Ok((name.to_owned(), *kind))
}
