//! A variable is used in the ENV that sets it.

use std::collections::BTreeSet;

use crate::advisory::model::Severity;
use crate::dockerfile::{Keyword, Pair};
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
        let pairs = instruction.pairs();
        let own: BTreeSet<&str> = pairs.iter().map(|pair| pair.name.text.as_str()).collect();
        let refers = |pair: &Pair| {
            let value = pair.value.as_ref().map_or("", |value| value.text.as_str());
            crate::dockerfile::names(value, subject.file.escape).iter().any(|name| own.contains(name.as_str()))
        };
        if !pairs.iter().any(refers) {
            continue;
        }
        let known = subject.names_before(index);
        for pair in pairs {
            let Some(value) = &pair.value else { continue };
            for name in crate::dockerfile::names(&value.text, subject.file.escape) {
                let is_set_here = own.contains(name.as_str());
                // What was set before, as PATH in `PATH=$PATH:/x`, is meant.
                if is_set_here && !known.contains(&name) && name != "PATH" {
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
