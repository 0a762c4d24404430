//! FROM uses a build argument that is not declared before it.

use std::collections::BTreeSet;

use crate::advisory::model::Severity;
use crate::dockerfile::Instruction;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `undefined-argument`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "undefined-argument",
        severity: Severity::Medium,
        summary: "FROM uses a build argument that is not declared before it",
        why: "It is empty there: the name of the base is another one than it seems, or none.",
        advice: "declare it with ARG before the first FROM",
        aliases: &["BuildKit:UndefinedArgInFrom"],
        sources: &["https://docs.docker.com/reference/build-checks/undefined-arg-in-from/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// What BuildKit sets itself.
const PREDEFINED: &[&str] = &[
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let first = subject.file.stages.first().map_or(0, |stage| stage.from);
    let declared: BTreeSet<&str> = subject
        .file
        .instructions
        .iter()
        .take(first)
        .flat_map(Instruction::pairs)
        .map(|pair| pair.name.text.as_str())
        .collect();
    for stage in &subject.file.stages {
        let word = &stage.base.word;
        for name in crate::dockerfile::names(&word.text, '\\') {
            // With a word to fall back to, it need not be there.
            let has_default = word.text.contains(&format!("{name}:-")) || word.text.contains(&format!("{name}-"));
            if !declared.contains(name.as_str()) && !PREDEFINED.contains(&name.as_str()) && !has_default {
                problems.add(
                    &word.span,
                    &name,
                    format!("`{name}` is not declared before the first FROM, and empty here"),
                );
            }
        }
    }
}
