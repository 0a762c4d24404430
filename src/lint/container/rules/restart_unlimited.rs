//! A container that fails is started again without end.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `restart-unlimited`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "restart-unlimited",
        severity: Severity::Low,
        summary: "a container that fails is started again without end",
        why: "One that breaks at once keeps the host busy, and whoever guesses at it gets as many tries as he likes.",
        advice: "limit it: `restart: on-failure:5`",
        aliases: &["KICS-2fc99041"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#restart"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(setting) = &subject.container.restart else { return };
    let Some(restart) = setting.value.as_ref().filter(|restart| restart.policy == "on-failure") else { return };
    if restart.attempts.is_none_or(|attempts| attempts > 5) {
        subject.state(problems, &setting.at, "restart", "it is started again more than five times");
    }
}
