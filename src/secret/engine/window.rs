//! One rule at one place: its regex, run only where a literal was found.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Furthest that a match may start before its literal; the scan keeps at least as much.
pub(crate) const MAX_LOOKBACK: usize = 1024;

/// Furthest that a match of an unbounded regex may reach from its literal; the scan sees at least as much ahead.
const MAX_REACH: usize = 16 << 10;

/// The same of a user's regex, whose matches are looked for from every place before its literal.
const MAX_USER_REACH: usize = 4 << 10;

/// Furthest before a literal that this is done; a regex that may begin further away is searched for.
const MAX_STEPS: usize = 64;

/// What such a look counts for; nearly all end after a few bytes.
const USER_WORK: usize = 512;

/// Room for a regex's lazily built states; windows are short, so few are needed.
const HYBRID_CACHE_BYTES: usize = 128 << 10;

/// A regex that is ready to be run in windows.
#[derive(Debug)]
pub(crate) struct Compiled {
    regex: Regex,
    /// How far before the literal a match may start; 0 where every match starts with it.
    lookback: usize,
    /// How far behind the literal's start a match may end.
    reach: usize,
    /// What every match has behind its literal, to turn most places away without running the regex.
    tail: Option<Tail>,
    /// A user's.
    is_custom: bool,
}

/// At least so many bytes of a class, starting behind a literal.
#[derive(Debug)]
struct Tail {
    literal: usize,
    members: [bool; 256],
    least: usize,
}

/// Where a rule matched, in the bytes it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Match {
    /// The whole match.
    pub(crate) whole: Range<usize>,
    /// The secret in it.
    pub(crate) secret: Range<usize>,
}

impl Compiled {
    /// Compiles a rule's regex (RE2 syntax, bytes); none if it is wrong.
    pub(crate) fn new(pattern: &str, keywords: &[String]) -> Option<Self> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(pattern, &syntax).ok()?;
        let regex = build(pattern)?;
        let length = hir.properties().maximum_len();
        let reach = length.unwrap_or(MAX_REACH).min(MAX_REACH);
        let lookback = if starts_with_keyword(&hir, keywords) { 0 } else { reach.min(MAX_LOOKBACK) };
        let tail = if lookback == 0 { tail(&hir) } else { None };
        Some(Self { regex, lookback, reach, tail, is_custom: false })
    }

    /// Furthest that a match may start before its literal.
    pub(crate) const MAX_LOOKBACK: usize = MAX_LOOKBACK;

    /// A regex whose matches start at most `lookback` bytes before their literal and are at most `longest` bytes long.
    pub(crate) fn of_program(regex: Regex, lookback: usize, longest: Option<usize>) -> Self {
        let reach = longest.unwrap_or(MAX_USER_REACH).min(MAX_USER_REACH);
        Self { regex, lookback, reach, tail: None, is_custom: true }
    }

    /// A match has a greatest length that is looked at whole.
    pub(crate) fn is_bounded(&self) -> bool {
        self.reach < if self.is_custom { MAX_USER_REACH } else { MAX_REACH }
    }

    /// Bytes of its program.
    pub(crate) fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// The first match that starts in `from..to`, wherever it ends; which it is does not depend on where the bytes end, as long as
    /// [`MAX_USER_REACH`] of them follow. Takes from `work` what comes to nothing, and stops when that is used up.
    pub(crate) fn find_anywhere(
        &self,
        bytes: &[u8],
        (from, to): (usize, usize),
        group: usize,
        work: &mut u64,
    ) -> Option<Match> {
        let mut from = from;
        while from < to {
            let seen = self.regex.find(Input::new(bytes).span(from..bytes.len()))?;
            let start = seen.start();
            if start >= to {
                return None;
            }
            let end = bytes.len().min(start + self.reach);
            if let Some(found) = self.at(bytes, start, end, group).filter(|found| !found.whole.is_empty()) {
                return Some(found);
            }
            *work = work.checked_sub((seen.len() + self.work()) as u64)?;
            from = start + 1;
        }
        None
    }

    /// Bytes that the regex may look at for one literal.
    pub(crate) fn work(&self) -> usize {
        self.lookback + if self.is_custom { self.reach.min(USER_WORK) } else { self.reach }
    }

    /// A match can only start at its literal.
    pub(crate) fn is_anchored(&self) -> bool {
        self.lookback == 0
    }

    /// The bytes behind the literal at `at` do not rule out a match.
    pub(crate) fn may_match(&self, bytes: &[u8], at: usize) -> bool {
        let Some(tail) = &self.tail else { return true };
        let from = at + tail.literal;
        let behind = bytes.get(from..from + tail.least).unwrap_or_default();
        behind.len() == tail.least && behind.iter().all(|byte| tail.members[usize::from(*byte)])
    }

    /// The match that holds the literal at `at`.
    pub(crate) fn find(&self, bytes: &[u8], at: usize, group: usize) -> Option<Match> {
        let (from, to) = (at.saturating_sub(self.lookback), bytes.len().min(at + self.reach));
        if self.is_custom && self.lookback <= MAX_STEPS {
            return (from..=at).find_map(|start| self.at(bytes, start, to, group).filter(|found| found.whole.end > at));
        }
        let anchored = if self.is_anchored() { Anchored::Yes } else { Anchored::No };
        let mut from = from;
        while from <= at {
            let input = Input::new(bytes).span(from..to).anchored(anchored);
            let whole = self.regex.find(input)?.range();
            if whole.end > at && whole.start <= at {
                let secret = if group == 0 { whole.clone() } else { self.group(bytes, whole.clone(), group)? };
                return Some(Match { whole, secret });
            }
            if whole.start > at || self.is_anchored() {
                return None;
            }
            from = whole.end.max(from + 1);
        }
        None
    }

    /// The match that starts here.
    fn at(&self, bytes: &[u8], start: usize, to: usize, group: usize) -> Option<Match> {
        let whole = self.regex.find(Input::new(bytes).span(start..to).anchored(Anchored::Yes))?.range();
        let secret = if group == 0 { whole.clone() } else { self.group(bytes, whole.clone(), group)? };
        Some(Match { whole, secret })
    }

    fn group(&self, bytes: &[u8], whole: Range<usize>, group: usize) -> Option<Range<usize>> {
        let mut captures = self.regex.create_captures();
        let input = Input::new(bytes).span(whole).anchored(Anchored::Yes);
        self.regex.search_captures(&input, &mut captures);
        (group..captures.group_len()).find_map(|group| captures.get_group(group)).map(|span| span.range())
    }
}

fn build(pattern: &str) -> Option<Regex> {
    let config = Regex::config().utf8_empty(false).hybrid_cache_capacity(HYBRID_CACHE_BYTES);
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().configure(config).syntax(syntax).build(pattern).ok()
}

/// Every match starts with one of the keywords.
fn starts_with_keyword(hir: &Hir, keywords: &[String]) -> bool {
    let prefixes = Extractor::new().extract(hir);
    let Some(prefixes) = prefixes.literals() else { return false };
    let agree = |a: &[u8], b: &[u8]| {
        let shared = a.len().min(b.len());
        shared >= 2 && a.iter().zip(b).take(shared).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    let known = |prefix: &[u8]| keywords.iter().any(|keyword| agree(prefix, keyword.as_bytes()));
    !prefixes.is_empty() && prefixes.iter().all(|prefix| known(prefix.as_bytes()))
}

/// What follows a leading literal, if that is a run of one class.
fn tail(hir: &Hir) -> Option<Tail> {
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let [first, second, ..] = parts.as_slice() else { return None };
    let HirKind::Literal(literal) = first.kind() else { return None };
    let second = if let HirKind::Capture(capture) = second.kind() { &capture.sub } else { second };
    let (class, least) = match second.kind() {
        HirKind::Class(class) => (class, 1),
        HirKind::Repetition(repetition) => match repetition.sub.kind() {
            HirKind::Class(class) => (class, usize::try_from(repetition.min).ok()?),
            _ => return None,
        },
        _ => return None,
    };
    let mut members = [false; 256];
    let mut add = |low: u8, high: u8| (low..=high).for_each(|byte| members[usize::from(byte)] = true);
    match class {
        Class::Bytes(class) => class.ranges().iter().for_each(|range| add(range.start(), range.end())),
        Class::Unicode(class) => {
            for range in class.ranges() {
                add(u8::try_from(range.start()).ok()?, u8::try_from(range.end()).ok()?);
            }
        }
    }
    Some(Tail { literal: literal.0.len(), members, least })
}

/// A byte that a token could go on with.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// No token byte stands before `at`, or it is the end of an escape (`\n`, `%3D`).
pub(crate) fn left_is_free(bytes: &[u8], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).and_then(|i| bytes.get(i)).copied();
    match (before(3), before(2), before(1)) {
        (_, _, None) => true,
        (_, _, Some(byte)) if !is_token(byte) => true,
        (_, Some(b'\\'), Some(b'n' | b'r' | b't')) => true,
        (Some(b'%'), Some(high), Some(low)) => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

/// No token byte stands at `at`.
pub(crate) fn right_is_free(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).copied().is_some_and(is_token)
}

/// Where the string ends that begins at `at`, if its length stands before it: Python's marshal format writes short ASCII strings as `z` or `Z` (with or
/// without the reference flag), length, bytes; a Java class file any string as 1, length in two bytes, bytes (JVMS 4.4.7).
pub(crate) fn counted_end(bytes: &[u8], at: usize) -> Option<usize> {
    let before = |n: usize| at.checked_sub(n).and_then(|i| bytes.get(i)).copied();
    let length = match (before(3), before(2)?, before(1)?) {
        (_, kind, length) if matches!(kind & 0x7f, b'z' | b'Z') => usize::from(length),
        (Some(1), high, low) => usize::from(high) << 8 | usize::from(low),
        _ => return None,
    };
    Some(at + length).filter(|end| *end <= bytes.len())
}
