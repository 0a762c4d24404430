//! A file with secrets is kept by git.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `env-tracked`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "env-tracked",
        severity: Severity::Low,
        summary: "`.env` is kept by git",
        why: "What is in it goes to everybody who has a copy of the repository, and stays in its history after it was removed.",
        advice: "run `git rm --cached` on it, add it to `.gitignore`, renew what is secret in it, and keep an `.env.example` without values",
        aliases: &[],
        sources: &["https://12factor.net/config", "https://git-scm.com/docs/gitignore"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (path, _) in subject.env_files() {
        if !subject.repository.tracking.keeps(path) {
            continue;
        }
        let secrets = subject.secrets_of(path);
        let what = match secrets.as_slice() {
            [] => "none of its values looks like a secret".to_owned(),
            [one] => format!("`{one}` in it looks like a secret"),
            [first, rest @ ..] => format!("`{first}` and {} more in it look like secrets", rest.len()),
        };
        let problem = subject.state(problems, path, 0..0, path, format!("`{path}` is kept by git; {what}"));
        if !secrets.is_empty() {
            problem.severity = Severity::High;
        }
    }
}
