//! The shape of a shell script, as far as maintainer scripts need it: lists, conditions, branches, words with their variables.
//!
//! The room [`shell`](crate::shell) tells which commands a script has; here it matters which of them are reached. What is not understood is kept as [`Node::Unread`], and whoever would come to it
//! knows that he does not know.
//!
//! Source: POSIX.1-2024 "Shell Command Language", 2.10 for the grammar.

mod grammar;
mod tokens;
mod word;

pub(in crate::harden::packages::deb) use grammar::parse;
pub(in crate::harden::packages::deb) use word::Word;

/// Commands, one after the other.
pub(super) type Script = Vec<Node>;

/// A command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Node {
    /// A simple command.
    Command { assignments: Vec<(String, Word)>, words: Vec<Word> },
    /// `! …`.
    Not(Box<Self>),
    /// `… && …`.
    And(Box<Self>, Box<Self>),
    /// `… || …`.
    Or(Box<Self>, Box<Self>),
    /// `{ …; }` or `( … )`.
    Group(Script),
    /// `if`: conditions with their bodies, and `else`.
    If { branches: Vec<(Script, Script)>, otherwise: Script },
    /// `case`: patterns with their bodies.
    Case { word: Word, arms: Vec<(Vec<Word>, Script)> },
    /// The definition of a function.
    Function(String),
    /// Something else: a loop, a pipe, a redirection to a file.
    Unread(String),
}
