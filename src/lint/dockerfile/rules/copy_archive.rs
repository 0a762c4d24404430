//! An archive is copied to be unpacked by a RUN.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::{Run, Subject};
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-archive`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-archive",
        severity: Severity::Low,
        summary: "an archive is copied to be unpacked by a RUN",
        why: "The archive stays in its layer although a later one removes it; ADD unpacks it on the way.",
        advice: "use ADD, which unpacks a local archive",
        aliases: &["DL3010"],
        sources: &["https://docs.docker.com/build/building/best-practices/#add-or-copy"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const ARCHIVES: &[&str] = &[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let [sources @ .., target] = instruction.words() else { continue };
        if instruction.flag("from").is_some() {
            continue;
        }
        for source in sources.iter().filter(|source| ARCHIVES.iter().any(|end| source.text.ends_with(end))) {
            let file = source.text.rsplit('/').next().unwrap_or_default();
            let target_file = target.text.rsplit('/').next().unwrap_or_default();
            let in_stage = |run: &Run<'_>| run.index > index && run.stage == subject.file.stage_of(index);
            let unpacks = |run: &Run<'_>| {
                run.calls().any(|(_, call)| {
                    call.name == "tar"
                        && call.arguments.iter().any(|word| {
                            let name = word.text.rsplit('/').next().unwrap_or_default();
                            name == file || (!target_file.is_empty() && name == target_file)
                        })
                })
            };
            if subject.runs.iter().filter(|run| in_stage(run)).any(unpacks) {
                problems.add(
                    &source.span,
                    file,
                    format!("`{file}` is copied and then unpacked; ADD does both at once"),
                );
            }
        }
    }
}
