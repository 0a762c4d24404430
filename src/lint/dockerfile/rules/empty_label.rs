//! A label has no value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `empty-label`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "empty-label",
        severity: Severity::Low,
        summary: "a label has no value",
        why: "It says nothing; mostly a build argument was not set.",
        advice: "give it a value, or remove it",
        aliases: &["DL3051"],
        sources: &["https://specs.opencontainers.org/image-spec/annotations/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (pair, name, value) in subject.labels() {
        if value.trim().is_empty() {
            problems.add(&pair.name.span, &name, format!("the label `{name}` has no value"));
        }
    }
}
