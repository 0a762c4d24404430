//! Dockerfiles: bytes in, instructions with their places out. It judges nothing.
//!
//! ```text
//! bytes ─ lines.rs (directives, continuations, comments) ─ instruction.rs ┬ arguments.rs (words, JSON, NAME=value)
//!                                                                         ├ heredoc.rs
//!                                                                         └ stage.rs (stages, build arguments) ─ Dockerfile
//! expand.rs: ${NAME:-word} as BuildKit replaces it
//! ```
//!
//! Source: BuildKit's `frontend/dockerfile/parser` and `shell` and its Dockerfile reference; what it accepts is accepted, what it refuses is refused.
//! Its own vectors are tried in `tests/dockerfiles.rs`. `parse-dockerfile` and `dockerfile-parser-rs` were weighed against own code: the one keeps no place of
//! a word that a continuation splits and expands nothing, the other knows no heredocs.
//!
//! Every span is a range of bytes of the file, so that it can be shown and replaced. Of bytes that are no UTF-8 each is read as `?`, which keeps all places.

mod arguments;
mod expand;
mod heredoc;
mod instruction;
mod lines;
mod stage;
mod text;

pub use expand::{Environment, ExpandError, expand, expand_words, names};
pub use heredoc::Heredoc;
pub use instruction::{Body, Flag, Instruction, Keyword, Pair};
pub use lines::{Comment, Directive};
pub use stage::{Base, Stage};
pub use text::{Joined, Place, Source, Span, Word};

use lines::Reader;

/// Largest Dockerfile, in bytes. BuildKit has no limit of its own; one that is larger is not written by hand.
pub const MAX_BYTES: usize = 1 << 20;

/// Most instructions. No image has more than 127 layers, and what makes none is not written a thousand times.
pub const MAX_INSTRUCTIONS: usize = 2000;

/// Longest line, in bytes: the buffer of the scanner that BuildKit reads with (Go's `bufio.MaxScanTokenSize`).
pub const MAX_LINE: usize = (64 << 10) - 1;

/// A Dockerfile.
#[derive(Debug)]
pub struct Dockerfile {
    /// Its text.
    pub source: Source,
    /// `# syntax=`, `# escape=`, `# check=`.
    pub directives: Vec<Directive>,
    /// `\`, or the grave accent where `# escape=` says so.
    pub escape: char,
    /// All comments, those inside of instructions too.
    pub comments: Vec<Comment>,
    /// All instructions in the order of the file, `ARG`s before the first `FROM` too.
    pub instructions: Vec<Instruction>,
    /// Its stages.
    pub stages: Vec<Stage>,
}

/// Why a file is no Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileError {
    /// It is larger than [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge(usize),
    /// A line is longer than [`MAX_LINE`].
    #[error("line {line} has more than {MAX_LINE} bytes, which no builder reads")]
    LongLine {
        /// Line, from 1.
        line: usize,
    },
    /// It has more than [`MAX_INSTRUCTIONS`].
    #[error("the file has more than {MAX_INSTRUCTIONS} instructions, and no more are read")]
    TooMany,
    /// Nothing is built by it.
    #[error("the file has no instructions")]
    Empty,
    /// A line does not say what its instruction needs.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
        /// Where.
        span: Span,
    },
}

impl Dockerfile {
    /// Reads a Dockerfile.
    ///
    /// # Errors
    /// When it is too large, or BuildKit's parser would refuse it.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerfileError> {
        if bytes.len() > MAX_BYTES {
            return Err(DockerfileError::TooLarge(bytes.len()));
        }
        let source = Source::new(bytes);
        let read = Reader::new(&source).read()?;
        if read.instructions.is_empty() {
            return Err(DockerfileError::Empty);
        }
        let stages = stage::stages(&read.instructions);
        Ok(Self {
            directives: read.directives,
            escape: read.escape,
            comments: read.comments,
            instructions: read.instructions,
            stages,
            source,
        })
    }

    /// The stage that an instruction belongs to; none of what stands before the first `FROM`.
    #[must_use]
    pub fn stage_of(&self, instruction: usize) -> Option<&Stage> {
        self.stages.iter().rev().find(|stage| stage.from <= instruction)
    }

    /// The instructions of a stage, without its `FROM`.
    pub fn body(&self, stage: &Stage) -> impl Iterator<Item = &Instruction> + Clone {
        self.instructions.get(stage.from + 1..stage.end).unwrap_or_default().iter()
    }
}
