//! The image has no HEALTHCHECK.

use crate::advisory::model::Severity;
use crate::dockerfile::{Keyword, Stage};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-healthcheck`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-healthcheck",
        severity: Severity::Low,
        summary: "the image has no HEALTHCHECK",
        why: "Without one an engine takes a container for healthy as long as its process lives, however little it answers. Kubernetes has probes of its own and reads none.",
        advice: "add HEALTHCHECK CMD with a request that the service answers, or HEALTHCHECK NONE where an orchestrator probes it",
        aliases: &["DL3057", "CIS-4.6", "CIS-DI-0006", "CKV_DOCKER_2", "DS-0026", "KICS-b03a748a"],
        sources: &[
            "https://docs.docker.com/reference/dockerfile/#healthcheck",
            "CIS Docker Benchmark 1.6.0, section 4",
        ],
        default: false,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(stage) = subject.final_stage() else { return };
    let has_one =
        |stage: &Stage| subject.file.body(stage).any(|instruction| instruction.keyword == Keyword::Healthcheck);
    if !subject.chain(stage).any(has_one) {
        let from = subject.file.instructions.get(stage.from).map_or(0..0, |from| from.span.clone());
        problems.add(&from, "healthcheck", "the final stage has no HEALTHCHECK");
    }
}
