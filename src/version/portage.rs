//! Gentoo's order: `number{.number}{letter}{_suffix{number}}{-r#}`.
//!
//! Source: Package Manager Specification 8, sections 3.2 and 3.3.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme { name: "portage", ecosystems: &["Gentoo"], order };

/// Suffixes with their places; a version without one is between `rc` and `p`.
const SUFFIXES: [(&[u8], u8); 5] = [(b"alpha", 0), (b"beta", 1), (b"pre", 2), (b"rc", 3), (b"p", 5)];

const NO_SUFFIX: (u8, &[u8]) = (4, b"");

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let read = |text| parse(text).ok_or_else(|| malformed(text, &SCHEME));
    let (a, b) = (read(left)?, read(right)?);
    Ok(numbers(&a.numbers, &b.numbers)
        .then_with(|| a.letter.cmp(&b.letter))
        .then_with(|| suffixes(&a.suffixes, &b.suffixes))
        .then_with(|| digits::compare(a.revision, b.revision)))
}

struct Version<'a> {
    numbers: Vec<&'a [u8]>,
    letter: Option<u8>,
    suffixes: Vec<(u8, &'a [u8])>,
    revision: &'a [u8],
}

fn parse(text: &str) -> Option<Version<'_>> {
    let (first, mut rest) = digits::split(text.trim().as_bytes());
    if first.is_empty() {
        return None;
    }
    let mut version = Version { numbers: vec![first], letter: None, suffixes: Vec::new(), revision: b"" };
    while let [b'.', after @ ..] = rest {
        let (number, after) = digits::split(after);
        version.numbers.push(number);
        rest = after;
    }
    if version.numbers.iter().any(|number| number.is_empty()) {
        return None;
    }
    if let [letter @ b'a'..=b'z', after @ ..] = rest {
        (version.letter, rest) = (Some(*letter), after);
    }
    while let Some(after) = rest.strip_prefix(b"_") {
        let (name, place) = SUFFIXES.iter().find(|(name, _)| after.starts_with(name))?;
        let (number, after) = digits::split(after.get(name.len()..)?);
        version.suffixes.push((*place, number));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(b"-r") {
        (version.revision, rest) = digits::split(after);
    }
    rest.is_empty().then_some(version)
}

/// Numbers after the first that begin with a zero are decimal fractions; more numbers are above fewer.
fn numbers(left: &[&[u8]], right: &[&[u8]]) -> Ordering {
    let both = left.iter().zip(right).enumerate();
    let fraction = |number: &[u8]| number.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    let order = |(index, (a, b)): (usize, (&&[u8], &&[u8]))| {
        if index > 0 && (a.starts_with(b"0") || b.starts_with(b"0")) {
            a.get(..fraction(a)).cmp(&b.get(..fraction(b)))
        } else {
            digits::compare(a, b)
        }
    };
    both.map(order).find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn suffixes(left: &[(u8, &[u8])], right: &[(u8, &[u8])]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(index).unwrap_or(&NO_SUFFIX), right.get(index).unwrap_or(&NO_SUFFIX));
        let order = a.0.cmp(&b.0).then_with(|| digits::compare(a.1, b.1));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
