//! Python's order: PEP 440 by the crate `pep440_rs`. Versions from before PEP 440 (`2004d`) are below all others and sort among themselves as setuptools sorted them.
//!
//! Source: PEP 440; `packaging` before 22.0, `LegacyVersion`.

use std::cmp::Ordering;
use std::str::FromStr as _;

use pep440_rs::Version;

use super::{Scheme, VersionError};

pub(super) static SCHEME: Scheme = Scheme { name: "pep440", ecosystems: &["PyPI"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    Ok(match (Version::from_str(left), Version::from_str(right)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => legacy_key(left).cmp(&legacy_key(right)),
    })
}

/// Numbers padded to eight digits, words marked with `*` so that they are below numbers, and an end that is above prerelease words.
fn legacy_key(version: &str) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for token in tokens(&version.to_ascii_lowercase()).iter().map(String::as_str).chain([""]) {
        let token = match token {
            "." => continue,
            "" => "*final".to_owned(),
            "pre" | "preview" | "rc" => "*c".to_owned(),
            "-" => "*final-".to_owned(),
            "dev" => "*@".to_owned(),
            digits if digits.starts_with(|c: char| c.is_ascii_digit()) => format!("{digits:0>8}"),
            word => format!("*{word}"),
        };
        if token.starts_with('*') {
            while token.as_str() < "*final" && key.last().is_some_and(|last| last == "*final-") {
                key.pop();
            }
            while key.last().is_some_and(|last| last == "00000000") {
                key.pop();
            }
        }
        key.push(token);
    }
    key
}

/// Runs of digits, runs of letters, single dots and dashes, and runs of anything else.
fn tokens(version: &str) -> Vec<String> {
    let class = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        '-' => 3,
        _ => 4,
    };
    let mut tokens: Vec<(u8, String)> = Vec::new();
    for character in version.chars() {
        match tokens.last_mut() {
            Some((last, token)) if *last == class(character) && !matches!(last, 2 | 3) => token.push(character),
            _ => tokens.push((class(character), character.to_string())),
        }
    }
    tokens.into_iter().map(|(_, token)| token).collect()
}
