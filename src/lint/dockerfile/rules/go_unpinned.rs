//! Go install takes a program without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `go-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "go-unpinned",
        severity: Severity::Low,
        summary: "go install takes a program without a version",
        why: "Each build takes what is newest on its day, so that two builds of one commit differ.",
        advice: "write package@version",
        aliases: &["DL3062"],
        sources: &["https://go.dev/ref/mod#go-install"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::GO, |word| {
        let is_own = !word.split('/').next().is_some_and(|host| host.contains('.')) || packages::is_file(word, &[]);
        is_own
            || word
                .split_once('@')
                .is_some_and(|(_, version)| !matches!(version, "latest" | "upgrade" | "master" | "main"))
    });
}
