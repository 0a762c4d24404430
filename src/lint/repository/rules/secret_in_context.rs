//! A file with secrets goes into the image with its folder.

use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::lint::repository::Subject;
use crate::lint::repository::context::Class;
use crate::lint::{Check, Meta, Problems, Rule};

/// `secret-in-context`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "secret-in-context",
        severity: Severity::High,
        summary: "a file with secrets goes into the image with its folder",
        why: "It stays in its layer for everybody who can pull the image, even if a later instruction removes it.",
        advice: "add it to `.dockerignore`, and pass it by RUN --mount=type=secret, or when the container starts",
        aliases: &["CIS-4.10", "CIS-DI-0010", "DS-0031"],
        sources: &[
            "https://docs.docker.com/build/concepts/context/#dockerignore-files",
            "https://docs.docker.com/build/building/secrets/",
        ],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        for (path, class, copied) in context.copied() {
            let inner = context.inner(path).unwrap_or(path);
            // What is named itself is told where it is named.
            if copied.names(inner) || subject.is_illustrative(path) {
                continue;
            }
            let confidence = match class {
                Class::Secret => subject.holds_secrets(path),
                Class::Key => subject.is_private_key(path).then_some(Confidence::High),
                _ => None,
            };
            let Some(confidence) = confidence else { continue };
            let message = match copied.is_shipped {
                true => format!("`{path}` is copied into the image ({})", copied.at),
                false => format!("`{path}` is copied into a stage of the build ({})", copied.at),
            };
            let edits = subject.leave_out(&context.ignore_path, inner);
            let problem = subject.state(problems, &context.ignore_path, 0..0, path, message);
            problem.confidence = confidence;
            // Settings that look like no secret may get one tomorrow.
            if !copied.is_shipped || confidence == Confidence::Low {
                problem.severity = Severity::Low;
            }
            if let Some(edits) = edits {
                problem.fix("leave it out", edits);
            }
        }
    }
}
