//! pacman's order: `[epoch:]version[-pkgrel]`. A `pkgrel` counts only where both sides have one.
//!
//! Source: PKGBUILD(5), vercmp(8); pacman `lib/libalpm/version.c`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme { name: "pacman", ecosystems: &["Arch Linux"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(left)?, Version::parse(right)?);
    let release = || match (a.release, b.release) {
        (Some(a), Some(b)) => segments(a, b),
        _ => Ordering::Equal,
    };
    Ok(segments(a.epoch, b.epoch).then_with(|| segments(a.version, b.version)).then_with(release))
}

struct Version<'a> {
    epoch: &'a [u8],
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Result<Self, VersionError> {
        let bytes = text.trim().as_bytes();
        let (epoch, rest) = match digits::split(bytes) {
            ([], [b':', rest @ ..]) => (&b"0"[..], rest),
            (epoch, [b':', rest @ ..]) => (epoch, rest),
            _ => (&b"0"[..], bytes),
        };
        if rest.is_empty() {
            return Err(malformed(text, &SCHEME));
        }
        let (version, release) = match memchr::memrchr(b'-', rest) {
            Some(dash) => (rest.get(..dash).unwrap_or_default(), rest.get(dash + 1..)),
            None => (rest, None),
        };
        Ok(Self { epoch, version, release })
    }
}

/// pacman's `rpmvercmp`, which knows no `~` and `^`, and for which longer separators are newer.
fn segments(mut left: &[u8], mut right: &[u8]) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    while !left.is_empty() && !right.is_empty() {
        let (skip_a, skip_b) = (separators(left), separators(right));
        (left, right) = (left.get(skip_a..).unwrap_or_default(), right.get(skip_b..).unwrap_or_default());
        let (Some(first), Some(other)) = (left.first(), right.first()) else { break };
        if skip_a != skip_b {
            return skip_a.cmp(&skip_b);
        }
        let numeric = first.is_ascii_digit();
        if numeric != other.is_ascii_digit() {
            return numeric.cmp(&!numeric); // numbers are newer than letters
        }
        let ((a, rest_a), (b, rest_b)) = (run(left, numeric), run(right, numeric));
        let order = if numeric { digits::compare(a, b) } else { a.cmp(b) };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (rest_a, rest_b);
    }
    remainder(left, right)
}

/// Where one side has ended: letters that follow make a prerelease, anything else a newer version.
fn remainder(left: &[u8], right: &[u8]) -> Ordering {
    match (left.first(), right.first()) {
        (None, None) => Ordering::Equal,
        (Some(letter), _) if letter.is_ascii_alphabetic() => Ordering::Less,
        (None, Some(other)) if !other.is_ascii_alphabetic() => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn separators(text: &[u8]) -> usize {
    text.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count()
}

fn run(text: &[u8], numeric: bool) -> (&[u8], &[u8]) {
    let belongs = |byte: &u8| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    text.split_at(text.iter().take_while(|byte| belongs(byte)).count())
}
