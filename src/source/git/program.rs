//! Calls of the `git` program that a hostile repository cannot turn into calls of another.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::GitError;
use crate::net::excerpt;

/// Settings of a repository that would run something or change what is shown; those given so win over the repository's own.
const SETTINGS: &[&str] =
    &["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.commitGraph=false", "protocol.allow=never"];

/// Variables that point git to another repository than the folder's; a hook has them, and there they count (`git commit PATH` stages in an
/// index of its own).
const REPOSITORY: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// A call that is under way.
pub(super) struct Running {
    child: Child,
    output: Option<ChildStdout>,
    doing: &'static str,
}

impl Running {
    /// What it answers; once.
    pub(super) fn output(&mut self) -> impl std::io::Read + use<> {
        let output = self.output.take();
        // Asked twice there is nothing more.
        output.map_or_else(|| Box::new(std::io::empty()) as Box<dyn std::io::Read>, |output| Box::new(output))
    }

    /// What it reads.
    pub(super) fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for its end, after everything was read.
    pub(super) fn end(mut self) -> Result<(), GitError> {
        drop(self.output.take());
        let mut said = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            errors.take(super::MAX_ANSWER_BYTES).read_to_end(&mut said)?;
        }
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(GitError::Refused { doing: self.doing, said: excerpt(&said) }) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Who stops in the middle leaves no process behind; one that has ended is only waited for.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a call in `folder` that reads nothing.
pub(super) fn run(folder: &Path, arguments: &[&str], doing: &'static str) -> Result<Running, GitError> {
    start(command(folder, arguments).stdin(Stdio::null()), doing)
}

/// Starts a call that reads what `before` writes.
pub(super) fn run_after(
    folder: &Path,
    arguments: &[&str],
    doing: &'static str,
    before: &mut Running,
) -> Result<Running, GitError> {
    let input = before.output.take().map_or_else(Stdio::null, Stdio::from);
    start(command(folder, arguments).stdin(input), doing)
}

/// Starts a call that is asked again and again.
pub(super) fn run_asked(folder: &Path, arguments: &[&str], doing: &'static str) -> Result<Running, GitError> {
    start(command(folder, arguments).stdin(Stdio::piped()).stderr(Stdio::null()), doing)
}

fn start(command: &mut Command, doing: &'static str) -> Result<Running, GitError> {
    let mut child = command.spawn().map_err(GitError::Start)?;
    let output = child.stdout.take();
    Ok(Running { child, output, doing })
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    if !is_here(folder) {
        for variable in REPOSITORY {
            command.env_remove(variable);
        }
    }
    command
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
    command
}

/// Whether it is the folder that we run in.
fn is_here(folder: &Path) -> bool {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    let there = std::fs::canonicalize(folder);
    matches!((here, there), (Ok(here), Ok(there)) if here == there)
}
