//! A container shares a namespace of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Namespace;

/// `host-namespace`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "host-namespace",
        severity: Severity::High,
        summary: "a container shares a namespace of the host",
        why: "With the host’s processes it can watch and end them, with its shared memory read them, with its users it is root where root is; with its name it can change it.",
        advice: "remove `pid: host`, `ipc: host`, `uts: host`, `userns_mode: host`",
        aliases: &["CL-0010", "KICS-4f31dd9f", "KICS-baa3890f", "KICS-8af7162d"],
        sources: &[
            "https://docs.docker.com/engine/security/userns-remap/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.namespaces {
        let Some((namespace, mode)) = &setting.value else { continue };
        if *namespace != Namespace::Network && mode == "host" {
            subject.state(
                problems,
                &setting.at,
                format!("{namespace:?}"),
                format!("it shares a namespace of the host: {}", name(*namespace)),
            );
        }
    }
}

fn name(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Network => "network",
        Namespace::Pid => "processes",
        Namespace::Ipc => "shared memory",
        Namespace::Uts => "host name",
        Namespace::User => "users",
        Namespace::Cgroup => "control groups",
    }
}
