//! A failure before a pipe is not noticed.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::{Call, Command, Link};

/// `pipe-without-pipefail`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pipe-without-pipefail",
        severity: Severity::Low,
        summary: "a failure before a pipe is not noticed",
        why: "Of a pipe only the last command decides whether the RUN failed: a download that breaks is unpacked as far as it came.",
        advice: "set SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] before, or set -o pipefail in the RUN where the shell knows it",
        aliases: &["DL4006", "KICS-efbf148a"],
        sources: &["https://docs.docker.com/build/building/best-practices/#using-pipes"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run() && run.is_posix && !run.has_pipefail) {
        let sets = |call: &Call<'_>| call.name == "set" && call.arguments.iter().any(|word| word.text == "pipefail");
        let commands = &run.script.commands;
        let set_at = commands
            .iter()
            .find(|command| command.call().is_some_and(|call| sets(&call)))
            .map_or(usize::MAX, |command| command.span.start);
        let in_shell = run.calls().any(|(_, call)| {
            matches!(call.name, "bash" | "zsh" | "ksh")
                && call.arguments.iter().any(|word| word.text.contains("pipefail"))
        });
        let pipe = commands
            .iter()
            .enumerate()
            .find(|(_, command)| command.link == Link::Pipe && command.depth == 0 && command.span.start < set_at);
        let Some((at, command)) = pipe.filter(|_| !in_shell) else { continue };
        // What only writes its arguments does not fail.
        let before = commands
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .find(|before| before.depth == 0)
            .and_then(Command::call);
        if !before.is_some_and(|call| matches!(call.name, "echo" | "printf" | "yes" | "true")) {
            problems.add(
                &command.span,
                before.map_or("", |call| call.name),
                "a failure before this pipe is not noticed",
            );
        }
    }
}
