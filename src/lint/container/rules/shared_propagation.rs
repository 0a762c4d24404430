//! Mounts made in a container spread to the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `shared-propagation`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "shared-propagation",
        severity: Severity::Medium,
        summary: "mounts made in a container spread to the host",
        why: "With `shared` or `rshared` what the container mounts appears on the host, and the other way around, beyond what was meant to be mounted.",
        advice: "leave `propagation` at its default, `rprivate`",
        aliases: &["CL-0017", "KICS-baa452f0"],
        sources: &["https://docs.docker.com/engine/storage/bind-mounts/#configure-bind-propagation"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.mounts {
        let Some(mount) = &setting.value else { continue };
        let Some(mode) = mount.propagation.as_deref() else { continue };
        let severity = match mode {
            "shared" | "rshared" => Severity::Medium,
            "slave" | "rslave" => Severity::Low,
            _ => continue,
        };
        subject.state(problems, &setting.at, &mount.target, format!("mounts spread: {mode}")).severity = severity;
    }
}
