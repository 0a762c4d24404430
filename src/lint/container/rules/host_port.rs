//! A pod opens a port of its node.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `host-port`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "host-port",
        severity: Severity::Medium,
        summary: "a pod opens a port of its node",
        why: "It is reached past services and network policies, and can be started on few nodes only.",
        advice: "use a Service, and leave out `hostPort`",
        aliases: &[],
        sources: &["https://kubernetes.io/docs/concepts/security/pod-security-standards/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    if subject.container.origin != Origin::Kubernetes {
        return;
    }
    for setting in &subject.container.ports {
        let Some((port, _)) = setting.value.as_ref().and_then(|port| port.published) else { continue };
        subject.state(problems, &setting.at, port.to_string(), format!("port {port} of the node is opened"));
    }
}
