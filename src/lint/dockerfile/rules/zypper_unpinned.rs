//! Zypper installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `zypper-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "zypper-unpinned",
        severity: Severity::Low,
        summary: "zypper installs packages without a version",
        why: "Each build takes what the repository has on its day, so that two builds of one commit differ.",
        advice: "write package=version",
        aliases: &["DL3037", "KICS-562952e4"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::ZYPPER, |word| {
        word.contains(['=', '<', '>', '(']) || packages::is_file(word, &[".rpm"])
    });
}
