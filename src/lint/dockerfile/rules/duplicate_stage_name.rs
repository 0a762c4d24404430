//! Two stages have the same name.

use std::collections::BTreeSet;

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `duplicate-stage-name`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "duplicate-stage-name",
        severity: Severity::Medium,
        summary: "two stages have the same name",
        why: "The second hides the first from everything after it, so that COPY --from takes its files from another stage than somebody meant.",
        advice: "give each stage a name of its own",
        aliases: &["DL3024", "CKV_DOCKER_11", "DS-0012", "KICS-f2daed12", "BuildKit:DuplicateStageName"],
        sources: &["https://docs.docker.com/reference/build-checks/duplicate-stage-name/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for name in subject.file.stages.iter().filter_map(|stage| stage.name.as_ref()) {
        if !seen.insert(name.text.to_ascii_lowercase()) {
            problems.add(&name.span, &name.text, format!("a stage before is named `{}`, too", name.text));
        }
    }
}
