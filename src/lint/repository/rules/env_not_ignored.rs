//! Nothing keeps a file with secrets out of git.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::folder_of;

/// `env-not-ignored`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "env-not-ignored",
        severity: Severity::Medium,
        summary: "nothing keeps `.env` out of git",
        why: "The next `git add .` takes it along, and what was pushed once is known.",
        advice: "add it to `.gitignore`",
        aliases: &[],
        sources: &["https://12factor.net/config", "https://git-scm.com/docs/gitignore"],
        default: true,
    },
    check: Check::Repository(check),
};

/// What an example is called beside the file that it is one of.
const EXAMPLES: &[&str] = &[".env.example", ".env.sample", ".env.template", ".env.dist"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let repository = subject.repository;
    let has_ignores = repository.listing.has_file(&repository.path(".gitignore"));
    if !repository.tracking.is_checkout && !has_ignores {
        return;
    }
    let there = subject.env_files().map(|(path, _)| {
        let severity = if subject.secrets_of(path).is_empty() { Severity::Low } else { Severity::Medium };
        (path.to_owned(), severity, "is there")
    });
    // One that people are told to make from an example.
    let told = repository.listing.below(&repository.folder).filter_map(|(path, _)| {
        let is_example = EXAMPLES.iter().any(|name| path.rsplit('/').next() == Some(name));
        let folder = folder_of(path);
        let made = if folder.is_empty() { ".env".to_owned() } else { format!("{folder}/.env") };
        let is_meant = is_example && !subject.is_illustrative(&made) && !repository.listing.has(&made);
        is_meant.then_some((made, Severity::Low, "is to be made from its example"))
    });
    for (path, severity, why) in there.chain(told).collect::<Vec<_>>() {
        if repository.tracking.keeps(&path) || subject.is_ignored(&path) {
            continue;
        }
        let ignore = repository.path(".gitignore");
        let edits = subject.append(&ignore, [path.rsplit('/').next().unwrap_or_default()]);
        let message = format!("`{path}` {why}, and no `.gitignore` keeps it out of git");
        let problem = subject.state(problems, &ignore, 0..0, &path, message);
        problem.severity = severity;
        if let Some(edits) = edits {
            problem.fix("add it to .gitignore", edits);
        }
    }
}
