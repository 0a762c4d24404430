//! Why a user's rule file cannot be used, and what to do about it.

use std::path::PathBuf;

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the rule file `{}`{} cannot be used", file.display(), rule.as_ref().map(|rule| format!(" (rule `{rule}`)")).unwrap_or_default())]
pub struct RuleFileError {
    /// The file, or one that it extends.
    pub file: PathBuf,
    /// The rule's id, or its place among the rules where it has none.
    pub rule: Option<String>,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

impl RuleFileError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.problem {
            Problem::Unreadable(_) => "check the path and its permissions",
            Problem::TooLarge { .. } | Problem::TooManyRules { .. } | Problem::TooManyLiterals { .. } => {
                "split off the rules that you need"
            }
            Problem::Format { .. } => {
                "the format is that of gitleaks' configuration: TOML with a [[rules]] table a rule"
            }
            Problem::NoId => "give every rule an `id`",
            Problem::NoMatcher => "give it a `regex`, a `path`, or both",
            Problem::Regex { .. } => {
                "correct it (Go's syntax without look-around and backreferences), or make it simpler"
            }
            Problem::Group { .. } => "set `secretGroup` to a group that the regex has",
            Problem::Word { .. } => "`imgguard rules list` shows what there is",
            Problem::Extends { .. } => "put all rules into one file",
        }
    }
}

/// What is wrong with a rule file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It cannot be opened or read, or is no text.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It has too many bytes.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// Bytes that are read.
        limit: u64,
    },
    /// It is no TOML, or not of this shape.
    #[error("{reason}")]
    Format {
        /// The parser's words.
        reason: String,
    },
    /// A rule without an id.
    #[error("it has no id")]
    NoId,
    /// Neither a regex nor a path.
    #[error("it has neither a regex nor a path")]
    NoMatcher,
    /// A regex that does not compile, or would take too much room.
    #[error("its {field} is refused: {reason}")]
    Regex {
        /// The key: `regex`, `path`, `allowlists`.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// A group that the regex does not have.
    #[error("its secretGroup is {group}, and the regex has {groups}")]
    Group {
        /// What it asks for.
        group: usize,
        /// How many there are.
        groups: usize,
    },
    /// A severity, confidence or validator that there is not.
    #[error("its {field} `{word}` is not known")]
    Word {
        /// The key.
        field: &'static str,
        /// What it says.
        word: String,
    },
    /// Too many rules.
    #[error("there are more than {limit} rules")]
    TooManyRules {
        /// How many may be.
        limit: usize,
    },
    /// Too many literals to search for.
    #[error("its regexes begin in more than {limit} ways")]
    TooManyLiterals {
        /// How many may be.
        limit: usize,
    },
    /// Files that extend each other too deep, or in a circle.
    #[error("it extends more than {limit} files, one by the other")]
    Extends {
        /// How deep it may be.
        limit: usize,
    },
}
