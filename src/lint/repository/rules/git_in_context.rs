//! The history of a repository goes into the image.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::context::Class;
use crate::lint::{Check, Meta, Problems, Rule};

/// `git-in-context`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "git-in-context",
        severity: Severity::Medium,
        summary: "the history of a repository goes into the image with its folder",
        why: "Everything that was ever committed is in it, also what was removed since, with names and addresses of its authors.",
        advice: "add `.git` to `.dockerignore`",
        aliases: &["DKL-LI-0003"],
        sources: &["https://docs.docker.com/build/concepts/context/#dockerignore-files"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        for (path, _, copied) in context.copied().filter(|(_, class, _)| *class == Class::History) {
            let inner = context.inner(path).unwrap_or(path);
            let message = format!("`{path}` is copied with its folder ({})", copied.at);
            let needs_git = subject.calls_git(copied.dockerfile);
            let edits = subject.leave_out(&context.ignore_path, inner).filter(|_| !needs_git);
            let problem = subject.state(problems, &context.ignore_path, 0..0, path, message);
            if !copied.is_shipped || needs_git {
                problem.severity = if copied.is_shipped { Severity::Low } else { Severity::Negligible };
            }
            if let Some(edits) = edits {
                problem.fix("leave it out", edits);
            }
        }
    }
}
