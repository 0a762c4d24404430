//! A base image is taken by the tag latest.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `latest-base`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "latest-base",
        severity: Severity::Medium,
        summary: "a base image is taken by the tag latest",
        why: "`latest` is moved whenever somebody publishes: the build cannot be repeated, and an incompatible or hostile version arrives unseen.",
        advice: "name a tag that says a version, and pin it by digest: image:1.2@sha256:…",
        aliases: &["DL3007", "CKV_DOCKER_7", "DS-0001", "DKL-DI-0006", "KICS-f45ea400", "Slim-20006"],
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
        // With a digest the tag is a comment.
        if name.tag == Some("latest") && name.digest.is_none() {
            problems.add(
                &stage.base.word.span,
                name.repository,
                format!("the base is taken by a tag that moves: `{image}`"),
            );
        }
    }
}
