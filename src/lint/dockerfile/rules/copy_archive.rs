//! An archive is copied to be unpacked by a RUN.

use std::collections::BTreeMap;

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
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
    // The last place in each stage where a file of that name is unpacked.
    let mut unpacked: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for run in subject.runs.iter().filter(|run| run.is_run()) {
        for (_, call) in run.calls().filter(|(_, call)| call.name == "tar") {
            let names = call.arguments.iter().map(|word| word.text.rsplit('/').next().unwrap_or_default());
            unpacked.extend(names.map(|name| ((run.stage.map_or(0, |stage| stage.index), name), run.index)));
        }
    }
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let [sources @ .., target] = instruction.words() else { continue };
        if instruction.flag("from").is_some() {
            continue;
        }
        let stage = subject.file.stage_of(index).map_or(0, |stage| stage.index);
        let target_file = target.text.rsplit('/').next().unwrap_or_default();
        for source in sources.iter().filter(|source| ARCHIVES.iter().any(|end| source.text.ends_with(end))) {
            let file = source.text.rsplit('/').next().unwrap_or_default();
            let is_unpacked =
                |name: &str| !name.is_empty() && unpacked.get(&(stage, name)).is_some_and(|at| *at > index);
            if is_unpacked(file) || is_unpacked(target_file) {
                problems.add(
                    &source.span,
                    file,
                    format!("`{file}` is copied and then unpacked; ADD does both at once"),
                );
            }
        }
    }
}
