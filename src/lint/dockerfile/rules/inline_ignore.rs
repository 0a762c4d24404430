//! A comment sets a rule aside.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `inline-ignore`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "inline-ignore",
        severity: Severity::Negligible,
        summary: "a comment sets a rule aside",
        why: "Where rules are to hold for everybody, exceptions stand in one file that somebody answers for.",
        advice: "remove the comment, and write a waiver into .imgguard.toml",
        aliases: &["DL1001"],
        sources: &["https://github.com/hadolint/hadolint"],
        default: false,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for ignore in crate::lint::dockerfile::ignores(subject.file) {
        problems.add(
            &ignore.span,
            ignore.rules.join(","),
            format!("{} is set aside by a comment", ignore.rules.join(", ")),
        );
    }
}
