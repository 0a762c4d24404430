//! A file with secrets can be read by other users of the machine.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::listing::Kind;
use crate::lint::{Check, Meta, Problems, Rule, secrets};

/// `readable-secret-file`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "readable-secret-file",
        severity: Severity::Medium,
        summary: "a file with secrets can be read by other users of the machine",
        why: "Every account of the machine, and every service that was broken into, reads it.",
        advice: "run `chmod 600` on it",
        aliases: &[],
        sources: &["https://man7.org/linux/man-pages/man1/chmod.1.html"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let repository = subject.repository;
    for (path, entry) in repository.listing.below(&repository.folder) {
        let Some(mode) = entry.mode.filter(|mode| mode & 0o077 != 0 && entry.kind == Kind::File) else { continue };
        // git keeps no modes, so that what it keeps has those of the last checkout.
        let is_meant = secrets::holds_secrets(path) && !repository.tracking.keeps(path);
        if is_meant && !subject.is_illustrative(path) {
            let message = format!("`{path}` has mode {mode:04o}");
            let problem = subject.state(problems, path, 0..0, path, message);
            if secrets::is_env_file(path) && subject.secrets_of(path).is_empty() {
                problem.severity = Severity::Low;
            }
        }
    }
}
