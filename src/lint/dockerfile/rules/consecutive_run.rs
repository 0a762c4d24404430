//! Several RUN instructions stand one after the other.

use crate::advisory::model::Severity;
use crate::dockerfile::{Instruction, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `consecutive-run`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "consecutive-run",
        severity: Severity::Negligible,
        summary: "several RUN instructions stand one after the other",
        why: "Each makes a layer, and what a later one removes stays in the earlier. With BuildKit a heredoc holds many commands readably in one.",
        advice: "put them into one RUN where they belong together",
        aliases: &["DL3059", "Slim-20019", "Slim-20020"],
        sources: &["https://docs.docker.com/build/building/best-practices/#run"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let instructions = &subject.file.instructions;
    for pair in instructions.windows(2) {
        let [before, after] = pair else { continue };
        let is_plain = |instruction: &Instruction| {
            instruction.keyword == Keyword::Run && instruction.flags.is_empty() && instruction.heredocs.is_empty()
        };
        // Lists are long enough to stand on their own; two single commands are not.
        let commands = |instruction: &Instruction| {
            subject
                .runs
                .iter()
                .find(|run| std::ptr::eq(run.instruction, instruction))
                .map_or(0, |run| run.script.commands.iter().filter(|command| command.depth == 0).count())
        };
        if is_plain(before) && is_plain(after) && commands(before) == 1 && commands(after) == 1 {
            problems.add(&after.name.span, "run", "this RUN could be part of the one before");
        }
    }
}
