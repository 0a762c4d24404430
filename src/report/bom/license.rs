//! Declared licences to what the standards take: an identifier, an expression, or a text that is neither.
//!
//! Source: SPDX specification 2.3, annex D (licence expressions) and the SPDX licence list. Packages declare what they like: of Debian's names some are identifiers
//! with another meaning, but none is changed here to what might have been meant.

use spdx::{Expression, ParseMode};

/// Strict, but for deprecated identifiers (`GPL-2.0`), which are in the list and in many packages.
const MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// Longest text that is parsed as an expression; the parser keeps a stack.
const MAX_EXPRESSION_BYTES: usize = 4 << 10;

/// One declared licence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum License {
    /// Of the list.
    Id(String),
    /// Several identifiers, or one with an operator.
    Expression(String),
    /// Anything else.
    Name(String),
}

impl License {
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        if let Some(id) = spdx::license_id(text) {
            return Self::Id(id.name.to_owned());
        }
        let is_reference =
            |name: &str| name.contains("LicenseRef-") || name.contains("DocumentRef-") || name.contains("AdditionRef-");
        // What a reference means stands in a document that we do not have.
        if text.len() > MAX_EXPRESSION_BYTES || is_reference(text) || Expression::parse_mode(text, MODE).is_err() {
            return Self::Name(text.to_owned());
        }
        Self::Expression(text.split_whitespace().map(operator).collect::<Vec<_>>().join(" "))
    }
}

/// Operators are written in capitals (annex D.3), and some tools want them so.
fn operator(word: &str) -> &str {
    ["AND", "OR", "WITH"].into_iter().find(|operator| operator.eq_ignore_ascii_case(word)).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_list_knows_is_an_identifier() {
        for (text, expected) in [
            ("MIT", License::Id("MIT".into())),
            ("GPL-2.0", License::Id("GPL-2.0".into())),
            ("GPL-2.0-or-later", License::Id("GPL-2.0-or-later".into())),
            ("mit or Apache-2.0", License::Name("mit or Apache-2.0".into())),
            ("MIT or  Apache-2.0", License::Expression("MIT OR Apache-2.0".into())),
            (
                "(MIT OR Apache-2.0) and BSD-3-Clause",
                License::Expression("(MIT OR Apache-2.0) AND BSD-3-Clause".into()),
            ),
            (
                "GPL-2.0-only WITH Classpath-exception-2.0",
                License::Expression("GPL-2.0-only WITH Classpath-exception-2.0".into()),
            ),
            ("MIT OR", License::Name("MIT OR".into())),
            ("GPLv3+", License::Name("GPLv3+".into())),
            ("LicenseRef-a AND MIT", License::Name("LicenseRef-a AND MIT".into())),
            ("public-domain", License::Name("public-domain".into())),
            ("", License::Name(String::new())),
        ] {
            assert_eq!(License::of(text), expected, "{text}");
        }
    }
}
