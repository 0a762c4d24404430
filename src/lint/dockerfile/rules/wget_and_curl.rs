//! Both wget and curl are used.

use std::collections::BTreeMap;

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `wget-and-curl`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "wget-and-curl",
        severity: Severity::Negligible,
        summary: "both wget and curl are used",
        why: "Each brings libraries of its own; one of them does for all.",
        advice: "use one of them",
        aliases: &["DL4001", "DS-0014", "KICS-fc775e75"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    // Of one stage, since each has its own files.
    let mut first: BTreeMap<usize, &str> = BTreeMap::new();
    for (run, _, call) in subject.calls().filter(|(_, _, call)| matches!(call.name, "wget" | "curl")) {
        let stage = run.stage.map_or(0, |stage| stage.index);
        let known = *first.entry(stage).or_insert(call.name);
        if known != call.name {
            problems.add(&call.word.span, call.name, format!("{} is used here, and {known} before", call.name));
        }
    }
}
