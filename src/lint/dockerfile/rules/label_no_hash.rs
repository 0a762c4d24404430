//! A label that is a commit has another value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-hash`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-hash",
        severity: Severity::Low,
        summary: "a label that is a commit has another value",
        why: "It is there to find the sources that the image was built from.",
        advice: "write the commit, at least its first seven digits",
        aliases: &["DL3055"],
        sources: &["https://specs.opencontainers.org/image-spec/annotations/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::GitHash, problems, "a commit of git", |value| {
        (7..=64).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
}
