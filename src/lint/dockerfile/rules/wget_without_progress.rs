//! Wget writes a progress bar into the build's log.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `wget-without-progress`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "wget-without-progress",
        severity: Severity::Negligible,
        summary: "wget writes a progress bar into the build's log",
        why: "Without a terminal it writes a line for each 50 kB: logs of megabytes for large files.",
        advice: "add --progress=dot:giga, -nv or -q",
        aliases: &["DL3047"],
        sources: &["https://www.gnu.org/software/wget/manual/wget.html#Download-Options"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "wget") {
        let quiet = call.has_any(&[
            "-q",
            "--quiet",
            "-nv",
            "--no-verbose",
            "--progress",
            "-o",
            "--output-file",
            "-a",
            "--append-output",
            "--version",
            "--help",
        ]);
        if !quiet && !call.arguments.is_empty() {
            let problem = problems.add(&command.span, "wget", "wget writes a line for each 50 kB into the log");
            if subject.is_verbatim(call.word) {
                problem.fix("add --progress=dot:giga", [Edit::insert(call.word.span.end, " --progress=dot:giga")]);
            }
        }
    }
}
