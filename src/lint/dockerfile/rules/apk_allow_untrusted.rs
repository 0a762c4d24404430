//! Apk installs packages that nobody signed.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `apk-allow-untrusted`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apk-allow-untrusted",
        severity: Severity::High,
        summary: "apk installs packages that nobody signed",
        why: "Whoever stands between, or controls the file, decides what is installed.",
        advice: "add the signer's key to /etc/apk/keys",
        aliases: &["CKV2_DOCKER_7", "CIS-4.11"],
        sources: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls().filter(|(_, _, call)| call.name == "apk") {
        if let Some(option) = call.option("--allow-untrusted") {
            problems.add(&option.span, "--allow-untrusted", "packages are installed that nobody signed");
        }
    }
}
