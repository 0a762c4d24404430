//! Rpm packages are installed whose signature is not checked.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `rpm-unsigned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "rpm-unsigned",
        severity: Severity::High,
        summary: "rpm packages are installed whose signature is not checked",
        why: "Whoever stands between decides what is installed.",
        advice: "remove the option, and import the repository's key with rpm --import",
        aliases: &["CKV2_DOCKER_9", "CKV2_DOCKER_10", "CIS-4.11"],
        sources: &["https://dnf.readthedocs.io/en/latest/command_ref.html"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls() {
        let options: &[&str] = match call.name {
            "yum" | "dnf" | "dnf5" | "microdnf" | "tdnf" => {
                &["--nogpgcheck", "--no-gpgchecks", "--setopt=gpgcheck=0", "--setopt=*.gpgcheck=0"]
            }
            "rpm" => &["--nosignature", "--nodigest", "--noverify"],
            "zypper" => &["--no-gpg-checks", "--allow-unsigned-rpm"],
            _ => continue,
        };
        for word in call.arguments.iter().filter(|word| options.contains(&word.text.as_str())) {
            problems.add(&word.span, &word.text, format!("`{}` takes packages that nobody answers for", word.text));
        }
    }
}
