//! An instruction stands before the first FROM.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `instruction-before-from`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "instruction-before-from",
        severity: Severity::High,
        summary: "an instruction stands before the first FROM",
        why: "Nothing but ARG can be said before there is a stage: the build fails.",
        advice: "begin with FROM; only ARG and comments may stand before it",
        aliases: &["DL3061", "Slim-20009"],
        sources: &["https://docs.docker.com/reference/dockerfile/#from"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let first = subject.file.stages.first().map_or(subject.file.instructions.len(), |stage| stage.from);
    for instruction in subject.file.instructions.iter().take(first) {
        if !matches!(instruction.keyword, Keyword::Arg | Keyword::Unknown) {
            let message = format!("{} stands before the first FROM", instruction.name.text.to_ascii_uppercase());
            problems.add(&instruction.name.span, &instruction.name.text, message);
        }
    }
}
