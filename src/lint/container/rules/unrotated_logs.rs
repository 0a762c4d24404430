//! What a container writes fills the disk.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::{Logging, Origin};

/// `unrotated-logs`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "unrotated-logs",
        severity: Severity::Low,
        summary: "what a container writes fills the disk",
        why: "The engine’s default driver, `json-file`, keeps everything for ever unless it is given a size.",
        advice: "set `logging: {driver: local}`, or `max-size` and `max-file`",
        aliases: &[],
        sources: &["https://docs.docker.com/engine/logging/drivers/json-file/"],
        default: false,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let (at, is_unbounded) = match &container.logging {
        None => (&container.at, true),
        Some(setting) => (&setting.at, setting.value.as_ref().is_some_and(is_unbounded)),
    };
    if container.origin == Origin::Compose && is_unbounded {
        subject.state(problems, at, "logging", "its log has no bound");
    }
}

fn is_unbounded(logging: &Logging) -> bool {
    let is_default = matches!(logging.driver.as_deref(), None | Some("json-file"));
    is_default && !logging.options.iter().any(|(name, _)| name == "max-size")
}
