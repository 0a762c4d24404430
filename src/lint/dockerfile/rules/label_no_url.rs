//! A label that is an address has another value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-url`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-url",
        severity: Severity::Low,
        summary: "a label that is an address has another value",
        why: "Tools follow it to the sources, the documentation or the makers.",
        advice: "write an absolute address: https://…",
        aliases: &["DL3052"],
        sources: &["https://specs.opencontainers.org/image-spec/annotations/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::Url, problems, "an absolute address", |value| {
        let (scheme, rest) = value.split_once("://").unwrap_or_default();
        let is_scheme =
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        is_scheme && !rest.is_empty() && !rest.starts_with('/') && !value.contains(char::is_whitespace)
    });
}
