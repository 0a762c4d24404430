//! What stands behind the keyword of an instruction: words, JSON arrays, `NAME=value`.
//!
//! Source: BuildKit, `parser/line_parsers.go`, whose function each of these names.

use std::ops::Range;

use super::instruction::Pair;
use super::text::{Joined, Word};

/// Space between words (`reWhitespace`).
pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// Words between spaces (`parseStringsWhitespaceDelimited`).
pub(super) fn delimited(line: &Joined, range: &Range<usize>) -> Vec<Word> {
    let text = line.text().get(range.clone()).unwrap_or_default();
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split(is_space) {
        if !piece.is_empty() {
            words.push(line.word(&(range.start + at..range.start + at + piece.len())));
        }
        at += piece.len() + 1;
    }
    words
}

/// Words whose quotes and escapes hold them together and stay (`parseWords`).
pub(super) fn quoted(line: &Joined, range: &Range<usize>, escape: char) -> Vec<Word> {
    let text = line.text().get(range.clone()).unwrap_or_default();
    let mut words = Vec::new();
    let (mut start, mut quote, mut escaped) = (None, None, false);
    for (at, c) in text.char_indices() {
        let begins = *start.get_or_insert(at);
        if escaped {
            escaped = false;
        } else if c == escape && quote != Some('\'') {
            escaped = true;
        } else if let Some(open) = quote {
            quote = (c != open).then_some(open);
        } else if c.is_whitespace() {
            words.push(begins..at);
            start = None;
        } else if matches!(c, '"' | '\'') {
            quote = Some(c);
        }
    }
    // An escape character at the very end is passed over.
    let end = if escaped { text.len() - escape.len_utf8() } else { text.len() };
    words.extend(start.map(|start| start..end));
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.map(|word| line.word(&(range.start + word.start..range.start + word.end))).collect()
}

/// `NAME=value …`, or the old `NAME value` (`parseNameVal`).
pub(super) fn pairs(line: &Joined, range: &Range<usize>, escape: char, keyword: &str) -> Result<Vec<Pair>, String> {
    let words = quoted(line, range, escape);
    let Some(first) = words.first() else { return Ok(Vec::new()) };
    if !first.text.contains('=') {
        let text = line.text().get(range.clone()).unwrap_or_default();
        let Some(space) = text.find(is_space) else {
            return Err(format!("{keyword} needs a name and a value"));
        };
        let value = text.get(space..).unwrap_or_default();
        let value_start = range.start + space + value.len() - value.trim_start_matches(is_space).len();
        let name = line.word(&(range.start..range.start + space));
        return Ok(vec![Pair { name, value: Some(line.word(&(value_start..range.end))), is_old: true }]);
    }
    let pair = |word: &Word| match split(word) {
        Pair { value: None, .. } => Err(format!("`{}` of {keyword} is not of the form NAME=value", word.text)),
        pair => Ok(pair),
    };
    words.iter().map(pair).collect()
}

/// A word at its first `=`.
pub(super) fn split(word: &Word) -> Pair {
    let Some((name, value)) = word.text.split_once('=') else {
        return Pair { name: word.clone(), value: None, is_old: false };
    };
    let start = word.span.start;
    // A continuation inside of a word makes its span longer than its text.
    let is_whole = word.span.len() == word.text.len();
    let middle = start + name.len();
    let value_span = if is_whole { middle + 1..word.span.end } else { word.span.clone() };
    let name = Word { text: name.to_owned(), span: start..middle };
    Pair { name, value: Some(Word { text: value.to_owned(), span: value_span }), is_old: false }
}

/// A JSON array of strings (`parseJSON`); nothing where it is none.
///
/// # Errors
/// When it is an array of something else, which BuildKit refuses rather than reads as text.
pub(super) fn json(line: &Joined, range: &Range<usize>) -> Result<Option<Vec<Word>>, String> {
    let text = line.text().get(range.clone()).unwrap_or_default();
    if !text.trim_start().starts_with('[') {
        return Ok(None);
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return Ok(None) };
    let places = strings(text);
    let word = |(index, value): (usize, serde_json::Value)| match value {
        serde_json::Value::String(text) => {
            let place = places.get(index).cloned().unwrap_or(0..0);
            Ok(Word { text, span: line.span(&(range.start + place.start..range.start + place.end)) })
        }
        _ => Err("the array has something else than strings in it".to_owned()),
    };
    values.into_iter().enumerate().map(word).collect::<Result<_, _>>().map(Some)
}

/// Where the strings of valid JSON stand, without their quotes.
fn strings(json: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut escaped) = (None, false);
    for (at, byte) in json.bytes().enumerate() {
        match (start, byte) {
            (None, b'"') => start = Some(at + 1),
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(begins), b'"') => {
                found.push(begins..at);
                start = None;
            }
            _ => {}
        }
    }
    found
}
