//! A program is made to run with the rights of its owner.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `setuid-file`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "setuid-file",
        severity: Severity::Medium,
        summary: "a program is made to run with the rights of its owner",
        why: "Whoever runs it in the container gets the owner's rights, root's mostly, unless no-new-privileges is set.",
        advice: "remove the bit, or give the program a capability that is just enough",
        aliases: &["CIS-4.8", "CIS-DI-0008"],
        sources: &["CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "chmod") {
        let Some(mode) = call.operands(&["--reference"]).next() else { continue };
        let text = mode.text.as_str();
        let number = Some(text).filter(|text| text.len() >= 4).and_then(|text| u32::from_str_radix(text, 8).ok());
        // The group bit of a folder is how files in it get its group.
        let sets = number.is_some_and(|number| number & 0o4000 != 0)
            || text.split(',').any(|part| {
                part.split_once(['+', '=']).is_some_and(|(who, rights)| {
                    rights.contains('s') && (who.contains('u') || who.is_empty() || who.contains('a'))
                })
            });
        if sets {
            problems.add(&command.span, text, format!("mode {text} lets a program run with its owner's rights"));
        }
    }
}
