//! Nothing looks after the health of a container.

use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-health-check`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-health-check",
        severity: Severity::Low,
        summary: "nothing looks after the health of a container",
        why: "One that hangs counts as running: nobody is told, and nothing starts it again.",
        advice: "add a `healthcheck:`, or a HEALTHCHECK to the image; in a pod a liveness or readiness probe",
        aliases: &["KICS-698ed579"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#healthcheck"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    match &container.health {
        None => match &container.of_image {
            Some(image) if image.has_health => {}
            Some(_) => {
                let message = "neither the image nor this file sets a health check";
                subject.state(problems, &container.at, "healthcheck", message);
            }
            // The image may have one of its own.
            None => {
                let message = "no health check is set here";
                subject.state(problems, &container.at, "healthcheck", message).confidence = Confidence::Medium;
            }
        },
        Some(setting) if setting.value == Some(false) => {
            subject.state(problems, &setting.at, "healthcheck", "the health check is switched off");
        }
        Some(_) => {}
    }
}
