//! Several files are copied to a target that does not end with a slash.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `copy-many-without-slash`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-many-without-slash",
        severity: Severity::Medium,
        summary: "several files are copied to a target that does not end with a slash",
        why: "The build fails: several files can only go into a folder, and a folder is written with a slash at its end.",
        advice: "end the target with /",
        aliases: &["DL3021", "DS-0011", "KICS-6db6e0c2"],
        sources: &["https://docs.docker.com/reference/dockerfile/#copy"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Copy).chain(subject.instructions(Keyword::Add)) {
        let [sources @ .., target] = instruction.words() else { continue };
        let path = target.text.trim_matches(['"', '\'']);
        let is_folder = path.ends_with(['/', '\\']) || path == "." || path == ".." || path.contains('$');
        if sources.len() > 1 && !is_folder {
            let problem = problems.add(&target.span, path, format!("`{path}` is no folder, as it does not end with /"));
            if target.text == path && !path.is_empty() {
                problem.fix("end the target with a slash", [Edit::insert(target.span.end, "/")]);
            }
        }
    }
}
