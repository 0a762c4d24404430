//! Apk adds packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `apk-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apk-unpinned",
        severity: Severity::Low,
        summary: "apk adds packages without a version",
        why: "Each build takes what the repository has on its day, so that two builds of one commit differ. Alpine keeps only the newest version of a branch, so a pin must be moved with it.",
        advice: "write package=version or package~version, or pin the base by digest",
        aliases: &["DL3018", "KICS-d3499f6d"],
        sources: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::unpinned(subject, problems, &packages::APK, |word| {
        word.contains(['=', '~', '<', '>', '@']) || word.starts_with('!') || packages::is_file(word, &[".apk"])
    });
}
