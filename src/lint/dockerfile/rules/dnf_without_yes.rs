//! Dnf asks and nobody answers.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dnf-without-yes`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dnf-without-yes",
        severity: Severity::Medium,
        summary: "dnf asks and nobody answers",
        why: "Without -y it waits for an answer that a build cannot give, and stops.",
        advice: "add -y",
        aliases: &["DL3038", "KICS-7ebd323c"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::asks(subject, problems, &packages::DNF, &["-y", "--assumeyes"]);
}
