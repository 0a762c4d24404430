//! WORKDIR is a relative path.

use crate::advisory::model::Severity;
use crate::dockerfile::{Body, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `relative-workdir`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "relative-workdir",
        severity: Severity::Medium,
        summary: "WORKDIR is a relative path",
        why: "It is below whatever the folder was before, of this file or of the base, and changes with it.",
        advice: "write an absolute path",
        aliases: &["DL3000", "CKV_DOCKER_10", "DS-0009", "KICS-6b376af8", "BuildKit:WorkdirRelativePath", "Slim-20015"],
        sources: &["https://docs.docker.com/reference/build-checks/workdir-relative-path/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Workdir) {
        let Body::Text(word) = &instruction.body else { continue };
        let path = word.text.trim_matches(['"', '\'']);
        let drive = path.as_bytes().get(1) == Some(&b':');
        if !path.starts_with(['/', '$', '\\']) && !drive {
            problems.add(&word.span, path, format!("`{path}` is below whatever WORKDIR was before"));
        }
    }
}
