//! A password is set during the build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `chpasswd`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "chpasswd",
        severity: Severity::Medium,
        summary: "a password is set during the build",
        why: "It is the same in every container, and whoever has the image can try it out at leisure, if it does not stand in the history anyway.",
        advice: "leave the account without a password, and use keys or the engine's exec",
        aliases: &["CKV2_DOCKER_17"],
        sources: &["https://manpages.debian.org/chpasswd.8"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let gives_password = call.name == "usermod" && call.has_any(&["-p", "--password"]);
        if call.name == "chpasswd" || gives_password {
            problems.add(&command.span, call.name, "a password is set that every container has");
        }
    }
}
