//! Shell commands: a script in, its simple commands with their words and places out, whatever they are nested in.
//!
//! It reads what POSIX's "Shell Command Language" and bash share in scripts of builds: quotes, lists, pipes, compound commands, functions, substitutions, heredocs,
//! redirections. It keeps which command follows which and how, and not the tree: a check asks what is called with what, in which order.
//!
//! Crates were weighed: `yash-syntax` is GPL; `brush-parser` is a PEG that recurses as deep as its input is nested, which a hostile file decides; tree-sitter's grammar
//! is a megabyte of tables. Here nesting beyond [`MAX_DEPTH`] is passed over, and words and commands are counted.

mod call;
mod parse;
mod word;

pub use call::Call;
pub use parse::{of_words, parse};

use std::ops::Range;

/// Deepest `$( … )`; what is nested deeper is passed over.
pub const MAX_DEPTH: usize = 16;

/// Most words of a script, over all of its commands; the rest is passed over.
pub const MAX_WORDS: usize = 10_000;

/// The commands of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Simple commands, in the order in which they begin.
    pub commands: Vec<Command>,
    /// Where it could not be read further.
    pub fault: Option<Fault>,
    /// There are more words than [`MAX_WORDS`], and those behind were passed over.
    pub is_cut: bool,
}

/// What a script does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub reason: &'static str,
    /// Where it begins.
    pub at: usize,
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// `NAME=value` before its name.
    pub assignments: Vec<Word>,
    /// Its name and arguments.
    pub words: Vec<Word>,
    /// Where its input and output go.
    pub redirects: Vec<Redirect>,
    /// How it follows the command before.
    pub link: Link,
    /// 0 for what stands in the script itself, more for what stands in `$( … )`, or in the argument of `sh -c`.
    pub depth: usize,
    /// Where it stands, from its first word to its last.
    pub span: Range<usize>,
}

/// How a command follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// It is the first, or comes after `;`, `&` or a new line.
    #[default]
    Next,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`.
    Pipe,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Without quotes; of substitutions, what is written.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Range<usize>,
    /// It is what `text` says: nothing in it is replaced.
    pub is_literal: bool,
    /// A part of it is quoted.
    pub is_quoted: bool,
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// `>`, `>>`, `<`, `<<`, `<<<`, `&>`, …
    pub operator: String,
    /// File, or name of the heredoc.
    pub target: Word,
}
