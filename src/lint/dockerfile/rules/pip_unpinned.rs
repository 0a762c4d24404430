//! Pip installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `pip-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pip-unpinned",
        severity: Severity::Low,
        summary: "pip installs packages without a version",
        why: "Each build takes what the index has on its day, so that two builds of one commit differ; a package taken over by somebody else comes in at once.",
        advice: "write package==version, or install a list with versions and hashes: pip install --require-hashes -r requirements.txt",
        aliases: &["DL3013", "KICS-02d9c71f", "Slim-20018"],
        sources: &["https://pip.pypa.io/en/stable/topics/secure-installs/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::PIP, |word| {
        let has_version = ["==", ">=", "<=", "!=", "~=", "<", ">"].iter().any(|operator| word.contains(operator));
        // A name with a slash is a folder.
        has_version || word.contains('@') || word.contains('/') || packages::is_file(word, &[".whl", ".tar.gz", ".zip"])
    });
}
