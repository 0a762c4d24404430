//! Variables in values: `$NAME`, `${NAME}`, `${NAME:-default}` and its kin, `$$` for a dollar.
//!
//! Source: Compose specification, "Interpolation". Values come from `.env` files and from what the caller gives, never from the environment of the process: the same
//! files must give the same report everywhere. What nothing sets stays a variable, written with
//! braces, and is marked open.

use std::collections::BTreeMap;

use crate::workload::yaml::{Key, Node, Scalar, Value};

/// Deepest nesting of defaults in defaults.
const MAX_DEPTH: usize = 8;

/// Longest value that comes of it, in bytes: a short file must not grow without end.
const MAX_TEXT: usize = 256 << 10;

/// Names and values.
pub type Variables = BTreeMap<String, String>;

/// Puts values in the place of variables in every scalar; keys are names.
#[must_use]
pub(super) fn interpolate(node: Node, variables: &Variables) -> Node {
    let value = match node.value {
        Value::Scalar(scalar) => Value::Scalar(of_scalar(scalar, variables)),
        Value::List(items) => Value::List(items.into_iter().map(|item| interpolate(item, variables)).collect()),
        Value::Map(entries) => {
            let entry = |(key, value): (Key, Node)| (key, interpolate(value, variables));
            Value::Map(entries.into_iter().map(entry).collect())
        }
        Value::Null => Value::Null,
    };
    Node { value, ..node }
}

fn of_scalar(scalar: Scalar, variables: &Variables) -> Scalar {
    if !scalar.text.contains('$') {
        return scalar;
    }
    let (filled, is_open) = text(&scalar.text, variables, 0);
    let (literal, _) = text(&scalar.text, &Variables::new(), 0);
    let literal = Some(literal).filter(|literal| *literal != filled);
    Scalar { text: filled, is_open, literal }
}

/// A text with its variables filled in, and whether one was not.
#[must_use]
pub(super) fn text(text: &str, variables: &Variables, depth: usize) -> (String, bool) {
    let (mut filled, mut is_open) = (String::with_capacity(text.len()), false);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (value, length) = variable(after, variables, depth);
        match value {
            Some(value) if filled.len() + value.len() <= MAX_TEXT => filled.push_str(&value),
            Some(_) => return (filled, true),
            None => {
                is_open = true;
                let written = after.get(..length).unwrap_or_default();
                let is_bare = !written.starts_with('{') && !written.is_empty();
                filled.push_str(&if is_bare { format!("${{{written}}}") } else { format!("${written}") });
            }
        }
        rest = after.get(length..).unwrap_or_default();
    }
    filled.push_str(rest);
    (filled, is_open)
}

/// What stands behind a dollar: its value, none if nothing sets it, and how many bytes of the text it takes.
fn variable(after: &str, variables: &Variables, depth: usize) -> (Option<String>, usize) {
    if after.starts_with('$') {
        return (Some("$".to_owned()), 1);
    }
    if let Some(inner) = after.strip_prefix('{') {
        let Some(end) = closing(inner) else { return (None, 0) };
        let expression = inner.get(..end).unwrap_or_default();
        return (braced(expression, variables, depth), end + 2);
    }
    let length = name_length(after);
    if length == 0 {
        // A dollar that stands for itself.
        return (Some("$".to_owned()), 0);
    }
    (after.get(..length).and_then(|name| variables.get(name)).cloned(), length)
}

/// Where the brace that was opened before is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'$') => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn braced(expression: &str, variables: &Variables, depth: usize) -> Option<String> {
    let (name, rest) = expression.split_at_checked(name_length(expression))?;
    let set = variables.get(name);
    let (counts_empty, operator) = match rest.strip_prefix(':') {
        Some(operator) => (false, operator),
        None => (true, rest),
    };
    let value = set.filter(|value| counts_empty || !value.is_empty());
    let filled = |word: &str| {
        let (value, is_open) = if depth < MAX_DEPTH { text(word, variables, depth + 1) } else { (String::new(), true) };
        (!is_open).then_some(value)
    };
    match (operator.chars().next(), operator.get(1..).unwrap_or_default()) {
        (None, _) if rest.is_empty() => set.cloned(),
        (Some('-'), word) => value.cloned().or_else(|| filled(word)),
        (Some('+'), word) if value.is_some() => filled(word),
        (Some('+'), _) => Some(String::new()),
        (Some('?'), _) => value.cloned(),
        _ => None,
    }
}

fn name_length(text: &str) -> usize {
    let is_name =
        |(at, byte): (usize, u8)| byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit());
    text.bytes().enumerate().take_while(|pair| is_name(*pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows follow the table of the specification.
    #[test]
    fn variables_are_filled_in_as_the_specification_says() {
        let variables: Variables = [("SET", "value"), ("EMPTY", ""), ("B_2", "b")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (written, expected, is_open) in [
            ("$SET-${SET}", "value-value", false),
            ("a$$b $", "a$b $", false),
            ("$B_2x $9", "${B_2x} $9", true),
            ("${UNSET}:1", "${UNSET}:1", true),
            ("${UNSET-d}${EMPTY-d}|${EMPTY:-d}", "d|d", false),
            ("${SET:-d}${UNSET:-${SET}}${UNSET:-${EMPTY:-x}}", "valuevaluex", false),
            ("${SET:+y}${EMPTY:+y}${EMPTY+y}${UNSET+y}", "yy", false),
            ("${SET?no}${SET:?no}", "valuevalue", false),
            ("${EMPTY:?no}", "${EMPTY:?no}", true),
            ("${UNSET:-}", "", false),
            ("${UNSET:-a-b:c?d}", "a-b:c?d", false),
            ("${SET", "$", true),
            ("${}", "${}", true),
            ("${SET!x}", "${SET!x}", true),
        ] {
            let (filled, open) = text(written, &variables, 0);
            if written == "${SET" {
                assert!(open && filled.starts_with('$'), "{filled}");
                continue;
            }
            assert_eq!((filled.as_str(), open), (expected, is_open), "{written}");
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        let variables: Variables = [("A".to_owned(), "x".repeat(100_000))].into();
        let (filled, is_open) = text(&"$A".repeat(10), &variables, 0);
        assert!(is_open && filled.len() <= MAX_TEXT);
        let nested = format!("{}{}", "${U:-".repeat(5000), "}".repeat(5000));
        assert!(text(&nested, &variables, 0).1);
    }
}
