//! Text to tokens: words, operators, redirections.

use super::word::{Part, Word, braced, closing};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    Word(Word),
    /// `;`, `;;`, `&&`, `||`, `|`, `&`, `(`, `)`, or a new line.
    Operator(&'static str),
    /// Output that goes nowhere or to the other output (true), or elsewhere.
    Redirect(bool),
    End,
}

const OPERATORS: &[&str] = &[";;", "&&", "||", ";", "|", "&", "(", ")", "\n"];

/// What is left of a text, token by token.
pub(super) struct Tokens<'t> {
    rest: &'t str,
    next: Option<Token>,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text, next: None }
    }

    pub(super) fn peek(&mut self) -> Option<&Token> {
        if self.next.is_none() {
            self.next = Some(self.lex()?);
        }
        self.next.as_ref()
    }

    pub(super) fn take(&mut self) -> Option<Token> {
        self.peek()?;
        self.next.take()
    }

    /// The next token; none where the text breaks off.
    fn lex(&mut self) -> Option<Token> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            match self.rest.strip_prefix("\\\n") {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        if self.rest.starts_with('#') {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..)?;
        }
        if self.rest.is_empty() {
            return Some(Token::End);
        }
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if self.rest.get(digits..)?.starts_with(['<', '>']) {
            self.rest = self.rest.get(digits..)?;
            return self.redirect();
        }
        for operator in OPERATORS {
            if let Some(rest) = self.rest.strip_prefix(operator) {
                self.rest = rest;
                return Some(Token::Operator(operator));
            }
        }
        self.word().map(Token::Word)
    }

    /// A redirection and its target. Documents that follow (`<<`) are not read.
    fn redirect(&mut self) -> Option<Token> {
        let operator: String = self.rest.chars().take_while(|c| matches!(c, '<' | '>' | '&' | '|')).collect();
        self.rest = self.rest.get(operator.len()..)?.trim_start_matches([' ', '\t']);
        if operator.starts_with("<<") {
            return None;
        }
        let target = self.word()?;
        let nowhere = match target.plain() {
            Some("/dev/null") => true,
            Some(text) => operator.ends_with('&') && text.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
            None => false,
        };
        Some(Token::Redirect(nowhere))
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word::default();
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    let (text, rest) = self.rest.get(1..)?.split_once('\'')?;
                    word.push(text);
                    word.is_quoted = true;
                    self.rest = rest;
                }
                '"' => {
                    self.rest = self.rest.get(1..)?;
                    word.is_quoted = true;
                    word.push("");
                    self.quoted(&mut word)?;
                }
                '\\' => {
                    let escaped = self.rest.get(1..)?.chars().next()?;
                    if escaped != '\n' {
                        word.push(escaped.encode_utf8(&mut [0; 4]));
                        word.is_quoted = true;
                    }
                    self.rest = self.rest.get(1 + escaped.len_utf8()..)?;
                }
                '$' | '`' => self.expansion(&mut word, false)?,
                _ => {
                    word.push(c.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(c.len_utf8()..)?;
                }
            }
        }
        Some(word)
    }

    /// What stands between double quotes, up to the closing one.
    fn quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                '"' => {
                    self.rest = self.rest.get(1..)?;
                    return Some(());
                }
                '\\' => {
                    let escaped = self.rest.get(1..)?.chars().next()?;
                    if !matches!(escaped, '$' | '`' | '"' | '\\' | '\n') {
                        word.push("\\");
                    }
                    word.push(escaped.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(1 + escaped.len_utf8()..)?;
                }
                '$' | '`' => self.expansion(word, true)?,
                _ => {
                    word.push(c.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(c.len_utf8()..)?;
                }
            }
        }
    }

    fn expansion(&mut self, word: &mut Word, is_quoted: bool) -> Option<()> {
        let rest = self.rest;
        if let Some(rest) = rest.strip_prefix('`') {
            let (script, rest) = rest.split_once('`')?;
            word.parts.push(Part::Output(script.to_owned()));
            self.rest = rest;
            return Some(());
        }
        let rest = rest.strip_prefix('$')?;
        if let Some(inner) = rest.strip_prefix('(') {
            let end = closing(inner, '(', ')')?;
            word.parts.push(Part::Output(inner.get(..end)?.to_owned()));
            self.rest = inner.get(end + 1..)?;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let end = closing(inner, '{', '}')?;
            word.parts.push(braced(inner.get(..end)?, is_quoted));
            self.rest = inner.get(end + 1..)?;
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = match rest.chars().next() {
                Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => 1,
                Some(c) if is_name(c) => rest.chars().take_while(|c| is_name(*c)).count(),
                _ => 0,
            };
            if length == 0 {
                word.push("$");
            } else {
                let name = rest.get(..length)?.to_owned();
                word.parts.push(Part::Variable { name, default: String::new(), is_quoted });
            }
            self.rest = rest.get(length..)?;
        }
        Some(())
    }
}
