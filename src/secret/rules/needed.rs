//! What every match of a regex contains: a set of literals of which one must be there, so that the regex runs only where one stands.
//!
//! The walk keeps two things of every part: the complete set of texts it can be, while that is small, and the best set found in it.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::secret::engine::literals::{MAX_LITERAL, MIN_LITERAL};

/// Most literals of one rule. A two-byte prefix before letters and digits (`s.` and two of 36) has 1296.
const MAX_SET: usize = 1500;

/// Literals that are long enough already are not made more by what follows.
const MAX_LONG_SET: usize = 128;

/// Most members of a class that are written out, with letters folded.
const MAX_MEMBERS: usize = 64;

/// A literal; where `caseless`, in lower case and found with any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Needed {
    pub(super) bytes: Vec<u8>,
    pub(super) caseless: bool,
}

impl Needed {
    /// How many texts are searched for it: a short one with every byte that may stand before it.
    pub(super) fn variants(&self) -> usize {
        if self.bytes.len() < MIN_LITERAL { self.leads().count() } else { 1 }
    }

    /// The bytes that may stand before it.
    pub(super) fn leads(&self) -> impl Iterator<Item = u8> + use<> {
        let caseless = self.caseless;
        (0..=u8::MAX).filter(move |byte| !caseless || !byte.is_ascii_uppercase())
    }
}

/// Literals of which every match has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Set {
    pub(super) literals: Vec<Needed>,
    /// Furthest that a match may start before its literal; none if there is no limit.
    pub(super) before: Option<usize>,
}

impl Set {
    fn shortest(&self) -> usize {
        self.literals.iter().map(|literal| literal.bytes.len()).min().unwrap_or_default()
    }

    /// Longer and fewer literals are met less often.
    fn score(&self) -> (usize, bool, usize) {
        (self.shortest().min(8), self.before.is_some(), usize::MAX - self.literals.len())
    }
}

/// Fewest bytes of a literal that can be searched for, with every byte that may stand before it, and most of such in a set.
pub(super) const SHORTEST: usize = MIN_LITERAL - 1;
const MAX_SHORT: usize = 8;

/// The best set of a regex; none if some match has no literal of [`SHORTEST`] bytes.
pub(super) fn of(hir: &Hir) -> Option<Set> {
    let part = walk(hir);
    let whole = part.exact.map(|literals| Set { literals, before: Some(0) });
    let is_short = |literal: &&Needed| literal.bytes.len() < MIN_LITERAL;
    let mut set = better(part.best, whole)
        .filter(|set| set.shortest() >= SHORTEST && set.literals.iter().filter(is_short).count() <= MAX_SHORT)?;
    set.literals.iter_mut().for_each(|literal| literal.bytes.truncate(MAX_LITERAL));
    set.literals.sort();
    set.literals.dedup();
    Some(set)
}

/// What is known of a part of a regex.
struct Part {
    /// All texts that it can be.
    exact: Option<Vec<Needed>>,
    best: Option<Set>,
    longest: Option<usize>,
}

fn better(a: Option<Set>, b: Option<Set>) -> Option<Set> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.score() > a.score() { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn walk(hir: &Hir) -> Part {
    let longest = hir.properties().maximum_len();
    let (exact, best) = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (Some(vec![Needed::default()]), None),
        HirKind::Literal(literal) => (Some(vec![Needed { bytes: literal.0.to_vec(), caseless: false }]), None),
        HirKind::Class(class) => (members(class), None),
        HirKind::Capture(capture) => {
            let part = walk(&capture.sub);
            (part.exact, part.best)
        }
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => concatenated(parts),
        HirKind::Alternation(parts) => alternative(parts),
    };
    Part { exact, best, longest }
}

/// The members of a small class; letters that are there in both cases count once.
fn members(class: &Class) -> Option<Vec<Needed>> {
    let mut has = [false; 256];
    let ranges: Vec<(u32, u32)> = match class {
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect(),
        Class::Unicode(class) => {
            class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
    };
    for (low, high) in ranges {
        if high > 127 {
            return None;
        }
        (low..=high).for_each(|byte| has[byte as usize] = true);
    }
    let both = |byte: u8| has[usize::from(byte.to_ascii_lowercase())] && has[usize::from(byte.to_ascii_uppercase())];
    let found: Vec<Needed> = (0..=127_u8)
        .filter(|byte| has[usize::from(*byte)] && !(byte.is_ascii_uppercase() && both(*byte)))
        .map(|byte| Needed { bytes: vec![byte], caseless: byte.is_ascii_alphabetic() && both(byte) })
        .collect();
    (found.len() <= MAX_MEMBERS).then_some(found)
}

fn repeated(repetition: &Repetition) -> (Option<Vec<Needed>>, Option<Set>) {
    let part = walk(&repetition.sub);
    match (repetition.min, repetition.max) {
        (1, Some(1)) => (part.exact, part.best),
        (0, Some(1)) => {
            let exact = part.exact.map(|mut exact| {
                exact.push(Needed::default());
                exact
            });
            (exact, None)
        }
        (0, _) => (None, None),
        (least, most) => {
            let mut run = vec![Needed::default()];
            let (taken, _) = extend(&mut run, part.exact.as_deref().unwrap_or_default(), least);
            let whole = taken == least && most == Some(least);
            let begun = (taken > 0).then(|| Set { literals: run.clone(), before: Some(0) });
            (whole.then_some(run), better(part.best, begun))
        }
    }
}

/// Writes `choices` behind every literal of a run, up to `times`, while the literals stay few; says how often it did and whether it may go on.
fn extend(run: &mut Vec<Needed>, choices: &[Needed], times: u32) -> (u32, bool) {
    let mut taken = 0;
    while taken < times && !choices.is_empty() {
        let shortest = run.iter().map(|literal| literal.bytes.len()).min().unwrap_or_default();
        let limit = if shortest >= MIN_LITERAL { MAX_LONG_SET } else { MAX_SET };
        let fits = run.len() * choices.len() <= limit && (choices.len() == 1 || shortest < MIN_LITERAL);
        if !fits || shortest >= MAX_LITERAL {
            return (taken, false);
        }
        let join = |before: &Needed, after: &Needed| Needed {
            bytes: [before.bytes.as_slice(), &after.bytes].concat(),
            caseless: before.caseless || after.caseless,
        };
        *run = run.iter().flat_map(|before| choices.iter().map(move |after| join(before, after))).collect();
        if run.iter().any(|literal| literal.caseless) {
            run.iter_mut().for_each(|literal| {
                literal.caseless = true;
                literal.bytes.make_ascii_lowercase();
            });
        }
        taken += 1;
    }
    (taken, taken == times)
}

/// A run of parts that are known whole, and where it may begin.
struct Run {
    literals: Vec<Needed>,
    before: Option<usize>,
}

impl Run {
    fn at(before: Option<usize>) -> Self {
        Self { literals: vec![Needed::default()], before }
    }

    fn set(&self) -> Option<Set> {
        Some(Set { literals: self.literals.clone(), before: self.before }).filter(|set| set.shortest() > 0)
    }
}

fn concatenated(parts: &[Hir]) -> (Option<Vec<Needed>>, Option<Set>) {
    let mut best = None;
    let mut passed = Some(0);
    let mut run = Run::at(passed);
    let mut whole = true;
    for hir in parts {
        let part = walk(hir);
        let exact = part.exact.as_deref().unwrap_or_default();
        if !extend(&mut run.literals, exact, 1).1 {
            whole = false;
            // The beginning of a counted class makes a short literal long enough.
            if let HirKind::Repetition(repetition) = bare(hir).kind()
                && repetition.min > 0
                && let Some(choices) = walk(&repetition.sub).exact
            {
                extend(&mut run.literals, &choices, repetition.min);
            }
            best = better(best, run.set());
            let inner = part.best.map(|set| Set { before: sum(passed, set.before), ..set });
            best = better(best, inner);
            run = Run::at(passed);
            if exact.is_empty() || !extend(&mut run.literals, exact, 1).1 {
                run = Run::at(sum(passed, part.longest));
            }
        }
        passed = sum(passed, part.longest);
    }
    best = better(best, run.set());
    (whole.then_some(run.literals), best)
}

/// Without the groups around it.
fn bare(hir: &Hir) -> &Hir {
    if let HirKind::Capture(capture) = hir.kind() { bare(&capture.sub) } else { hir }
}

fn sum(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    a.zip(b).map(|(a, b)| a.saturating_add(b))
}

fn alternative(parts: &[Hir]) -> (Option<Vec<Needed>>, Option<Set>) {
    let (mut exact, mut literals) = (Some(Vec::new()), Some(Vec::new()));
    let mut before = Some(0);
    for hir in parts {
        let part = walk(hir);
        exact = exact.zip(part.exact.clone()).map(|(mut all, more)| {
            all.extend(more);
            all
        });
        let own = better(part.best, part.exact.map(|literals| Set { literals, before: Some(0) }));
        before = before.zip(own.as_ref().and_then(|set| set.before)).map(|(a, b)| a.max(b));
        literals = literals.zip(own).map(|(mut all, set): (Vec<Needed>, Set)| {
            all.extend(set.literals);
            all
        });
    }
    let few = |literals: &Vec<Needed>| literals.len() <= MAX_SET;
    let best = literals.filter(few).map(|literals| Set { literals, before });
    (exact.filter(few), best.filter(|set| set.shortest() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(pattern: &str) -> Option<(Vec<String>, Option<usize>)> {
        let syntax = regex_automata::util::syntax::Config::new().unicode(false).utf8(false);
        let set = of(&regex_automata::util::syntax::parse_with(pattern, &syntax).unwrap())?;
        let text = |literal: &Needed| {
            let text = String::from_utf8(literal.bytes.clone()).unwrap();
            if literal.caseless { format!("~{text}") } else { text }
        };
        Some((set.literals.iter().map(text).collect(), set.before))
    }

    #[test]
    fn the_literals_of_a_regex_are_found_wherever_they_stand() {
        let few = |literals: &[&str], before| Some((literals.iter().map(ToString::to_string).collect(), before));
        assert_eq!(needed("ghp_[0-9A-Za-z]{36}"), few(&["ghp_"], Some(0)));
        assert_eq!(needed(r"\b((?:AKIA|ASIA)[A-Z]{16})\b"), few(&["AKIA", "ASIA"], Some(0)));
        assert_eq!(needed("(?i)[a-z]{0,50}?(?:datadog)[a-z ]{0,20}=([0-9a-f]{32})"), few(&["~datadog"], Some(50)));
        assert_eq!(needed("[a-z]+-token-[0-9]{3}"), few(&["-token-"], None));
        assert_eq!(needed("(?:a|b)cdef"), few(&["acdef", "bcdef"], Some(0)));
        assert_eq!(needed("xy(?:zt)?abcdef"), few(&["xyabcdef", "xyztabcdef"], Some(0)));
        assert_eq!(needed("[0-9]{8}"), None);
        assert_eq!(needed("(?:password|[0-9]{8})"), None);
        assert_eq!(needed("(?:key|password)[^a]"), few(&["key", "password"], Some(0)));
    }

    #[test]
    fn short_prefixes_are_made_longer_by_what_follows() {
        let (literals, before) = needed("hf_[a-zA-Z]{34}").unwrap();
        assert_eq!((literals.len(), before), (26, Some(0)));
        assert!(literals.contains(&"~hf_q".to_owned()));
        let (literals, _) = needed(r"\b(s\.(?i:[a-z0-9]{24}))").unwrap();
        assert_eq!(literals.len(), 36 * 36);
    }
}
