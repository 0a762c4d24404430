//! No USER is set.

use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `missing-user`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "missing-user",
        severity: Severity::Medium,
        summary: "no USER is set",
        why: "Unless the base sets one, the image runs as root: a process that breaks out of its container is then root on the host.",
        advice: "create a user with a fixed uid and end the Dockerfile with USER <uid>:<gid>",
        aliases: &["CIS-4.1", "CIS-DI-0001", "CKV_DOCKER_3", "DS-0002", "KICS-fd54f200"],
        sources: &["https://docs.docker.com/reference/dockerfile/#user", "CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// Bases whose name says that they set a user of their own.
const UNPRIVILEGED: &[&str] = &["nonroot", "rootless", "unprivileged", "chainguard/", "bitnami/", "dhi.io/"];

/// Docker's official images that do.
const OWN_USER: &[&str] = &[
    "cassandra",
    "elasticsearch",
    "haproxy",
    "jenkins",
    "kibana",
    "kong",
    "logstash",
    "memcached",
    "odoo",
    "rocket.chat",
    "solr",
    "sonarqube",
    "varnish",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(stage) = subject.final_stage().filter(|_| subject.last_user().is_none()) else { return };
    let base = subject.chain(stage).last().map(|stage| &stage.base);
    let Some(base) = base.and_then(|base| base.resolved.as_deref()) else { return };
    // An image without commands is made to be copied from, not to be run.
    let runs = base != "scratch" || subject.runs.iter().any(|run| !run.is_run());
    let name = ImageName::parse(base);
    if !runs
        || UNPRIVILEGED.iter().any(|part| base.contains(part))
        || (name.is_official() && OWN_USER.contains(&name.repository))
    {
        return;
    }
    let from = subject.file.instructions.get(stage.from).map_or(0..0, |from| from.span.clone());
    let edit = subject.set_user();
    let problem =
        problems.add(&from, "user", "no USER is set, and the image runs as root unless its base says otherwise");
    // What another base says is not known here; the scan of the image knows.
    if !name.is_official() {
        (problem.confidence, problem.severity) = (Confidence::Low, Severity::Low);
    }
    if let Some(edit) = edit {
        problem.fix("set the user that is there", [edit]);
    }
}
