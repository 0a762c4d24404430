//! A volume is shared between containers.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Container;

/// `shared-volume`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "shared-volume",
        severity: Severity::Negligible,
        summary: "a volume is shared between containers",
        why: "What one writes the other reads: whoever breaks into one can feed the other.",
        advice: "give each its own, and let them talk over a network; mount it read-only where it is only read",
        aliases: &["KICS-8c978947"],
        sources: &["https://docs.docker.com/engine/storage/volumes/#share-data-between-machines"],
        default: false,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.mounts {
        let Some(mount) = setting.value.as_ref().filter(|mount| !mount.read_only) else { continue };
        let Some(volume) = mount.volume.as_deref().filter(|_| mount.host.is_none()) else { continue };
        let others = subject.workload.containers.iter().filter(|other| other.name != subject.container.name);
        let shares = |other: &&Container| {
            other
                .mounts
                .iter()
                .any(|theirs| theirs.value.as_ref().is_some_and(|theirs| theirs.volume.as_deref() == Some(volume)))
        };
        if let Some(other) = others.into_iter().find(shares) {
            subject.state(
                problems,
                &setting.at,
                volume,
                format!("the volume `{volume}` is also mounted by `{}`", other.name),
            );
        }
    }
}
