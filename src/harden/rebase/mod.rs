//! An image on another base: the layers of the old base give way to those of the new one, and the application's layers are mended where they meet it.
//!
//! In: the image, its old base, the new one, platform by platform. Out: the layers and the configuration of the new image, or the reasons why it cannot be right. Each of the application's layers
//! that needs no mending keeps its bytes and its digest. The old base is proved by its diff IDs, which are verified as the image's layers are read.
//!
//! Nothing is run. What a package's scripts made out of files of the base (caches, databases) is merged by record where the format is known (`formats`), and the rebase refused where it is not.

mod config;
mod files;
mod formats;
mod ld_cache;
mod onto;
mod packages;
#[cfg(test)]
mod tests;
mod three_way;

use std::sync::Arc;

pub use onto::{OnBase, Wanted, put};

use super::draft::DraftLayer;
use super::entry::{NewEntry, NewKind};
use super::plan::{Change, Step};
use super::rewrite::LayerEdits;
use super::survey::{SurveyedLayer, View, survey_layer_with_digests};
use super::{Config, HardenError};
use crate::facts::file_digest::Algorithm;
use crate::source::{Blobs, Layer, Manifest};
use files::{Outcome, Sides};
use packages::Manager;
use three_way::Versions;

/// The name of this step in plans.
pub const NAME: &str = "rebase";

/// What a rebase needs to know.
pub struct Request<'a> {
    /// The image of one platform.
    pub image: &'a Manifest,
    /// Who gives its layers.
    pub image_blobs: Arc<dyn Blobs>,
    /// The base that it was built on.
    pub old: &'a Manifest,
    /// The base that it shall be on.
    pub new: &'a Manifest,
    /// Who gives that one's layers.
    pub new_blobs: Arc<dyn Blobs>,
    /// How people name the new base.
    pub name: &'a str,
    /// Seconds since 1970 for what is written.
    pub mtime: u64,
}

/// The new image of one platform.
pub struct Rebased {
    /// Its layers, lowest first.
    pub layers: Vec<DraftLayer>,
    /// Its configuration, but for the diff IDs.
    pub config: Config,
    /// What was done.
    pub step: Step,
}

/// Puts the image on another base; none where it is on it already.
///
/// # Errors
/// When a layer cannot be read, the image does not begin with the old base's layers, or the result could not be right.
pub fn rebase(request: &Request<'_>) -> Result<Option<Rebased>, HardenError> {
    let base_layers = base_layers(request)?;
    if request.old.config.rootfs.diff_ids == request.new.config.rootfs.diff_ids {
        return Ok(None);
    }
    let new = survey(&request.new.layers, request.new_blobs.as_ref(), &[Algorithm::Sha256])?;
    let onto = View::merge(new.clone());
    // The image's files are held against the package manager's records, too.
    let recorded = onto.iter().find_map(|(path, _)| Some(Manager::of(path.as_bytes())?.algorithm()));
    let algorithms: Vec<Algorithm> = [Algorithm::Sha256].into_iter().chain(recorded).collect();
    let app = survey(&request.image.layers, request.image_blobs.as_ref(), &algorithms)?;
    let old = View::merge(app.get(..base_layers).unwrap_or_default().to_vec());
    let whole = View::merge(app.clone());
    let sides = Sides { old: &old, app: &whole, new: &onto, base_layers, mtime: request.mtime };
    let mut outcome = files::settle(sides);
    check_places(&sides, new, app.get(base_layers..).unwrap_or_default(), &mut outcome);
    if !outcome.conflicts.is_empty() {
        return Err(HardenError::Refused {
            what: format!("rebase onto `{}`", request.name),
            reasons: outcome.conflicts,
        });
    }
    let (config, told) = config(request, base_layers)?;
    let step = step(request, &outcome, base_layers, told);
    Ok(Some(Rebased { layers: layers(request, outcome, base_layers), config, step }))
}

/// Number of the old base's layers, with which the image must begin.
fn base_layers(request: &Request<'_>) -> Result<usize, HardenError> {
    let refused = |reason: String| HardenError::Refused {
        what: format!("rebase onto `{}`", request.name),
        reasons: vec![reason],
    };
    let (image, old) = (&request.image.config.rootfs.diff_ids, &request.old.config.rootfs.diff_ids);
    if request.image.layers.len() != image.len() || request.image.layers.iter().any(|layer| layer.diff_id.is_none()) {
        return Err(refused("the image's configuration does not name the diff ID of every layer".to_owned()));
    }
    if old.is_empty() || !image.starts_with(old) {
        return Err(refused(format!(
            "the image for {} does not begin with the layers of the old base",
            request.image.platform
        )));
    }
    if image.len() == old.len() {
        return Err(refused(format!(
            "the image for {} is its base, without layers of an application",
            request.image.platform
        )));
    }
    Ok(old.len())
}

/// Every layer, with the digests of every file by these algorithms.
fn survey(
    layers: &[Layer],
    blobs: &dyn Blobs,
    algorithms: &[Algorithm],
) -> Result<Vec<Arc<SurveyedLayer>>, HardenError> {
    let survey = |layer: &Layer| survey_layer_with_digests(blobs, layer, &is_wanted, algorithms).map(Arc::new);
    Ok(layers.iter().map(survey).collect::<Result<_, _>>()?)
}

/// Whether a file's content is needed, by its name in its layer: records, and what a mode may be changed of.
fn is_wanted(path: &[u8]) -> bool {
    const FOLDERS: &[&[u8]] =
        &[b"etc/", b"lib/apk/db/", b"usr/lib/apk/db/", b"var/lib/dpkg/", b"var/lib/apt/extended_states"];
    FOLDERS.iter().any(|folder| path.starts_with(folder)) || formats::of(path).is_some()
}

/// Every entry of the application's layers must land where it did: a folder that became a link would carry it elsewhere.
fn check_places(sides: &Sides<'_>, new: Vec<Arc<SurveyedLayer>>, own: &[Arc<SurveyedLayer>], outcome: &mut Outcome) {
    let shift = new.len();
    let result = View::merge(new.into_iter().chain(own.iter().cloned()).collect());
    for number in 0..own.len() {
        let before = sides.app.entries_of(sides.base_layers + number);
        let moved = before.zip(result.entries_of(shift + number)).find(|((before, _), (after, _))| before != after);
        if let Some(((before, _), (after, _))) = moved {
            outcome
                .conflicts
                .push(format!("{before}: it would be {after} on the new base, whose folders are laid out otherwise"));
        }
    }
}

fn config(request: &Request<'_>, base_layers: usize) -> Result<(Config, Vec<String>), HardenError> {
    let read = |manifest: &Manifest| Config::parse(&manifest.documents.config.clone().unwrap_or_default());
    let (old, mut app, new) = (read(request.old)?, read(request.image)?, read(request.new)?);
    let versions = Versions { old: old.settings(), app: app.settings(), new: new.settings() };
    let (settings, told) = config::settings(versions);
    match config::history(&old, &app, &new, base_layers) {
        Some(steps) if !app.history().is_empty() => app.set_history(steps),
        _ => {}
    }
    app.set_settings(settings);
    Ok((app, told))
}

fn layers(request: &Request<'_>, outcome: Outcome, base_layers: usize) -> Vec<DraftLayer> {
    let source = |layer: &Layer, blobs: &Arc<dyn Blobs>, edits: LayerEdits| DraftLayer::Source {
        layer: layer.clone(),
        blobs: blobs.clone(),
        edits,
    };
    let base = request.new.layers.iter().map(|layer| source(layer, &request.new_blobs, LayerEdits::default()));
    let own = request.image.layers.iter().skip(base_layers).zip(outcome.edits);
    let own = own.map(|(layer, edits)| source(layer, &request.image_blobs, edits));
    let whiteouts: Vec<NewEntry> = outcome
        .hidden
        .iter()
        .map(|path| NewEntry::new(path.as_bytes(), NewKind::Whiteout, 0o644, request.mtime))
        .collect();
    let top =
        (!whiteouts.is_empty()).then(|| DraftLayer::New { entries: whiteouts, created_by: format!("imgguard {NAME}") });
    base.chain(own).chain(top).collect()
}

fn step(request: &Request<'_>, outcome: &Outcome, base_layers: usize, told: Vec<String>) -> Step {
    let why = "what the newer base fixed is fixed in the image, without building it again";
    let mut step = Step::new(NAME, format!("rebase onto {}", request.name), why);
    let layers = format!("{base_layers} of the old base give way to {} of {}", request.new.layers.len(), request.name);
    step.changes.push(Change::new("layers", layers));
    let rewritten = outcome.edits.iter().filter(|edits| !edits.is_empty()).count();
    let own = outcome.edits.len();
    step.changes.push(Change::new(
        "layers",
        format!("{rewritten} of {own} of the application are rewritten, the others keep their digests"),
    ));
    step.changes.extend(outcome.merged.iter().map(|path| Change::new(path, "merged by record")));
    step.changes.extend(outcome.told.iter().map(|line| Change::new("packages", line.as_str())));
    if outcome.dropped > 0 {
        step.changes.push(Change::new(
            "files",
            format!("{} that the new base brings go from the application's layers", outcome.dropped),
        ));
    }
    if !outcome.hidden.is_empty() {
        step.changes.push(Change::new(
            "files",
            format!("{} of the new base are hidden, as the application had removed them", outcome.hidden.len()),
        ));
    }
    step.left.extend(told.iter().map(|name| format!("both set {name}; the application's value stays")));
    step
}
