//! A stage has several ENTRYPOINT instructions.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `several-entrypoint`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "several-entrypoint",
        severity: Severity::Medium,
        summary: "a stage has several ENTRYPOINT instructions",
        why: "Only the last counts; the others mislead whoever reads the file.",
        advice: "keep one ENTRYPOINT, the last",
        aliases: &["DL4004", "DS-0007", "KICS-6938958b", "BuildKit:MultipleInstructionsDisallowed", "Slim-20010"],
        sources: &["https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (instruction, _) in subject.repeated(Keyword::Entrypoint) {
        problems.add(&instruction.name.span, "entrypoint", "a later ENTRYPOINT of this stage replaces this one");
    }
}
