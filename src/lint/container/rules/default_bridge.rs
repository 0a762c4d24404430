//! A container is on the engine’s default bridge.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Namespace;

/// `default-bridge`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "default-bridge",
        severity: Severity::Medium,
        summary: "a container is on the engine’s default bridge",
        why: "Every container of the host that nobody gave a network is there and can be reached; names do not resolve, so that addresses are written down.",
        advice: "remove `network_mode: bridge`: Compose makes a network for each project; or name networks of your own",
        aliases: &["KICS-ce14a68b"],
        sources: &[
            "https://docs.docker.com/engine/network/drivers/bridge/#differences-between-user-defined-bridges-and-the-default-bridge",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.namespaces {
        let Some((namespace, mode)) = &setting.value else { continue };
        if *namespace == Namespace::Network && matches!(mode.as_str(), "bridge" | "default") {
            subject.state(problems, &setting.at, "network", "it is on the default bridge");
        }
    }
    for setting in &subject.container.networks {
        if setting.value.as_deref() == Some("bridge") {
            subject.state(problems, &setting.at, "network", "it is on the default bridge");
        }
    }
}
