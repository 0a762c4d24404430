//! apk-tools' order: `number{.number}{letter}{_suffix{number}}{~hash}{-r#}`.
//!
//! Source: apk-package(5); apk-tools `src/version.c`. Where a version does not follow the format, apk-tools 2 and 3 disagree; then what can be read decides first, an
//! unreadable rest is below none, and two versions without a readable build number sort as text.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits};

pub(super) static SCHEME: Scheme = Scheme {
    name: "apk",
    ecosystems: &["Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "MinimOS", "Wolfi"],
    order,
};

/// Suffixes below a version without one, in order; then those above it.
const SUFFIXES: [(&str, u8); 9] =
    [("alpha", 0), ("beta", 1), ("pre", 2), ("rc", 3), ("cvs", 5), ("svn", 6), ("git", 7), ("hg", 8), ("p", 9)];

/// What stands where there is no suffix.
const NO_SUFFIX: Suffix<'static> = Suffix { weight: 4, number: b"" };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (parse(left), parse(right));
    if a.is_invalid() && b.is_invalid() {
        return Ok(left.cmp(right));
    }
    Ok(numbers(&a.numbers, &b.numbers)
        .then_with(|| a.letter.cmp(&b.letter))
        .then_with(|| suffixes(&a.suffixes, &b.suffixes))
        .then_with(|| digits::compare(a.build, b.build))
        .then_with(|| a.rest.is_empty().cmp(&b.rest.is_empty())))
}

#[derive(Clone, Copy)]
struct Suffix<'a> {
    weight: u8,
    number: &'a [u8],
}

struct Version<'a> {
    numbers: Vec<&'a [u8]>,
    letter: Option<u8>,
    suffixes: Vec<Suffix<'a>>,
    has_build: bool,
    build: &'a [u8],
    /// What does not follow the format.
    rest: &'a [u8],
}

impl Version<'_> {
    fn is_invalid(&self) -> bool {
        !self.rest.is_empty() && !self.has_build
    }
}

fn parse(text: &str) -> Version<'_> {
    let mut rest = text.trim().as_bytes();
    let mut version = Version {
        numbers: Vec::with_capacity(4),
        letter: None,
        suffixes: Vec::new(),
        has_build: false,
        build: b"",
        rest: b"",
    };
    loop {
        let (number, after) = digits::split(rest);
        if number.is_empty() {
            break;
        }
        version.numbers.push(number);
        rest = after;
        match rest {
            [b'.', next, ..] if next.is_ascii_digit() => rest = rest.get(1..).unwrap_or_default(),
            _ => break,
        }
    }
    if let [letter @ b'a'..=b'z', after @ ..] = rest {
        (version.letter, rest) = (Some(*letter), after);
    }
    while let Some((suffix, after)) = split_suffix(rest) {
        version.suffixes.push(suffix);
        rest = after;
    }
    if let [b'~', after @ ..] = rest {
        let hash = after.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).count();
        if hash > 0 {
            // Two hashes have no order.
            rest = after.get(hash..).unwrap_or_default();
        }
    }
    // Old secdb files write `0.8.21.r2` for `0.8.21-r2`.
    if let Some(after) = rest.strip_prefix(b"-r").or_else(|| rest.strip_prefix(b".r")) {
        version.has_build = true;
        (version.build, rest) = digits::split(after);
    }
    version.rest = rest;
    version
}

fn split_suffix(text: &[u8]) -> Option<(Suffix<'_>, &[u8])> {
    let text = text.strip_prefix(b"_")?;
    let length = text.iter().take_while(|b| b.is_ascii_lowercase()).count();
    let (name, rest) = text.split_at(length);
    let (_, weight) = SUFFIXES.iter().find(|(known, _)| known.as_bytes() == name)?;
    let (number, rest) = digits::split(rest);
    Some((Suffix { weight: *weight, number }, rest))
}

/// Numbers after the first that begin with a zero are decimal fractions: 1.01 is below 1.1.
fn numbers(left: &[&[u8]], right: &[&[u8]]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(index), right.get(index));
        let order = match (a, b) {
            (Some(a), Some(b)) if index > 0 && (a.starts_with(b"0") || b.starts_with(b"0")) => a.cmp(b),
            _ => digits::compare(a.copied().unwrap_or_default(), b.copied().unwrap_or_default()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn suffixes(left: &[Suffix<'_>], right: &[Suffix<'_>]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(index).unwrap_or(&NO_SUFFIX), right.get(index).unwrap_or(&NO_SUFFIX));
        let order = a.weight.cmp(&b.weight).then_with(|| digits::compare(a.number, b.number));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
