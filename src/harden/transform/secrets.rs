//! Leaked secrets: files that hold one go from the layers that have them, texts around the layers are masked. What leaked stays leaked, so each is told for rotation.

use std::collections::{BTreeMap, BTreeSet};

use super::{Transform, Wishes};
use crate::facts::{Confidence, FilePath, FoundSecret, SecretFact, SecretState, SecretValue};
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::scan::PlacedSecret;
use crate::secret;

/// The transform.
pub(super) struct Secrets;

impl Transform for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn summary(&self) -> &'static str {
        "remove files with leaked secrets from every layer that has them, and mask secrets in the configuration"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let why = "whoever has the image has them, also those that a later layer deletes";
        let mut step = Step::new(self.name(), "remove leaked secrets", why);
        files(draft, wishes, &mut step);
        texts(draft, wishes, &mut step);
        step.left.sort();
        step.left.dedup();
        draft.note(step);
    }
}

/// What happens to a file that holds a secret.
enum Fate {
    Remove,
    Stay(String),
}

fn files(draft: &mut Draft, wishes: &Wishes, step: &mut Step) {
    let inventory = draft.inventory.clone();
    let mut everywhere = BTreeSet::new();
    let mut of_layer: BTreeMap<usize, BTreeSet<FilePath>> = BTreeMap::new();
    let mut changes = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for found in &inventory.secrets {
        match fate(found, wishes) {
            Some(Fate::Stay(why)) => drop(kept.insert(format!("{} stays: {why}", found.path))),
            Some(Fate::Remove) => {
                changes.insert(Change::new(&found.path, removal(found)));
                step.left.push(rotate(&found.secret, &found.path.to_string()));
                match found.state {
                    SecretState::Present => drop(everywhere.insert(found.path.clone())),
                    SecretState::Deleted { .. } | SecretState::Overwritten { .. } => {
                        of_layer.entry(found.layer).or_default().insert(found.path.clone());
                    }
                }
            }
            None => {}
        }
    }
    for (layer, paths) in &of_layer {
        draft.erase_in(*layer, paths);
    }
    draft.erase(&everywhere);
    step.changes.extend(changes);
    step.cannot.extend(kept);
}

/// None for what is not to be touched at all: guesses, and what somebody accepted.
fn fate(found: &FoundSecret, wishes: &Wishes) -> Option<Fate> {
    if found.secret.confidence == Confidence::Low || wishes.accepted.contains(&found.path.to_string()) {
        return None;
    }
    Some(match (&found.owner, &found.inside) {
        (Some(owner), _) => Fate::Stay(format!("it belongs to the package {owner}, which would be broken without it")),
        (None, Some(inside)) => {
            let inside = inside.to_string();
            let inside = inside.trim_start_matches('/');
            Fate::Stay(format!(
                "the secret is in an archive (`{inside}`): build that without it, or remove all of it with --remove-path"
            ))
        }
        (None, None) => Fate::Remove,
    })
}

fn removal(found: &FoundSecret) -> String {
    let title = title(&found.secret);
    match found.state {
        SecretState::Present => format!("removed from every layer: {title}"),
        SecretState::Deleted { .. } => {
            format!("removed from layer {}, which a later layer only hides: {title}", found.layer)
        }
        SecretState::Overwritten { by } if by == found.layer => {
            format!("removed from layer {by}, with the entry that replaces it there: {title}")
        }
        SecretState::Overwritten { .. } => {
            format!("removed from layer {}, what replaces it stays: {title}", found.layer)
        }
    }
}

fn title(fact: &SecretFact) -> String {
    secret::rule(&fact.rule).map_or_else(|| fact.rule.clone(), |rule| rule.title.clone())
}

/// What is left for people.
fn rotate(fact: &SecretFact, place: &str) -> String {
    let at = secret::rule(&fact.rule).map(|rule| rule.rotation.as_str()).filter(|at| !at.is_empty());
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    format!("rotate{at}: {} in {place} ({})", title(fact), fact.masked)
}

fn texts(draft: &mut Draft, wishes: &Wishes, step: &mut Step) {
    let mut places = BTreeSet::new();
    for found in std::mem::take(&mut draft.secrets_around) {
        let PlacedSecret { place, text, fact } = found;
        if fact.confidence == Confidence::Low || wishes.accepted.contains(&place) {
            continue;
        }
        let Some(value) = fact.value.clone() else { continue };
        step.left.push(rotate(&fact, &place));
        // One that had to be decoded stands there as something else, so that all of the text goes.
        let stands_there = memchr::memmem::find(text.as_bytes(), value.expose()).is_some();
        let value = if stands_there { value } else { SecretValue::new(text.as_bytes()) };
        draft.masks.add(value, &named(&place, &text));
        places.insert(Change::new(place, format!("masked: {}", title(&fact))));
    }
    if places.is_empty() {
        return;
    }
    let masks = draft.masks.clone();
    draft.config.rewrite_texts(&mut |text| masks.apply(text));
    for value in draft.annotations.values_mut() {
        if let Some(masked) = value.as_str().and_then(|text| masks.apply(text)) {
            *value = masked.into();
        }
    }
    step.changes.extend(places);
}

/// The text with the name that it has where it is stored.
fn named(place: &str, text: &str) -> String {
    match place.split(':').collect::<Vec<_>>().as_slice() {
        ["env", name] | ["history" | "onbuild", _, name] => format!("{name}={text}"),
        _ => text.to_owned(),
    }
}
