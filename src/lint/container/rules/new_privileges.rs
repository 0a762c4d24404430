//! A process may get more rights than it began with.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `new-privileges`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "new-privileges",
        severity: Severity::Medium,
        summary: "a process may get more rights than it began with",
        why: "Programs with setuid or file capabilities make a process root again that was started as somebody else.",
        advice: "set `security_opt: [no-new-privileges:true]`, in a pod `allowPrivilegeEscalation: false`",
        aliases: &["CL-0003", "KICS-27fcc7d6", "KICS-610e266e"],
        sources: &[
            "https://docs.kernel.org/userspace-api/no_new_privs.html",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let is_privileged = container.privileged.as_ref().is_some_and(|setting| setting.value != Some(false));
    match &container.no_new_privileges {
        // Privileges that it has already need not be got; and then nothing of this helps.
        None if !is_privileged => {
            let edit = subject
                .insertion("security_opt:\n  - no-new-privileges:true")
                .filter(|_| container.confinement.is_empty());
            let problem = subject.state(
                problems,
                &container.at,
                "no-new-privileges",
                "nothing keeps its processes from getting more rights",
            );
            if let Some(edit) = edit {
                problem.fix("set no-new-privileges", [edit]);
            }
        }
        Some(setting) if setting.value == Some(false) => {
            subject.state(problems, &setting.at, "no-new-privileges", "its processes may get more rights");
        }
        _ => {}
    }
}
