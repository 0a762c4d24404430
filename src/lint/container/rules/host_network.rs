//! A container is on the host’s network.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Namespace;

/// `host-network`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "host-network",
        severity: Severity::High,
        summary: "a container is on the host’s network",
        why: "It reaches and can listen on everything that the host does, what is bound to 127.0.0.1 too, and the abstract sockets of the host’s services.",
        advice: "put it on a network of its own, and publish the ports that are needed",
        aliases: &["CL-0008", "KICS-071a71ff"],
        sources: &[
            "https://docs.docker.com/engine/network/drivers/host/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.namespaces {
        let Some((namespace, mode)) = &setting.value else { continue };
        if *namespace == Namespace::Network && mode == "host" {
            subject.state(problems, &setting.at, format!("{namespace:?}"), "it shares the network of the host");
        }
    }
    for setting in &subject.container.networks {
        if setting.value.as_deref() == Some("host") {
            subject.state(problems, &setting.at, "Network", "it is on the network of the host");
        }
    }
}
