//! The shell is exchanged by a link.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `shell-changed-by-run`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "shell-changed-by-run",
        severity: Severity::Low,
        summary: "the shell is exchanged by a link",
        why: "Programs of the distribution are written for the /bin/sh that it brings, and a package's update puts it back.",
        advice: "use SHELL [\"/bin/bash\", \"-c\"]",
        aliases: &["DL4005", "KICS-8a301064"],
        sources: &["https://docs.docker.com/reference/dockerfile/#shell"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "ln") {
        if call.operands(&["-t", "-S"]).skip(1).any(|word| matches!(word.text.as_str(), "/bin/sh" | "/usr/bin/sh")) {
            problems.add(&command.span, "/bin/sh", "/bin/sh is exchanged for the whole image");
        }
    }
}
