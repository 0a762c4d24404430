//! A port below 1024 of the host is published.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `privileged-port`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "privileged-port",
        severity: Severity::Low,
        summary: "a port below 1024 of the host is published",
        why: "Only root may open such a port, so that whatever answers there is trusted to be the host’s own service.",
        advice: "publish a port from 1024 on, and let a proxy on the host answer for the others",
        aliases: &["KICS-bc2908f3"],
        sources: &["https://www.rfc-editor.org/rfc/rfc6335#section-6"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.ports {
        let Some(port) = &setting.value else { continue };
        let Some((first, _)) = port.published.filter(|(first, _)| !matches!(first, 80 | 443) && *first < 1024) else {
            continue;
        };
        subject.state(
            problems,
            &setting.at,
            format!("{first}/{}", port.protocol),
            format!("port {first} of the host is one of root's"),
        );
    }
}
