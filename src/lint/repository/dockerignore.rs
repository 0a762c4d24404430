//! `.dockerignore`: which files of a build context are not sent to the builder, as BuildKit decides it.
//!
//! Sources: moby/patternmatcher (`ignorefile`, `MatchesUsingParentResults`) and Docker's documentation, "Build context", ".dockerignore files". Its patterns are those of
//! Go's `filepath.Match`, with `**` for any folders; all begin at the context's root, `!` takes back, and the last that matches counts, also through a folder above.

use regex_automata::meta::{Config, Regex};

/// Longest file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Most patterns; the longest real files have some hundred.
const MAX_PATTERNS: usize = 2000;

/// Longest pattern, in bytes; no path is longer.
const MAX_PATTERN_BYTES: usize = 4096;

/// Why a file cannot be read; a build with it fails, or it is longer than is looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// A pattern that has no meaning.
    #[error("line {line}: `{pattern}` is no pattern that a builder reads")]
    Pattern {
        /// Its line, from 1.
        line: usize,
        /// It.
        pattern: String,
    },
    /// A limit was passed.
    #[error("the file has more than {limit} {what}")]
    Limit {
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

/// A file.
#[derive(Debug, Default)]
pub struct IgnoreFile {
    patterns: Vec<Pattern>,
}

/// What the patterns said of a folder, for what is in it.
#[derive(Clone, Debug, Default)]
pub struct Above(Vec<bool>);

impl IgnoreFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When a builder would stop at it, or it passes a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, IgnoreError> {
        if bytes.len() > MAX_BYTES {
            return Err(IgnoreError::Limit { limit: MAX_BYTES, what: "bytes" });
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut patterns = Vec::new();
        for (number, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
            let text = line.trim();
            // Only in the first column it begins a comment.
            if line.starts_with('#') || text.is_empty() {
                continue;
            }
            let bad = || IgnoreError::Pattern { line: number + 1, pattern: text.chars().take(80).collect() };
            let (is_exception, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim()));
            if patterns.len() == MAX_PATTERNS {
                return Err(IgnoreError::Limit { limit: MAX_PATTERNS, what: "patterns" });
            }
            // Nothing is left of it, and a builder stops at a `!` alone.
            let is_nothing = text.is_empty() || (is_exception && clean(text) == "/");
            let matcher = Pattern::compile(text).filter(|_| !is_nothing).ok_or_else(bad)?;
            patterns.push(Pattern { is_exception, ..matcher });
        }
        Ok(Self { patterns })
    }

    /// How many patterns it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether it leaves everything where it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.iter().all(|pattern| pattern.is_exception)
    }

    /// Whether something below a folder that is left out may be taken back.
    #[must_use]
    pub fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_exception)
    }

    /// Whether a file or folder is left out, given what was said of the folder that it is in, and what is said of what is in it.
    #[must_use]
    pub fn step(&self, path: &str, above: &Above) -> (bool, Above) {
        let mut is_out = false;
        let mut said = vec![false; self.patterns.len()];
        for (index, pattern) in self.patterns.iter().enumerate() {
            let is_inherited = above.0.get(index).copied().unwrap_or_default();
            // One that would change nothing is not asked.
            let matches = is_inherited || (pattern.is_exception == is_out && pattern.matches(path));
            said[index] = matches;
            if matches {
                is_out = !pattern.is_exception;
            }
        }
        (is_out, Above(said))
    }

    /// Whether a path of the context, with `/`, is left out.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut state = (false, Above::default());
        for end in ends {
            state = self.step(path.get(..end).unwrap_or_default(), &state.1);
        }
        state.0
    }
}

/// A path in its shortest form, as Go's `filepath.Clean` makes it.
#[must_use]
pub fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// A pattern for paths from the root of a context; those of `COPY` are read alike.
#[derive(Debug)]
pub struct Pattern {
    is_exception: bool,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Exact(String),
    /// `a/**`
    Prefix(String),
    /// `**/a`, and what is matched after any folders.
    Suffix(String),
    Regex(Box<Regex>),
}

impl Pattern {
    /// Reads a pattern; nothing where it has no meaning.
    #[must_use]
    pub fn compile(text: &str) -> Option<Self> {
        let text = clean(text);
        let text = text.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&text);
        if text.len() > MAX_PATTERN_BYTES {
            return None;
        }
        Some(Self { is_exception: false, form: form(text)? })
    }

    /// Whether it matches a path itself.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Exact(text) => path == text,
            Form::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Form::Suffix(suffix) => {
                path.ends_with(suffix.as_str()) || suffix.strip_prefix('/').is_some_and(|name| name == path)
            }
            Form::Regex(regex) => regex.is_match(path),
        }
    }

    /// Whether it matches a path or a folder above it.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| self.matches(path.get(..end).unwrap_or_default()))
    }
}

/// How a pattern is matched, as patternmatcher's `compile` tells the forms apart.
fn form(text: &str) -> Option<Form> {
    #[derive(PartialEq)]
    enum Kind {
        Exact,
        Prefix,
        Suffix,
        Regex,
    }
    let mut kind = Kind::Exact;
    let mut regex = "^".to_owned();
    let mut rest = text.chars().peekable();
    let mut is_first = true;
    while let Some(next) = rest.next() {
        match next {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                let is_last = rest.peek().is_none();
                kind = match (is_last, is_first, &kind) {
                    (_, true, _) => Kind::Suffix,
                    (true, _, Kind::Exact) => Kind::Prefix,
                    _ => Kind::Regex,
                };
                regex.push_str(if is_last { ".*" } else { "(?:.*/)?" });
            }
            '*' => (kind, _) = (Kind::Regex, regex.push_str("[^/]*")),
            '?' => (kind, _) = (Kind::Regex, regex.push_str("[^/]")),
            '[' => (kind, _) = (Kind::Regex, regex.push_str(&class(&mut rest)?)),
            // At the end it escapes nothing. A letter becomes a class of the regex, as it does in patternmatcher (`\d`).
            '\\' => (kind, _) = (Kind::Regex, regex.push_str(&escaped(rest.next()?))),
            other => regex.push_str(&literal(other)),
        }
        is_first = false;
    }
    Some(match kind {
        Kind::Exact => Form::Exact(text.to_owned()),
        Kind::Prefix => Form::Prefix(text.strip_suffix("**")?.to_owned()),
        Kind::Suffix => Form::Suffix(text.strip_prefix("**")?.to_owned()),
        Kind::Regex => {
            let config = Config::new().nfa_size_limit(Some(MAX_BYTES)).utf8_empty(false);
            Form::Regex(Box::new(Regex::builder().configure(config).build(&format!("{regex}$")).ok()?))
        }
    })
}

fn literal(c: char) -> String {
    if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() }
}

fn escaped(c: char) -> String {
    if c.is_ascii_alphanumeric() { format!("\\{c}") } else { literal(c) }
}

/// `[a-z]` or `[^a-z]` behind its `[`: Go refuses one that is empty or open.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut class = "[".to_owned();
    if rest.next_if_eq(&'^').is_some() {
        class.push('^');
    }
    let mut is_empty = true;
    loop {
        if !is_empty && rest.next_if_eq(&']').is_some() {
            class.push(']');
            return Some(class);
        }
        let low = member(rest)?;
        class.push_str(&literal(low));
        if rest.next_if_eq(&'-').is_some() {
            class.push('-');
            class.push_str(&literal(member(rest)?));
        }
        is_empty = false;
    }
}

/// A letter of a class (Go's `getEsc`).
fn member(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What moby/patternmatcher 0.6 answers: a pattern, a path, whether it is left out.
    #[test]
    fn patterns_mean_what_they_mean_to_buildkit() {
        let cases: &[(&str, &str, bool)] = &[
            ("**", "file", true),
            ("**", "dir/file", true),
            ("**/", "file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/file", true),
            ("dir/**", "dir/dir2/file", true),
            ("dir/**", "dirx/file", false),
            ("**/dir", "dir", true),
            ("**/dir", "dir/file", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/*", "dir/dir2/dir2/file", true),
            ("**file", "dir/file", true),
            ("**file", "dir/xfile", true),
            ("**/file", "dir/xfile", false),
            ("**/*.txt", "a/b.txt", true),
            ("a**/*.txt", "a/dir/dir/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a[b-d]e", "ace", true),
            ("a[^b-d]e", "aze", true),
            ("a[\\-x]b", "axb", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("a\\d", "a1", true),
            ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            ("/root", "root", true),
            ("./root/", "root/x", true),
            ("*", ".env", true),
            ("*/x", "a/b/x", false),
            ("file", "dir/file", false),
            ("a/../b", "b", true),
            ("  b  ", "b", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(IgnoreFile::parse(pattern.as_bytes()).unwrap().excludes(path), *expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_that_matches_counts() {
        let cases: &[(&str, &str, bool)] = &[
            ("*\n!a", "a", false),
            ("*\n!a", "b", true),
            ("*\n!src\nsrc/secret", "src/secret/x", true),
            ("*\n!src\nsrc/secret", "src/main", false),
            ("docs\n!docs/README.md", "docs/README.md", false),
            ("docs\n!docs/README.md", "docs/x.md", true),
            ("!a\na", "a", true),
            ("# a\n #b\nc", "a", false),
            ("# a\n #b\nc", "#b", true),
            ("\u{feff}a", "a", true),
            ("! a\n*\n! b", "b", false),
            // An exception that takes nothing back in a folder says nothing of what is in it.
            ("src/*\n!*", "src/src/x", true),
        ];
        for (text, path, expected) in cases {
            assert_eq!(IgnoreFile::parse(text.as_bytes()).unwrap().excludes(path), *expected, "{text:?} {path}");
        }
    }

    #[test]
    fn what_stops_a_build_is_told_with_its_line() {
        for text in ["a\n[", "a\n!", "a\n! /", "a\n[]", "a\nb\\", "a\n[a-]", "a\n[-a]"] {
            assert!(matches!(IgnoreFile::parse(text.as_bytes()), Err(IgnoreError::Pattern { line: 2, .. })), "{text}");
        }
        let long = "a\n".repeat(MAX_PATTERNS + 1);
        assert!(matches!(IgnoreFile::parse(long.as_bytes()), Err(IgnoreError::Limit { .. })));
    }
}
