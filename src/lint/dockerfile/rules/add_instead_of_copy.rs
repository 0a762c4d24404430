//! ADD copies files that COPY copies, too.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `add-instead-of-copy`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "add-instead-of-copy",
        severity: Severity::Low,
        summary: "ADD copies files that COPY copies, too",
        why: "ADD also unpacks archives and fetches addresses; where neither is meant, a file of another kind changes what happens.",
        advice: "use COPY",
        aliases: &["DL3020", "CIS-4.9", "CIS-DI-0009", "CKV_DOCKER_4", "DS-0005", "KICS-9513a694"],
        sources: &[
            "https://docs.docker.com/build/building/best-practices/#add-or-copy",
            "CIS Docker Benchmark 1.6.0, section 4",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// What ADD unpacks: tar, plain or compressed with gzip, bzip2, xz or zstd.
const ARCHIVES: &[&str] = &[
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.lzma",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Add) {
        let [sources @ .., _] = instruction.words() else { continue };
        let is_special = |text: &str| {
            let text = text.trim_matches(['"', '\'']);
            let is_address =
                text.contains("://") || text.starts_with("git@") || text.ends_with(".git") || text.contains(".git#");
            // A pattern or variable may stand for archives.
            is_address || text.contains('$') || ARCHIVES.iter().any(|end| text.trim_end_matches('*').ends_with(end))
        };
        let plain = sources.iter().all(|source| !is_special(&source.text) && !source.text.starts_with("<<"));
        if plain
            && !sources.is_empty()
            && instruction.flag("checksum").is_none()
            && instruction.flag("unpack").is_none()
        {
            let problem =
                problems.add(&instruction.name.span, &sources[0].text, "ADD does nothing here that COPY does not");
            if instruction.flag("keep-git-dir").is_none() {
                problem.fix("make it COPY", [Edit { range: instruction.name.span.clone(), text: "COPY".to_owned() }]);
            }
        }
    }
}
