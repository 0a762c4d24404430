//! WORKDIR or VOLUME is a folder that the kernel provides.

use crate::advisory::model::Severity;
use crate::dockerfile::{Body, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `system-folder`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "system-folder",
        severity: Severity::Medium,
        summary: "WORKDIR or VOLUME is a folder that the kernel provides",
        why: "/proc, /sys and /dev are mounted over by the engine: what is put there is gone at run time, and a volume there hands the host's devices to the container.",
        advice: "choose a folder of the application",
        aliases: &["DKL-DI-0002", "DS-0030"],
        sources: &["https://docs.docker.com/engine/storage/volumes/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const FOLDERS: &[&str] = &["/proc", "/sys", "/dev"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let is_system = |path: &str| {
        let path = path.trim_matches(['"', '\'']);
        FOLDERS
            .iter()
            .any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    for (_, instruction) in subject.instructions(Keyword::Workdir) {
        let Body::Text(word) = &instruction.body else { continue };
        if is_system(&word.text) {
            problems.add(&word.span, &word.text, format!("WORKDIR is `{}`, which the kernel provides", word.text));
        }
    }
    for (_, instruction) in subject.instructions(Keyword::Volume) {
        for word in instruction.words().iter().filter(|word| is_system(&word.text)) {
            problems.add(
                &word.span,
                &word.text,
                format!("a volume is mounted over `{}`, which the kernel provides", word.text),
            );
        }
    }
}
