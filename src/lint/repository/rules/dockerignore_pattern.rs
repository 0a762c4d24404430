//! A line of `.dockerignore` does not do what it seems to.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::dockerignore::IgnoreError;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `dockerignore-pattern`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dockerignore-pattern",
        severity: Severity::Medium,
        summary: "a line of `.dockerignore` does not do what it seems to",
        why: "A pattern that no builder reads stops every build. A comment behind a pattern is a part of it, so that nothing is left out.",
        advice: "write a comment on a line of its own, and close every bracket",
        aliases: &[],
        sources: &["https://docs.docker.com/build/concepts/context/#syntax"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        let path = &context.ignore_path;
        // Of what is no UTF-8 only the file is named.
        let text = subject.exact_text(path).unwrap_or_default();
        if let Some(Err(error)) = &context.ignore {
            let line = match error {
                IgnoreError::Pattern { line, .. } => *line,
                IgnoreError::Limit { .. } => 1,
            };
            let span = span(&text, line);
            subject.state(problems, path, span, "error", error);
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let Some((pattern, comment)) = line.split_once(" #").filter(|_| !line.starts_with('#')) else { continue };
            if pattern.trim().is_empty() {
                continue;
            }
            let span = span(&text, number + 1);
            let message =
                format!("the comment behind `{}` is a part of the pattern, which matches nothing", pattern.trim());
            let edit = Edit { range: span.clone(), text: format!("#{comment}\n{}", pattern.trim_end()) };
            subject.state(problems, path, span, pattern.trim(), message).fix("put the comment before it", [edit]);
        }
    }
}

/// The bytes of a line, from 1.
fn span(text: &str, line: usize) -> std::ops::Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    start..start + length
}
