//! Regexes of rules: of ours as they are, of a user's with what Go's syntax says otherwise.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde::{Deserialize, Deserializer};

/// Room for a regex's program, in bytes: what a rule that is written by hand needs a hundredth of. Of a user's rules, whatever is larger is
/// refused; the time of a search is at most the product of this and the text.
const MAX_PROGRAM: usize = 1 << 20;

/// Room for its lazily built states.
const HYBRID_CACHE_BYTES: usize = 128 << 10;

/// A regex over short texts (paths, secrets, lines), compiled when first needed.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern of a user's file, compiled at once so that an error is told.
    pub(super) fn of_user(text: &str) -> Result<Self, String> {
        let text = from_go(text);
        let compiled = compile(&text)?;
        Ok(Self { text, compiled: OnceLock::from(Some(compiled)) })
    }

    /// Whether it matches anywhere in a text.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let regex = self.compiled.get_or_init(|| compile(&self.text).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), compiled: OnceLock::new() }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { text: String::deserialize(deserializer)?, compiled: OnceLock::new() })
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    program(text).map(|(regex, _)| regex)
}

/// A regex's program within [`MAX_PROGRAM`], and whether it is about Unicode.
pub(super) fn program(text: &str) -> Result<(Regex, bool), String> {
    let config = Regex::config()
        .utf8_empty(false)
        .hybrid_cache_capacity(HYBRID_CACHE_BYTES)
        .nfa_size_limit(Some(MAX_PROGRAM))
        .onepass_size_limit(Some(MAX_PROGRAM));
    let build = |unicode: bool| {
        let syntax = syntax::Config::new().unicode(unicode).utf8(false);
        Regex::builder().configure(config.clone()).syntax(syntax).build(text).map_err(|error| reason(&error))
    };
    // Bytes are what a token is made of; only a pattern that names other characters is about Unicode.
    let bytes = build(false).map(|regex| (regex, false));
    bytes.or_else(|reason| build(true).map(|regex| (regex, true)).map_err(|_| reason))
}

/// What is wrong with a regex, in one line.
fn reason(error: &regex_automata::meta::BuildError) -> String {
    use std::error::Error as _;
    if error.size_limit().is_some() {
        return format!("its program is larger than {MAX_PROGRAM} bytes");
    }
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    // The parser draws the pattern above its last line.
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// A pattern in the syntax of Go's `regexp` (golang.org/s/re2syntax) in that of the `regex` crate. They differ in this: Go takes a brace that begins
/// no counted repetition for itself, knows no operators and no nesting in classes, quotes with `\Q…\E`, has octal escapes, and `\<` is a character.
pub(super) fn from_go(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut class: Option<usize> = None;
    while let Some(next) = rest.chars().next() {
        let length = match (next, class) {
            ('\\', _) => escape(rest, &mut written),
            ('[', None) => open_class(rest, &mut written, &mut class),
            ('[', Some(_)) => nested(rest, &mut written),
            (']', Some(_)) => {
                class = None;
                plain(next, &mut written)
            }
            ('&' | '-' | '~', Some(_)) if rest.get(1..).is_some_and(|after| after.starts_with(next)) => {
                written.push(next);
                written.push('\\');
                written.push(next);
                2
            }
            ('{', None) if !is_counted(rest) => {
                written.push_str("\\{");
                1
            }
            _ => plain(next, &mut written),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    written
}

fn plain(character: char, written: &mut String) -> usize {
    written.push(character);
    character.len_utf8()
}

/// Writes what begins with a backslash; the bytes it took.
fn escape(rest: &str, written: &mut String) -> usize {
    let after = rest.get(1..).unwrap_or_default();
    if let Some(quoted) = after.strip_prefix('Q') {
        let end = quoted.find("\\E").unwrap_or(quoted.len());
        let text = quoted.get(..end).unwrap_or_default();
        written.push_str(&regex_syntax::escape(text));
        return (2 + end + 2).min(rest.len());
    }
    let octal = after.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    match after.chars().next() {
        Some('0'..='7') if octal > 1 || after.starts_with('0') => {
            let number = u32::from_str_radix(after.get(..octal).unwrap_or_default(), 8).unwrap_or_default();
            written.push_str(&format!("\\x{{{number:x}}}"));
            1 + octal
        }
        Some(sign @ ('<' | '>')) => 1 + plain(sign, written),
        // The braces of `\x{e9}` and `\p{Greek}` count nothing.
        Some('x' | 'p' | 'P') if after.get(1..2) == Some("{") => {
            let length = 1 + after.find('}').map_or(after.len(), |end| end + 1);
            written.push_str(rest.get(..length).unwrap_or_default());
            length
        }
        Some(escaped) => {
            written.push('\\');
            1 + plain(escaped, written)
        }
        None => plain('\\', written),
    }
}

/// Writes a class's beginning, of which a closing bracket may be a member.
fn open_class(rest: &str, written: &mut String, class: &mut Option<usize>) -> usize {
    *class = Some(written.len());
    let head = if rest.starts_with("[^") { "[^" } else { "[" };
    written.push_str(head);
    if rest.get(head.len()..).is_some_and(|after| after.starts_with(']')) {
        written.push_str("\\]");
        return head.len() + 1;
    }
    head.len()
}

/// Writes a bracket in a class: the name of a class (`[:alnum:]`), or itself.
fn nested(rest: &str, written: &mut String) -> usize {
    match rest.strip_prefix("[:").and_then(|name| name.find(":]")) {
        Some(end) if end < 8 => {
            written.push_str(rest.get(..end + 4).unwrap_or_default());
            end + 4
        }
        _ => {
            written.push_str("\\[");
            1
        }
    }
}

/// `{2}`, `{2,}` or `{2,3}` stands at the text's start.
fn is_counted(text: &str) -> bool {
    let Some((inner, _)) = text.get(1..).and_then(|text| text.split_once('}')) else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_otherwise_is_rewritten() {
        // Each of these compiles in Go 1.24 and matches the second text and not the third.
        for (pattern, matching, other) in [
            (r"^\${[A-Z]+}$", "${HOME}", "$HOME"),
            (r"^[[a]$", "[", "]"),
            (r"^[]a]$", "]", "["),
            (r"^[^]a]$", "b", "]"),
            (r"^[a&&b]$", "&", "c"),
            (r"^[+--]$", ",", "*"),
            (r"^[a~~]$", "~", "b"),
            (r"^\Qa.b\E$", "a.b", "axb"),
            (r"^\<a\>$", "<a>", "a"),
            (r"^\101$", "A", "1"),
            (r"^[[:digit:]x]$", "5", ":"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^a{2,3}$", "aa", "a"),
            (r"^é$", "é", "e"),
            (r"^\x{e9}$", "é", "e"),
            (r"^\p{Greek}$", "α", "a"),
        ] {
            let compiled = Pattern::of_user(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert!(compiled.is_match(matching.as_bytes()), "{pattern} and {matching}");
            assert!(!compiled.is_match(other.as_bytes()), "{pattern} and {other}");
        }
    }

    #[test]
    fn a_regex_that_is_wrong_or_too_large_is_refused_with_a_reason() {
        for (pattern, reason) in
            [("a(", "unclosed group"), ("(?:a{1000}){1000}", "larger"), (r"(a)\1", "backreference")]
        {
            let error = Pattern::of_user(pattern).unwrap_err();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }
}
