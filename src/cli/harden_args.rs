//! Arguments of `harden`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{Looking, Reading, format_file};
use super::harden_rebase::Rebasing;
use super::harden_updates::Updating;
use super::sign_args::Format;
use crate::harden::transform::{Removal, TRANSFORMS};
use crate::report::ReportFormat;

pub(super) const EXAMPLES: &str = "Examples:
  imgguard harden registry.example/app:1.2 -t registry.example/app:1.2-hardened --plan
  imgguard harden oci:build/image -t oci:build/hardened -o json=after.json
  imgguard harden registry.example/app:1.2 -t registry.example/app:1.2.1 --rebase newer
  imgguard harden oci:build/image -t oci:build/rebased --base debian:12.5 --rebase debian:12.11
  imgguard harden registry.example/app:1.2 -t registry.example/app:1.2 --yes --user web:10100 --remove docs
  imgguard harden docker-daemon:app:dev -t docker-archive:app.tar:app:hardened --platform linux/amd64
  imgguard harden oci:build/image -t oci:build/hardened --remove-path '/srv/**/.git' --sign-key imgguard.key";

/// What `harden` takes.
#[derive(Debug, Args)]
pub struct HardenArgs {
    /// The image: registry.example/app:tag, oci:DIR[:ref], oci-archive:FILE, docker-archive:FILE, docker-daemon:IMAGE or containers-storage:IMAGE
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Where the new image goes: registry.example/app:tag, oci:DIR[:ref], oci-archive:FILE[:ref], or docker-archive:FILE[:name] for one platform
    #[arg(long, short, value_name = "NEW")]
    pub target: String,
    /// Only show the plan
    #[arg(long)]
    pub plan: bool,
    /// Replace what is at the destination without asking
    #[arg(long)]
    pub yes: bool,
    /// Start the new image with docker or podman, without network, before it is published; refuse it if it ends with an error within five seconds
    #[arg(long)]
    pub verify_runs: bool,
    /// What is changed.
    #[command(flatten)]
    pub steps: Steps,
    /// Onto which base.
    #[command(flatten)]
    pub rebasing: Rebasing,
    /// Where fixed packages come from.
    #[command(flatten)]
    pub updating: Updating,
    /// How the old image is read; of an index, the platforms that are not chosen are copied as they are.
    #[command(flatten)]
    pub reading: Reading,
    /// What is looked for.
    #[command(flatten)]
    pub looking: Looking,
    /// How the new image is signed.
    #[command(flatten)]
    pub signing: HardenSigning,
    /// Format of the plan, and of what came of it
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "Report")]
    pub format: Format,
    /// Write a report about the new image, such as cyclonedx=app.cdx.json or openvex=app.vex.json; repeat for several
    #[arg(short = 'o', value_name = "FORMAT=FILE", value_parser = format_file, help_heading = "Report")]
    pub also: Vec<(&'static dyn ReportFormat, PathBuf)>,
}

/// What is changed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Steps")]
pub struct Steps {
    /// Leave these steps out: secrets, caches, non-root-user, privileges, credential-modes
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = step)]
    pub skip: Vec<String>,
    /// Run as this account, which is made where the image has none [default: app, with the first free uid from 10001]
    #[arg(long, value_name = "NAME[:UID]", value_parser = user)]
    pub user: Option<(String, Option<u32>)>,
    /// Leave setuid, setgid and capabilities to the programs whose paths match; repeat for several
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    pub keep_privileged: Vec<globset::Glob>,
    /// Also remove these
    #[arg(long, value_delimiter = ',', value_enum, value_name = "LIST")]
    pub remove: Vec<Remove>,
    /// Remove what matches from every layer; repeat for several
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    pub remove_path: Vec<globset::Glob>,
    /// Set a label; repeat for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub label: Vec<(String, String)>,
    /// Set an annotation of each manifest; repeat for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub annotation: Vec<(String, String)>,
    /// Set the command of the health check, which the image's shell runs
    #[arg(long, value_name = "COMMAND")]
    pub healthcheck: Option<String>,
    /// Set the signal that stops it
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// Put all layers into one, without what upper layers replace or remove
    #[arg(long)]
    pub squash: bool,
    /// Compress the layers that are written so [default: as each was]
    #[arg(long, value_enum, value_name = "WITH")]
    pub compression: Option<Compress>,
}

/// What is removed on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Remove {
    /// Manuals, documents and translations; licences stay.
    Docs,
    /// Shells.
    Shells,
    /// Programs that install packages.
    PackageManagers,
}

impl Remove {
    /// In the room's words.
    pub fn removal(self) -> Removal {
        match self {
            Self::Docs => Removal::Docs,
            Self::Shells => Removal::Shells,
            Self::PackageManagers => Removal::PackageManagers,
        }
    }
}

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compress {
    /// gzip at level 6, which everything reads.
    Gzip,
    /// zstd at level 3, which is faster to unpack; containerd 1.5, Docker 23 and Podman read it.
    Zstd,
}

/// How the new image is signed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Signing")]
pub struct HardenSigning {
    /// Sign the new image with this key, as sign --key does
    #[arg(long, value_name = "KEY")]
    pub sign_key: Option<String>,
    /// Each platform's image, too, not only the index
    #[arg(long, requires = "sign_key")]
    pub sign_recursive: bool,
}

fn step(text: &str) -> Result<String, String> {
    let names: Vec<&str> = TRANSFORMS.iter().map(|transform| transform.name()).collect();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("write one of {}", names.join(", "))) }
}

fn user(text: &str) -> Result<(String, Option<u32>), String> {
    let (name, uid) = text.split_once(':').map_or((text, None), |(name, uid)| (name, Some(uid)));
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    // useradd(8): what every program takes as a name.
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !name.as_bytes().first().is_some_and(is_first) || !name.bytes().all(fits) || name.len() > 32 {
        return Err("write NAME or NAME:UID, the name in lower-case letters, digits, - and _".into());
    }
    let uid = uid.map(|uid| uid.parse().ok().filter(|uid| (1..=i32::MAX.cast_unsigned()).contains(uid)));
    match uid {
        Some(None) => Err("the uid is a number from 1".into()),
        Some(uid) => Ok((name.to_owned(), uid)),
        None => Ok((name.to_owned(), None)),
    }
}

fn glob(text: &str) -> Result<globset::Glob, String> {
    if !text.starts_with('/') && !text.starts_with("**") {
        return Err("write a path from the root, such as /srv/**/.git".into());
    }
    let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
    glob.map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
