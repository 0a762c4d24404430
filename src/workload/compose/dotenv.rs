//! `.env` files: `NAME=value` lines, as Compose reads them.
//!
//! Source: Docker documentation, "Syntax for environment files". Values without quotes and in double quotes have their variables filled in from the lines before;
//! values in single quotes are what they are.

use super::interpolate::{Variables, text};

/// Longest file that is read.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Most variables of one file.
const MAX_VARIABLES: usize = 10_000;

/// Adds the variables of a file to those that are known; a line that is none is passed over.
pub fn read(bytes: &[u8], variables: &mut Variables) {
    let file = String::from_utf8_lossy(bytes);
    let mut rest = file.as_ref();
    for _ in 0..MAX_VARIABLES {
        rest = rest.trim_start();
        if rest.is_empty() {
            return;
        }
        let line_end = rest.find('\n').unwrap_or(rest.len());
        let line = rest.get(..line_end).unwrap_or_default();
        let assignment = line.strip_prefix("export ").unwrap_or(line);
        let name = assignment.split_once(['=', ':']).map(|(name, _)| name.trim());
        let Some(name) = name.filter(|name| is_name(name)) else {
            rest = rest.get(line_end..).unwrap_or_default();
            continue;
        };
        let skipped = line.len() - assignment.len() + assignment.find(['=', ':']).unwrap_or_default() + 1;
        let (value, length) = value(rest.get(skipped..).unwrap_or_default(), variables);
        variables.insert(name.to_owned(), value);
        rest = rest.get(skipped + length..).unwrap_or_default();
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte == b'_' || byte == b'.' || byte == b'-' || byte.is_ascii_alphanumeric())
}

/// The value that begins here, and how many bytes it takes with its quotes.
fn value(after: &str, variables: &Variables) -> (String, usize) {
    let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
    let start = after.get(blank..).unwrap_or_default();
    for quote in ['\'', '"'] {
        let Some(inner) = start.strip_prefix(quote) else { continue };
        let Some(end) = closing(inner, quote) else { continue };
        let raw = inner.get(..end).unwrap_or_default();
        let value = if quote == '"' { text(&unescaped(raw), variables, 0).0 } else { raw.replace("\\'", "'") };
        let line = inner.get(end + 1..).unwrap_or_default();
        return (value, blank + 2 + end + line.find('\n').unwrap_or(line.len()));
    }
    let length = start.find('\n').unwrap_or(start.len());
    let line = start.get(..length).unwrap_or_default();
    let comment = line
        .char_indices()
        .find(|(at, c)| *c == '#' && line.get(..*at).is_some_and(|text| text.ends_with([' ', '\t'])));
    let raw = if line.starts_with('#') {
        ""
    } else {
        line.get(..comment.map_or(line.len(), |(at, _)| at)).unwrap_or_default()
    };
    (text(raw.trim(), variables, 0).0, blank + length)
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices()
        .find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        })
        .map(|(at, _)| at)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, false) => out.push(c),
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                // Interpolation reads a doubled dollar as one.
                Some('$') => out.push_str("$$"),
                Some(other @ ('"' | '\\')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the documentation's table, and of what people write.
    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let mut variables = Variables::new();
        let file = "# a comment\nVAR=VAL\nQ=\"VAL\"\nS='VAL # $VAR'\nC=VAL # comment\nN=VAL# none\nexport E=$VAR-x\nD=\"${VAR}\\ny\"\nEMPTY=\n  I : spaced \nno line\nM=\"a\nb\"\nL=last";
        read(file.as_bytes(), &mut variables);
        for (name, value) in [
            ("VAR", "VAL"),
            ("Q", "VAL"),
            ("S", "VAL # $VAR"),
            ("C", "VAL"),
            ("N", "VAL# none"),
            ("E", "VAL-x"),
            ("D", "VAL\ny"),
            ("EMPTY", ""),
            ("I", "spaced"),
            ("M", "a\nb"),
            ("L", "last"),
        ] {
            assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(variables.len(), 11);
    }
}
