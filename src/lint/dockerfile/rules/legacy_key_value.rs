//! ENV or LABEL is written without an equals sign.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `legacy-key-value`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "legacy-key-value",
        severity: Severity::Negligible,
        summary: "ENV or LABEL is written without an equals sign",
        why: "That form takes one name only and all that follows as its value; it may go in a later version of the syntax.",
        advice: "write NAME=value",
        aliases: &["BuildKit:LegacyKeyValueFormat"],
        sources: &["https://docs.docker.com/reference/build-checks/legacy-key-value-format/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for keyword in [Keyword::Env, Keyword::Label] {
        for (_, instruction) in subject.instructions(keyword) {
            for pair in instruction.pairs().iter().filter(|pair| pair.is_old) {
                let problem = problems.add(
                    &pair.name.span,
                    &pair.name.text,
                    format!("`{}` is set without an equals sign", pair.name.text),
                );
                let Some(value) = &pair.value else { continue };
                // A value with quotes or escapes means something else behind an equals sign.
                let is_plain = !value.text.contains(['"', '\'', '\\', '`']) && value.span.len() == value.text.len();
                if is_plain && pair.name.span.len() == pair.name.text.len() {
                    let text = if value.text.contains(char::is_whitespace) {
                        format!("=\"{}\"", value.text)
                    } else {
                        format!("={}", value.text)
                    };
                    problem.fix(
                        "write it with an equals sign",
                        [Edit { range: pair.name.span.end..value.span.end, text }],
                    );
                }
            }
        }
    }
}
