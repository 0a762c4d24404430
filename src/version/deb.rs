//! dpkg's order: `[epoch:]upstream[-revision]`.
//!
//! Source: deb-version(7); Debian Policy 5.6.12; dpkg `lib/dpkg/version.c`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme { name: "deb", ecosystems: &["Debian", "Ubuntu", "Echo"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (parse(left)?, parse(right)?);
    Ok(digits::compare(a.epoch, b.epoch)
        .then_with(|| part(a.upstream, b.upstream))
        .then_with(|| part(a.revision, b.revision)))
}

struct Version<'a> {
    epoch: &'a [u8],
    upstream: &'a [u8],
    revision: &'a [u8],
}

fn parse(text: &str) -> Result<Version<'_>, VersionError> {
    let bytes = text.trim().as_bytes();
    let (epoch, rest) = match memchr::memchr(b':', bytes) {
        Some(colon) => (bytes.get(..colon).unwrap_or_default(), bytes.get(colon + 1..).unwrap_or_default()),
        None => (&b""[..], bytes),
    };
    let has_epoch = rest.len() < bytes.len();
    if rest.is_empty()
        || !epoch.iter().all(u8::is_ascii_digit)
        || (has_epoch && epoch.is_empty())
        || bytes.iter().any(u8::is_ascii_whitespace)
    {
        return Err(malformed(text, &SCHEME));
    }
    let (upstream, revision) = match memchr::memrchr(b'-', rest) {
        Some(dash) => (rest.get(..dash).unwrap_or_default(), rest.get(dash + 1..).unwrap_or_default()),
        None => (rest, &b""[..]),
    };
    Ok(Version { epoch, upstream, revision })
}

/// Runs of other characters and of digits in turn.
fn part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (a, b) = (next_other(left), next_other(right));
            if a.is_none() && b.is_none() {
                break;
            }
            let order = a.map_or(0, weight).cmp(&b.map_or(0, weight));
            if order != Ordering::Equal {
                return order;
            }
            left = left.get(usize::from(a.is_some())..).unwrap_or_default();
            right = right.get(usize::from(b.is_some())..).unwrap_or_default();
        }
        let ((a, rest_a), (b, rest_b)) = (digits::split(left), digits::split(right));
        let order = digits::compare(a, b);
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn next_other(text: &[u8]) -> Option<u8> {
    text.first().copied().filter(|b| !b.is_ascii_digit())
}

/// `~` is below the end of the part, letters are below all else.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        _ if byte.is_ascii_alphabetic() => byte.into(),
        _ => i32::from(byte) + 256,
    }
}
