//! A shell cannot read a RUN.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `shell-syntax`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "shell-syntax",
        severity: Severity::High,
        summary: "a shell cannot read a RUN",
        why: "A quote or bracket stays open: the build fails, or what stands behind it is not what it seems to be.",
        advice: "close it, or escape it",
        aliases: &["SC1078", "SC1009", "SC1073"],
        sources: &["https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_shell && run.is_posix) {
        if let Some(fault) = &run.script.fault {
            let at = fault.at.min(run.instruction.span.end.saturating_sub(1));
            problems.add(&(at..at + 1), fault.reason, fault.reason);
        }
    }
}
