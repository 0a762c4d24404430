//! A file that holds secrets is copied into the image.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, secrets};

/// `copy-secret-file`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-secret-file",
        severity: Severity::High,
        summary: "a file that holds secrets is copied into the image",
        why: "It stays in its layer for everybody who can pull the image, even if a later instruction removes it.",
        advice: "use RUN --mount=type=secret for the build, pass it when the container starts, and add the file to .dockerignore",
        aliases: &["CIS-4.10", "CIS-DI-0010", "DS-0031"],
        sources: &["https://docs.docker.com/build/building/secrets/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Copy).chain(subject.instructions(Keyword::Add)) {
        let [sources @ .., _] = instruction.words() else { continue };
        if instruction.flag("from").is_some() {
            continue;
        }
        for source in sources {
            let path = source.text.trim_matches(['"', '\'']).trim_end_matches('/');
            if secrets::holds_secrets(path) {
                problems.add(&source.span, path, format!("`{path}` holds secrets"));
            }
        }
    }
}
