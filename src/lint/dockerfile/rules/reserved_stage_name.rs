//! A stage has a name that means something else.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `reserved-stage-name`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "reserved-stage-name",
        severity: Severity::Medium,
        summary: "a stage has a name that means something else",
        why: "`scratch` is the empty base and `context` the files sent to the builder: a stage of that name cannot be told from them.",
        advice: "give the stage another name",
        aliases: &["DL3063", "BuildKit:ReservedStageName"],
        sources: &["https://docs.docker.com/reference/build-checks/reserved-stage-name/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for name in subject.file.stages.iter().filter_map(|stage| stage.name.as_ref()) {
        if ["scratch", "context"].iter().any(|reserved| name.text.eq_ignore_ascii_case(reserved)) {
            problems.add(&name.span, &name.text, format!("`{}` is a name that the builder uses itself", name.text));
        }
    }
}
