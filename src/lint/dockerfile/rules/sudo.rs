//! Sudo is called during the build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `sudo`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "sudo",
        severity: Severity::Low,
        summary: "sudo is called during the build",
        why: "A build runs as the user that USER says, root by default, and sudo needs a terminal and a configuration of its own; left in the image it is a way to become root.",
        advice: "switch with USER, and leave sudo out of the image; gosu or setpriv drop rights when it starts",
        aliases: &["DL3004", "CKV2_DOCKER_1", "DKL-DI-0001", "DS-0010", "KICS-8ada6e80"],
        sources: &["https://docs.docker.com/build/building/best-practices/#user"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run()) {
        for command in &run.script.commands {
            let Some(call) = command.written().filter(|call| call.name == "sudo") else { continue };
            let next = call.arguments.first().map_or("", |word| word.text.as_str());
            problems.add(&call.word.span, next, "sudo is called during the build");
        }
    }
}
