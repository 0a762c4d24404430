//! A container may use all processes of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `pids-unlimited`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pids-unlimited",
        severity: Severity::Low,
        summary: "a container may use all processes of the host",
        why: "A fork bomb in it stops the whole host.",
        advice: "set `pids_limit:` or `deploy.resources.limits`",
        aliases: &["KICS-221e0658"],
        sources: &["https://docs.docker.com/engine/containers/resource_constraints/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    // The kubelet limits them for the whole node.
    if container.origin == Origin::Kubernetes {
        return;
    }
    match &container.pids {
        None => {
            subject.state(problems, &container.at, "pids", "its processes are not limited");
        }
        Some(setting) if setting.value.as_deref().is_some_and(|value| matches!(value, "0" | "-1")) => {
            subject.state(problems, &setting.at, "pids", "its processes are not limited");
        }
        Some(_) => {}
    }
}
