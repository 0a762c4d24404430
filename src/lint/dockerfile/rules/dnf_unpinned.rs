//! Dnf installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dnf-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dnf-unpinned",
        severity: Severity::Low,
        summary: "dnf installs packages without a version",
        why: "Each build takes what the repository has on its day, so that two builds of one commit differ.",
        advice: "write package-version",
        aliases: &["DL3041", "KICS-93d88cf7"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::DNF, packages::is_rpm_pinned);
}
