//! ONBUILD triggers an instruction that it cannot trigger.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `onbuild-nested`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "onbuild-nested",
        severity: Severity::High,
        summary: "ONBUILD triggers an instruction that it cannot trigger",
        why: "FROM, MAINTAINER and ONBUILD are refused in ONBUILD: whoever builds on the image fails.",
        advice: "put the instruction into the Dockerfile that builds on this image",
        aliases: &["DL3043"],
        sources: &["https://docs.docker.com/reference/dockerfile/#onbuild"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for outer in subject.file.instructions.iter().filter(|outer| outer.keyword == Keyword::Onbuild) {
        let refused = [Keyword::From, Keyword::Maintainer, Keyword::Onbuild];
        if let Some(inner) = outer.with_triggers().nth(1).filter(|inner| refused.contains(&inner.keyword)) {
            let name = inner.name.text.to_ascii_uppercase();
            problems.add(&inner.name.span, &name, format!("ONBUILD cannot trigger {name}"));
        }
    }
}
