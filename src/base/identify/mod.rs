//! What an image stands on.
//!
//! In: a platform's image, what was read of its layers, a catalogue where there is one. Out: the base with everything that speaks for it, best evidence first, and what was claimed and does not hold
//! ([`Identity`]).
//!
//! | evidence | counts as |
//! |---|---|
//! | the image's first layers are all layers of a known base | proof, once their bytes were read and had these digests |
//! | its first diff IDs are those of a known base | proof, once the unpacked layers were read and had them; before that a claim of the image's own configuration |
//! | provenance, annotations, labels | a claim; one that the layers contradict is told, and never believed |
//! | history | a claim |
//! | distribution and packages | a likeness, where nothing else is there |
//!
//! The longest proven base counts; shorter ones below it are told as a chain (Python on Debian).

pub(super) mod claims;
mod history;
mod provenance;
mod similar;

use std::collections::BTreeMap;

use super::catalogue::{BaseImage, Catalogue, CatalogueError};
use super::name::{self, Name};
use crate::digest::Digest;
use crate::facts::{Confidence, Inventory};
use crate::source::{Attached, Layer, Manifest};
pub use claims::Claim;

/// How far a layer was read, now or by the run whose facts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerRead {
    /// Not, or not to its end.
    Unread,
    /// Every stored byte: it has the digest that the manifest names.
    Stored,
    /// Every unpacked byte, too: it has the diff ID that the configuration names.
    Unpacked,
}

/// One platform's image.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Annotations of the index that it is in.
    pub index: &'a BTreeMap<String, String>,
    /// Attestations that are kept with it.
    pub attached: &'a [Attached],
    /// What its layers hold.
    pub inventory: &'a Inventory,
    /// How far each layer was read.
    pub read: &'a [LayerRead],
}

/// Where evidence comes from, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Digests of stored layers.
    Layers,
    /// Digests of unpacked layers.
    DiffIds,
    /// An attestation of how it was built.
    Provenance,
    /// An annotation.
    Annotation,
    /// A label.
    Label,
    /// The history in the configuration.
    History,
    /// Distribution and packages.
    Packages,
}

impl Source {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::DiffIds => "diff-ids",
            Self::Provenance => "provenance",
            Self::Annotation => "annotation",
            Self::Label => "label",
            Self::History => "history",
            Self::Packages => "packages",
        }
    }
}

/// What became of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It was verified by reading.
    Proven,
    /// What was proven agrees with it.
    Confirmed,
    /// Nothing speaks for or against it.
    Unchecked,
    /// The layers say otherwise.
    Contradicted,
}

impl Holds {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Confirmed => "confirmed",
            Self::Unchecked => "unchecked",
            Self::Contradicted => "contradicted",
        }
    }
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Where it comes from.
    pub source: Source,
    /// The base's name, where it tells one.
    pub name: Option<String>,
    /// The digest of the base's index or manifest, where it tells one.
    pub digest: Option<Digest>,
    /// How sure it is by itself.
    pub confidence: Confidence,
    /// What became of it.
    pub holds: Holds,
    /// In words for people.
    pub detail: String,
    /// Whether the base was named by its digest when the image was built; none where that is not told.
    pub pinned: Option<bool>,
}

/// A base of the catalogue that an image stands on, or may stand on.
#[derive(Clone, Debug)]
pub struct Match<'c> {
    /// Digest of its manifest.
    pub manifest: &'c Digest,
    /// What is known of it.
    pub image: &'c BaseImage,
    /// Its name.
    pub name: Name<'c>,
    /// How many of the image's first layers are its.
    pub layers: usize,
    /// What speaks for it.
    pub by: Source,
    /// Whether that was verified by reading.
    pub is_proven: bool,
}

/// What was found out.
#[derive(Clone, Debug, Default)]
pub struct Identity<'c> {
    /// The base.
    pub base: Option<Match<'c>>,
    /// Proven bases of fewer layers below it, the longest first.
    pub below: Vec<Match<'c>>,
    /// Everything that speaks of a base, best first.
    pub evidence: Vec<Evidence>,
}

impl Identity<'_> {
    /// How many of the image's first layers are proven to be the base's.
    #[must_use]
    pub fn proven_layers(&self) -> usize {
        self.base.as_ref().filter(|base| base.is_proven).map_or(0, |base| base.layers)
    }

    /// Claims that the layers contradict.
    pub fn contradicted(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().filter(|evidence| evidence.holds == Holds::Contradicted)
    }
}

/// Finds out what an image stands on.
///
/// # Errors
/// When the catalogue is damaged.
pub fn identify<'c>(subject: &Subject<'_>, catalogue: Option<&'c Catalogue>) -> Result<Identity<'c>, CatalogueError> {
    let told = claims::told(subject);
    let mut identity = Identity::default();
    let mut matches = catalogue.map(|catalogue| by_layers(subject, catalogue, &told)).unwrap_or_default();
    if let Some(catalogue) = catalogue
        && matches.is_empty()
    {
        matches.extend(history::same(subject, catalogue, &told));
        if matches.is_empty() {
            matches.extend(similar::nearest(subject, catalogue, &told, &mut identity.evidence)?);
        }
    }
    // Images that differ in their configuration alone stand on the same layers; the best of them speaks for all.
    let depth = |found: &Match<'_>| (found.is_proven, found.layers);
    let distinct = matches.chunk_by(|one, other| depth(one) == depth(other)).filter_map(<[_]>::first);
    identity.evidence.extend(distinct.filter_map(|found| evidence_of(found, subject)));
    let checked = told.into_iter().map(|claim| claims::check(claim, subject, catalogue, &matches));
    identity.evidence.extend(checked);
    identity.evidence.extend(history::told(subject));
    let mut matches = matches.into_iter();
    identity.base = matches.next();
    let mut last = identity.base.as_ref().map_or(0, |base| base.layers);
    for found in matches.filter(|found| found.is_proven) {
        if found.layers < last {
            last = found.layers;
            identity.below.push(found);
        }
    }
    identity.evidence.sort_by_key(|evidence| (evidence.source, evidence.holds));
    Ok(identity)
}

/// The bases of the catalogue with whose layers the image begins: proven ones first, of these the longest.
fn by_layers<'c>(subject: &Subject<'_>, catalogue: &'c Catalogue, told: &[claims::Claim]) -> Vec<Match<'c>> {
    let layers = &subject.manifest.layers;
    let mut matches: Vec<Match<'c>> = Vec::new();
    for (manifest, image) in &catalogue.content().images {
        let depth = image.layers.len();
        let is_read = |wanted| subject.read.get(..depth).is_some_and(|read| read.iter().all(|read| *read >= wanted));
        let (by, is_proven) = if begins(layers, &image.layers, |layer| layer.digest.as_ref()) {
            (Source::Layers, is_read(LayerRead::Stored))
        } else if begins(layers, &image.diff_ids, |layer| layer.diff_id.as_ref()) {
            (Source::DiffIds, is_read(LayerRead::Unpacked))
        } else {
            continue;
        };
        if let Some(name) = name::of(catalogue, manifest, told) {
            matches.push(Match { manifest, image, name, layers: depth, by, is_proven });
        }
    }
    let platform = &subject.manifest.platform;
    matches.sort_by_key(|found| {
        let fits = found.image.platform.satisfies(platform);
        let created = found.image.created.clone().unwrap_or_default();
        std::cmp::Reverse((found.is_proven, found.layers, fits, found.name.is_told, created))
    });
    matches
}

/// Whether the image's first layers have these digests; no layers are the beginning of nothing.
fn begins(layers: &[Layer], base: &[Digest], of: impl Fn(&Layer) -> Option<&Digest>) -> bool {
    let own = layers.iter().map(of);
    !base.is_empty() && base.len() <= layers.len() && own.zip(base).all(|(own, base)| own == Some(base))
}

/// What speaks for a match of layers, in words.
fn evidence_of(found: &Match<'_>, subject: &Subject<'_>) -> Option<Evidence> {
    let of = subject.manifest.layers.len();
    let name = found.name.full();
    let count = if found.layers == 1 {
        format!("the first of {of} layers is that")
    } else {
        format!("the first {} of {of} layers are those", found.layers)
    };
    let what = match found.by {
        Source::Layers => format!("{count} of {name}"),
        Source::DiffIds => {
            format!("{count} of {name}, compressed anew (chain ID {})", chain_id(&found.image.diff_ids)?)
        }
        Source::History => format!("its history begins with all steps of {name}"),
        _ => return None,
    };
    let (holds, note) = match (found.is_proven, found.by) {
        (true, _) => (Holds::Proven, ""),
        (false, Source::DiffIds) => {
            (Holds::Unchecked, "; the image says so itself: --verify-diff-ids reads whether it is true")
        }
        (false, Source::Layers) => (Holds::Unchecked, "; not all of them were read"),
        (false, _) => (Holds::Unchecked, ", which anybody can write"),
    };
    let confidence = match (found.is_proven, found.by) {
        (true, _) => Confidence::High,
        (false, Source::History) => Confidence::Low,
        (false, _) => Confidence::Medium,
    };
    Some(Evidence {
        source: found.by,
        name: Some(found.name.full()),
        digest: Some(found.name.root.clone()),
        confidence,
        holds,
        detail: what + note,
        pinned: None,
    })
}

/// The chain ID of a stack of layers: what the stack is, by the digests of its unpacked layers.
///
/// Source: OCI image-spec `config.md`, "Layer ChainID".
#[must_use]
pub fn chain_id(diff_ids: &[Digest]) -> Option<Digest> {
    let mut ids = diff_ids.iter();
    let first = ids.next()?.clone();
    Some(ids.fold(first, |chain, id| Digest::sha256(format!("{chain} {id}").as_bytes())))
}

#[cfg(test)]
mod tests;
