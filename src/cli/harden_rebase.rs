//! `harden --rebase`: which base is meant, and the image on it.

use std::sync::Arc;

use clap::Args;

use super::args::{Network, Reading};
use super::base_signature::named;
use super::exit::Ending;
use super::sources::{self, Opener};
use super::{Failed, harden};
use crate::harden::rebase::{OnBase, Wanted, put};
use crate::harden::{Packing, Stage};
use crate::reference::Reference;
use crate::report::contract::Report;
use crate::source::{Image, PlatformChoice};

/// The base that the catalogue says is newer.
const NEWER: &str = "newer";

/// Onto which base.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rebase")]
pub struct Rebasing {
    /// Put the application's layers on this base: registry.example/base:tag, oci:DIR[:ref], or newer for the one that the base catalogue names
    #[arg(long, value_name = "BASE|newer")]
    pub rebase: Option<String>,
    /// The base that it was built on [default: the one that `imgguard base` proves, else the one that the image's annotations name]
    #[arg(long, value_name = "BASE", requires = "rebase")]
    pub base: Option<String>,
}

/// How the image is read and what is made of it.
pub(super) struct How<'a> {
    /// The image.
    pub(super) image: &'a Image,
    /// What a scan said of it.
    pub(super) report: &'a Report,
    /// How it was read.
    pub(super) reading: &'a Reading,
    /// `SOURCE_DATE_EPOCH`.
    pub(super) epoch: Option<u64>,
    /// How layers are compressed.
    pub(super) packing: Option<Packing>,
}

/// The image on the base that is asked for; none where it is on it already, or none is asked for.
pub(super) fn rebased(rebasing: &Rebasing, how: &How<'_>, stage: &Arc<Stage>) -> Result<Option<OnBase>, Failed> {
    let Some(new) = &rebasing.rebase else { return Ok(None) };
    let new = if new == NEWER { newer(how.report)? } else { new.clone() };
    let old = rebasing.base.clone().map_or_else(|| old(how), Ok)?;
    let (old, onto) = (open(&old, how)?, open(&new, how)?);
    let wanted = Wanted {
        image: how.image,
        choice: &how.reading.platform,
        old: &old,
        new: &onto,
        name: new.split('@').next().unwrap_or(&new),
        epoch: how.epoch,
        packing: how.packing,
    };
    put(&wanted, stage).map_err(|error| harden::failed(error, &how.image.reference))
}

/// The one newer base of all platforms.
fn newer(report: &Report) -> Result<String, Failed> {
    let bases = report.platforms.iter().filter_map(|platform| platform.base.as_ref());
    let newer = bases.filter_map(|base| base.newer.as_ref());
    let mut names: Vec<String> = newer.map(|newer| format!("{}@{}", newer.name, newer.digest)).collect();
    names.dedup();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(Failed::new(Ending::Usage, anyhow::anyhow!("no newer base of the image is known"))
            .hint("see `imgguard base`; index the base with `imgguard base index`, or name the new one")),
        _ => Err(Failed::new(Ending::Usage, anyhow::anyhow!("its platforms stand on different bases"))
            .hint("name the new base, and choose the platforms with --platform")),
    }
}

/// The base that the image was built on: proven, else named by its annotations. What is only named is proved by its diff IDs.
fn old(how: &How<'_>) -> Result<String, Failed> {
    let proven = how.report.platforms.iter().filter_map(|platform| platform.base.as_ref());
    let proven = proven.filter(|base| base.verified).find_map(|base| {
        let name = base.name.as_deref()?;
        let name = name.split_once('@').map_or(name, |(name, _)| name);
        Some(format!("{name}@{}", base.digest.as_deref()?))
    });
    let said = || how.image.manifests.iter().find_map(|manifest| named(how.image, manifest).ok());
    proven.or_else(|| said().map(|name| name.to_string())).ok_or_else(|| {
        Failed::new(Ending::Usage, anyhow::anyhow!("it is not known on which base `{}` was built", how.image.reference))
            .hint("name it with --base, or index it with `imgguard base index`")
    })
}

fn open(text: &str, how: &How<'_>) -> Result<Image, Failed> {
    let mut reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
    if let Reference::Registry { name, .. } = &mut reference
        && name.digest.is_some()
    {
        // The digest is what is meant; the tag may have moved.
        name.tag = None;
    }
    let network: Network = how.reading.network.clone();
    let reading =
        Reading { platform: PlatformChoice::All, network, offline: how.reading.offline, ..Reading::default() };
    Opener::new(&reading, false).open(text, &reference).map_err(|error| {
        let is_remote = matches!(reference, Reference::Registry { .. });
        sources::failed(error, is_remote, |error| error.context(format!("the base `{text}` could not be opened")))
    })
}
