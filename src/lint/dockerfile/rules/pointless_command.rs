//! A command is run that does nothing in a build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `pointless-command`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pointless-command",
        severity: Severity::Negligible,
        summary: "a command is run that does nothing in a build",
        why: "Processes, mounts, terminals and services of a build are gone when its layer is made.",
        advice: "remove it, or run it when the container starts",
        aliases: &["DL3001", "KICS-9b6b0f38", "Slim-20022"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const POINTLESS: &[&str] = &[
    "free",
    "ifconfig",
    "kill",
    "mount",
    "ps",
    "service",
    "shutdown",
    "ssh",
    "top",
    "vim",
    "reboot",
    "halt",
    "systemctl",
    "htop",
    "nano",
];

/// What `systemctl` does without a running system.
const OFFLINE: &[&str] = &["enable", "disable", "mask", "unmask", "preset", "set-default", "--root"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let works = call.name == "systemctl" && call.arguments.iter().any(|word| OFFLINE.contains(&word.text.as_str()));
        // A service that is started and used in the same RUN is how databases are filled.
        let is_used = call.name == "service" && command.depth == 0 && call.arguments.len() > 1;
        if POINTLESS.contains(&call.name) && !works && !is_used {
            problems.add(&call.word.span, call.name, format!("`{}` has no effect in an image", call.name));
        }
    }
}
