//! A container is privileged.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `privileged-container`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "privileged-container",
        severity: Severity::Critical,
        summary: "a container is privileged",
        why: "It has every capability and every device of the host, without seccomp and AppArmor: root in it is root on the host.",
        advice: "remove `privileged: true`, and give the one capability or device that it needs",
        aliases: &["CL-0002", "KICS-ae5b6871"],
        sources: &[
            "https://docs.docker.com/engine/security/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(setting) = &subject.container.privileged else { return };
    if setting.value == Some(true) {
        subject.state(problems, &setting.at, "privileged", "it is privileged");
    }
}
