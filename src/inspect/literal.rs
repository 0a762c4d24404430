//! Text literals in files that are programs (gemspecs, rockspecs): what is written as a plain text is read, what would have to be run is not.

/// The text literal that `source` begins with, in double or single quotes, without what may follow it (`.freeze`); none where it is something else, or is put
/// together when the program runs (`#{…}`).
pub(super) fn text_literal(source: &str) -> Option<String> {
    let quote = source.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut literal = String::new();
    let mut characters = source.chars().skip(1).peekable();
    while let Some(character) = characters.next() {
        match character {
            _ if character == quote => return Some(literal),
            '#' if quote == '"' && characters.peek() == Some(&'{') => return None,
            // Names and versions have no control characters; of other escapes the character itself is close enough to be shown.
            '\\' => literal.extend(characters.next()),
            _ => literal.push(character),
        }
    }
    None
}

/// Every text literal of a line.
pub(super) fn text_literals(line: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let here = rest.get(start..).unwrap_or_default();
        let Some(literal) = text_literal(here) else { break };
        let quote = here.chars().next().unwrap_or_default();
        let mut is_escaped = false;
        let end = here.char_indices().skip(1).find(|(_, character)| {
            let is_end = *character == quote && !is_escaped;
            is_escaped = *character == '\\' && !is_escaped;
            is_end
        });
        rest = end.and_then(|(end, _)| here.get(end + 1..)).unwrap_or_default();
        literals.push(literal);
    }
    literals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_have_to_run_is_no_literal() {
        assert_eq!(text_literal(r#""a\"b".freeze"#).as_deref(), Some(r#"a"b"#));
        assert_eq!(text_literal("'1.0'").as_deref(), Some("1.0"));
        for source in ["VERSION", r#""1.#{minor}""#, "\"open", "", "File.read('VERSION')"] {
            assert_eq!(text_literal(source), None, "{source}");
        }
        assert_eq!(text_literals(r#"["MIT".freeze, 'Ruby', "a\\"]"#), ["MIT", "Ruby", "a\\"]);
    }
}
