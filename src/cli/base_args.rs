//! Arguments of `base`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{Looking, Network, Target};
use super::db_args::Destination;
use super::sign_args::Trusted;
use crate::advisory::STALE_AFTER_DAYS;

pub(super) const EXAMPLES: &str = "Examples:
  imgguard base index debian:12 debian:12-slim python --all-tags
  imgguard base registry.example/app:1.2
  imgguard base oci:build/image --format json
  imgguard base registry.example/app:1.2 --check";

const INDEX_EXAMPLES: &str = "Examples:
  imgguard base index debian:12 alpine:3.20 python:3.12-slim
  imgguard base index registry.example/team/base --all-tags --official
  imgguard base index oci:build/base --as registry.example/team/base:7";

const LIST_EXAMPLES: &str = "Examples:
  imgguard base list
  imgguard base list debian --format json";

const PUSH_EXAMPLES: &str = "Example:
  IMGGUARD_KEY_PASSWORD=… imgguard base push registry.example/bases:latest --key bases.key";

const PULL_EXAMPLES: &str = "Example:
  imgguard base pull registry.example/bases:latest --key bases.pub --allow-no-log";

/// What `base` takes: an image, or a verb about the catalogue.
#[derive(Debug, Args)]
pub struct BaseArgs {
    /// What to do with the catalogue of base images.
    #[command(subcommand)]
    pub verb: Option<BaseVerb>,
    /// Which images, and how to read them.
    #[command(flatten)]
    pub target: Target,
    /// What they are compared with.
    #[command(flatten)]
    pub looking: Looking,
    /// Ask the registry what the base's tag points to now
    #[arg(long, conflicts_with = "offline", help_heading = "Image")]
    pub check: bool,
    /// Format of the answer
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"], help_heading = "Report")]
    pub format: String,
}

/// Verbs about the catalogue.
#[derive(Debug, Subcommand)]
pub enum BaseVerb {
    /// Read base images into the catalogue: all platforms, each layer once; what is known is not read again
    #[command(after_help = INDEX_EXAMPLES)]
    Index(Box<IndexArgs>),
    /// Show the images of the catalogue, and what their tags pointed to and when
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Publish the catalogue in a registry: signed, with what turns the one before into it
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArgs),
    /// Fetch a catalogue that somebody published, by deltas where there is one already
    #[command(after_help = PULL_EXAMPLES)]
    Pull(Box<PullArgs>),
}

/// What `base index` takes.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// Base images: debian:12, registry.example/team/base:7, or with --as oci:DIR[:ref]
    #[arg(required = true, value_name = "REFERENCE")]
    pub references: Vec<String>,
    /// Every tag of their repositories
    #[arg(long, conflicts_with = "name")]
    pub all_tags: bool,
    /// The name under which the image is known, for one that is read from a mirror or a layout
    #[arg(long = "as", id = "name", value_name = "NAME:TAG")]
    pub name: Option<String>,
    /// Their repositories are official: your own, or others that you vouch for
    #[arg(long)]
    pub official: bool,
    /// The catalogue to add them to; it is replaced in one step [default: the user's data folder]
    #[arg(long, env = "IMGGUARD_CATALOGUE", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The day on which the tags are seen so [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Where facts of layers are kept, or none [default: the user's cache folder]
    #[arg(long, env = "IMGGUARD_CACHE_DIR", value_name = "DIR|none")]
    pub cache: Option<PathBuf>,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}

/// What `base list` takes.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only repositories whose name has this in it
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// The catalogue [default: the user's]
    #[arg(long, env = "IMGGUARD_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Format of the list
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"])]
    pub format: String,
}

/// What `base push` takes.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The catalogue [default: the user's]
    #[arg(long, env = "IMGGUARD_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Where to.
    #[command(flatten)]
    pub to: Destination,
}

/// What `base pull` takes.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Where it is: registry.example/bases:latest or oci:DIR:latest; several are mirrors, the first that answers counts
    #[arg(required = true, value_name = "REFERENCE")]
    pub from: Vec<String>,
    /// The file to write; it is replaced in one step [default: the user's data folder]
    #[arg(long, env = "IMGGUARD_CATALOGUE", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Accept one that has far fewer images than the one at hand, or is older
    #[arg(long)]
    pub accept_fewer: bool,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Whose signature it must have.
    #[command(flatten)]
    pub trust: Trusted,
    /// Take it whoever made it
    #[arg(long, conflicts_with_all = ["key", "identity", "identity_regexp"], help_heading = "Trust")]
    pub allow_unsigned: bool,
    /// Refuse one that was published more days ago
    #[arg(long, value_name = "DAYS", default_value_t = STALE_AFTER_DAYS, help_heading = "Trust")]
    pub max_age: i32,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}
