//! A repository: what is around its build and run files. Its names and modes in, with what git keeps, and [`Problem`]s at places of its files out.
//!
//! ```text
//! folder ─ listing.rs, tracking.rs ─▶ Repository ─┐
//! Dockerfiles, builds of Compose ─ context.rs ────┴▶ Subject ─ rules/* ─▶ Report
//! ```
//!
//! A file that should be there and is not has its place as well: its first line.

mod automation;
pub mod context;
pub mod dockerignore;
pub mod listing;
mod manifest;
mod rules;
pub mod sent;
mod subject;
pub mod tracking;

pub use rules::RULES;
pub use subject::{Build, Repository, Subject};

use super::ignore::{self, Ignore};
use super::{Check, Problem, Problems, Surroundings};
use crate::dockerfile::Dockerfile;
use crate::workload::Files;

/// What was found in a repository.
#[derive(Debug, Default)]
pub struct Report {
    /// The files that problems name, as [`Problem::file`] counts them: their paths, and contents where they are there.
    pub files: Vec<(String, Vec<u8>)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What could not be looked at, with the reason.
    pub unread: Vec<(String, String)>,
    /// What was not judged because git did not tell, with the reason.
    pub unasked: Option<(String, String)>,
}

/// Runs every rule about repositories. Dockerfiles are given with their paths from the root of what is looked at; `from` reads the other files.
#[must_use]
pub fn run(
    repository: &Repository,
    dockerfiles: &[(String, Dockerfile)],
    from: &dyn Files,
    around: Surroundings<'_>,
) -> Report {
    let subject = Subject::new(repository, dockerfiles, from, around);
    let problems = Problems::collect(RULES.iter().copied(), around.options, |check, problems| {
        if let Check::Repository(check) = check {
            check(&subject, problems);
        }
    });
    let read = |path: String| {
        let bytes = subject.read(&path).unwrap_or_default();
        (path, bytes)
    };
    let files = subject.named().into_iter().map(read).collect();
    let unread = repository.listing.unread.iter().chain(&subject.unread).cloned().collect();
    let unasked = repository.tracking.unread.as_ref().map(|reason| (repository.folder.clone(), reason.clone()));
    Report { files, problems, unread, unasked }
}

/// The comments of a file that set problems aside: lines that begin with `#`. One counts for the line after it, with `global` for the whole file.
#[must_use]
pub fn ignores(bytes: &[u8]) -> Vec<Ignore> {
    let text = String::from_utf8_lossy(bytes);
    let (mut at, mut found) = (0, Vec::new());
    for line in text.split_inclusive('\n') {
        let span = at..at + line.trim_end().len();
        at += line.len();
        let next = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end);
        found.extend(line.strip_prefix('#').and_then(|comment| ignore::parse(comment.trim(), &span, at..next)));
    }
    // What is lossy has other places than the file.
    if std::str::from_utf8(bytes).is_ok() { found } else { Vec::new() }
}
