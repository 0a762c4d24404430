//! Variables and quotes in arguments, as BuildKit replaces and removes them.
//!
//! Source: BuildKit, `frontend/dockerfile/shell/lex.go`: `$NAME`, `${NAME}`, `:-`, `:+`, `:?` and the same without colon, `#`, `##`, `%`, `%%`, `/` and `//`.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use regex_automata::meta::Regex;

/// Deepest `${A:-${B:-…}}`; nobody writes more than three.
const MAX_DEPTH: usize = 32;

/// Longest result, in bytes: no argument is longer, as the kernel takes none (`MAX_ARG_STRLEN`). Values that contain each other double at every step.
const MAX_RESULT: usize = 128 << 10;

/// Values by name.
pub type Environment = BTreeMap<String, String>;

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A quote or brace is not closed.
    #[error("there is no closing `{0}`")]
    Unclosed(char),
    /// `${}`, `${:}`, or a modifier that there is none of.
    #[error("`${{…}}` is not a substitution that there is")]
    BadSubstitution,
    /// `${NAME:?message}` of a variable that is not set.
    #[error("`{0}` must be set")]
    Unset(String),
    /// Nested deeper, or longer, than anybody writes.
    #[error("the substitution is nested too deeply, or its result is too long")]
    TooLarge,
}

/// Replaces variables and takes quotes and escapes off.
///
/// # Errors
/// When BuildKit would refuse it, or at the limits of this file.
pub fn expand(text: &str, environment: &Environment, escape: char) -> Result<String, ExpandError> {
    let mut lexer = Lexer::new(text, escape, Lookup::Known(environment));
    Ok(lexer.until(None, false, 0)?.0)
}

/// The same, split into words after variables were replaced, where quotes do not hold them together.
///
/// # Errors
/// As [`expand`].
pub fn expand_words(text: &str, environment: &Environment, escape: char) -> Result<Vec<String>, ExpandError> {
    let mut lexer = Lexer::new(text, escape, Lookup::Known(environment));
    Ok(lexer.until(None, false, 0)?.1)
}

/// The names of the variables that a text refers to, in their order; of a text that cannot be expanded, those before the fault.
#[must_use]
pub fn names(text: &str, escape: char) -> Vec<String> {
    let mut lexer = Lexer::new(text, escape, Lookup::Kept);
    // A fault is told by whoever expands it.
    let _ = lexer.until(None, false, 0);
    lexer.names
}

/// Takes quotes and escapes off and leaves variables as they are.
pub(super) fn unquote(text: &str) -> Result<Vec<String>, ExpandError> {
    Ok(Lexer::new(text, '\\', Lookup::Kept).until(None, false, 0)?.1)
}

/// Where values come from.
#[derive(Clone, Copy)]
enum Lookup<'a> {
    /// What is not there is empty.
    Known(&'a Environment),
    /// Nothing is replaced.
    Kept,
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    escape: char,
    lookup: Lookup<'a>,
    names: Vec<String>,
    /// Bytes that were put out, over all levels.
    spent: usize,
}

/// A result, as one text and as words.
#[derive(Default)]
struct Built {
    text: String,
    words: Vec<String>,
    word: String,
    in_word: bool,
}

impl Built {
    /// A character that separates words if it is space.
    fn push(&mut self, c: char) {
        self.text.push(c);
        if !c.is_whitespace() {
            self.word.push(c);
            self.in_word = true;
        } else if self.in_word && !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
            self.in_word = false;
        }
    }

    fn push_whole(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
        self.in_word = true;
    }

    fn finish(mut self) -> (String, Vec<String>) {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        (self.text, self.words)
    }
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, escape: char, lookup: Lookup<'a>) -> Self {
        Self { rest: text.chars().peekable(), escape, lookup, names: Vec::new(), spent: 0 }
    }

    /// Reads to `stop`, or to the end.
    fn until(&mut self, stop: Option<char>, raw: bool, depth: usize) -> Result<(String, Vec<String>), ExpandError> {
        let mut built = Built::default();
        while let Some(&c) = self.rest.peek() {
            if Some(c) == stop {
                self.rest.next();
                return Ok(built.finish());
            }
            match c {
                '$' => {
                    let value = self.dollar(depth)?;
                    value.chars().for_each(|c| built.push(c));
                }
                '\'' => built.push_whole(&self.single_quoted()?),
                '"' => built.push_whole(&self.double_quoted(raw, depth)?),
                _ => {
                    self.rest.next();
                    self.plain(c, raw, &mut built);
                }
            }
        }
        match stop {
            Some(stop) => Err(ExpandError::Unclosed(stop)),
            None => Ok(built.finish()),
        }
    }

    fn plain(&mut self, c: char, raw: bool, built: &mut Built) {
        if c != self.escape {
            built.push(c);
            return;
        }
        if raw {
            built.push_whole(c.encode_utf8(&mut [0; 4]));
        }
        // An escape character at the end is passed over.
        if let Some(next) = self.rest.next() {
            built.push_whole(next.encode_utf8(&mut [0; 4]));
        }
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => return Err(ExpandError::Unclosed('\'')),
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    fn double_quoted(&mut self, raw: bool, depth: usize) -> Result<String, ExpandError> {
        self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.peek().copied() {
                None => return Err(ExpandError::Unclosed('"')),
                Some('"') => {
                    self.rest.next();
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar(depth)?),
                Some(c) => {
                    self.rest.next();
                    text.push_str(&self.in_double_quotes(c, raw));
                }
            }
        }
    }

    /// One character between double quotes; the escape character counts there before a quote, a dollar and itself.
    fn in_double_quotes(&mut self, c: char, raw: bool) -> String {
        if c != self.escape {
            return c.to_string();
        }
        let lead = if raw { c.to_string() } else { String::new() };
        match self.rest.peek().copied() {
            None => lead,
            Some(next) if matches!(next, '"' | '$') || next == self.escape => {
                self.rest.next();
                lead + next.encode_utf8(&mut [0; 4])
            }
            Some(_) => lead + c.encode_utf8(&mut [0; 4]),
        }
    }

    fn dollar(&mut self, depth: usize) -> Result<String, ExpandError> {
        self.rest.next();
        if self.rest.peek() != Some(&'{') {
            let name = self.name();
            let value = if name.is_empty() { None } else { self.value(&name) };
            return self.spend(value.unwrap_or_else(|| match self.lookup {
                Lookup::Known(_) if !name.is_empty() => String::new(),
                _ => format!("${name}"),
            }));
        }
        if depth >= MAX_DEPTH {
            return Err(ExpandError::TooLarge);
        }
        self.rest.next();
        match self.rest.peek() {
            None => return Err(ExpandError::Unclosed('}')),
            Some('{' | '}' | ':') => return Err(ExpandError::BadSubstitution),
            Some(_) => {}
        }
        let name = self.name();
        let value = self.braced(&name, depth)?;
        self.spend(value)
    }

    /// What stands in `${NAME…}` after the name.
    fn braced(&mut self, name: &str, depth: usize) -> Result<String, ExpandError> {
        let mut operator = self.rest.next().ok_or(ExpandError::Unclosed('}'))?;
        let value = self.value(name);
        if operator == '}' {
            return Ok(self.or_kept(value, || format!("${{{name}}}")));
        }
        if operator == '/' {
            return self.replaced(name, value, depth);
        }
        let empty_is_unset = operator == ':';
        if empty_is_unset {
            operator = self.rest.next().ok_or(ExpandError::Unclosed('}'))?;
        }
        if !matches!(operator, '+' | '-' | '?' | '#' | '%') {
            return Err(ExpandError::BadSubstitution);
        }
        let word = self.until(Some('}'), matches!(operator, '#' | '%'), depth + 1)?.0;
        if matches!(self.lookup, Lookup::Kept) {
            return Ok(format!("${{{name}{}{operator}{word}}}", if empty_is_unset { ":" } else { "" }));
        }
        let set = value.filter(|value| !(empty_is_unset && value.is_empty()));
        match operator {
            '-' => Ok(set.unwrap_or(word)),
            '+' => Ok(set.map(|_| word).unwrap_or_default()),
            '?' => set.ok_or_else(|| ExpandError::Unset(name.to_owned())),
            _ => trimmed(&set.unwrap_or_default(), operator, &word),
        }
    }

    /// `${NAME/pattern/replacement}`, and with two slashes for all.
    fn replaced(&mut self, name: &str, value: Option<String>, depth: usize) -> Result<String, ExpandError> {
        let all = self.rest.next_if_eq(&'/').is_some();
        let pattern = self.until(Some('/'), true, depth + 1)?.0;
        let replacement = self.until(Some('}'), true, depth + 1)?.0;
        if matches!(self.lookup, Lookup::Kept) {
            return Ok(format!("${{{name}{}{pattern}/{replacement}}}", if all { "//" } else { "/" }));
        }
        let (regex, value) = (compile(&pattern, true, false)?, value.unwrap_or_default());
        let mut text = String::new();
        let mut at = 0;
        for found in regex.find_iter(&value).take(if all { usize::MAX } else { 1 }) {
            text.push_str(value.get(at..found.start()).unwrap_or_default());
            text.push_str(&replacement);
            at = found.end();
            if text.len() > MAX_RESULT {
                return Err(ExpandError::TooLarge);
            }
        }
        text.push_str(value.get(at..).unwrap_or_default());
        Ok(text)
    }

    fn or_kept(&self, value: Option<String>, kept: impl FnOnce() -> String) -> String {
        match (value, self.lookup) {
            (Some(value), _) => value,
            (None, Lookup::Known(_)) => String::new(),
            (None, Lookup::Kept) => kept(),
        }
    }

    fn value(&mut self, name: &str) -> Option<String> {
        self.names.push(name.to_owned());
        match self.lookup {
            Lookup::Known(environment) => environment.get(name).cloned(),
            Lookup::Kept => None,
        }
    }

    /// A name, a number, or one of the shell's special parameters, none of which is ever set here.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let digits = self.rest.peek().is_some_and(char::is_ascii_digit);
        if !digits && let Some(special) = self.rest.next_if(|c| "@*#?-$!".contains(*c)) {
            return special.to_string();
        }
        while let Some(c) =
            self.rest.next_if(|c| if digits { c.is_ascii_digit() } else { c.is_alphanumeric() || *c == '_' })
        {
            name.push(c);
        }
        name
    }

    fn spend(&mut self, value: String) -> Result<String, ExpandError> {
        self.spent = self.spent.saturating_add(value.len());
        if self.spent > MAX_RESULT { Err(ExpandError::TooLarge) } else { Ok(value) }
    }
}

/// A value without what a pattern fits at its beginning (`#`) or end (`%`): the shortest, or with the character doubled the longest.
fn trimmed(value: &str, operator: char, word: &str) -> Result<String, ExpandError> {
    let (greedy, pattern) = word.strip_prefix(operator).map_or((false, word), |pattern| (true, pattern));
    if operator == '#' {
        let regex = compile(pattern, greedy, true)?;
        let end = regex.find(value).map_or(0, |found| found.end());
        return Ok(value.get(end..).unwrap_or_default().to_owned());
    }
    // The shortest at the end is the first of the reversed text.
    let reversed: String = value.chars().rev().collect();
    let regex = compile(&reversed_pattern(pattern), greedy, true)?;
    let end = regex.find(&reversed).map_or(0, |found| found.end());
    Ok(reversed.get(end..).unwrap_or_default().chars().rev().collect())
}

/// A pattern backwards, with escapes before what they escape.
fn reversed_pattern(pattern: &str) -> String {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        pieces.push(match (c, rest.clone().next()) {
            ('\\', Some(escaped)) => {
                rest.next();
                format!("\\{escaped}")
            }
            _ => c.to_string(),
        });
    }
    pieces.into_iter().rev().collect()
}

/// A shell pattern of `*` and `?` as a regex.
fn compile(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, ExpandError> {
    let mut regex = if anchored { "^".to_owned() } else { String::new() };
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(if greedy { ".*" } else { ".*?" }),
            '?' => regex.push('.'),
            '\\' if rest.peek().is_some_and(|next| matches!(next, '}' | '/')) => {}
            '\\' => match rest.next() {
                Some(next @ ('*' | '?' | '\\')) => regex.extend(['\\', next]),
                _ => return Err(ExpandError::BadSubstitution),
            },
            _ => regex.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&regex).map_err(|_| ExpandError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, ExpandError> {
        let environment =
            [("IMAGE", "registry.example/a/b:1.2"), ("EMPTY", "")].map(|(name, value)| (name.into(), value.into()));
        expand(text, &environment.into(), '\\')
    }

    #[test]
    fn patterns_trim_and_replace() {
        for (text, expected) in [
            ("${IMAGE#*/}", "a/b:1.2"),
            ("${IMAGE##*/}", "b:1.2"),
            ("${IMAGE%:*}", "registry.example/a/b"),
            ("${IMAGE%%/*}", "registry.example"),
            ("${IMAGE/a/x}", "registry.exxmple/a/b:1.2"),
            ("${IMAGE//\\//-}", "registry.example-a-b:1.2"),
            ("${IMAGE/./+}", "registry+example/a/b:1.2"),
            ("${EMPTY:-x}${EMPTY-y}${NONE+z}", "x"),
        ] {
            assert_eq!(with(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_explodes_is_refused() {
        let deep = "${A:-".repeat(100) + &"}".repeat(100);
        assert_eq!(with(&deep), Err(ExpandError::TooLarge));
        let long: Environment = [("A".to_owned(), "a".repeat(MAX_RESULT / 2))].into();
        assert_eq!(expand("$A$A$A", &long, '\\'), Err(ExpandError::TooLarge));
    }

    #[test]
    fn names_are_told_even_where_they_are_nested() {
        assert_eq!(names("$A ${B:-${C}} '$D' \\$E", '\\'), ["A", "B", "C"]);
    }
}
