//! A checkout: what is staged, and the history of all its refs, as files to be read.
//!
//! In: a folder. Out: [`Change`]s (which blob came to which path, by which commit) and the bytes of blobs. Nothing here looks inside a file.
//!
//! Asked is the `git` program, by its plumbing (`rev-list`, `diff-tree`, `diff-index`, `ls-tree`, `ls-files`, `cat-file --batch`) and no library: `gix` would be some 60 crates
//! more, against no new one, and a checkout without `git` beside it is rare. A repository is untrusted, its `.git/config` too, so that every call
//! (`program`)
//! - asks only for what runs neither hooks, filters, `textconv`, pagers, editors nor signature programs, and turns off `core.fsmonitor` and hooks besides;
//! - allows no transport, since a partial clone would fetch what it lacks by whatever program its remote names;
//! - takes no grafts and no replaced objects, which show another history than the one that is pushed.
//!
//! Whose repository may be read at all is git's own decision (`safe.directory`).
//!
//! Sources: git-config(1), git(1) "Environment Variables", git-diff-tree(1) "Raw output format", git-cat-file(1) "Batch output", git-rev-list(1).

mod blobs;
mod changes;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

pub use blobs::{Blob, Blobs};
pub use changes::{Change, Changes, Commit};

use program::Running;

/// Longest answer that is read whole, in bytes: the ids and states of a repository.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Most paths of a commit or an index that are held; the largest known repositories have half a million.
const MAX_PATHS: usize = 4 << 20;

/// Longest path or commit line, in bytes; more than any file system takes.
const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// Why a checkout could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("the program `git` could not be started")]
    Start(#[source] std::io::Error),
    /// `git` says no; mostly that the folder is no repository, or somebody else's.
    #[error("git could not {doing}: {said}")]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// What it said.
        said: String,
    },
    /// Its answer has another form than its manual says.
    #[error("git gave an unexpected answer when asked to {doing}")]
    Unexpected {
        /// What was asked.
        doing: &'static str,
    },
    /// The pipe from it broke.
    #[error("git's answer could not be read")]
    Io(#[from] std::io::Error),
    /// More than is held.
    #[error("the repository has more than {MAX_PATHS} files in one commit")]
    TooLarge,
}

/// A repository that is there and may be read.
#[derive(Clone, Debug)]
pub struct Checkout {
    folder: PathBuf,
    /// Whether it lacks old commits, as a clone with `--depth` does.
    pub is_shallow: bool,
}

impl Checkout {
    /// Finds the repository that `folder` is in.
    ///
    /// # Errors
    /// When there is no `git`, no repository, or one that git does not trust.
    pub fn open(folder: &Path) -> Result<Self, GitError> {
        let mut checkout = Self { folder: folder.to_owned(), is_shallow: false };
        let answer = checkout.answer("find the repository", &["rev-parse", "--is-shallow-repository"])?;
        checkout.is_shallow = answer.trim_ascii() == b"true";
        Ok(checkout)
    }

    /// The files that the next commit would change, with what the last one has at the same path, or where it was moved from.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn staged(&self) -> Result<Vec<Change>, GitError> {
        const DOING: &str = "tell what is staged";
        let last = match self.head()? {
            Some(head) => head,
            None => text(&self.answer(DOING, &["hash-object", "-t", "tree", "--stdin"])?).to_owned(),
        };
        let arguments = [
            "diff-index",
            "--cached",
            "--raw",
            "-z",
            "--find-renames",
            "--no-abbrev",
            "--ignore-submodules",
            &last,
            "--",
        ];
        let mut running = program::run(&self.folder, &arguments, DOING)?;
        let mut changes = Changes::new(BufReader::new(running.output()), DOING);
        let mut staged = Vec::new();
        while let Some(change) = changes.next_change()? {
            if staged.len() == MAX_PATHS {
                return Err(GitError::TooLarge);
            }
            staged.push(change);
        }
        running.end()?;
        Ok(staged)
    }

    /// Every file that a commit of any ref brought or changed, oldest commits first; of a merge, only what none of its parents has.
    ///
    /// # Errors
    /// When git cannot tell, or `each` stops it.
    pub fn history<E: From<GitError>>(&self, each: &mut dyn FnMut(Change) -> Result<(), E>) -> Result<(), E> {
        const DOING: &str = "tell the history";
        let commits = ["rev-list", "--all", "--topo-order", "--reverse"];
        let mut commits = program::run(&self.folder, &commits, DOING)?;
        let format = format!("--format={}", changes::FORMAT);
        let changes =
            ["diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-renames", "--no-abbrev", &format];
        let mut running = program::run_after(&self.folder, &changes, DOING, &mut commits)?;
        let mut changes = Changes::new(BufReader::new(running.output()), DOING);
        while let Some(change) = changes.next_change()? {
            each(change)?;
        }
        drop(changes);
        commits.end()?;
        running.end()?;
        Ok(())
    }

    /// The blobs of the checked out commit by their paths; none before the first commit.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn tree(&self) -> Result<BTreeMap<Vec<u8>, String>, GitError> {
        const DOING: &str = "list the checked out commit";
        let Some(head) = self.head()? else { return Ok(BTreeMap::new()) };
        let mut running = program::run(&self.folder, &["ls-tree", "-r", "-z", "--full-tree", &head], DOING)?;
        let mut output = BufReader::new(running.output());
        let mut tree = BTreeMap::new();
        while let Some(line) = token(&mut output)? {
            let unexpected = || GitError::Unexpected { doing: DOING };
            let tab = memchr::memchr(b'\t', &line).ok_or_else(unexpected)?;
            let (meta, path) = line.split_at(tab);
            let id = meta.split(|byte| *byte == b' ').nth(2).ok_or_else(unexpected)?;
            if tree.len() == MAX_PATHS {
                return Err(GitError::TooLarge);
            }
            tree.insert(path.get(1..).unwrap_or_default().to_vec(), text(id).to_owned());
        }
        drop(output);
        running.end()?;
        Ok(tree)
    }

    /// The paths that git keeps below the folder, from the checkout's root.
    ///
    /// # Errors
    /// When git cannot tell.
    pub fn tracked(&self) -> Result<BTreeSet<Vec<u8>>, GitError> {
        const DOING: &str = "list what it keeps";
        let mut running = program::run(&self.folder, &["ls-files", "-z", "--cached", "--full-name"], DOING)?;
        let mut output = BufReader::new(running.output());
        let mut tracked = BTreeSet::new();
        while let Some(path) = token(&mut output)? {
            if tracked.len() == MAX_PATHS {
                return Err(GitError::TooLarge);
            }
            tracked.insert(path);
        }
        drop(output);
        running.end()?;
        Ok(tracked)
    }

    /// Starts to read blobs.
    ///
    /// # Errors
    /// When there is no `git`.
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        Blobs::start(&self.folder)
    }

    /// The id of the checked out commit; none before the first one.
    fn head(&self) -> Result<Option<String>, GitError> {
        const DOING: &str = "find the checked out commit";
        match self.answer(DOING, &["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]) {
            Ok(id) => Ok(Some(text(id.trim_ascii()).to_owned())),
            Err(GitError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A short answer, whole.
    fn answer(&self, doing: &'static str, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let mut running: Running = program::run(&self.folder, arguments, doing)?;
        let mut answer = Vec::new();
        running.output().take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
        running.end()?;
        Ok(answer)
    }
}

/// What git writes in ASCII.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default().trim_end()
}

/// The bytes up to the next NUL; none at the end.
fn token(input: &mut dyn std::io::BufRead) -> Result<Option<Vec<u8>>, GitError> {
    let mut token = Vec::new();
    if input.take(MAX_TOKEN_BYTES).read_until(0, &mut token)? == 0 {
        return Ok(None);
    }
    if token.pop() != Some(0) {
        return Err(GitError::Unexpected { doing: "name files" });
    }
    Ok(Some(token))
}
