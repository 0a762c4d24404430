//! MAINTAINER is deprecated.

use crate::advisory::model::Severity;
use crate::dockerfile::{Body, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `maintainer`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "maintainer",
        severity: Severity::Negligible,
        summary: "MAINTAINER is deprecated",
        why: "It sets a field that tools no longer show; a label is shown, and can be changed without building again.",
        advice: "use LABEL org.opencontainers.image.authors=\"…\"",
        aliases: &["DL4000", "CKV_DOCKER_6", "DS-0022", "KICS-99614418", "BuildKit:MaintainerDeprecated", "Slim-20008"],
        sources: &["https://docs.docker.com/reference/dockerfile/#maintainer-deprecated"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Maintainer) {
        let problem = problems.add(&instruction.name.span, "maintainer", "MAINTAINER is deprecated");
        if let Body::Text(who) = &instruction.body {
            let who_text = who.text.trim_matches(['"', '\'']);
            if !who_text.contains(['"', '\\', '$', '`']) {
                let label = Edit { range: instruction.name.span.clone(), text: "LABEL".to_owned() };
                let text = format!("org.opencontainers.image.authors=\"{who_text}\"");
                problem.fix("make it a label", [label, Edit { range: who.span.clone(), text }]);
            }
        }
    }
}
