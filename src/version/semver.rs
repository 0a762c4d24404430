//! SemVer's order, read leniently: a leading `v` or `=`, any count of numbers (missing ones are 0), numbers of any length, a prerelease with or without its
//! dash. Build metadata does not order.
//!
//! Source: Semantic Versioning 2.0.0, section 11; node-semver's loose mode.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme {
    name: "semver",
    ecosystems: &["npm", "crates.io", "Hex", "SwiftURL", "GitHub Actions", "Julia", "Kubernetes", "VSCode"],
    order,
};

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) =
        (parse(left).ok_or_else(|| malformed(left, &SCHEME))?, parse(right).ok_or_else(|| malformed(right, &SCHEME))?);
    Ok(compare(&a, &b))
}

/// A version, split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'a> {
    /// The numbers with their dots.
    numbers: &'a [u8],
    /// Identifiers with their dots; empty for a release.
    prerelease: &'a [u8],
    /// Build metadata, which most schemes ignore.
    pub(super) build: &'a [u8],
}

pub(super) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim().trim_start_matches(['=', ' ']).trim_start_matches(['v', 'V']).as_bytes();
    let (text, build) = match memchr::memchr(b'+', text) {
        Some(plus) => (text.get(..plus).unwrap_or_default(), text.get(plus + 1..).unwrap_or_default()),
        None => (text, &b""[..]),
    };
    let mut end = 0;
    loop {
        let (number, _) = digits::split(text.get(end..).unwrap_or_default());
        if number.is_empty() {
            return None;
        }
        end += number.len();
        match text.get(end..) {
            Some([b'.', next, ..]) if next.is_ascii_digit() => end += 1,
            _ => break,
        }
    }
    let (numbers, rest) = text.split_at(end);
    let prerelease = match rest {
        [] => rest,
        [b'-' | b'.', rest @ ..] => rest,
        [first, ..] if first.is_ascii_alphabetic() || *first == b'_' => rest,
        _ => return None,
    };
    Some(Version { numbers, prerelease, build })
}

pub(super) fn compare(left: &Version<'_>, right: &Version<'_>) -> Ordering {
    numbers(left.numbers, right.numbers).then_with(|| prerelease(left.prerelease, right.prerelease))
}

fn numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (mut a, mut b) = (left.split(|c| *c == b'.'), right.split(|c| *c == b'.'));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = digits::compare(x.unwrap_or_default(), y.unwrap_or_default());
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn prerelease(left: &[u8], right: &[u8]) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return right.len().min(1).cmp(&left.len().min(1));
    }
    identifiers(left, right)
}

/// Identifiers between dots, one by one; none at all is below any.
pub(super) fn identifiers(left: &[u8], right: &[u8]) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.len().min(1).cmp(&right.len().min(1));
    }
    let (mut a, mut b) = (left.split(|c| *c == b'.'), right.split(|c| *c == b'.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => identifier(x, y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Numeric identifiers by value, below all others, which compare as ASCII.
fn identifier(left: &[u8], right: &[u8]) -> Ordering {
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    match (is_number(left), is_number(right)) {
        (true, true) => digits::compare(left, right),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}
