//! A pod may be started as root.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `root-allowed`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "root-allowed",
        severity: Severity::Medium,
        summary: "a pod may be started as root",
        why: "An image without a user, or with another one tomorrow, runs as root without anybody noticing.",
        advice: "set `securityContext.runAsNonRoot: true`",
        aliases: &[],
        sources: &["https://kubernetes.io/docs/concepts/security/pod-security-standards/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let has_user = container.user.as_ref().is_some_and(|setting| setting.value.as_deref() != Some("0"));
    if container.origin == Origin::Kubernetes
        && !has_user
        && container.non_root.as_ref().is_none_or(|setting| setting.value == Some(false))
    {
        let at = container.non_root.as_ref().map_or(&container.at, |setting| &setting.at);
        subject.state(problems, at, "runAsNonRoot", "nothing keeps it from being started as root");
    }
}
