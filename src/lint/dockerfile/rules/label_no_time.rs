//! A label that is a time has another value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-time`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-time",
        severity: Severity::Low,
        summary: "a label that is a time has another value",
        why: "Tools read it as RFC 3339 and can tell from it how old the image is.",
        advice: "write it as 2026-11-25T12:00:00Z",
        aliases: &["DL3053"],
        sources: &[
            "https://specs.opencontainers.org/image-spec/annotations/",
            "https://www.rfc-editor.org/rfc/rfc3339",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::Time, problems, "a time of RFC 3339", |value| {
        let has_form =
            value.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't' | b' ')) && !value.contains('[');
        has_form && value.parse::<jiff::Timestamp>().is_ok()
    });
}
