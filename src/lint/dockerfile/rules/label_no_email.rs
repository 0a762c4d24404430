//! A label that is an address of mail has another value.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, LabelKind, Meta, Problems, Rule};

/// `label-no-email`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "label-no-email",
        severity: Severity::Low,
        summary: "a label that is an address of mail has another value",
        why: "Whoever finds a flaw in the image writes there.",
        advice: "write an address: name@mail.example",
        aliases: &["DL3058"],
        sources: &["https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    subject.labels_of(LabelKind::Email, problems, "an address of mail", |value| {
        let Some((local, domain)) = value.rsplit_once('@') else { return false };
        let is_atom = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
        };
        local.split('.').all(is_atom) && domain.contains('.') && domain.split('.').all(is_atom)
    });
}
