//! Apt-get installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `apt-get-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt-get-unpinned",
        severity: Severity::Low,
        summary: "apt-get installs packages without a version",
        why: "Each build takes what the archive has on its day, so that two builds of one commit differ, and a failure comes with no change of yours.",
        advice: "write package=version, or pin the base by digest and the archive by a snapshot",
        aliases: &["DL3008", "KICS-965a08d7"],
        sources: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::APT, |word| {
        word.contains('=')
            || word.ends_with(['-', '+']) && word.len() > 1
            || packages::is_file(word, &[".deb"])
            || word.contains('/')
    });
}
