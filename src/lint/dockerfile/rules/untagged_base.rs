//! A base image is named without a tag or digest.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `untagged-base`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "untagged-base",
        severity: Severity::Medium,
        summary: "a base image is named without a tag or digest",
        why: "Without a tag the builder takes `latest`, which is another image tomorrow: the build cannot be repeated, and an incompatible or hostile version arrives unseen.",
        advice: "name a tag that says a version, and pin it by digest: image:1.2@sha256:…",
        aliases: &["DL3006", "CIS-4.2", "CKV_DOCKER_7", "DS-0001", "KICS-9efb0b2d"],
        sources: &[
            "https://docs.docker.com/reference/dockerfile/#from",
            "https://docs.docker.com/build/building/best-practices/",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for stage in &subject.file.stages {
        let Some(image) = stage.base.image() else { continue };
        let name = ImageName::parse(image);
        if name.tag.is_none() && name.digest.is_none() {
            let message = format!("the base `{image}` has no tag, so that `latest` is taken");
            problems.add(&stage.base.word.span, name.repository, message);
        }
    }
}
