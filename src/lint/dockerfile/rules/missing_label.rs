//! A label that every image must have is missing.

use std::collections::BTreeSet;

use crate::advisory::model::Severity;
use crate::dockerfile::{Instruction, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `missing-label`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "missing-label",
        severity: Severity::Low,
        summary: "a label that every image must have is missing",
        why: "Whoever runs the image looks there for who made it, and from what.",
        advice: "add the label",
        aliases: &["DL3049"],
        sources: &["https://specs.opencontainers.org/image-spec/annotations/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(stage) = subject.final_stage() else { return };
    let labels: BTreeSet<String> = subject
        .chain(stage)
        .flat_map(|stage| subject.file.body(stage))
        .filter(|instruction| instruction.keyword == Keyword::Label)
        .flat_map(Instruction::pairs)
        .map(|pair| pair.name.text.trim_matches(['"', '\'']).to_owned())
        .collect();
    let from = subject.file.instructions.get(stage.from).map_or(0..0, |from| from.span.clone());
    for (name, _) in subject.around.options.labels.iter().filter(|(name, _)| !labels.contains(name)) {
        problems.add(&from, name, format!("the label `{name}` is missing"));
    }
}
