//! What was found in one file: at most so much, and each secret once.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::key::file::Held;
use super::key::hex;
use super::parse::Credential;
use super::rules::{Detector, Requirement, Rule, Rules};
use super::{inline, mask};
use crate::facts::{Confidence, Encoding, SecretFact, SecretValue};

/// Most findings of one file. A hostile file is made of nothing else; a real one with so many is one problem, not a thousand.
const MAX_FOUND: usize = 1000;

/// Longest name of a key that is kept, in bytes.
const MAX_NAME: usize = 128;

/// A secret at its place.
pub(super) struct Found {
    pub(super) rule: u16,
    pub(super) confidence: Confidence,
    /// Where the secret starts and ends in the file.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) line: Option<u32>,
    /// Bytes from its line's beginning.
    pub(super) column: u32,
    pub(super) masked: String,
    pub(super) key: Option<String>,
    /// What identifies it, where a hash of that may be told.
    pub(super) identity: Option<Vec<u8>>,
    /// A credential file's parser named it.
    pub(super) parsed: bool,
    /// What it was decoded from.
    pub(super) encoding: Option<Encoding>,
    /// Its line allows it.
    pub(super) allowed: bool,
    /// It, in clear.
    pub(super) value: SecretValue,
}

impl Found {
    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The findings of one file.
#[derive(Default)]
pub(super) struct Findings(Vec<Found>);

impl Findings {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_FOUND
    }

    pub(super) fn add(&mut self, found: Found) {
        if !self.is_full() {
            self.0.push(found);
        }
    }

    /// Says what the last one is for.
    pub(super) fn name_last(&mut self, key: String) {
        if let Some(last) = self.0.last_mut() {
            last.key = Some(key);
        }
    }

    /// Adds what a parser read from a credential file's text.
    pub(super) fn add_credentials(&mut self, rules: &Rules, credentials: Vec<Credential>, text: &[u8]) {
        let mut from = 0;
        for credential in credentials {
            let Some((rule, _)) = rules.find(credential.rule) else { continue };
            // Parsers go front to back, so the value stands behind the one before; if it was written another way, it has no place.
            let search = |from: usize| {
                text.get(from..).and_then(|rest| memchr::memmem::find(rest, &credential.value)).map(|at| from + at)
            };
            let at = search(from).or_else(|| search(0));
            let line = at.map(|at| memchr::memchr_iter(b'\n', text.get(..at).unwrap_or_default()).count() + 1);
            let end = at.map_or(0, |at| at + credential.value.len());
            from = end.max(from);
            self.add(Found {
                rule,
                confidence: credential.confidence,
                start: at.unwrap_or_default() as u64,
                end: end as u64,
                line: line.and_then(|line| u32::try_from(line).ok()),
                column: 0,
                masked: mask::HIDDEN.to_owned(),
                key: name(&credential.key),
                identity: None,
                parsed: true,
                encoding: None,
                allowed: at.is_some_and(|at| inline::allows(text, &(at..end))),
                value: SecretValue::new(&credential.value),
            });
        }
    }

    /// Adds what a file of keys holds. Its keys have no place in it that would help anybody.
    pub(super) fn add_held(&mut self, rules: &Rules, held: Vec<Held>) {
        for key in held {
            let Some((rule, _)) = rules.find(key.rule) else { continue };
            self.add(Found {
                rule,
                confidence: key.confidence,
                start: 0,
                end: 0,
                line: None,
                column: 0,
                masked: key.shown,
                key: name(key.name.as_bytes()),
                identity: key.identity,
                parsed: true,
                encoding: None,
                allowed: false,
                // Bytes that no terminal shows; the file is the secret.
                value: SecretValue::new(b""),
            });
        }
    }

    /// Where they stand.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        self.0.iter().map(|found| place(found.start)..place(found.end)).collect()
    }

    /// Each secret once, by its most specific rule, in the order of their places. Places are multiplied by `stretch`.
    pub(super) fn facts(&mut self, rules: &Rules, stretch: u64) -> Vec<SecretFact> {
        let mut found = std::mem::take(&mut self.0);
        if found.is_empty() {
            return Vec::new();
        }
        keep_complete(rules, &mut found);
        found.sort_by(|a, b| {
            // A parser knows the whole name and where it takes effect.
            (specificity(rules, b), b.parsed, b.end - b.start, a.start, a.rule).cmp(&(
                specificity(rules, a),
                a.parsed,
                a.end - a.start,
                b.start,
                b.rule,
            ))
        });
        let mut kept: Vec<Found> = Vec::new();
        for mut candidate in found {
            let better = kept.iter_mut().find(|kept| {
                kept.overlaps(&candidate)
                    || (kept.rule, kept.start, &kept.key) == (candidate.rule, candidate.start, &candidate.key)
            });
            match better {
                Some(better) => {
                    better.key = better.key.take().or_else(|| candidate.key.take());
                    // What makes an address doubtful in a text (a short password, a host of one word) does not in a credential file.
                    let is_url = rules.get(better.rule).and_then(Rule::detector) == Some(Detector::Url);
                    if is_url && candidate.parsed {
                        better.confidence = better.confidence.max(candidate.confidence);
                    }
                }
                None => kept.push(candidate),
            }
        }
        kept.sort_by(|a, b| (a.start, a.rule, &a.key).cmp(&(b.start, b.rule, &b.key)));
        kept.into_iter().filter_map(|found| fact(rules, found, stretch)).collect()
    }
}

/// Drops what misses something that its rule wants near it, and then what only served that.
fn keep_complete(rules: &Rules, found: &mut Vec<Found>) {
    if !rules.iter().any(|(_, rule)| rule.is_part() || !rule.required().is_empty()) {
        return;
    }
    let of = |found: &Found| rules.get(found.rule);
    let is_complete = |candidate: &Found| {
        let required = of(candidate).map(Rule::required).unwrap_or_default();
        required.iter().all(|wanted| {
            let named = |other: &&Found| of(other).is_some_and(|rule| rule.info.id == wanted.rule);
            found.iter().filter(named).any(|other| is_near(candidate, other, wanted))
        })
    };
    let complete: Vec<bool> = found.iter().map(is_complete).collect();
    let mut complete = complete.into_iter();
    found.retain(|candidate| complete.next() == Some(true) && !of(candidate).is_some_and(Rule::is_part));
}

fn is_near(a: &Found, b: &Found, wanted: &Requirement) -> bool {
    let lines = a.line.unwrap_or_default().abs_diff(b.line.unwrap_or_default());
    wanted.lines.is_none_or(|most| lines <= most)
        && wanted.columns.is_none_or(|most| a.column.abs_diff(b.column) <= most)
}

/// The name of a key as it is kept; none for an empty one.
fn name(key: &[u8]) -> Option<String> {
    let shown = mask::printable(key.get(..key.len().min(MAX_NAME)).unwrap_or_default()).into_owned();
    Some(shown).filter(|name| !name.is_empty())
}

/// Overlapping findings: a key's structure before a token's form, a whole token before a value behind a name, those before what only a place
/// makes a secret.
fn specificity(rules: &Rules, found: &Found) -> u8 {
    let Some(rule) = rules.get(found.rule) else { return 0 };
    if found.parsed { 1 } else { rule.rank() }
}

fn fact(rules: &Rules, found: Found, stretch: u64) -> Option<SecretFact> {
    Some(SecretFact {
        rule: rules.get(found.rule)?.info.id.clone(),
        confidence: found.confidence,
        masked: found.masked,
        key: found.key,
        line: found.line,
        offset: found.start * stretch,
        fingerprint: found.identity.map(|identity| hex(&Sha256::digest(identity))),
        encoding: found.encoding,
        allowed_inline: found.allowed,
        value: Some(found.value).filter(|value| !value.expose().is_empty()),
    })
}
