//! A RUN changes the folder in place of WORKDIR.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `cd-in-run`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "cd-in-run",
        severity: Severity::Low,
        summary: "a RUN changes the folder in place of WORKDIR",
        why: "The change ends with the RUN; the next one starts elsewhere, and whoever reads it has to remember.",
        advice: "use WORKDIR with an absolute path",
        aliases: &["DL3003", "DS-0013", "KICS-f4a6bcd3"],
        sources: &["https://docs.docker.com/build/building/best-practices/#workdir"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run() && run.is_shell) {
        let Some((command, call)) =
            run.calls().next().filter(|(command, call)| call.name == "cd" && command.depth == 0)
        else {
            continue;
        };
        let alone = run.script.commands.len() == 1;
        let target = call.arguments.first().map_or("", |word| word.text.as_str());
        // A folder for one command more is what a list is for; one for all that follow is WORKDIR's.
        if alone || target.starts_with('/') {
            problems.add(
                &command.span,
                target,
                if alone {
                    "the folder is another one in the next RUN again"
                } else {
                    "the folder is changed for a whole RUN; WORKDIR says so for all"
                },
            );
        }
    }
}
