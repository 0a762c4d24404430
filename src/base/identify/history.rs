//! What the history in an image's configuration tells of its base. Squashing keeps it or not, and anybody can write it, so it is a claim.
//!
//! Sources: OCI image-spec `config.md`, `history`; Buildah (`FROM …` as a comment); debuerreotype, which builds Debian's images (`# debian.sh … 'bookworm' '@1716768000'`).

use super::claims::Claim;
use super::{Evidence, Holds, Match, Source, Subject};
use crate::base::catalogue::{Catalogue, Step};
use crate::base::name;
use crate::facts::Confidence;
use crate::reference::ImageName;

/// Most words of builders that are told.
const MAX_TOLD: usize = 16;

/// What Buildah writes before the base's name.
const FROM: &str = "FROM ";

/// What debuerreotype writes before its arguments.
const DEBIAN: &str = "# debian.sh ";

/// The base of the catalogue with all of whose steps the history begins, the one with the most steps. Images that are built from one recipe have the same instructions; the times tell them apart.
pub(super) fn same<'c>(subject: &Subject<'_>, catalogue: &'c Catalogue, told: &[Claim]) -> Option<Match<'c>> {
    let own = Step::of(&subject.manifest.config);
    let begins = |steps: &[Step]| {
        let is_dated = steps.iter().all(|step| step.created.is_some() && !step.created_by.is_empty());
        !steps.is_empty() && is_dated && own.starts_with(steps)
    };
    let images = catalogue.content().images.iter().filter(|(_, image)| begins(&image.history));
    let (manifest, image) = images.max_by_key(|(_, image)| image.history.len())?;
    let name = name::of(catalogue, manifest, told)?;
    // The layers are not the base's, or they would have been recognised.
    Some(Match { manifest, image, name, layers: 0, by: Source::History, is_proven: false })
}

/// Bases that a builder's own words name.
pub(super) fn told(subject: &Subject<'_>) -> Vec<Evidence> {
    let steps = &subject.manifest.config.history;
    let mut found: Vec<Evidence> = Vec::new();
    for step in steps {
        if found.len() == MAX_TOLD {
            break;
        }
        let evidence = from(&step.comment).or_else(|| debian(&step.created_by));
        found.extend(evidence.filter(|new| !found.contains(new)));
    }
    found
}

/// Buildah's `FROM docker.io/library/alpine:3.18`.
fn from(comment: &str) -> Option<Evidence> {
    let text = comment.trim().strip_prefix(FROM)?;
    let name: ImageName = text.parse().ok()?;
    let pinned = Some(name.digest.is_some());
    let digest = name.digest.clone();
    let shown = ImageName { digest: None, ..name }.to_string();
    let detail = format!("a comment in its history says `FROM {shown}`");
    let name = Some(shown);
    Some(Evidence { name, digest, pinned, detail, ..weak() })
}

/// debuerreotype's `# debian.sh --arch 'amd64' out/ 'bookworm' '@1716768000'`.
fn debian(created_by: &str) -> Option<Evidence> {
    let arguments = created_by.strip_prefix(DEBIAN)?;
    let quoted = arguments.split('\'').skip(1).step_by(2);
    let (mut suite, mut day) = (None, None);
    for word in quoted {
        match word.strip_prefix('@') {
            Some(time) => day = time.parse().ok().and_then(|time| jiff::Timestamp::from_second(time).ok()),
            None => suite = Some(word),
        }
    }
    let suite = suite.filter(|suite| suite.len() <= 40 && suite.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    let day = day?.strftime("%Y-%m-%d");
    Some(Evidence {
        detail: format!("its history says that Debian's builder made it of `{suite}` as of {day}"),
        ..weak()
    })
}

fn weak() -> Evidence {
    Evidence {
        source: Source::History,
        name: None,
        digest: None,
        confidence: Confidence::Low,
        holds: Holds::Unchecked,
        detail: String::new(),
        pinned: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_builders() {
        let found = from("FROM docker.io/library/alpine:3.18").unwrap();
        assert_eq!((found.name.as_deref(), found.pinned), (Some("docker.io/library/alpine:3.18"), Some(false)));
        let pinned = from(&format!("FROM quay.io/org/base:1@sha256:{}", "a".repeat(64))).unwrap();
        assert_eq!((pinned.name.as_deref(), pinned.pinned), (Some("quay.io/org/base:1"), Some(true)));
        assert!(from("buildkit.dockerfile.v0").is_none() && from("FROM $x").is_none());
        let debian = debian("# debian.sh --arch 'amd64' out/ 'bookworm' '@1716768000'").unwrap();
        assert!(debian.detail.contains("`bookworm` as of 2024-05-27"), "{}", debian.detail);
        assert!(super::debian("# debian.sh 'a b'").is_none() && super::debian("RUN x").is_none());
    }
}
