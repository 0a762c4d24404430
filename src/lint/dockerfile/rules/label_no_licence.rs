//! A label that is a licence is no SPDX expression.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-licence`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-licence",
        severity: Severity::Low,
        summary: "a label that is a licence is no SPDX expression",
        why: "Tools compare licences by their SPDX identifiers; free words fit none.",
        advice: "write an SPDX expression: Apache-2.0, MIT OR GPL-2.0-only",
        aliases: &["DL3054"],
        sources: &["https://spdx.org/licenses/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::Licence, problems, "an SPDX licence expression", |value| {
        spdx::Expression::parse(value).is_ok()
    });
}
