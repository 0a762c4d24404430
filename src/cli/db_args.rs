//! Arguments of `db`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::Network;
use super::sign_args::Trusted;
use crate::advisory::STALE_AFTER_DAYS;

const IMPORT_EXAMPLES: &str = "Examples:
  imgguard db import osv/ --output advisories.store
  imgguard db import debian.json secdb/ csaf_vex.tar.zst epss.csv.gz --output advisories.store
  imgguard db import advisories.oci.tar --key own.pub --allow-no-log";

const EXPORT_EXAMPLES: &str = "Example:
  IMGGUARD_KEY_PASSWORD=… imgguard db export advisories.oci.tar --key own.key --policy release.toml";

const BUILD_EXAMPLES: &str = "Examples:
  imgguard db build --output advisories.store
  imgguard db build osv/ debian.json secdb/ --output advisories.store";

const DIFF_EXAMPLES: &str = "Examples:
  imgguard db diff yesterday.store advisories.store
  imgguard db diff yesterday.store advisories.store --format json";

const SEARCH_EXAMPLES: &str = "Examples:
  imgguard db search CVE-2023-0286
  imgguard db search openssl --limit 10
  imgguard db search GHSA-jfh8-c2jp-5v3q --format json";

const PUSH_EXAMPLES: &str = "Examples:
  IMGGUARD_KEY_PASSWORD=… imgguard db push registry.example/advisories:latest --db advisories.store --key advisories.key";

/// Verbs of `db`.
#[derive(Debug, Subcommand)]
pub enum DbVerb {
    /// Compile advisory feeds, as their publishers offer them, into one store; or take what `db export` wrote
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<ImportArgs>),
    /// Write a store, policies and a trusted root into one signed file, for a closed network
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Fetch advisories from those who publish them, and compile them into the store that every verb reads
    ///
    /// What was fetched before is brought up to date: of OSV only the records that changed, of other files only those that did. The store is replaced when everything is there, and only if no source went back.
    #[command(
        after_help = "Examples:\n  imgguard db update --for registry.example/app:1.2\n  imgguard db update --ecosystem PyPI,npm,Debian:12 --plan\n  imgguard db update\n  imgguard db update --from registry.example/advisories:latest --key advisories.pub --allow-no-log"
    )]
    Update(Box<UpdateArgs>),
    /// Compile a store that may be handed on: of the feeds that `db update` keeps, or of those that are named
    ///
    /// Records whose terms forbid it are left out, and counted. The same files give the same bytes.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArgs),
    /// Publish a store in a registry: signed, with what turns the one before into it
    ///
    /// The signature is there before the tag points to the store. Whoever has the store of the day before fetches kilobytes.
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArgs),
    /// Compare two stores: advisories that came, went or changed
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Look up an id, a package, or a part of either
    #[command(after_help = SEARCH_EXAMPLES)]
    Search(SearchArgs),
    /// Show what a store holds and how old it is
    Status {
        /// Store to show [default: the one of `db update`, else the embedded one]
        #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
        db: Option<PathBuf>,
        /// Judge ages as of this date [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<jiff::civil::Date>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What `db update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Fetch what this image's packages need; repeat for several
    #[arg(long = "for", value_name = "REFERENCE")]
    pub images: Vec<String>,
    /// Fetch a store that somebody compiled and signed, instead of feeds: registry.example/advisories:latest or oci:DIR:latest; repeat for mirrors, the first that answers counts
    #[arg(long, value_name = "REFERENCE", conflicts_with_all = ["images", "ecosystem", "plan", "mirror", "upstream"])]
    pub from: Vec<String>,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Fetch these ecosystems, as the report's coverage names them, such as PyPI,Debian:12; `all` stands for every language and every release that gets fixes
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub ecosystem: Vec<String>,
    /// Only show what would be fetched, with sizes
    #[arg(long)]
    pub plan: bool,
    /// Accept a feed that has far fewer records than before, or older ones
    #[arg(long)]
    pub accept_fewer: bool,
    /// The store to write; it is replaced in one step [default: the user's data folder]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the fetched files are kept for the next update [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub mirror: Option<PathBuf>,
    /// Fetch from a copy instead of the publisher, such as osv=https://mirror.example/osv/
    #[arg(long, value_name = "NAME=URL", value_parser = super::update::address)]
    pub upstream: Vec<(String, reqwest::Url)>,
    /// Whose signature a fetched store must have.
    #[command(flatten)]
    pub trust: Trusted,
    /// Take a fetched store whoever made it
    #[arg(long, requires = "from", conflicts_with_all = ["key", "identity", "identity_regexp"], help_heading = "Trust")]
    pub allow_unsigned: bool,
    /// Refuse a fetched store that was published more days ago
    #[arg(long, value_name = "DAYS", default_value_t = STALE_AFTER_DAYS, help_heading = "Trust")]
    pub max_age: i32,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}

/// What `db build` takes.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Feeds in any of their publishers' forms, or folders of them [default: what `db update` fetched]
    #[arg(value_name = "DIR|FILE")]
    pub inputs: Vec<PathBuf>,
    /// Where `db update` keeps what it fetched [default: the user's cache folder]
    #[arg(long, value_name = "DIR", conflicts_with = "inputs")]
    pub mirror: Option<PathBuf>,
    /// The store to write; it is replaced in one step
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Accept a feed that has far fewer records than the store that is replaced, or than it says itself
    #[arg(long)]
    pub accept_fewer: bool,
}

/// What `db push` takes.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The store, as `db build` made it
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub db: PathBuf,
    /// Where to.
    #[command(flatten)]
    pub to: Destination,
}

/// Where something is published, and by whom.
#[derive(Debug, Args)]
pub struct Destination {
    /// Where to: a tag, such as registry.example/advisories:latest
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// The private key (cosign.key); its password comes from IMGGUARD_KEY_PASSWORD or COSIGN_PASSWORD
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Publish it also when it has far less than what is published, or is older
    #[arg(long)]
    pub accept_fewer: bool,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}

/// What `db diff` takes.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The store that there was
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The store that there is
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Format of the comparison
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"])]
    pub format: String,
}

/// What `db search` takes.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// An id (CVE-…, GHSA-…, DSA-…), the name of a package, or a part of either
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Store to search [default: the one of `db update`, else the embedded one]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Show at most so many advisories
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    pub limit: usize,
    /// Format of the answer
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"])]
    pub format: String,
}

/// What `db import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Feeds in any of their publishers' forms, plain, compressed or archived, or folders of them, each told by its content; or one file of `db export`
    #[arg(required = true, value_name = "DIR|FILE")]
    pub inputs: Vec<PathBuf>,
    /// The store to write; it is replaced in one step [default: the user's data folder]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out records that may not be passed on (Chainguard's, and those that come from OSVDB)
    #[arg(long)]
    pub redistributable: bool,
    /// Accept a feed that has far fewer records than the store that is replaced, or than it says itself, or an older store
    #[arg(long)]
    pub accept_fewer: bool,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Whose signature a file of `db export` must have.
    #[command(flatten)]
    pub trust: Trusted,
    /// Take a file of `db export` whoever made it
    #[arg(long, conflicts_with_all = ["key", "identity", "identity_regexp"], help_heading = "Trust")]
    pub allow_unsigned: bool,
    /// Refuse a file of `db export` that was made more days ago [default: any age is taken]
    #[arg(long, value_name = "DAYS", help_heading = "Trust")]
    pub max_age: Option<i32>,
}

/// What `db export` takes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file to write: an OCI layout in a tar file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The private key (cosign.key); its password comes from IMGGUARD_KEY_PASSWORD or COSIGN_PASSWORD
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Store to write [default: the one of `db update`, else the embedded one]
    #[arg(long, env = "IMGGUARD_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// A policy that goes along; repeat for several
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// A catalogue of base images that goes along, as `base index` made it
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// The trusted_root.json of a Sigstore instance that goes along
    #[arg(long, value_name = "FILE")]
    pub trusted_root: Option<PathBuf>,
}
