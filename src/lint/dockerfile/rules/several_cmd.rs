//! A stage has several CMD instructions.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `several-cmd`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "several-cmd",
        severity: Severity::Low,
        summary: "a stage has several CMD instructions",
        why: "Only the last counts; the others mislead whoever reads the file.",
        advice: "keep one CMD, the last",
        aliases: &["DL4003", "DS-0016", "KICS-41c195f4", "BuildKit:MultipleInstructionsDisallowed", "Slim-20011"],
        sources: &["https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (instruction, _) in subject.repeated(Keyword::Cmd) {
        problems.add(&instruction.name.span, "cmd", "a later CMD of this stage replaces this one");
    }
}
