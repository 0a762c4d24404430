//! Yum installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `yum-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "yum-unpinned",
        severity: Severity::Low,
        summary: "yum installs packages without a version",
        why: "Each build takes what the repository has on its day, so that two builds of one commit differ.",
        advice: "write package-version",
        aliases: &["DL3033", "KICS-6452c424"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::YUM, packages::is_rpm_pinned);
}
