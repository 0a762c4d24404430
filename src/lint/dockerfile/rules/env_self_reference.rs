//! A variable is used in the ENV that sets it.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `env-self-reference`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "env-self-reference",
        severity: Severity::Medium,
        summary: "a variable is used in the ENV that sets it",
        why: "All values of one ENV are replaced before any of them is set: the new one sees the old value, or nothing.",
        advice: "set it in an ENV of its own before",
        aliases: &["DL3044"],
        sources: &["https://docs.docker.com/reference/dockerfile/#environment-replacement"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Env) {
        let known = subject.variables_before(index);
        let pairs = instruction.pairs();
        for pair in pairs {
            let Some(value) = &pair.value else { continue };
            for name in crate::dockerfile::names(&value.text, subject.file.escape) {
                let is_set_here = pairs.iter().any(|other| other.name.text == name);
                // What was set before, as PATH in `PATH=$PATH:/x`, is meant.
                if is_set_here && !known.contains_key(&name) && name != "PATH" {
                    problems.add(
                        &value.span,
                        &name,
                        format!("`{name}` is set by this same ENV and not yet known in it"),
                    );
                }
            }
        }
    }
}
