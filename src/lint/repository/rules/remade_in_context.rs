//! What a tool makes anew is copied from whoever builds.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::context::Class;
use crate::lint::{Check, Meta, Problems, Rule};

/// `remade-in-context`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "remade-in-context",
        severity: Severity::Low,
        summary: "what a tool makes anew is copied from the machine of whoever builds",
        why: "The image has what that machine had, for its system and not for the image’s, and not what the lock file says.",
        advice: "add it to `.dockerignore`, and let the build install it",
        aliases: &[],
        sources: &["https://docs.docker.com/build/concepts/context/#dockerignore-files"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        for (path, class, copied) in context.copied() {
            let inner = context.inner(path).unwrap_or(path);
            // Whoever names it wants it.
            if class != Class::Remade || copied.names(inner) || subject.repository.tracking.keeps_below(path) {
                continue;
            }
            let name = path.rsplit('/').next().unwrap_or(path);
            let message = format!("`{path}` is copied with its folder ({})", copied.at);
            let edits = subject.leave_out(&context.ignore_path, &format!("**/{name}"));
            let problem = subject.state(problems, &context.ignore_path, 0..0, path, message);
            if let Some(edits) = edits {
                problem.fix("leave it out", edits);
            }
        }
    }
}
