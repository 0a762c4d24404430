//! What of a secret may be shown.

use std::borrow::Cow;

/// Stands for what is not shown; its length tells nothing.
pub const HIDDEN: &str = "********";

/// Least hidden bytes before the last four may be shown.
const MIN_FOR_LAST: usize = 24;

/// A token: its public prefix, and the last four characters of a long one, so that its owner can tell which it is.
pub(super) fn token(secret: &[u8], public_prefix: usize) -> String {
    let (prefix, hidden) = secret.split_at_checked(public_prefix).unwrap_or((b"", secret));
    let last = if hidden.len() >= MIN_FOR_LAST { hidden.get(hidden.len() - 4..).unwrap_or_default() } else { b"" };
    format!("{}{HIDDEN}{}", printable(prefix), printable(last))
}

/// With `?` for everything that is not printable ASCII.
pub(super) fn printable(bytes: &[u8]) -> Cow<'_, str> {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~');
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(plain) => Cow::Borrowed(text),
        _ => bytes.iter().map(|byte| if plain(byte) { char::from(*byte) } else { '?' }).collect::<String>().into(),
    }
}
