//! Betterleaks' filters: expressions that discard a match when they are true.
//!
//! Of the language only this is read: calls of `entropy`, `containsAny` and `matchesAny`, joined by `||`. Of such a chain every part discards by itself, so
//! a part that is not understood is left out, is told, and only makes a rule report more.

/// One part of a filter.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Part {
    /// The secret's entropy is at most this, in bits per byte.
    Entropy(f64),
    /// The secret holds one of these.
    Contains(Vec<String>),
    /// A regex matches the target: `secret`, `match`, `line`, `path`.
    Matches { target: &'static str, regexes: Vec<String> },
}

/// The parts of a filter that are understood, and the texts of the others.
pub(super) fn parse(filter: &str) -> (Vec<Part>, Vec<String>) {
    let (mut understood, mut others) = (Vec::new(), Vec::new());
    for text in alternatives(filter) {
        match part(text) {
            Some(part) => understood.push(part),
            None => others.push(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
    (understood, others)
}

/// The operands of a chain of `||`; texts in quotes and brackets stay whole.
fn alternatives(filter: &str) -> Vec<&str> {
    let bytes = filter.as_bytes();
    let (mut parts, mut from, mut at, mut depth) = (Vec::new(), 0, 0, 0_i32);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'`' | b'\'' => at += quoted(filter.get(at..).unwrap_or_default()).map_or(1, |(_, length)| length),
            b'|' if depth == 0 && bytes.get(at + 1) == Some(&b'|') => {
                parts.push(filter.get(from..at).unwrap_or_default().trim());
                at += 2;
                from = at;
            }
            byte => {
                depth += i32::from(b"([{".contains(byte)) - i32::from(b")]}".contains(byte));
                at += 1;
            }
        }
    }
    parts.push(filter.get(from..).unwrap_or_default().trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn part(text: &str) -> Option<Part> {
    let text = text.strip_prefix("filter.").unwrap_or(text);
    let (name, rest) = text.split_once('(')?;
    let (target, rest) = target(rest.trim_start())?;
    match name.trim() {
        "entropy" if target == "secret" => {
            let number = rest.strip_prefix(')')?.trim_start();
            let number = number.strip_prefix("<=").or_else(|| number.strip_prefix('<'))?;
            Some(Part::Entropy(number.trim().parse().ok()?))
        }
        "containsAny" if target == "secret" => Some(Part::Contains(list(rest.strip_prefix(',')?)?)),
        "matchesAny" => Some(Part::Matches { target, regexes: list(rest.strip_prefix(',')?)? }),
        _ => None,
    }
}

/// What a call looks at, and the text behind it.
fn target(text: &str) -> Option<(&'static str, &str)> {
    const TARGETS: [(&str, &str); 5] = [
        ("finding[\"secret\"]", "secret"),
        ("finding[\"match\"]", "match"),
        ("finding[\"line\"]", "line"),
        ("get(attributes, \"path\", \"\")", "path"),
        ("attributes[?\"path\"].orValue(\"\")", "path"),
    ];
    TARGETS.iter().find_map(|(written, target)| Some((*target, text.strip_prefix(written)?.trim_start())))
}

/// A list of texts that ends the call.
fn list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim_start().strip_prefix('[')?.trim_start();
    let mut texts = Vec::new();
    while !rest.starts_with(']') {
        let (text, length) = quoted(rest)?;
        texts.push(text);
        rest = rest.get(length..)?.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    (rest.strip_prefix(']')?.trim() == ")").then_some(texts)
}

/// A text in quotes at the start, and the bytes it takes there: raw in `r"""…"""` and backquotes, with escapes in double and single quotes.
fn quoted(text: &str) -> Option<(String, usize)> {
    for (open, close) in [("r\"\"\"", "\"\"\""), ("\"\"\"", "\"\"\""), ("`", "`")] {
        if let Some(inner) = text.strip_prefix(open) {
            let end = inner.find(close)?;
            return Some((inner.get(..end)?.to_owned(), open.len() + end + close.len()));
        }
    }
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            _ if character == quote => return Some((value, at + 1)),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_the_common_calls_are_read_and_the_rest_is_named() {
        let (parts, others) = parse(
            "filter.entropy(finding[\"secret\"]) <= 3.5\n|| containsAny(finding[\"secret\"], [\"a|| b\", 'c'])\n\
             || filter.failsTokenEfficiency(finding[\"secret\"]) || matchesAny(get(attributes, \"path\", \"\"), [`\\.md$`,])\n\
             || !filter.matchesAny(finding[\"secret\"], [\"[0-9]\"]) || (entropy(finding[\"secret\"]) <= 2.5 && true)",
        );
        assert_eq!(
            parts,
            [
                Part::Entropy(3.5),
                Part::Contains(vec!["a|| b".into(), "c".into()]),
                Part::Matches { target: "path", regexes: vec![r"\.md$".into()] },
            ]
        );
        assert_eq!(others.len(), 3);
        assert_eq!(others[0], "filter.failsTokenEfficiency(finding[\"secret\"])");
    }

    #[test]
    fn what_is_cut_off_is_not_understood() {
        for text in ["entropy(", "entropy(finding[\"secret\"]", "containsAny(finding[\"secret\"], [\"a", "((((", "\""] {
            assert_eq!(parse(text).0, [], "{text}");
        }
    }
}
