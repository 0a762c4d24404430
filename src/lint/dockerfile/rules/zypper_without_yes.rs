//! Zypper asks and nobody answers.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `zypper-without-yes`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "zypper-without-yes",
        severity: Severity::Medium,
        summary: "zypper asks and nobody answers",
        why: "Without --non-interactive or -y it waits for an answer that a build cannot give, and stops.",
        advice: "add --non-interactive before the command, or -y behind it",
        aliases: &["DL3034", "KICS-45e1fca5"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::asks(subject, problems, &packages::ZYPPER, &["-n", "--non-interactive", "-y", "--no-confirm"]);
}
