//! Files are copied to a relative path and no WORKDIR is set.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-relative-without-workdir`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-relative-without-workdir",
        severity: Severity::Low,
        summary: "files are copied to a relative path and no WORKDIR is set",
        why: "Where they land is then decided by the base, and changes with it.",
        advice: "set WORKDIR before, or copy to an absolute path",
        aliases: &["DL3045"],
        sources: &["https://docs.docker.com/reference/dockerfile/#copy"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let Some(target) = instruction.words().last().filter(|_| instruction.words().len() > 1) else { continue };
        let path = target.text.trim_matches(['"', '\'']);
        let is_relative = !path.starts_with(['/', '$', '\\']) && path.as_bytes().get(1) != Some(&b':');
        let Some(stage) = subject.file.stage_of(index).filter(|_| is_relative) else { continue };
        let is_onbuild = subject.file.instructions.get(index).is_some_and(|outer| outer.keyword == Keyword::Onbuild);
        // Of nothing it is known that the folder is the root.
        let starts_at_root = subject.chain(stage).any(|stage| stage.base.is_scratch());
        if !is_onbuild && !starts_at_root && !subject.has_workdir(stage, index) {
            problems.add(&target.span, path, format!("`{path}` is below a folder that only the base knows"));
        }
    }
}
