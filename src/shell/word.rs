//! Words: quotes, escapes and substitutions.

use std::ops::Range;

use super::parse::{Parser, Stop};
use super::{MAX_DEPTH, Word};

/// Bytes that end a word.
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

impl Parser<'_> {
    /// Reads the word that begins here.
    pub(super) fn word(&mut self) -> Word {
        let start = self.at;
        let mut word = Word { is_literal: true, ..Word::default() };
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.escaped(&mut word),
                b'\'' => self.single_quoted(&mut word),
                b'"' => self.double_quoted(&mut word),
                b'$' => self.dollar(&mut word, false),
                b'`' => self.backquoted(&mut word),
                // An array: `NAME=( … )`.
                b'(' if word.text.ends_with('=') => self.opaque(&mut word, b'(', b')'),
                // An extended pattern such as `!(a|b)`.
                b'(' if word.text.ends_with(['!', '?', '*', '+', '@']) => self.opaque(&mut word, b'(', b')'),
                byte if ends_word(byte) => break,
                _ => self.take(&mut word),
            }
        }
        word.span = start..self.at;
        word
    }

    /// One character as it is.
    fn take(&mut self, word: &mut Word) {
        if let Some(c) = self.rest().chars().next() {
            word.text.push(c);
            self.at += c.len_utf8();
        }
    }

    fn escaped(&mut self, word: &mut Word) {
        self.at += 1;
        match self.peek() {
            // A continued line.
            Some(b'\n') => self.at += 1,
            Some(_) => {
                word.is_quoted = true;
                self.take(word);
            }
            None => word.text.push('\\'),
        }
    }

    fn single_quoted(&mut self, word: &mut Word) {
        word.is_quoted = true;
        let start = self.at + 1;
        match self.find(start, b'\'') {
            Some(end) => {
                word.text.push_str(self.text.get(start..end).unwrap_or_default());
                self.at = end + 1;
            }
            None => self.unclosed("a single quote is not closed", self.at),
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.is_quoted = true;
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.unclosed("a double quote is not closed", start),
                Some(b'"') => break self.at += 1,
                Some(b'$') => self.dollar(word, true),
                Some(b'`') => self.backquoted(word),
                Some(b'\\') => {
                    let next = self.bytes().get(self.at + 1).copied();
                    self.at += 1;
                    match next {
                        Some(b'\n') => self.at += 1,
                        Some(b'"' | b'\\' | b'$' | b'`') => self.take(word),
                        _ => word.text.push('\\'),
                    }
                }
                Some(_) => self.take(word),
            }
        }
    }

    /// `$NAME`, `${…}`, `$( … )`, `$(( … ))`, `$'…'`.
    fn dollar(&mut self, word: &mut Word, in_quotes: bool) {
        let start = self.at;
        let next = |offset: usize| self.bytes().get(start + offset).copied();
        match (next(1), next(2)) {
            (Some(b'('), Some(b'(')) => {
                self.at += 1;
                self.balanced(b'(', b')');
            }
            (Some(b'('), _) => {
                self.at += 2;
                self.nested();
            }
            (Some(b'{'), _) => {
                self.at += 1;
                self.balanced(b'{', b'}');
            }
            (Some(b'\''), _) if !in_quotes => {
                self.at += 1;
                return self.ansi_quoted(word);
            }
            (Some(byte), _) if byte.is_ascii_alphabetic() || byte == b'_' => {
                self.at += 2;
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    self.at += 1;
                }
            }
            (Some(byte), _) if byte.is_ascii_digit() || b"@*#?-$!".contains(&byte) => self.at += 2,
            _ => return self.take(word),
        }
        word.is_literal = false;
        word.text.push_str(self.text.get(start..self.at).unwrap_or_default());
    }

    /// `$'…'`, whose escapes stay as they are written.
    fn ansi_quoted(&mut self, word: &mut Word) {
        word.is_quoted = true;
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' => return self.at += 1,
                b'\\' => {
                    self.take(word);
                    self.take(word);
                }
                _ => self.take(word),
            }
        }
        self.unclosed("a quote is not closed", start);
    }

    /// The commands of `$( … )`, whose beginning is read.
    pub(super) fn nested(&mut self) {
        let start = self.at;
        if self.depth >= MAX_DEPTH {
            self.at -= 1;
            return self.balanced(b'(', b')');
        }
        self.depth += 1;
        let closed = self.list(Stop::Parenthesis);
        self.depth -= 1;
        if !closed {
            self.unclosed("a command substitution is not closed", start);
        }
    }

    /// The commands between grave accents.
    fn backquoted(&mut self, word: &mut Word) {
        let start = self.at;
        word.is_literal = false;
        let mut end = start + 1;
        loop {
            match self.bytes().get(end) {
                None => return self.unclosed("a command substitution is not closed", start),
                Some(b'`') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
            }
        }
        if self.depth < MAX_DEPTH {
            self.inner(start + 1..end);
        }
        self.at = end + 1;
        word.text.push_str(self.text.get(start..self.at).unwrap_or_default());
    }

    /// Something between brackets that is kept as it is written.
    fn opaque(&mut self, word: &mut Word, open: u8, close: u8) {
        let start = self.at;
        self.balanced(open, close);
        word.is_literal = false;
        word.text.push_str(self.text.get(start..self.at).unwrap_or_default());
    }

    /// Passes over a pair of brackets and all in it.
    pub(super) fn balanced(&mut self, open: u8, close: u8) {
        let start = self.at;
        let (mut level, mut quote) = (0_usize, None);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match (quote, byte) {
                (Some(b'\''), b'\'') | (Some(b'"'), b'"') => quote = None,
                (Some(b'\''), _) => {}
                (_, b'\\') => self.at = (self.at + 1).min(self.text.len()),
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, byte) if byte == open => level += 1,
                (None, byte) if byte == close => {
                    level -= 1;
                    if level == 0 {
                        return self.align();
                    }
                }
                _ => {}
            }
        }
        self.unclosed("a bracket is not closed", start);
    }

    /// Goes to the end, as nothing behind an open quote is where it seems to be.
    fn unclosed(&mut self, reason: &'static str, at: usize) {
        self.fault(reason, at);
        self.at = self.text.len();
    }

    fn find(&self, from: usize, byte: u8) -> Option<usize> {
        memchr::memchr(byte, self.bytes().get(from..)?).map(|at| from + at)
    }

    /// After a step over an escaped byte, the beginning of a character.
    fn align(&mut self) {
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// A part of the script as a script of its own.
    fn inner(&mut self, range: Range<usize>) {
        let Some(text) = self.text.get(..range.end) else { return };
        let mut inner = Parser::new(text, range.start, self.depth + 1);
        std::mem::swap(&mut inner.script, &mut self.script);
        inner.words = self.words;
        inner.list(Stop::End);
        self.words = inner.words;
        std::mem::swap(&mut inner.script, &mut self.script);
    }
}
