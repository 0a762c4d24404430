//! Heredocs: `<<NAME`, `<<-NAME`, `<<"NAME"`, several on a line.
//!
//! Source: BuildKit, `parser.heredocsFromLine`: of the words of the line, those that read `[number]<<[-]NAME`, the name after quotes were taken off.

use super::text::{Joined, Span, Word};
use super::{arguments, expand};

/// A heredoc with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Whether variables in it are replaced: its name is not quoted.
    pub expands: bool,
    /// `<<-`: leading tabs are taken off.
    pub strips_tabs: bool,
    /// Where `<<NAME` stands.
    pub span: Span,
    /// Its lines.
    pub body: Joined,
    /// Where the line that ends it ends.
    pub(super) end: usize,
}

/// The beginning of a heredoc.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) strips_tabs: bool,
    pub(super) span: Span,
    expands: bool,
}

impl Head {
    pub(super) fn with_body(self, body: Joined, end: usize) -> Heredoc {
        let Self { name, strips_tabs, span, expands } = self;
        Heredoc { name, expands, strips_tabs, span, body, end }
    }
}

/// The heredocs that a line begins; none where its quotes do not close.
pub(super) fn heads(line: &Joined) -> Vec<Head> {
    if !line.text().contains("<<") || expand::unquote(line.text()).is_err() {
        return Vec::new();
    }
    arguments::quoted(line, &(0..line.text().len()), '\\').iter().filter_map(head).collect()
}

fn head(word: &Word) -> Option<Head> {
    let rest = word.text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (strips_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    if rest.contains('<') {
        return None;
    }
    let [name] = <[String; 1]>::try_from(expand::unquote(rest).ok()?).ok()?;
    let quotes = |text: &str| text.matches(['"', '\'']).count();
    Some(Head { expands: quotes(&name) == quotes(rest), name, strips_tabs, span: word.span.clone() })
}
