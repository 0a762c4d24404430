//! An image is taken by the tag latest.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `latest-image`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "latest-image",
        severity: Severity::Medium,
        summary: "an image is taken by the tag latest",
        why: "`latest` is moved whenever somebody publishes: what runs tomorrow is not what was tried today.",
        advice: "name a tag that says a version, and pin it by digest: image:1.2@sha256:…",
        aliases: &["CL-0004"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#image"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some((text, at)) = subject.pulled_image() else { return };
    let name = ImageName::parse(text);
    if name.tag == Some("latest") && name.digest.is_none() {
        subject.state(problems, at, name.repository, format!("the image is taken by a tag that moves: `{text}`"));
    }
}
