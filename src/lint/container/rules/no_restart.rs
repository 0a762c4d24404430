//! Nothing starts a container again that ended.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `no-restart`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-restart",
        severity: Severity::Low,
        summary: "nothing starts a container again that ended",
        why: "After a crash, or a restart of the host, the service stays away until somebody notices.",
        advice: "set `restart: unless-stopped`, or say that it is meant to end: `restart: no`",
        aliases: &[],
        sources: &["https://docs.docker.com/reference/compose-file/services/#restart"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    if container.origin == Origin::Compose && container.restart.is_none() {
        subject.state(problems, &container.at, "restart", "nothing is said about starting it again");
    }
}
