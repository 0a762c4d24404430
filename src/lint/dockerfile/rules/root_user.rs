//! The image runs as root.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, is_root};

/// `root-user`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "root-user",
        severity: Severity::High,
        summary: "the image runs as root",
        why: "A process that breaks out of its container is then root on the host, unless user namespaces stand between; and in it, it may change everything.",
        advice: "create a user with a fixed uid and end the Dockerfile with USER <uid>:<gid>",
        aliases: &["DL3002", "CIS-4.1", "CIS-DI-0001", "CKV_DOCKER_8", "DS-0002", "KICS-67fd0c4a", "Slim-20017"],
        sources: &["https://docs.docker.com/reference/dockerfile/#user", "CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some((user, instruction)) = subject.last_user() else { return };
    if is_root(&user) {
        let edit = subject.set_user();
        let problem = problems.add(&instruction.span, "user", format!("the last USER is `{user}`, which is root"));
        if let Some(edit) = edit {
            problem.fix("set the user that is there", [edit]);
        }
    }
}
