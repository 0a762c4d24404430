//! Go install takes whatever version is newest.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `go-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "go-unpinned",
        severity: Severity::Low,
        summary: "go install takes whatever version is newest",
        why: "Each build takes what is newest on its day, so that two builds of one commit differ. Without @ the version is that of go.mod, or the build fails.",
        advice: "write package@v1.2.3",
        aliases: &["DL3062"],
        sources: &["https://go.dev/ref/mod#go-install"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::GO, |word| {
        !word
            .split_once('@')
            .is_some_and(|(_, version)| matches!(version, "latest" | "upgrade" | "patch" | "master" | "main"))
    });
}
