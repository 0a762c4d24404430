//! The distribution is moved to another state by the build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `zypper-dist-upgrade`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "zypper-dist-upgrade",
        severity: Severity::Medium,
        summary: "the distribution is moved to another state by the build",
        why: "What comes in depends on the day of the build: it cannot be repeated, and packages the base relies on may go.",
        advice: "take a newer base image instead",
        aliases: &["DL3035", "KICS-d4895357"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "zypper") {
        let verb = call.operands(&[]).next().map_or("", |word| word.text.as_str());
        if matches!(verb, "dist-upgrade" | "dup") {
            problems.add(&command.span, verb, format!("`zypper {verb}` may add and remove packages as it likes"));
        }
    }
}
