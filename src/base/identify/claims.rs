//! What an image says of its base: annotations, labels, attestations. Anybody can write them, so each is held against the layers.
//!
//! Source: OCI image-spec `annotations.md` (`org.opencontainers.image.base.*`).

use super::{Evidence, Holds, Match, Source, Subject, provenance};
use crate::base::catalogue::{BaseImage, Catalogue};
use crate::base::name::repository_of;
use crate::digest::Digest;
use crate::facts::Confidence;
use crate::oci::{BASE_DIGEST, BASE_NAME};
use crate::reference::ImageName;

/// Longest text of a claim that is repeated to people, in characters.
const MAX_SHOWN: usize = 200;

/// What the image, or something that is attached to it, says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub(super) source: Source,
    /// As it is written.
    pub(super) text: String,
    pub(super) name: Option<ImageName>,
    pub(super) digest: Option<Digest>,
    pub(super) pinned: Option<bool>,
    /// Whether it need not be the base: one of several images that the build took something from.
    pub(super) is_one_of_many: bool,
}

impl Claim {
    /// The repository that is named, with its registry.
    pub(in crate::base) fn repository(&self) -> Option<String> {
        self.name.as_ref().map(repository_of)
    }

    /// The tag that is named.
    pub(in crate::base) fn tag(&self) -> Option<&str> {
        self.name.as_ref()?.tag.as_deref()
    }

    /// A name as people write it.
    fn named(source: Source, text: &str, digest: Option<&str>) -> Self {
        let name: Option<ImageName> = text.parse().ok();
        let digest = digest.and_then(|digest| digest.parse().ok());
        let digest = digest.or_else(|| name.as_ref().and_then(|name| name.digest.clone()));
        let text = text.chars().take(MAX_SHOWN).collect();
        Self { source, text, name, digest, pinned: None, is_one_of_many: false }
    }
}

/// Everything that the image says, each thing once.
pub(super) fn told(subject: &Subject<'_>) -> Vec<Claim> {
    let (manifest, labels) = (subject.manifest, &subject.manifest.config.config.labels);
    let places =
        [(Source::Annotation, &manifest.annotations), (Source::Annotation, subject.index), (Source::Label, labels)];
    let mut claims = provenance::claims(subject);
    for (source, place) in places {
        let (name, digest) = (place.get(BASE_NAME), place.get(BASE_DIGEST));
        let claim = match (name, digest) {
            (Some(name), digest) => Claim::named(source, name, digest.map(String::as_str)),
            (None, Some(digest)) => Claim::named(source, "", Some(digest)),
            (None, None) => continue,
        };
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// Holds a claim against what is known.
pub(super) fn check(
    claim: Claim,
    subject: &Subject<'_>,
    catalogue: Option<&Catalogue>,
    matches: &[Match<'_>],
) -> Evidence {
    let (holds, outcome) = judge(&claim, subject, catalogue, matches);
    let shown = if claim.text.is_empty() { "an image without a name".to_owned() } else { format!("`{}`", claim.text) };
    let digest = claim.digest.as_ref().map(|digest| format!(" ({digest})")).unwrap_or_default();
    let says = match (claim.source, claim.is_one_of_many) {
        (Source::Provenance, true) => "was built with, among others,",
        (Source::Provenance, false) => "was built with",
        _ => "says that it stands on",
    };
    Evidence {
        source: claim.source,
        name: claim.name.as_ref().map(without_digest),
        digest: claim.digest.clone(),
        confidence: if claim.source == Source::Provenance { Confidence::Medium } else { Confidence::Low },
        holds,
        detail: format!("{says} {shown}{digest}: {outcome}"),
        pinned: claim.pinned,
    }
}

fn without_digest(name: &ImageName) -> String {
    ImageName { digest: None, ..name.clone() }.to_string()
}

fn judge(
    claim: &Claim,
    subject: &Subject<'_>,
    catalogue: Option<&Catalogue>,
    matches: &[Match<'_>],
) -> (Holds, &'static str) {
    if claim.name.is_none() && claim.digest.is_none() {
        return (Holds::Unchecked, "that is no name of an image");
    }
    let Some(catalogue) = catalogue else { return (Holds::Unchecked, "without a catalogue nothing is known of it") };
    let Some(digest) = &claim.digest else { return by_name(claim, matches) };
    let known = images(catalogue, digest, subject);
    if known.is_empty() {
        return (Holds::Unchecked, "the catalogue does not know this digest");
    }
    let of = |found: &Match<'_>| known.iter().any(|(known, _)| *known == found.manifest);
    match matches.iter().find(|found| of(found)) {
        Some(found) if found.is_proven => (Holds::Confirmed, "its layers are there"),
        Some(_) => (Holds::Unchecked, "its layers may be there, which was not read"),
        // Another stage of the build may have needed it.
        None if claim.source == Source::Provenance => (Holds::Unchecked, "none of its layers are at the bottom"),
        None => (Holds::Contradicted, "its layers are not there"),
    }
}

/// The images of a digest that may be this platform's base.
fn images<'c>(catalogue: &'c Catalogue, digest: &Digest, subject: &Subject<'_>) -> Vec<(&'c Digest, &'c BaseImage)> {
    let content = catalogue.content();
    if let Some(known) = content.images.get_key_value(digest) {
        return vec![known];
    }
    let roots = content.repositories.values().filter_map(|repository| repository.roots.get(digest));
    roots.filter_map(|root| catalogue.image_of(root, &subject.manifest.platform)).collect()
}

/// A name without a digest may be any image that it ever named: it can be confirmed, and not be contradicted.
fn by_name(claim: &Claim, matches: &[Match<'_>]) -> (Holds, &'static str) {
    let repository = claim.repository();
    let same = |found: &&Match<'_>| found.is_proven && repository.as_deref() == Some(found.name.repository);
    let Some(found) = matches.iter().find(same) else {
        return (Holds::Unchecked, "no image of that name that the catalogue knows is at the bottom");
    };
    let had = claim.tag().is_some_and(|tag| found.name.of.tags_of(found.name.root).any(|known| known == tag));
    if had {
        (Holds::Confirmed, "an image of that name is at the bottom")
    } else {
        (Holds::Unchecked, "another image of that repository is at the bottom")
    }
}
