//! A container may use all memory of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `memory-unlimited`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "memory-unlimited",
        severity: Severity::Medium,
        summary: "a container may use all memory of the host",
        why: "One that leaks or is attacked takes the host’s memory, and the kernel ends whatever it likes.",
        advice: "set `mem_limit:` or `deploy.resources.limits`, in a pod `resources.limits`",
        aliases: &["CL-0026", "KICS-bb9ac4f7"],
        sources: &["https://docs.docker.com/engine/containers/resource_constraints/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    match &container.memory {
        None => {
            subject.state(problems, &container.at, "memory", "its memory is not limited");
        }
        Some(setting) if setting.value.as_deref().is_some_and(|value| matches!(value, "0" | "-1")) => {
            subject.state(problems, &setting.at, "memory", "its memory is not limited");
        }
        Some(_) => {}
    }
}
