//! A container keeps the capabilities that the engine gives.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `capabilities-kept`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "capabilities-kept",
        severity: Severity::Medium,
        summary: "a container keeps the capabilities that the engine gives",
        why: "Most programs need none of the engine’s fourteen (CHOWN, SETUID, NET_RAW, MKNOD, …), and whoever breaks in finds them there.",
        advice: "set `cap_drop: [ALL]`, and add back with `cap_add` what it cannot do without",
        aliases: &["CL-0006", "KICS-ce76b7d0"],
        sources: &[
            "https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let is_privileged = container.privileged.as_ref().is_some_and(|setting| setting.value != Some(false));
    let drops_all = container.dropped.iter().any(|setting| setting.value.as_deref().is_none_or(|name| name == "ALL"));
    if is_privileged || drops_all {
        return;
    }
    let edit = subject.insertion("cap_drop:\n  - ALL").filter(|_| container.dropped.is_empty());
    let problem = subject.state(problems, &container.at, "cap_drop", "it does not drop ALL capabilities");
    if let Some(edit) = edit {
        problem.fix("drop all capabilities", [edit]);
    }
}
