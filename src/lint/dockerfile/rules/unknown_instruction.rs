//! A line begins with no instruction that there is.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `unknown-instruction`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "unknown-instruction",
        severity: Severity::High,
        summary: "a line begins with no instruction that there is",
        why: "The build fails at it.",
        advice: "correct the spelling, or join the line to the one before with a backslash",
        aliases: &["Slim-20007"],
        sources: &["https://docs.docker.com/reference/dockerfile/#overview"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Unknown) {
        let shown: String = instruction.name.text.chars().take(40).collect();
        let message = match closest(&shown) {
            Some(known) => format!("there is no instruction `{shown}`; did you mean {known}?"),
            None => format!("there is no instruction `{shown}`"),
        };
        problems.add(&instruction.name.span, shown, message);
    }
}

/// The instruction that a word was meant to be.
fn closest(word: &str) -> Option<&'static str> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(&word.to_ascii_uppercase(), known);
    Keyword::WORDS.iter().min_by_key(distance).filter(|known| distance(known) <= 2).copied()
}
