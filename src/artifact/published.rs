//! The manifest of the artifact: what it says, read and written.

use std::collections::BTreeMap;

use super::ArtifactError;
use super::payload::{Kind, Payload};
use crate::digest::Digest;
use crate::sign::MAX_ROOT_BYTES;
use crate::source::Descriptor;
use crate::source::repository::{Document, MANIFEST, NewManifest, Stored};

/// Media type and content of a configuration that says nothing (image-spec `manifest.md`, "Guidance for an Empty Descriptor").
pub(super) const EMPTY: (&str, &[u8]) = ("application/vnd.oci.empty.v1+json", b"{}");

/// When it was published; image-spec `annotations.md`.
const CREATED: &str = "org.opencontainers.image.created";

/// The name under which tools save a layer; image-spec `annotations.md`.
const TITLE: &str = "org.opencontainers.image.title";

/// Root digest of the file.
const ROOT: &str = "imgguard.store";

/// Root digests of the store that a delta is for, and of the one it leads to.
const FROM: &str = "imgguard.delta.from";
const TO: &str = "imgguard.delta.to";

/// Largest store that is fetched, in bytes.
pub(super) const MAX_STORE_BYTES: u64 = 2 << 30;

/// Largest delta that is fetched, in bytes; beyond it the whole store is as quick.
pub(super) const MAX_DELTA_BYTES: u64 = 64 << 20;

/// Most deltas of a manifest: two weeks of days.
pub(super) const MAX_DELTAS: usize = 14;

/// Most files that go with a store, and the longest name of one.
const MAX_EXTRAS: usize = 64;
const MAX_NAME_BYTES: usize = 100;

/// Largest policy that goes with a store, in bytes; what `policy` reads.
const MAX_POLICY_BYTES: u64 = 1 << 20;

/// Largest base catalogue that goes with a store, in bytes; what `base` reads.
const MAX_CATALOGUE_BYTES: u64 = 256 << 20;

/// What a manifest says. Nothing of it counts before the manifest's signature does.
#[derive(Clone, Debug)]
pub struct Published {
    /// The manifest's digest: what is signed.
    pub manifest: Digest,
    /// When it was published, RFC 3339 in UTC.
    pub created: jiff::Timestamp,
    /// The store file.
    pub store: Descriptor,
    /// The store's root digest.
    pub root: String,
    /// What leads to it, the last step first.
    pub deltas: Vec<Delta>,
    /// What goes with it, and under which name.
    pub extras: Vec<(ExtraKind, String, Descriptor)>,
    /// Layers of other types: a newer program put them there.
    pub unknown: usize,
}

/// What can go with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraKind {
    /// A policy of ours.
    Policy,
    /// A `trusted_root.json` of a Sigstore instance.
    TrustedRoot,
    /// A base catalogue; its own head says of which format.
    Catalogue,
}

/// A file that goes with a store.
#[derive(Debug)]
pub struct Extra {
    /// What it is.
    pub kind: ExtraKind,
    /// Its name, without a folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl ExtraKind {
    const ALL: [Self; 3] = [Self::Policy, Self::TrustedRoot, Self::Catalogue];

    fn media_type(self) -> &'static str {
        match self {
            Self::Policy => "application/vnd.imgguard.policy.v1+toml",
            Self::TrustedRoot => "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            Self::Catalogue => "application/vnd.imgguard.bases.catalogue",
        }
    }

    /// Largest content, in bytes.
    #[must_use]
    pub fn limit(self) -> u64 {
        match self {
            Self::Policy => MAX_POLICY_BYTES,
            Self::TrustedRoot => MAX_ROOT_BYTES,
            Self::Catalogue => MAX_CATALOGUE_BYTES,
        }
    }

    /// Whether a layer is one, and under which name: a plain one, which stays in the folder that it is written to.
    fn read(layer: &Descriptor) -> Option<(Self, String, Descriptor)> {
        let kind = Self::ALL.into_iter().find(|kind| kind.media_type() == layer.media_type)?;
        let name = layer.annotations.get(TITLE).filter(|name| is_plain(name))?;
        Some((kind, name.clone(), layer.clone()))
    }
}

/// Whether a name is one of a file, on every system, and shows on no terminal as something else.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(known) && !name.starts_with(['.', '-'])
}

/// One step from a store to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// Its bytes.
    pub descriptor: Descriptor,
    /// Root digest of the store that it is for.
    pub from: String,
    /// Root digest of the store that it leads to.
    pub to: String,
}

impl Published {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is no manifest, none of such a file, or only of files of other formats.
    pub fn parse<P: Payload>(stored: &Stored) -> Result<Self, ArtifactError> {
        let document = Document::parse(stored)?;
        if document.artifact_type != P::KIND.artifact {
            let kind = document.artifact_type.chars().take(100).collect::<String>();
            let found = if kind.is_empty() { "an image".to_owned() } else { format!("a `{kind}`") };
            return Err(ArtifactError::Other { wanted: P::KIND.noun, found });
        }
        let store = file_of(&document, P::KIND)?;
        let said = document.annotations.get(CREATED).map(String::as_str).unwrap_or_default();
        let created = said.parse().map_err(|_| ArtifactError::Date(said.chars().take(40).collect()))?;
        let root = store.annotations.get(ROOT).cloned().unwrap_or_default();
        let extras: Vec<_> = document.layers.iter().filter_map(ExtraKind::read).take(MAX_EXTRAS).collect();
        let is_ours =
            |layer: &&Descriptor| layer.media_type == P::KIND.delta || layer.media_type.starts_with(P::KIND.prefix);
        let unknown = document.layers.len() - document.layers.iter().filter(is_ours).count() - extras.len();
        let delta = |layer| Delta::read(layer, P::KIND);
        let deltas = document.layers.into_iter().filter_map(delta).take(MAX_DELTAS).collect();
        Ok(Self { manifest: stored.digest.clone(), created, store, root, deltas, extras, unknown })
    }

    /// The date as it is told.
    #[must_use]
    pub fn date(&self) -> String {
        self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The deltas from a store to this one, in the order in which they apply; none where they do not reach, or weigh more than the store.
    #[must_use]
    pub fn way_from(&self, root: &str) -> Option<Vec<&Delta>> {
        let mut way = Vec::new();
        let mut at = self.root.as_str();
        while at != root {
            if way.len() == MAX_DELTAS {
                return None;
            }
            let step = self.deltas.iter().find(|delta| delta.to == at)?;
            way.push(step);
            at = &step.from;
        }
        way.reverse();
        let weight = way.iter().fold(0_u64, |weight, delta| weight.saturating_add(delta.descriptor.size));
        (weight < self.store.size.min(MAX_DELTA_BYTES)).then_some(way)
    }
}

/// The layer with the file whose format is ours.
fn file_of(document: &Document, kind: Kind) -> Result<Descriptor, ArtifactError> {
    let own = format!("{}{}", kind.prefix, kind.format);
    if let Some(layer) = document.layers.iter().find(|layer| layer.media_type == own) {
        return Ok(layer.clone());
    }
    let formats = document.layers.iter().filter_map(|layer| layer.media_type.strip_prefix(kind.prefix));
    let found = formats.map(|format| format.chars().take(20).collect::<String>()).collect::<Vec<_>>().join(", ");
    if found.is_empty() {
        let found = format!("an artifact without {} in it", kind.title);
        return Err(ArtifactError::Other { wanted: kind.noun, found });
    }
    Err(ArtifactError::Format { found, supported: kind.format })
}

impl Delta {
    /// A delta's layer.
    pub(super) fn new(kind: Kind, bytes: &[u8], [from, to]: [String; 2]) -> Self {
        let annotations = BTreeMap::from([(FROM.to_owned(), from.clone()), (TO.to_owned(), to.clone())]);
        Self { descriptor: Descriptor { annotations, ..Descriptor::of(kind.delta, bytes) }, from, to }
    }

    fn read(layer: Descriptor, kind: Kind) -> Option<Self> {
        let said = |key| layer.annotations.get(key).cloned();
        let (from, to) = (said(FROM)?, said(TO)?);
        (layer.media_type == kind.delta).then_some(Self { descriptor: layer, from, to })
    }
}

/// The manifest of a file: its bytes.
pub(super) fn manifest<P: Payload>(
    payload: &P,
    deltas: &[Delta],
    extras: &[Extra],
    created: &str,
) -> Result<Vec<u8>, ArtifactError> {
    let kind = P::KIND;
    let mut layer = Descriptor::of(&format!("{}{}", kind.prefix, kind.format), payload.as_bytes());
    layer.annotations =
        BTreeMap::from([(ROOT.to_owned(), payload.root().to_string()), (TITLE.to_owned(), kind.title.to_owned())]);
    let mut annotations = payload.annotations();
    annotations.insert(CREATED.to_owned(), created.to_owned());
    let manifest = NewManifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: Descriptor::of(EMPTY.0, EMPTY.1),
        layers: std::iter::once(layer)
            .chain(deltas.iter().map(|delta| delta.descriptor.clone()))
            .chain(extras.iter().map(extra))
            .collect(),
        annotations,
        subject: None,
        artifact_type: Some(kind.artifact),
    };
    let unwritable =
        |error| ArtifactError::Other { wanted: kind.noun, found: format!("something that cannot be written: {error}") };
    serde_json::to_vec(&manifest).map_err(unwritable)
}

fn extra(extra: &Extra) -> Descriptor {
    let annotations = BTreeMap::from([(TITLE.to_owned(), extra.name.clone())]);
    Descriptor { annotations, ..Descriptor::of(extra.kind.media_type(), &extra.bytes) }
}
