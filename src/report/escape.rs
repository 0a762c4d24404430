//! Text of an image made safe where it is shown: on a terminal, in a SARIF message, in Markdown, and in JSON that somebody prints.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use crate::facts::path::is_bidi_control;

/// Control characters (C0, C1, DEL) and those that reorder text.
fn is_unsafe(character: char) -> bool {
    character.is_control() || is_bidi_control(character)
}

/// `text` with unsafe characters written as `\u{…}`, so that a hostile name can neither move the cursor nor look like another.
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// `text` as a SARIF message: a bracket would begin a link, a brace a placeholder (SARIF 2.1.0, sections 3.11.5 and 3.11.6).
#[must_use]
pub(super) fn sarif_message(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in terminal(text).chars() {
        match character {
            '[' | ']' | '\\' => safe.extend(['\\', character]),
            '{' | '}' => safe.extend([character, character]),
            other => safe.push(other),
        }
    }
    safe
}

/// `text` as plain text within Markdown: no markup, no HTML, no link (CommonMark 0.31, section 2.4).
#[must_use]
pub(super) fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in terminal(text).chars() {
        if character.is_ascii_punctuation() && !matches!(character, '.' | ',' | ':' | ';' | '/' | '-' | '\'' | '"') {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// Writes `value` as indented JSON with a final line feed. Unsafe characters are escaped, which JSON allows for any character, so that the values stay what they
/// are and a terminal is safe all the same.
///
/// # Errors
/// Those of `out`.
pub fn write_json<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, SafeFormatter(PrettyFormatter::new()));
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// serde_json's indenting formatter, with unsafe characters as `\uXXXX`.
struct SafeFormatter(PrettyFormatter<'static>);

impl Formatter for SafeFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, character)| is_unsafe(*character)) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.split_at(character.len_utf8()).1;
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b]0;x\x07b\u{9b}31m\u{202e}c\nd";

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(terminal(HOSTILE), "a\\u{1b}]0;x\\u{7}b\\u{9b}31m\\u{202e}c\\u{a}d");
        assert_eq!(terminal("naïve 日本"), "naïve 日本");
    }

    #[test]
    fn json_keeps_the_value_and_holds_no_control_character() {
        let mut out = Vec::new();
        write_json(&[HOSTILE, "😀\u{7f}"], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "[\n  \"a\\u001b]0;x\\u0007b\\u009b31m\\u202ec\\nd\",\n  \"😀\\u007f\"\n]\n");
        assert_eq!(serde_json::from_str::<[String; 2]>(&text).unwrap(), [HOSTILE, "😀\u{7f}"]);
    }

    #[test]
    fn messages_and_markdown_hold_no_markup() {
        assert_eq!(sarif_message("[x](http://e) {0} a\\b"), "\\[x\\](http://e) {{0}} a\\\\b");
        assert_eq!(markdown("<img src=x> [a](b) `c` *d*"), "\\<img src\\=x\\> \\[a\\]\\(b\\) \\`c\\` \\*d\\*");
    }
}
