//! Yum asks and nobody answers.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `yum-without-yes`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "yum-without-yes",
        severity: Severity::Medium,
        summary: "yum asks and nobody answers",
        why: "Without -y it waits for an answer that a build cannot give, and stops.",
        advice: "add -y",
        aliases: &["DL3030", "KICS-6e19193a"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::asks(subject, problems, &packages::YUM, &["-y", "--assumeyes"]);
}
