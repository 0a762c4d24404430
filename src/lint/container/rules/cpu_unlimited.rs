//! A container may use all processor time of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `cpu-unlimited`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "cpu-unlimited",
        severity: Severity::Low,
        summary: "a container may use all processor time of the host",
        why: "One that spins takes the time of everybody else on the host.",
        advice: "set `cpus:` or `deploy.resources.limits`, in a pod `resources.limits`",
        aliases: &["CL-0026", "KICS-6b610c50"],
        sources: &["https://docs.docker.com/engine/containers/resource_constraints/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    match &container.cpu {
        None => {
            subject.state(problems, &container.at, "cpu", "its processor time is not limited");
        }
        Some(setting) if setting.value.as_deref().is_some_and(|value| matches!(value, "0" | "0.0" | "-1")) => {
            subject.state(problems, &setting.at, "cpu", "its processor time is not limited");
        }
        Some(_) => {}
    }
}
