//! What a container writes is thrown away.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `logging-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "logging-off",
        severity: Severity::Low,
        summary: "what a container writes is thrown away",
        why: "Nobody can tell later what happened.",
        advice: "use a driver that keeps it, with a bound: `local`, or `json-file` with max-size",
        aliases: &["CL-0014"],
        sources: &["https://docs.docker.com/engine/logging/configure/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(setting) = &subject.container.logging else { return };
    if setting.value.as_ref().is_some_and(|logging| logging.driver.as_deref() == Some("none")) {
        subject.state(problems, &setting.at, "logging", "its output goes nowhere");
    }
}
