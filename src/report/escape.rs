//! Text of an image made safe for a terminal.

use crate::facts::path::is_bidi_control;

/// `text` with control characters (C0, C1, DEL) and those that reorder text written as `\u{…}`, so that a hostile name can neither move the cursor nor
/// look like another.
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_bidi_control(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(terminal("a\x1b]0;x\x07b\u{9b}31m\u{202e}c\nd"), "a\\u{1b}]0;x\\u{7}b\\u{9b}31m\\u{202e}c\\u{a}d");
        assert_eq!(terminal("naïve 日本"), "naïve 日本");
    }
}
