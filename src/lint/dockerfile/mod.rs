//! Dockerfiles: what rules look at, and the list of all rules.

mod accounts;
mod packages;
mod rules;
mod subject;
mod variables;

pub use rules::RULES;
pub use subject::{Run, Stages, Subject};

use super::ignore::{self, Ignore};
use super::{Check, Problem, Problems, Surroundings};
use crate::dockerfile::Dockerfile;
use crate::shell;

/// Most words of commands in a file, over all its `RUN`s. The longest real ones have some thousands; a rule may compare each command with each other.
const MAX_WORDS: usize = shell::MAX_WORDS;

/// The commands of a file are more than rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the commands of the file have more than {MAX_WORDS} words, and no more are looked at")]
pub struct TooManyCommands;

/// Runs every rule that runs on Dockerfiles.
///
/// # Errors
/// When the file has more commands than rules look at: a part of the answer would look like all of it.
pub fn run(file: &Dockerfile, around: Surroundings<'_>) -> Result<Vec<Problem>, TooManyCommands> {
    let subject = Subject::new(file, around);
    let words = |run: &Run<'_>| run.script.commands.iter().map(|command| command.words.len()).sum::<usize>();
    if subject.runs.iter().any(|run| run.script.is_cut) || subject.runs.iter().map(words).sum::<usize>() > MAX_WORDS {
        return Err(TooManyCommands);
    }
    Ok(Problems::collect(RULES.iter().copied(), around.options, |check, problems| {
        if let Check::Dockerfile(check) = check {
            check(&subject, problems);
        }
    }))
}

/// The comments of a file that set problems aside. One counts for the instruction after it, or, inside of one, for that.
#[must_use]
pub fn ignores(file: &Dockerfile) -> Vec<Ignore> {
    let scope = |at: usize| {
        let next = file.instructions.iter().find(|instruction| instruction.span.end > at);
        next.map_or(0..0, |instruction| instruction.span.clone())
    };
    let read =
        |comment: &crate::dockerfile::Comment| ignore::parse(&comment.text, &comment.span, scope(comment.span.start));
    file.comments.iter().filter_map(read).collect()
}
