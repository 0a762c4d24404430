//! What surrounds a secret and tells that it is none of this image's: a document that shows how something is used, a test, a URL that was signed.

use super::parse;

/// Folders of documents, examples and tests.
const FOLDERS: &[&str] = &[
    "__mocks__",
    "__tests__",
    "doc",
    "docs",
    "documentation",
    "e2e",
    "example",
    "examples",
    "fixtures",
    "molecule",
    "sample",
    "samples",
    "spec",
    "specs",
    "test",
    "testdata",
    "tests",
    "tutorial",
    "tutorials",
];

/// Bytes before a token in which a word is looked for that says what it is.
const REACH: usize = 24;

/// A file shows how something is used, or is there to test it. That lowers what only a name tells; a token's form says more than a folder.
pub(crate) fn is_illustrative(path: &[u8]) -> bool {
    let folders = path.rsplit(|byte| *byte == b'/').skip(1);
    let is_known = |folder: &[u8]| FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known.as_bytes()));
    parse::is_example(path) || folders.into_iter().any(is_known)
}

/// The text right before a token calls it an example: `Example - …`, `e.g. …`. The word stands alone: `example.com` and `example_token` are names.
pub(super) fn is_called_example(before: &[u8]) -> bool {
    let before = before.get(before.len().saturating_sub(REACH)..).unwrap_or_default();
    let is_gap = |byte: &u8| matches!(byte, b' ' | b'\t' | b':' | b'=' | b'-' | b',' | b'"' | b'\'' | b'`' | b'(');
    let gap = before.iter().rev().take_while(|byte| is_gap(byte)).count();
    let text = before.get(..before.len() - gap).unwrap_or_default().to_ascii_lowercase();
    gap > 0
        && [&b"example"[..], b"examples", b"sample", b"e.g.", b"e.g"].iter().any(|word| {
            let lead = text.strip_suffix(*word).map(<[u8]>::last);
            lead.is_some_and(|last| last.is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'#' | b'(')))
        })
}

/// The key id in a URL that was signed with it (docs.aws.amazon.com, "Authenticating requests: using query parameters"): it is public by itself, and the
/// URL expires after a week at most.
pub(super) fn is_in_signed_url(before: &[u8]) -> bool {
    ["X-Amz-Credential=", "X-Amz-Credential%3D"].iter().any(|name| before.ends_with(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_documents_and_tests_are_told() {
        for path in ["usr/share/doc/x/app.conf", "srv/examples/a/b.yml", "a/Tests/c.json", "app/settings.example.yml"] {
            assert!(is_illustrative(path.as_bytes()), "{path}");
        }
        for path in ["etc/app.conf", "srv/latest/app.yml", "docs", "app/test.yml"] {
            assert!(!is_illustrative(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn an_example_is_one_where_it_is_called_so() {
        for text in ["key: <yours>  # Example - ", "e.g. ", "(for example: \"", "Example: "] {
            assert!(is_called_example(text.as_bytes()), "{text}");
        }
        for text in
            ["https://registry.example ", "login registry.example -p ", "EXAMPLE_TOKEN=", "examples/a: ", "example\n"]
        {
            assert!(!is_called_example(text.as_bytes()), "{text}");
        }
    }
}
