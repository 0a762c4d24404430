//! A container is put under a control group of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `cgroup-parent`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "cgroup-parent",
        severity: Severity::Medium,
        summary: "a container is put under a control group of the host",
        why: "It can then share or escape the limits that the engine sets, and those of other services.",
        advice: "remove `cgroup_parent`, unless the host’s administrator gave the group",
        aliases: &["KICS-4d9f44c6"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#cgroup_parent"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    if let Some(setting) = &subject.container.cgroup_parent {
        subject.state(problems, &setting.at, "cgroup_parent", "it is put under another control group");
    }
}
