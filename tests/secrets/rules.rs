//! The rule files: well-formed, complete, and true to their examples.

use std::collections::BTreeSet;
use std::path::Path;

use imgguard::facts::{Confidence, SecretFact};
use imgguard::secret::{Scanner, Scratch};

use super::template::fill;

/// Fillings of each template.
const SEEDS: std::ops::Range<u64> = 0..25;

/// The secrets in a file.
pub(crate) fn scan(path: &str, bytes: &[u8]) -> Vec<SecretFact> {
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    scan.begin(path.as_bytes(), bytes.len() as u64);
    scan.feed(bytes);
    scan.finish()
}

#[test]
fn the_shipped_rules_load() {
    Scanner::load().unwrap();
}

#[test]
fn ids_are_unique_and_well_formed() {
    let mut ids = BTreeSet::new();
    for rule in Scanner::builtin().rules() {
        let plain = rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(plain && !rule.id.starts_with('-') && !rule.id.ends_with('-'), "{}", rule.id);
        assert!(ids.insert(rule.id.clone()), "{} is there twice", rule.id);
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(["critical", "high", "medium", "low"].contains(&rule.severity.as_str()), "{}", rule.id);
        for link in [&rule.source, &rule.rotation] {
            assert!(link.is_empty() || link.starts_with("https://"), "{}: {link}", rule.id);
        }
    }
    // Credential files are no kinds of tokens.
    let parsed = parsed_ids();
    let tokens = ids.iter().filter(|id| !parsed.contains(*id)).count();
    assert!(tokens >= 400, "{tokens} kinds of tokens");
}

#[test]
fn every_example_is_found_exactly_once_and_masked() {
    for rule in Scanner::builtin().rules() {
        for template in &rule.examples {
            for seed in SEEDS {
                let filled = fill(template, seed);
                let found = scan(rule.example_path(), filled.text.as_bytes());
                let [fact] = found.as_slice() else {
                    panic!("{}: {template} as {:?} has {found:?}", rule.id, filled.text);
                };
                assert_eq!(fact.rule, rule.id, "{template}");
                assert_eq!(fact.line, Some(1), "{template}");
                // One filling in some hundred looks like a placeholder by chance.
                assert!(seed > 0 || fact.confidence > Confidence::Low, "{}: {template}: {fact:?}", rule.id);
                assert_hidden(fact, &filled.fields);
            }
        }
    }
}

/// No six bytes of a field in a row are shown.
pub(crate) fn assert_hidden(fact: &SecretFact, fields: &[String]) {
    for field in fields {
        for window in field.as_bytes().windows(6) {
            let window = std::str::from_utf8(window).unwrap();
            assert!(!fact.masked.contains(window), "{} shows `{window}` in {}", fact.rule, fact.masked);
        }
    }
}

#[test]
fn no_counter_example_is_found() {
    for rule in Scanner::builtin().rules() {
        for template in &rule.counter_examples {
            for seed in SEEDS {
                let text = fill(template, seed).text;
                let found = scan(rule.example_path(), text.as_bytes());
                assert!(found.is_empty(), "{}: {template} as {text:?} has {found:?}", rule.id);
            }
        }
    }
}

#[test]
fn every_rule_with_a_pattern_has_examples_and_counter_examples() {
    let detected = parsed_ids();
    for rule in Scanner::builtin().rules() {
        let by_other_tests = detected.contains(&rule.id);
        assert!(by_other_tests || !rule.examples.is_empty() && !rule.counter_examples.is_empty(), "{}", rule.id);
    }
}

#[test]
fn every_id_that_the_code_names_is_a_rule() {
    let rules: BTreeSet<_> = Scanner::builtin().rules().map(|rule| rule.id.clone()).collect();
    let parsed = parsed_ids();
    assert!(parsed.len() > 20, "{parsed:?}");
    assert!(parsed.is_subset(&rules), "{:?}", parsed.difference(&rules));
    for id in [
        "build-argument",
        "private-key",
        "private-key-encrypted",
        "aws-access-key-id",
        "aws-secret-access-key",
        "url-password",
        "generic-secret",
        "default-password",
    ] {
        assert!(rules.contains(id), "{id}");
    }
}

/// Ids that the parsers of credential files hand to their sink, the tables of their names have, or constants are, read from the sources.
fn parsed_ids() -> BTreeSet<String> {
    const NAMED: &[&str] = &[
        "sink.sure(",
        "sink.add(",
        "values(text, sink,",
        "values(",
        "assignments(text, sink,",
        "settings(text, sink,",
        "Syntax::Ini,",
        "Syntax::Yaml,",
        "Syntax::Json,",
        "Syntax::Words,",
        ": &str = \"",
    ];
    let secret = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/secret");
    let mut sources = vec![secret.join("mod.rs"), secret.join("key/file.rs")];
    sources.extend(std::fs::read_dir(secret.join("parse")).unwrap().map(|entry| entry.unwrap().path()));
    let mut ids = BTreeSet::new();
    for path in sources {
        let source = std::fs::read_to_string(path).unwrap();
        for call in NAMED {
            for (at, _) in source.match_indices(call) {
                let arguments: String = source[at..].chars().take(200).collect();
                let id = arguments.split(';').next().unwrap().split('"').nth(1).unwrap_or_default();
                if id.contains('-') && !id.contains(' ') {
                    ids.insert(id.to_owned());
                }
            }
        }
    }
    ids
}

#[test]
fn a_rule_without_a_source_claims_no_certainty() {
    let [mut sure, mut unsourced] = [0, 0];
    for rule in Scanner::builtin().rules().filter(|rule| rule.source.is_empty()) {
        unsourced += 1;
        for template in &rule.examples {
            let found = scan(rule.example_path(), fill(template, 1).text.as_bytes());
            sure += usize::from(found.iter().any(|fact| fact.confidence == Confidence::High));
        }
    }
    assert!(unsourced > 0);
    assert_eq!(sure, 0, "a rule whose format no document confirms says that it is sure");
}

#[test]
fn checksums_decide_how_sure_a_token_is() {
    for (template, expected) in [
        ("ghp_{github}", Confidence::High),
        ("ghp_{base62:36}", Confidence::Low),
        ("npm_{github}", Confidence::High),
        ("npm_{base62:36}", Confidence::Low),
        ("glsa_{grafana}", Confidence::High),
        ("glsa_{base62:32}_{hex:8}", Confidence::Low),
        ("ATATT3xFf{atlassian:ATATT3xFf}", Confidence::High),
        ("ATATT3xFf{base62:170}={hexupper:8}", Confidence::Low),
        ("zpka_{zuplo}", Confidence::High),
        ("zpka_{hex:32}_{hex:8}", Confidence::Low),
        ("pypi-AgE{pypi}", Confidence::High),
        ("pypi-AgE{base62:120}", Confidence::Low),
        ("AGE-SECRET-KEY-1{age}", Confidence::High),
        ("AKIA{base32:16}", Confidence::High),
        ("AKIA{base32:9}EXAMPLE", Confidence::Low),
        ("AccountKey={azure-storage-key}", Confidence::High),
        ("eyJhbGciOi{jwt}", Confidence::Medium),
    ] {
        let found = scan("srv/notes.txt", fill(template, 7).text.as_bytes());
        assert_eq!(found.iter().map(|fact| fact.confidence).collect::<Vec<_>>(), [expected], "{template}");
    }
}
