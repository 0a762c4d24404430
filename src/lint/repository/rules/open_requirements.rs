//! An image is built of a list of Python packages without exact versions.

use crate::advisory::model::Severity;
use crate::lint::repository::{Subject, manifest};
use crate::lint::{Check, Meta, Problems, Rule};

/// `open-requirements`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "open-requirements",
        severity: Severity::Low,
        summary: "an image is built of a list of Python packages without exact versions",
        why: "Each build takes what is newest that day, and nobody can tell later what was in the image.",
        advice: "write `name==version`, best with `--hash`, as `pip-compile --generate-hashes` or `uv pip compile` do",
        aliases: &[],
        sources: &["https://pip.pypa.io/en/stable/topics/repeatable-installs/"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (path, at) in subject.built_manifests(|path| manifest::is_requirements(path).then(|| vec![name(path)])) {
        let Some(text) = subject.exact_text(&path) else { continue };
        let (open, all) = manifest::open_requirements(&text);
        if let Some((span, first)) = open.first() {
            let message = match open.len() {
                1 => format!("`{first}` has no exact version; {at} installs it"),
                count => {
                    format!("{count} of {all} packages have no exact version, `{first}` among them; {at} installs them")
                }
            };
            subject.state(problems, &path, span.clone(), &path, message);
        }
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
