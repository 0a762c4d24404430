//! Port 22 is exposed.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `exposed-ssh`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "exposed-ssh",
        severity: Severity::Low,
        summary: "port 22 is exposed",
        why: "An SSH server in a container is a second way in, with keys and accounts of its own that nobody rotates; engines have exec for that.",
        advice: "remove the SSH server, and use the engine's exec",
        aliases: &["CKV_DOCKER_1", "DS-0004"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Expose) {
        for word in instruction.words().iter().filter(|word| matches!(word.text.as_str(), "22" | "22/tcp")) {
            problems.add(&word.span, "22", "port 22 is exposed, where SSH servers listen");
        }
    }
}
