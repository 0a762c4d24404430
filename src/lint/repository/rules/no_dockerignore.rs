//! Everything in a folder is copied, and nothing says what stays out.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-dockerignore`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-dockerignore",
        severity: Severity::Low,
        summary: "everything in a folder is copied, and no `.dockerignore` says what stays out",
        why: "What somebody leaves in that folder (`.env`, keys, `.git`, what was built before) is in the next image.",
        advice: "write a `.dockerignore`; one that begins with `*` and takes back what the build needs cannot be forgotten",
        aliases: &["Slim-10001", "Slim-10002"],
        sources: &["https://docs.docker.com/build/concepts/context/#dockerignore-files"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        let has = match &context.ignore {
            None => "there is no",
            Some(Ok(ignore)) if ignore.is_empty() => "nothing is left out by",
            Some(_) => continue,
        };
        let all = context.copies.iter().filter(|copied| copied.is_all);
        let Some(copied) = all.clone().find(|copied| copied.is_shipped).or_else(|| all.clone().next()) else {
            continue;
        };
        let path = &context.ignore_path;
        let message = format!("{} copies all of its context, and {has} `{path}`", copied.at);
        let needs_git = all.clone().any(|copied| subject.calls_git(copied.dockerfile));
        let lines = [".git", "**/.env"].into_iter().filter(|line| *line != ".git" || !needs_git);
        let edits = subject.append(path, lines);
        let problem = subject.state(problems, path, 0..0, "", message);
        if let Some(edits) = edits {
            problem.fix("leave out .git and .env", edits);
        }
        if !all.clone().any(|copied| copied.is_shipped) {
            problem.severity = Severity::Negligible;
        }
    }
}
