//! The distribution is moved to another state by the build.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dist-upgrade`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dist-upgrade",
        severity: Severity::Medium,
        summary: "the distribution is moved to another state by the build",
        why: "What comes in depends on the day of the build: it cannot be repeated, and packages the base relies on may go.",
        advice: "take a newer base image instead",
        aliases: &["DKL-DI-0003", "DS-0024", "KICS-682fe378"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let is_apt = matches!(call.name, "apt-get" | "apt" | "aptitude");
        let verb = call.operands(&["-o", "-t"]).next().map_or("", |word| word.text.as_str());
        if is_apt && matches!(verb, "dist-upgrade" | "full-upgrade") {
            problems.add(&command.span, verb, format!("`{verb}` may add and remove packages as it likes"));
        }
    }
}
