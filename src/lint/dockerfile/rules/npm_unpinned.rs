//! Npm installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `npm-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "npm-unpinned",
        severity: Severity::Low,
        summary: "npm installs packages without a version",
        why: "Each build takes what the registry has on its day, so that two builds of one commit differ; a package taken over by somebody else comes in at once.",
        advice: "write package@version, or install from a lock file with npm ci",
        aliases: &["DL3016", "KICS-e36d8880"],
        sources: &["https://docs.npmjs.com/cli/commands/npm-install"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::NPM, |word| {
        let version = word.get(1..).and_then(|rest| rest.split_once('@')).map(|(_, version)| version);
        let is_version = version.is_some_and(|version| !matches!(version, "latest" | "next" | "*" | ""));
        // `owner/repository` is one of GitHub, a file or folder has a dot or slash in front.
        is_version
            || packages::is_file(word, &[".tgz", ".tar.gz"])
            || (word.contains('/') && !word.starts_with('@'))
            || word.starts_with("git@")
    });
}
