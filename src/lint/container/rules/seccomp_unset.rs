//! A pod runs without a seccomp profile.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `seccomp-unset`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "seccomp-unset",
        severity: Severity::Medium,
        summary: "a pod runs without a seccomp profile",
        why: "Unless the kubelet is set otherwise, Kubernetes starts containers without one: every system call of the kernel is open to them.",
        advice: "set `securityContext.seccompProfile.type: RuntimeDefault`",
        aliases: &[],
        sources: &[
            "https://kubernetes.io/docs/tutorials/security/seccomp/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let is_set =
        container.confinement.iter().any(|setting| setting.value.as_ref().is_none_or(|(name, _)| name == "seccomp"));
    if container.origin == Origin::Kubernetes && !is_set {
        subject.state(problems, &container.at, "seccomp", "no seccomp profile is set");
    }
}
