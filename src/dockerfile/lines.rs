//! Physical lines to logical ones: parser directives, comments, continuations, and the bodies of heredocs.
//!
//! Source: BuildKit, `parser.Parse`. A comment inside of an instruction is passed over, so is an empty line, and both count as continued.

use super::heredoc::{self, Heredoc};
use super::instruction::{self, Instruction};
use super::text::{Joined, Source, Span};
use super::{DockerfileError, MAX_INSTRUCTIONS, MAX_LINE};

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `syntax`, `escape` or `check`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where its line stands.
    pub span: Span,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What stands after `#`, trimmed.
    pub text: String,
    /// Where it stands, from `#` on.
    pub span: Span,
}

/// What a file is made of.
pub(super) struct Read {
    pub(super) directives: Vec<Directive>,
    pub(super) escape: char,
    pub(super) comments: Vec<Comment>,
    pub(super) instructions: Vec<Instruction>,
}

/// Reads line by line.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Directives stand before everything else.
    in_head: bool,
    read: Read,
}

/// One physical line.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Without its end.
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        let text = source.text();
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let (directives, comments, instructions) = (Vec::new(), Vec::new(), Vec::new());
        Self { text, at, line: 0, in_head: true, read: Read { directives, escape: '\\', comments, instructions } }
    }

    pub(super) fn read(mut self) -> Result<Read, DockerfileError> {
        while let Some(line) = self.next()? {
            self.one(line)?;
        }
        Ok(self.read)
    }

    /// The next line, with its end taken off as Go's scanner does.
    fn next(&mut self) -> Result<Option<Line<'a>>, DockerfileError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let length = memchr::memchr(b'\n', rest.as_bytes());
        let text = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        if text.len() > MAX_LINE {
            return Err(DockerfileError::LongLine { line: self.line });
        }
        let line = Line { text: text.trim_end_matches('\r'), at: self.at };
        self.at += length.map_or(rest.len(), |length| length + 1);
        Ok(Some(line))
    }

    fn one(&mut self, line: Line<'a>) -> Result<(), DockerfileError> {
        let trimmed = line.text.trim_start();
        let start = line.at + line.text.len() - trimmed.len();
        if trimmed.starts_with('#') {
            return if self.in_head && self.directive(trimmed, start)? { Ok(()) } else { self.comment(trimmed, start) };
        }
        self.in_head = false;
        let (first_line, mut joined) = (self.line, Joined::default());
        let (mut piece, mut goes_on) = continued(trimmed, self.read.escape);
        if piece.is_empty() && !goes_on {
            return Ok(());
        }
        joined.push(piece, start);
        let mut end = line.at + line.text.len();
        while goes_on {
            let Some(line) = self.next()? else { break };
            if let Some(at) = comment_at(line.text) {
                self.comment(line.text.get(at..).unwrap_or_default(), line.at + at)?;
                continue;
            }
            if line.text.trim().is_empty() {
                continue;
            }
            (piece, goes_on) = continued(line.text, self.read.escape);
            joined.push(piece, line.at);
            end = line.at + line.text.len();
        }
        let syntax = |reason: String| DockerfileError::Syntax {
            line: first_line,
            reason,
            span: joined.place(0)..end.max(start),
        };
        let mut instruction = instruction::parse(&joined, self.read.escape).map_err(syntax)?;
        if instruction.takes_heredocs() {
            for head in heredoc::heads(&joined) {
                let heredoc = self.heredoc(head, first_line)?;
                end = heredoc.end;
                instruction.add_heredoc(heredoc);
            }
        }
        instruction.span = start..end;
        if self.read.instructions.len() >= MAX_INSTRUCTIONS {
            return Err(DockerfileError::TooMany);
        }
        self.read.instructions.push(instruction);
        Ok(())
    }

    /// The body of a heredoc, up to the line with its name alone.
    fn heredoc(&mut self, head: heredoc::Head, first_line: usize) -> Result<Heredoc, DockerfileError> {
        let start = self.at;
        while let Some(line) = self.next()? {
            let text = if head.strips_tabs { line.text.trim_start_matches('\t') } else { line.text };
            if text == head.name {
                let body = Joined::of(self.text.get(start..line.at).unwrap_or_default(), start);
                return Ok(head.with_body(body, line.at + line.text.len()));
            }
        }
        let reason = format!("the heredoc `{}` has no end: a line with `{0}` alone", head.name);
        Err(DockerfileError::Syntax { line: first_line, reason, span: head.span })
    }

    /// Takes a line as a directive, if it is one.
    fn directive(&mut self, text: &str, at: usize) -> Result<bool, DockerfileError> {
        let split = text.trim_start_matches('#').split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let known = split.filter(|(name, value)| is_name(name) && !value.is_empty());
        let known = known.map(|(name, value)| (name.to_ascii_lowercase(), value));
        let Some((name, value)) = known.filter(|(name, _)| ["syntax", "escape", "check"].contains(&name.as_str()))
        else {
            self.in_head = false;
            return Ok(false);
        };
        let span = at..at + text.len();
        let syntax = |reason: String| DockerfileError::Syntax { line: self.line, reason, span: span.clone() };
        if self.read.directives.iter().any(|known| known.name == name) {
            return Err(syntax(format!("the parser directive `{name}` stands here a second time")));
        }
        if name == "escape" {
            self.read.escape = match value {
                "\\" => '\\',
                "`" => '`',
                _ => return Err(syntax(format!("the escape character is `{value}`; it can be \\ or `"))),
            };
        }
        self.read.directives.push(Directive { name, value: value.to_owned(), span });
        Ok(true)
    }

    fn comment(&mut self, text: &str, at: usize) -> Result<(), DockerfileError> {
        self.in_head = false;
        let words = text.trim_start_matches('#').trim().to_owned();
        self.read.comments.push(Comment { text: words, span: at..at + text.len() });
        Ok(())
    }
}

/// Where the `#` of a line that is a comment stands.
fn comment_at(line: &str) -> Option<usize> {
    let trimmed = line.trim_start();
    trimmed.starts_with('#').then(|| line.len() - trimmed.len())
}

/// A line without its continuation character, and whether it had one; a doubled one is none.
fn continued(line: &str, escape: char) -> (&str, bool) {
    let blank = line.trim_end_matches([' ', '\t']);
    match blank.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before, true),
        _ => (line, false),
    }
}
