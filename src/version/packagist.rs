//! Composer's order: versions are brought to Composer's normal form, then compared as PHP's `version_compare` does.
//!
//! `1.0`, `v1.0.0` and `1.0.0.0-stable` are one version, build metadata does not order, `1.x-dev` is above every `1.…`, and a branch (`dev-main`) is below all numbers.
//!
//! Source: Composer documentation, "Versions and constraints"; `Composer\Semver\VersionParser::normalize`; PHP manual, `version_compare`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits};

pub(super) static SCHEME: Scheme = Scheme { name: "packagist", ecosystems: &["Packagist"], order };

/// What Composer puts for the open part of a numeric branch, `1.x-dev`.
const OPEN_END: &[u8] = b"9999999";

/// Words and their places; what begins with one is taken for it, as PHP does. Unknown words are below all.
const WORDS: [(&str, Token<'static>); 8] = [
    ("dev", Token::Dev),
    ("alpha", Token::Alpha),
    ("a", Token::Alpha),
    ("beta", Token::Beta),
    ("b", Token::Beta),
    ("rc", Token::Candidate),
    ("pl", Token::Patch),
    ("p", Token::Patch),
];

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    let (a, b) = (Version::parse(&left), Version::parse(&right));
    Ok(numbers(&a.numbers, &b.numbers).then_with(|| tokens(&a.rest, &b.rest)))
}

/// A part of a version, in ascending order; what has ended is a release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Token<'a> {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    Release,
    Number(&'a [u8]),
    Patch,
}

struct Version<'a> {
    numbers: Vec<&'a [u8]>,
    rest: Vec<Token<'a>>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.trim().split('+').next().unwrap_or_default();
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut version = Version { numbers: Vec::with_capacity(4), rest: Vec::new() };
        let mut leading = true;
        for part in parts(text) {
            let number = part.starts_with(|c: char| c.is_ascii_digit());
            leading &= number || matches!(part, "x" | "*");
            match part {
                "stable" | "#" => {}
                "x" | "*" if leading => version.numbers.push(OPEN_END),
                _ if leading => version.numbers.push(part.as_bytes()),
                _ if number => version.rest.push(Token::Number(part.as_bytes())),
                _ => version.rest.push(word(part)),
            }
        }
        version
    }
}

/// Runs of digits and runs of other characters, without separators.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['.', '-', '_', ':']);
        let number = rest.chars().next()?.is_ascii_digit();
        let ends = |c: char| matches!(c, '.' | '-' | '_' | ':') || c.is_ascii_digit() != number;
        let (part, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        rest = after;
        Some(part)
    })
}

fn word(part: &str) -> Token<'static> {
    WORDS.iter().find(|(word, _)| part.starts_with(word)).map_or(Token::Unknown, |(_, token)| *token)
}

/// Missing numbers are zeros.
fn numbers(left: &[&[u8]], right: &[&[u8]]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let order = digits::compare(left.get(index).unwrap_or(&&b""[..]), right.get(index).unwrap_or(&&b""[..]));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn tokens(left: &[Token<'_>], right: &[Token<'_>]) -> Ordering {
    for index in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(index).unwrap_or(&Token::Release), right.get(index).unwrap_or(&Token::Release));
        let order = match (a, b) {
            (Token::Number(a), Token::Number(b)) => digits::compare(a, b),
            (a, b) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
