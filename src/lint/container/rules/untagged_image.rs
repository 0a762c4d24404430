//! An image is taken without a tag.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `untagged-image`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "untagged-image",
        severity: Severity::Medium,
        summary: "an image is taken without a tag",
        why: "Without a tag it is `latest`, which is moved whenever somebody publishes.",
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
    if name.tag.is_none() && name.digest.is_none() && !name.repository.is_empty() {
        subject.state(problems, at, name.repository, format!("the image has no tag: `{text}`"));
    }
}
