//! A stage has several HEALTHCHECK instructions.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `several-healthcheck`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "several-healthcheck",
        severity: Severity::Medium,
        summary: "a stage has several HEALTHCHECK instructions",
        why: "Only the last counts; the others mislead whoever reads the file.",
        advice: "keep one HEALTHCHECK, the last",
        aliases: &["DL3012", "DS-0023", "BuildKit:MultipleInstructionsDisallowed"],
        sources: &["https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (instruction, _) in subject.repeated(Keyword::Healthcheck) {
        problems.add(&instruction.name.span, "healthcheck", "a later HEALTHCHECK of this stage replaces this one");
    }
}
