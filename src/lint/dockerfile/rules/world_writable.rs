//! Files are made writable for everybody.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `world-writable`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "world-writable",
        severity: Severity::Medium,
        summary: "files are made writable for everybody",
        why: "Any process in the container, whoever it runs as, can then change programs and settings that others use.",
        advice: "give the files to the user that writes them: chown, or COPY --chown",
        aliases: &["CIS-4.8"],
        sources: &["CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "chmod") {
        let Some(mode) = call.operands(&["--reference"]).next() else { continue };
        if is_open(&mode.text) {
            problems.add(&command.span, &mode.text, format!("mode {} lets everybody write", mode.text));
        }
    }
    for keyword in [Keyword::Copy, Keyword::Add] {
        for (_, instruction) in subject.instructions(keyword) {
            let Some(flag) = instruction.flag("chmod") else { continue };
            if flag.value.as_deref().is_some_and(is_open) {
                problems.add(&flag.span, "chmod", "the mode lets everybody write");
            }
        }
    }
}

/// Whether a mode gives others the right to write; with the sticky bit, as /tmp has it, nobody can remove what is not theirs.
fn is_open(mode: &str) -> bool {
    if mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        let number = u32::from_str_radix(mode, 8).unwrap_or_default();
        return mode.len() >= 3 && number & 0o002 != 0 && number & 0o1000 == 0;
    }
    mode.split(',').any(|part| {
        let (who, rights) = part.split_once(['+', '=']).unwrap_or_default();
        (who.contains('o') || who.contains('a')) && rights.contains('w') && !rights.contains('t')
    })
}
