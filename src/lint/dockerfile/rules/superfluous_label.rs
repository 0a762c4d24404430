//! A label is not among those that images may have.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `superfluous-label`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "superfluous-label",
        severity: Severity::Negligible,
        summary: "a label is not among those that images may have",
        why: "Somebody keeps a list of labels, so that all images say the same things in the same words; a slip in a name is found so, too.",
        advice: "remove the label, or add it to --label",
        aliases: &["DL3050"],
        sources: &["https://specs.opencontainers.org/image-spec/annotations/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let options = subject.around.options;
    if !options.strict_labels {
        return;
    }
    for (_, instruction) in subject.instructions(Keyword::Label) {
        for pair in instruction.pairs() {
            let name = pair.name.text.trim_matches(['"', '\'']);
            if !options.labels.iter().any(|(known, _)| known == name) {
                problems.add(&pair.name.span, name, format!("the label `{name}` is not among those that are allowed"));
            }
        }
    }
}
