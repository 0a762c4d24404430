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
        // A stage in which nothing is run holds what somebody put together to be copied, as an image of files alone does.
        let is_built = flag
            .value
            .as_deref()
            .and_then(|name| subject.stage_named(name))
            .is_some_and(|stage| subject.runs.iter().any(|run| run.is_run() && run.stage == Some(stage)));
        if squashes || !is_built {
            continue;
        }
        for source in
            sources.iter().filter(|source| matches!(source.text.as_str(), "/" | "/*" | "/.") && target.text == "/")
        {
            let from = flag.value.as_deref().unwrap_or_default();
            problems.add(&source.span, from, format!("all of `{from}` is copied"));
        }
    }
}
