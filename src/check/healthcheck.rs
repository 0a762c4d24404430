//! The image has no health check.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind, Location};

/// `no-healthcheck`.
pub(super) struct NoHealthcheck;

static META: Meta = Meta {
    name: "no-healthcheck",
    summary: "the image has no health check",
    doc: "**Reads** `Healthcheck` of the image configuration.\n\n**Reports** an image without one, or with `HEALTHCHECK NONE`.\n\n**Cannot see** probes of an orchestrator.\n\n**Since** 0.1.0",
    aliases: &["CIS-4.6", "CIS-DI-0006", "DS-0026"],
    needs_config: true,
};

impl Check for NoHealthcheck {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let test = subject.manifest.config.config.healthcheck.as_ref().and_then(|check| check.test.first());
        if test.is_some_and(|word| word != "NONE") {
            return Vec::new();
        }
        let finding = Finding::new(Kind::Config, META.name, Severity::Low, "no HEALTHCHECK is set", "healthcheck")
            .at(Location::Config("healthcheck".into()))
            .advise("add a HEALTHCHECK instruction, or waive this where the orchestrator probes the container");
        vec![finding]
    }
}
