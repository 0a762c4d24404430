//! The work as a whole: an image and what a scan saw to a plan, and the plan to a new image.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::HardenError;
use super::config::Config;
use super::draft::{Draft, DraftLayer, built_at};
use super::image::{NewImage, Realiser};
use super::index::{assemble, left_out};
use super::mask::Masks;
use super::plan::{Plan, SCHEMA_VERSION};
use super::rewrite::LayerEdits;
use super::stage::{Packing, Stage};
use super::survey::{SurveyedLayer, View, survey_layer};
use super::transform::{self, Wishes};
use crate::facts::Inventory;
use crate::scan::secrets_around;
use crate::source::{Image, Layer, Manifest, PlatformChoice};

/// What is to be hardened.
pub struct Subject<'a> {
    /// The old image, with all its platforms.
    pub image: &'a Image,
    /// What a scan saw of each, in the order of its manifests.
    pub inventories: Vec<Inventory>,
    /// The platforms that are hardened; the others are copied.
    pub choice: &'a PlatformChoice,
    /// The destination, as the user named it.
    pub target: &'a str,
    /// `SOURCE_DATE_EPOCH`; none to date what is made as the old image is.
    pub epoch: Option<u64>,
}

/// A plan with the drafts that it tells of.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    drafts: Vec<Draft>,
    masks: Masks,
}

/// Makes the plan. Layers are read and verified, nothing is written.
///
/// # Errors
/// When a layer cannot be read, or the image is none that can be written again.
pub fn plan(subject: Subject<'_>, wishes: &Wishes) -> Result<Planned, HardenError> {
    let Subject { image, inventories, choice, target, epoch } = subject;
    let mut surveys = Surveys::default();
    let mut drafts = Vec::new();
    let mut masks = Masks::default();
    let mut notes: Vec<String> = left_out(image).into_iter().collect();
    for (manifest, inventory) in image.manifests.iter().zip(inventories) {
        let is_chosen = choice.wants(&manifest.platform);
        let view = if is_chosen { surveys.view(image, manifest)? } else { View::default() };
        let mut draft = begin(image, manifest, view, inventory, epoch)?;
        if is_chosen {
            draft.secrets_around = secrets_around(image, manifest);
            transform::run(&mut draft, wishes);
            finish(&mut draft);
            masks.extend(&draft.masks);
        } else {
            notes.push(format!("{} is copied as it is", manifest.platform));
        }
        drafts.push(draft);
    }
    let steps = drafts.iter().map(|draft| (draft.platform.to_string(), draft.steps().to_vec()));
    let plan = Plan {
        schema_version: SCHEMA_VERSION,
        reference: image.reference.clone(),
        digest: image.digest.as_ref().map(ToString::to_string),
        target: target.to_owned(),
        steps: Plan::join(steps),
        notes,
    };
    Ok(Planned { plan, drafts, masks })
}

/// Makes the image that was planned, aside.
///
/// # Errors
/// When a layer cannot be read or written.
pub fn make(
    planned: Planned,
    image: &Image,
    stage: &Arc<Stage>,
    packing: Option<Packing>,
) -> Result<NewImage, HardenError> {
    let mut realiser = Realiser::new(stage, packing);
    let platforms = planned.drafts.into_iter().zip(&image.manifests);
    let platforms = platforms.map(|(draft, before)| realiser.platform(draft, before)).collect::<Result<_, _>>()?;
    assemble(image, platforms, &mut |text| planned.masks.apply(text))
}

/// The old image as a draft.
pub(super) fn begin(
    image: &Image,
    manifest: &Manifest,
    view: View,
    inventory: Inventory,
    epoch: Option<u64>,
) -> Result<Draft, HardenError> {
    let stored = manifest.documents.config.as_ref().ok_or_else(|| HardenError::Unfit {
        what: format!("`{}`", image.reference),
        why: "it has no image configuration of the current form".into(),
    })?;
    let config = Config::parse(stored)?;
    let documents = manifest.documents.manifest.as_ref();
    let document: Option<serde_json::Value> = documents.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let annotations = document.and_then(|document| document.get("annotations")?.as_object().cloned());
    let layers = manifest.layers.iter().map(|layer| DraftLayer::Source {
        layer: layer.clone(),
        blobs: image.blobs.clone(),
        edits: LayerEdits::default(),
    });
    let mtime = epoch.unwrap_or_else(|| built_at(&config));
    let (view, inventory) = (Arc::new(view), Arc::new(inventory));
    let (platform, annotations) = (manifest.platform.clone(), annotations.unwrap_or_default());
    Ok(Draft::new(platform, view, inventory, layers.collect(), config, annotations, mtime))
}

/// Settles the draft, and says in the history what was done.
fn finish(draft: &mut Draft) {
    let done = draft.steps().iter().filter(|step| step.is_change());
    let mut done: Vec<String> = done.map(|step| step.transform.clone()).collect();
    done.dedup();
    if done.is_empty() {
        return;
    }
    let created_by = format!("imgguard harden: {}", done.join(", "));
    let before = draft.layers.len();
    draft.settle(&created_by);
    let created = i64::try_from(draft.mtime).ok().and_then(|time| jiff::Timestamp::from_second(time).ok());
    let created = created.unwrap_or_default().to_string();
    draft.config.add_step(&created_by, &created, draft.layers.len() > before);
}

/// Surveyed layers by their digests: platforms share some.
#[derive(Default)]
struct Surveys(BTreeMap<String, Arc<SurveyedLayer>>);

impl Surveys {
    fn view(&mut self, image: &Image, manifest: &Manifest) -> Result<View, HardenError> {
        let layers = manifest.layers.iter().map(|layer| self.layer(image, layer));
        Ok(View::merge(layers.collect::<Result<_, _>>()?))
    }

    fn layer(&mut self, image: &Image, layer: &Layer) -> Result<Arc<SurveyedLayer>, HardenError> {
        let key = layer.digest.as_ref().or(layer.diff_id.as_ref()).map(ToString::to_string);
        if let Some(known) = key.as_ref().and_then(|key| self.0.get(key)) {
            return Ok(known.clone());
        }
        let surveyed = Arc::new(survey_layer(image.blobs.as_ref(), layer, &transform::reads)?);
        self.0.extend(key.map(|key| (key, surveyed.clone())));
        Ok(surveyed)
    }
}
