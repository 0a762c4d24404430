//! Rules against their own examples, and against what makes rules slow, noisy or hard to trust.

use super::rules::Rule;
use super::template::fill;
use super::{RuleInfo, Scanner, Scratch};
use crate::facts::{Confidence, SecretFact};

/// Fillings of each example.
const SEEDS: std::ops::Range<u64> = 0..3;

/// A keyword shorter than this is met so often that the rule costs more than others.
const SHORT_KEYWORD: usize = 4;

/// More ways to begin than this cost as much as a short keyword.
const MANY_LITERALS: usize = 256;

/// How one rule did with its examples.
#[derive(Debug)]
pub struct Trial<'s> {
    /// The rule.
    pub rule: &'s RuleInfo,
    /// Examples and counter-examples that were tried.
    pub tried: usize,
    /// What did not go as the rule says, a sentence each.
    pub failures: Vec<String>,
}

/// Something to improve in a rule.
#[derive(Debug)]
pub struct Remark<'s> {
    /// The rule.
    pub rule: &'s RuleInfo,
    /// The rule does not do what it says, or slows every scan; else it could be better.
    pub is_problem: bool,
    /// What, as a sentence.
    pub text: String,
}

impl Scanner {
    /// Tries the examples of rules: of users' files if there are any, else of the shipped ones.
    pub fn trials(&self) -> impl Iterator<Item = Trial<'_>> {
        self.own_rules().map(|rule| self.trial(rule))
    }

    /// What could be better in the same rules.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark<'_>> {
        self.own_rules().flat_map(|rule| self.remarks_on(rule)).collect()
    }

    /// The rules that [`trials`](Self::trials) and [`remarks`](Self::remarks) are about.
    fn own_rules(&self) -> impl Iterator<Item = &Rule> {
        let custom = self.rules.iter().any(|(_, rule)| rule.is_custom());
        self.rules.iter().map(|(_, rule)| rule).filter(move |rule| rule.is_custom() == custom)
    }

    fn trial<'s>(&'s self, rule: &'s Rule) -> Trial<'s> {
        let info = &rule.info;
        let mut failures = Vec::new();
        for example in &info.examples {
            failures
                .extend(SEEDS.filter_map(|seed| missed(&info.id, example, &self.found_in(info, example, seed))).next());
        }
        for example in &info.counter_examples {
            let claims = |fact: &SecretFact| fact.rule == info.id;
            if SEEDS.into_iter().any(|seed| self.found_in(info, example, seed).iter().any(claims)) {
                failures.push(format!("finds something in the counter-example `{example}`"));
            }
        }
        Trial { rule: info, tried: info.examples.len() + info.counter_examples.len(), failures }
    }

    /// The secrets in a filled example.
    fn found_in(&self, info: &RuleInfo, example: &str, seed: u64) -> Vec<SecretFact> {
        let text = fill(example, seed).text;
        let mut scratch = Scratch::default();
        let mut scan = self.scan(&mut scratch);
        scan.begin(info.example_path().as_bytes(), text.len() as u64);
        scan.feed(text.as_bytes());
        scan.finish()
    }

    fn remarks_on<'s>(&'s self, rule: &'s Rule) -> Vec<Remark<'s>> {
        let info = &rule.info;
        let problem = |text: String| Remark { rule: info, is_problem: true, text };
        let advice = |text: &str| Remark { rule: info, is_problem: false, text: text.to_owned() };
        let mut remarks: Vec<Remark<'_>> = self.trial(rule).failures.into_iter().map(problem).collect();
        if rule.looks_everywhere() {
            remarks.push(problem(
                "slow: no text of four bytes is in every match, so the regex looks at all of every file".to_owned(),
            ));
        } else if self.rules.literals_of(rule) > MANY_LITERALS {
            remarks.push(advice("slow: matches begin in very many ways; a longer fixed beginning would help"));
        }
        if rule.compiled().is_some_and(|compiled| !compiled.is_bounded()) {
            remarks.push(advice(
                "a match has no greatest length; only its first 4 KiB are looked at (16 KiB of a shipped rule)",
            ));
        }
        if info.keywords.iter().any(|keyword| keyword.len() < SHORT_KEYWORD) {
            remarks.push(advice("a keyword has fewer than four bytes"));
        }
        if info.source.is_empty() {
            let sure = rule.confidence() == Confidence::High;
            let text = "no `source` says where the format is documented";
            remarks.push(if sure { problem(format!("{text}, and the confidence is high")) } else { advice(text) });
        }
        if info.regex.is_some() && info.examples.is_empty() {
            remarks.push(advice("no `examples`"));
        }
        if info.regex.is_some() && info.counter_examples.is_empty() {
            remarks.push(advice("no `counter_examples`"));
        }
        remarks
    }
}

/// Why an example was not found as it should be.
fn missed(id: &str, example: &str, found: &[SecretFact]) -> Option<String> {
    match found {
        [fact] if fact.rule == id => None,
        [] => Some(format!("does not find its example `{example}`")),
        [fact] => Some(format!("its example `{example}` is claimed by the rule `{}`", fact.rule)),
        _ => Some(format!("finds more than one secret in its example `{example}`")),
    }
}
