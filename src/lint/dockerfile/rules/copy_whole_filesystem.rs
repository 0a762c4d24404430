//! A whole file system is copied from another stage.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-whole-filesystem`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-whole-filesystem",
        severity: Severity::Low,
        summary: "a whole file system is copied from another stage",
        why: "Everything of that stage comes along: compilers, caches, and what only the build was to see. That is what a stage of its own is there to leave behind.",
        advice: "copy only the files that are needed",
        aliases: &["DL3067"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let Some(flag) = instruction.flag("from") else { continue };
        let [sources @ .., target] = instruction.words() else { continue };
        // Onto nothing, it is how an image of one layer is made.
        let squashes = subject.file.stage_of(index).is_some_and(|stage| stage.base.is_scratch());
        for source in sources
            .iter()
            .filter(|source| matches!(source.text.as_str(), "/" | "/*" | "/.") && target.text == "/" && !squashes)
        {
            let from = flag.value.as_deref().unwrap_or_default();
            problems.add(&source.span, from, format!("all of `{from}` is copied"));
        }
    }
}
