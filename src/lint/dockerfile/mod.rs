//! Dockerfiles: what rules look at, and the list of all rules.

mod base;
mod packages;
mod rules;
mod subject;

pub use rules::RULES;
pub use subject::{Run, Stages, Subject};

use super::ignore::{self, Ignore};
use super::{Check, Problem, Problems, Surroundings};
use crate::dockerfile::Dockerfile;

/// Runs every rule that runs on Dockerfiles.
#[must_use]
pub fn run(file: &Dockerfile, around: Surroundings<'_>) -> Vec<Problem> {
    let subject = Subject::new(file, around);
    Problems::collect(RULES.iter().copied(), around.options, |check, problems| {
        let Check::Dockerfile(check) = check;
        check(&subject, problems);
    })
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
