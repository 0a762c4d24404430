//! A pod gets a token of the cluster.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `service-token`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "service-token",
        severity: Severity::Low,
        summary: "a pod gets a token of the cluster",
        why: "With it whoever breaks in talks to the API of the cluster, with the rights of the account.",
        advice: "set `automountServiceAccountToken: false`, unless the program talks to the API",
        aliases: &[],
        sources: &["https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"],
        default: false,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    if container.origin == Origin::Kubernetes
        && container.token.as_ref().is_none_or(|setting| setting.value == Some(true))
    {
        let at = container.token.as_ref().map_or(&container.at, |setting| &setting.at);
        subject.state(problems, at, "automountServiceAccountToken", "a token of its account is mounted");
    }
}
