//! Programs in a temporary filesystem can be run.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `tmpfs-exec`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "tmpfs-exec",
        severity: Severity::Low,
        summary: "programs in a temporary filesystem can be run",
        why: "It is where whoever breaks into a container with a read-only root puts his programs.",
        advice: "leave out `exec` and `suid`: the engine mounts with noexec, nosuid and nodev unless told otherwise",
        aliases: &["CL-0022"],
        sources: &["https://docs.docker.com/engine/storage/tmpfs/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.tmpfs {
        let Some((target, options)) = setting.value.as_deref().and_then(|text| text.split_once(':')) else { continue };
        if let Some(option) = options.split(',').find(|option| matches!(*option, "exec" | "suid" | "dev")) {
            subject.state(problems, &setting.at, target, format!("`{target}` is mounted with {option}"));
        }
    }
}
