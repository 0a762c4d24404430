//! RubyGems' order: runs of digits and of letters; letters make a prerelease. `-` opens one, too (`1.0-1` is `1.0.pre.1`), unless a platform follows (`1.0-x86_64-linux`).
//!
//! Source: `Gem::Version`, `Gem::Platform` of RubyGems 3.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme { name: "rubygems", ecosystems: &["RubyGems"], order };

/// Words with which a platform begins: processors, then systems that stand alone. A lock file writes `1.15.4-x86_64-linux-gnu`.
const PLATFORMS: [&str; 29] = [
    "aarch64",
    "arm",
    "arm64",
    "armv5",
    "armv6",
    "armv6l",
    "armv7",
    "armv7l",
    "armv8",
    "i386",
    "i486",
    "i586",
    "i686",
    "powerpc",
    "powerpc64le",
    "ppc64le",
    "riscv64",
    "s390x",
    "universal",
    "x64",
    "x86",
    "x86_64",
    "darwin",
    "java",
    "jruby",
    "linux",
    "mingw32",
    "mswin32",
    "mswin64",
];

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(left)?, Version::parse(right)?);
    Ok(segments(&a.numbers, &b.numbers, &a.rest, &b.rest))
}

/// Segments up to the first word, and from there; both without zeros at the end.
struct Version<'a> {
    numbers: Vec<&'a str>,
    rest: Vec<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Result<Self, VersionError> {
        let version = without_platform(text.trim());
        let is_version = version.starts_with(|c: char| c.is_ascii_digit())
            && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !is_version {
            return Err(malformed(text, &SCHEME));
        }
        let mut numbers = Vec::with_capacity(4);
        for (index, part) in version.split('-').enumerate() {
            if index > 0 {
                numbers.push("pre");
            }
            numbers.extend(runs(part));
        }
        let rest = numbers.split_off(numbers.iter().position(|run| !is_number(run)).unwrap_or(numbers.len()));
        Ok(Self { numbers: without_zeros(numbers), rest: without_zeros(rest) })
    }
}

fn without_platform(version: &str) -> &str {
    let is_platform = |at: usize| {
        let word = version.get(at + 1..).and_then(|rest| rest.split('-').next()).unwrap_or_default();
        PLATFORMS.contains(&word)
    };
    let end = version.match_indices('-').map(|(at, _)| at).find(|at| is_platform(*at));
    end.and_then(|end| version.get(..end)).unwrap_or(version)
}

/// Runs of digits and of letters.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    for mut part in text.split('.') {
        while let Some(first) = part.chars().next() {
            let end = part.find(|c: char| c.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(part.len());
            let (run, after) = part.split_at(end);
            runs.push(run);
            part = after;
        }
    }
    runs
}

fn is_number(run: &str) -> bool {
    run.starts_with(|c: char| c.is_ascii_digit())
}

fn without_zeros(mut runs: Vec<&str>) -> Vec<&str> {
    while runs.last().is_some_and(|run| run.bytes().all(|byte| byte == b'0')) {
        runs.pop();
    }
    runs
}

/// Numbers, then what follows them, side by side; where one side has ended it counts as zeros, and a word is below every number.
fn segments(numbers_a: &[&str], numbers_b: &[&str], rest_a: &[&str], rest_b: &[&str]) -> Ordering {
    let (mut a, mut b) = (numbers_a.iter().chain(rest_a), numbers_b.iter().chain(rest_b));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let (x, y) = (x.copied().unwrap_or("0"), y.copied().unwrap_or("0"));
        let order = match (is_number(x), is_number(y)) {
            (true, true) => digits::compare(x.as_bytes(), y.as_bytes()),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
