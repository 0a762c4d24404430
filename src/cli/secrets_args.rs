//! The command line of `secrets`, and of what sets findings aside.

use std::path::PathBuf;

use clap::Args;

use super::args::{Output, SecretRules, Target, threshold};
use crate::advisory::model::Severity;

/// Examples of `secrets`.
pub(super) const EXAMPLES: &str = "Examples:\n  imgguard secrets registry.example/app:1.2\n  imgguard secrets registry.example/app:1.2 --incident --output incident.md\n  imgguard secrets dir:.\n  imgguard secrets dir:. --staged\n  imgguard secrets dir:. --history -o json=history.json\n  imgguard secrets oci:build/image --baseline known.json --fail-on high";

/// Flags that `secrets` shares with other verbs and that are about packages: not shown in its help, and refused.
pub(super) const ABOUT_PACKAGES: [&str; 4] = ["source", "no_dev", "verify_files", "only_fixed"];

/// What `secrets` takes.
#[derive(Debug, Args)]
#[command(mut_args(|arg| if ABOUT_PACKAGES.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg }))]
pub struct SecretsArgs {
    /// Which images or folders, and how to read them.
    #[command(flatten)]
    pub target: Target,
    /// Of a checkout (dir:PATH), look at what the next commit would add; exit 1 for a secret, as a pre-commit hook needs it
    #[arg(long, conflicts_with = "history", help_heading = "Checkout")]
    pub staged: bool,
    /// Of a checkout (dir:PATH), look at every commit of every ref, each version of a file once
    #[arg(long, help_heading = "Checkout")]
    pub history: bool,
    /// By which rules.
    #[command(flatten)]
    pub rules: SecretRules,
    /// What sets findings aside.
    #[command(flatten)]
    pub suppressing: Suppressing,
    /// What is done with the secrets that were found.
    #[command(flatten)]
    pub revealing: Revealing,
    /// Write what to do about each secret instead of the report: where it is, who has it, what to rotate, how to rebuild; as Markdown, or JSON with --format json
    #[arg(long, conflicts_with_all = ["staged", "history"], help_heading = "Report")]
    pub incident: bool,
    /// How to report.
    #[command(flatten)]
    pub output: Output,
    /// Exit 1 for a secret of this severity or worse whose confidence is not low
    #[arg(long, value_name = "SEVERITY", value_parser = threshold, help_heading = "Judgement")]
    pub fail_on: Option<Severity>,
    /// Judge by this policy: a built-in name (secrets) or a file [default: secrets with --staged]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Judgement")]
    pub policy: Option<String>,
}

/// What sets findings aside.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Known findings")]
pub struct Suppressing {
    /// Waivers: findings that somebody answers for until a day, or none [default: .imgguard.toml of this folder, if there is one]
    #[arg(long, value_name = "FILE|none")]
    pub waivers: Option<PathBuf>,
    /// Only count what this earlier report (--format json) does not have
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Believe comments in the scanned files (gitleaks:allow, imgguard:allow); whoever made the image may have written them
    #[arg(long)]
    pub inline_allow: bool,
}

/// What is done with the secrets that were found.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Secrets in clear")]
pub struct Revealing {
    /// Show the secrets themselves; not in formats for CI, and in CI only on a terminal (reads layers again)
    #[arg(long)]
    pub show_secrets: bool,
    /// Ask the providers of tokens whether they work: one read-only call each, to the hosts of --print-hosts alone (reads layers again)
    #[arg(long, conflicts_with = "offline")]
    pub verify_secrets: bool,
    /// Print the hosts that --verify-secrets may ask, and do nothing else
    #[arg(long)]
    pub print_hosts: bool,
}
