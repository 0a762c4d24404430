//! The root filesystem of a container can be written.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `writable-root`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "writable-root",
        severity: Severity::Low,
        summary: "the root filesystem of a container can be written",
        why: "Whoever breaks in can put tools and changed programs where they stay until the container is made anew.",
        advice: "set `read_only: true`, with `tmpfs` or volumes for what must be written",
        aliases: &["CL-0007"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#read_only"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    match &container.read_only {
        None => {
            let edit = subject.insertion("read_only: true");
            let problem = subject.state(problems, &container.at, "read_only", "its root filesystem can be written");
            if let Some(edit) = edit {
                problem.fix("make the root filesystem read-only", [edit]);
            }
        }
        Some(setting) if setting.value == Some(false) => {
            subject.state(problems, &setting.at, "read_only", "its root filesystem can be written");
        }
        Some(_) => {}
    }
}
