//! One instruction: its keyword, flags and arguments.

use std::ops::Range;

use super::arguments::{self, is_space};
use super::heredoc::Heredoc;
use super::text::{Joined, Span, Word};

/// Deepest `ONBUILD` in `ONBUILD`. BuildKit refuses the second at once; its parser reads on, and so do we, for a while.
const MAX_TRIGGERS: usize = 8;

macro_rules! keywords {
    ($($variant:ident $word:literal),+ $(,)?) => {
        /// What an instruction does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Keyword {
            $(#[doc = concat!("`", $word, "`")] $variant,)+
            /// A word that is no instruction.
            Unknown,
        }

        impl Keyword {
            /// Every one that there is, as it is written.
            pub const WORDS: &[&str] = &[$($word),+];

            fn parse(word: &str) -> Self {
                match word.to_ascii_uppercase().as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Unknown,
                }
            }
        }
    };
}

keywords! {
    Add "ADD", Arg "ARG", Cmd "CMD", Copy "COPY", Entrypoint "ENTRYPOINT", Env "ENV", Expose "EXPOSE", From "FROM",
    Healthcheck "HEALTHCHECK", Label "LABEL", Maintainer "MAINTAINER", Onbuild "ONBUILD", Run "RUN", Shell "SHELL",
    Stopsignal "STOPSIGNAL", User "USER", Volume "VOLUME", Workdir "WORKDIR",
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Which.
    pub keyword: Keyword,
    /// The keyword as it is written.
    pub name: Word,
    /// `--flag`s.
    pub flags: Vec<Flag>,
    /// The rest.
    pub body: Body,
    /// Heredocs, in their order.
    pub heredocs: Vec<Heredoc>,
    /// Where it stands, heredocs included.
    pub span: Span,
}

/// A flag of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// What stands after `=`.
    pub value: Option<String>,
    /// Where it stands, dashes included.
    pub span: Span,
}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Word,
    /// The value with its quotes; none for a name alone, which `ARG` takes.
    pub value: Option<Word>,
    /// Written `NAME value`, as it was once done.
    pub is_old: bool,
}

/// Arguments of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Words: `FROM`, `EXPOSE`, `COPY` and `ADD` without JSON, `VOLUME`.
    Words(Vec<Word>),
    /// The JSON form.
    Exec(Vec<Word>),
    /// What a shell gets: `RUN`, `CMD`, `ENTRYPOINT` without JSON.
    Shell(Joined),
    /// `ENV`, `LABEL`, `ARG`.
    Pairs(Vec<Pair>),
    /// One text: `USER`, `WORKDIR`, `STOPSIGNAL`, `MAINTAINER`.
    Text(Word),
    /// `ONBUILD`.
    Trigger(Box<Instruction>),
    /// `HEALTHCHECK`: its first word and the command.
    Health(Word, Box<Self>),
    /// Nothing.
    Empty,
}

impl Instruction {
    /// The flag of that name.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The words, in either form.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        match &self.body {
            Body::Words(words) | Body::Exec(words) => words,
            _ => &[],
        }
    }

    /// The pairs.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        match &self.body {
            Body::Pairs(pairs) => pairs,
            _ => &[],
        }
    }

    /// The one text; empty where there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text(word) => &word.text,
            _ => "",
        }
    }

    /// The instruction itself, and the one that it triggers.
    pub fn with_triggers(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |instruction| match &instruction.body {
            Body::Trigger(inner) => Some(&**inner),
            _ => None,
        })
    }

    /// Whether `<<` means something in it.
    pub(super) fn takes_heredocs(&self) -> bool {
        let heredocs = |keyword| matches!(keyword, Keyword::Add | Keyword::Copy | Keyword::Run);
        let is_exec = |instruction: &Self| matches!(instruction.body, Body::Exec(_));
        self.with_triggers().any(|instruction| heredocs(instruction.keyword) && !is_exec(instruction))
    }

    /// Puts a heredoc where it is used.
    pub(super) fn add_heredoc(&mut self, heredoc: Heredoc) {
        match &mut self.body {
            Body::Trigger(inner) => inner.add_heredoc(heredoc),
            _ => self.heredocs.push(heredoc),
        }
    }
}

/// Reads a logical line.
pub(super) fn parse(line: &Joined, escape: char) -> Result<Instruction, String> {
    parse_at(line, 0..line.text().len(), escape, 0)
}

fn parse_at(line: &Joined, range: Range<usize>, escape: char, depth: usize) -> Result<Instruction, String> {
    let range = trimmed(line, range);
    let text = line.text().get(range.clone()).unwrap_or_default();
    let name_end = range.start + text.find(is_space).unwrap_or(text.len());
    let name = line.word(&(range.start..name_end));
    let keyword = Keyword::parse(&name.text);
    let (flags, rest) = flags(line, trimmed(line, name_end..range.end));
    let rest = trimmed(line, rest);
    let body = body(keyword, line, &rest, escape, depth)?;
    Ok(Instruction { keyword, name, flags, body, heredocs: Vec::new(), span: line.span(&range) })
}

fn body(keyword: Keyword, line: &Joined, rest: &Range<usize>, escape: char, depth: usize) -> Result<Body, String> {
    if rest.is_empty() {
        return Ok(Body::Empty);
    }
    Ok(match keyword {
        Keyword::From | Keyword::Expose => Body::Words(arguments::delimited(line, rest)),
        Keyword::Add | Keyword::Copy | Keyword::Volume => match arguments::json(line, rest)? {
            Some(words) => Body::Exec(words),
            None => Body::Words(arguments::delimited(line, rest)),
        },
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => command(line, rest)?,
        Keyword::Env => Body::Pairs(arguments::pairs(line, rest, escape, "ENV")?),
        Keyword::Label => Body::Pairs(arguments::pairs(line, rest, escape, "LABEL")?),
        Keyword::Arg => Body::Pairs(arguments::quoted(line, rest, escape).iter().map(arguments::split).collect()),
        Keyword::User | Keyword::Workdir | Keyword::Stopsignal | Keyword::Maintainer => Body::Text(line.word(rest)),
        Keyword::Healthcheck => {
            let text = line.text().get(rest.clone()).unwrap_or_default();
            let end = rest.start + text.find(is_space).unwrap_or(text.len());
            let command_range = trimmed(line, end..rest.end);
            let inner = if command_range.is_empty() { Body::Empty } else { command(line, &command_range)? };
            Body::Health(line.word(&(rest.start..end)), Box::new(inner))
        }
        Keyword::Onbuild if depth < MAX_TRIGGERS => {
            Body::Trigger(Box::new(parse_at(line, rest.clone(), escape, depth + 1)?))
        }
        Keyword::Onbuild => return Err("ONBUILD stands in ONBUILD too often".to_owned()),
        Keyword::Unknown => Body::Empty,
    })
}

/// JSON or a text for a shell (`parseMaybeJSON`).
fn command(line: &Joined, range: &Range<usize>) -> Result<Body, String> {
    Ok(match arguments::json(line, range)? {
        Some(words) => Body::Exec(words),
        None => Body::Shell(line.slice(range)),
    })
}

/// The flags at the beginning of a range, and what stands after them (`extractBuilderFlags`).
fn flags(line: &Joined, range: Range<usize>) -> (Vec<Flag>, Range<usize>) {
    let mut flags = Vec::new();
    let mut at = range.start;
    loop {
        let rest = line.text().get(at..range.end).unwrap_or_default();
        let start = at + rest.len() - rest.trim_start().len();
        if !line.text().get(start..range.end).is_some_and(|rest| rest.starts_with("--")) {
            return (flags, start..range.end);
        }
        let end = flag_end(line.text(), start..range.end);
        let raw = line.text().get(start..end).unwrap_or_default();
        at = end;
        if raw == "--" {
            return (flags, at..range.end);
        }
        let plain = unquoted(raw);
        let plain = plain.trim_start_matches("--");
        let (name, value) = plain.split_once('=').map_or((plain, None), |(name, value)| (name, Some(value.to_owned())));
        flags.push(Flag { name: name.to_owned(), value, span: line.span(&(start..end)) });
    }
}

/// Where the word that begins a range ends. Here the backslash escapes, whatever the file says otherwise.
fn flag_end(text: &str, range: Range<usize>) -> usize {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.get(range.clone()).unwrap_or_default().char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if c.is_whitespace() => return range.start + at,
            _ => {}
        }
    }
    range.end
}

/// A flag without its quotes and escapes.
fn unquoted(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut quote = None;
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (_, '\\') => plain.extend(rest.next()),
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => plain.push(c),
        }
    }
    plain
}

/// A range without space at its ends.
fn trimmed(line: &Joined, range: Range<usize>) -> Range<usize> {
    let text = line.text().get(range.clone()).unwrap_or_default();
    let start = range.start + text.len() - text.trim_start().len();
    start..(range.start + text.trim_end().len()).max(start)
}
