//! Passwords in URLs (RFC 3986, 3.2.1): `scheme://user:password@host`.

use std::ops::Range;

use super::mask;
use super::validate::{entropy, is_placeholder, looks_random};
use crate::facts::Confidence;

/// Longest scheme, and longest part between `//` and the path.
const MAX_SCHEME: usize = 24;
const MAX_AUTHORITY: usize = 512;

/// Longest host that is shown.
const MAX_SHOWN_HOST: usize = 80;

/// A password in a URL.
#[derive(Debug)]
pub(super) struct Url {
    /// From the scheme to the end of the host.
    pub(super) range: Range<usize>,
    /// The password.
    pub(super) password: Range<usize>,
    /// How sure.
    pub(super) confidence: Confidence,
    /// Scheme and host.
    pub(super) shown: String,
}

/// The URL whose `://` stands at `at`, if it holds a password.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Url> {
    let authority_at = at + 3;
    let window = bytes.get(authority_at..bytes.len().min(authority_at + MAX_AUTHORITY))?;
    let ends = |byte: &u8| !byte.is_ascii_graphic() || b"/?#\"'<>`\\|^".contains(byte);
    let end = window.iter().position(ends).unwrap_or(window.len());
    // Nearly every URL ends here: only one with an `@` goes on.
    let authority = window.get(..end)?;
    let host_at = memchr::memrchr(b'@', authority)? + 1;
    let user_end = memchr::memchr(b':', authority.get(..host_at)?)?;
    let (user, password, host) =
        (authority.get(..user_end)?, authority.get(user_end + 1..host_at - 1)?, authority.get(host_at..)?);
    let scheme_at = scheme(bytes, at);
    if !is_host(host) || password.is_empty() {
        return None;
    }
    let shown_host = mask::printable(host.get(..host.len().min(MAX_SHOWN_HOST))?).into_owned();
    let scheme = mask::printable(bytes.get(scheme_at..at)?).into_owned();
    Some(Url {
        range: scheme_at..authority_at + authority.len(),
        password: authority_at + user_end + 1..authority_at + host_at - 1,
        confidence: confidence(user, password, host),
        shown: format!("{scheme}://{}@{shown_host}", mask::HIDDEN),
    })
}

/// Where the scheme that ends at `at` starts.
fn scheme(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(at.saturating_sub(MAX_SCHEME)..at).unwrap_or_default();
    let part =
        before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    at - part.count()
}

fn is_host(host: &[u8]) -> bool {
    host.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[' || *byte == b'$' || *byte == b'{')
}

/// Passwords as documents write them: short, words, counted, a spelling of `password`, or for everyone.
fn is_illustration(password: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    let has = |part: &[u8]| memchr::memmem::find(&lower, part).is_some();
    // The digits of `%20` are none of the password's.
    let encoded = memchr::memchr(b'%', password).is_some();
    let words = password.len() < 12 && (encoded || !password.iter().any(u8::is_ascii_digit));
    password.len() < 6 || words || has(b"1234") || has(b"ssword") || has(b"ssw0rd") || has(b"anon")
}

/// Documents and tests are full of `user:pass@host`: short passwords, ones equal to the user, and hosts set aside for examples
/// (RFC 2606, RFC 6761) say little.
fn confidence(user: &[u8], password: &[u8], host: &[u8]) -> Confidence {
    let name = host.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
    let reserved = [
        &b"localhost"[..],
        b"127.0.0.1",
        b"example",
        b".test",
        b".invalid",
        b".local",
        b"host",
        b"server",
        b"hostname",
    ];
    let example =
        reserved.iter().any(|word| name.ends_with(word)) || memchr::memmem::find(&name, b"example.").is_some();
    let format =
        password.first() == Some(&b'%') && password.len() <= 3 || password.iter().any(|byte| b"{}$(),;".contains(byte));
    if example || format || password == user || is_placeholder(password) || is_illustration(password) {
        Confidence::Low
    } else if password.len() >= 12 && (looks_random(password) || entropy(password) >= 3.5) {
        Confidence::High
    } else {
        Confidence::Medium
    }
}
