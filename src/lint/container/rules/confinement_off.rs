//! Seccomp, AppArmor or SELinux is switched off.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `confinement-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "confinement-off",
        severity: Severity::High,
        summary: "seccomp, AppArmor or SELinux is switched off",
        why: "They keep a process from system calls and files that a container has no use for, and have stopped many ways out of one.",
        advice: "remove the option; where one call is missing, give a profile of its own",
        aliases: &["CL-0009", "KICS-404fde2c"],
        sources: &[
            "https://docs.docker.com/engine/security/seccomp/",
            "https://docs.docker.com/engine/security/apparmor/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.confinement {
        let Some((name, value)) = &setting.value else { continue };
        let is_off = match name.as_str() {
            "seccomp" | "apparmor" | "systempaths" => value == "unconfined",
            "label" => value == "disable" || value == "type:spc_t",
            _ => false,
        };
        if is_off {
            subject.state(problems, &setting.at, name, format!("{name} is switched off"));
        }
    }
}
