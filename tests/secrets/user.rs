//! Rule files of users: gitleaks' and Betterleaks' load whole, do what their documents say, and cannot hurt.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use imgguard::facts::{Confidence, SecretFact};
use imgguard::secret::{Scanner, Scratch};
use tempfile::TempDir;

use super::shared;
use super::template::fill;

/// A scanner with one file of rules.
fn load(rules: &str) -> Result<Scanner, String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, rules).unwrap();
    Scanner::with_files(&[file]).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}; {}", error.hint())
    })
}

fn scan(scanner: &Scanner, path: &str, text: &str) -> Vec<SecretFact> {
    let mut scratch = Scratch::default();
    let mut scan = scanner.scan(&mut scratch);
    scan.begin(path.as_bytes(), text.len() as u64);
    scan.feed(text.as_bytes());
    scan.finish()
}

/// Ids of what is found.
fn ids(scanner: &Scanner, path: &str, text: &str) -> Vec<String> {
    scan(scanner, path, text).into_iter().map(|fact| fact.rule).collect()
}

fn shared_file(name: &str) -> Option<PathBuf> {
    Some(shared::folder("data/secrets")?.join(name))
}

#[test]
fn the_files_of_other_scanners_load_whole() {
    for (name, rules) in [("gitleaks.toml", 222), ("betterleaks-rules.toml", 412)] {
        let Some(file) = shared_file(name) else { return };
        let started = Instant::now();
        let scanner = Scanner::with_files(&[file]).unwrap();
        assert!(started.elapsed() < Duration::from_secs(30), "{name} took {:?}", started.elapsed());
        // Rules with a shipped rule's id take its place.
        let shipped = Scanner::builtin().rules().count();
        let own = scanner.rules().count();
        assert!(own > shipped && own <= shipped + rules, "{name}: {own}");
        let lost: Vec<_> = scanner.notes().iter().filter(|note| note.contains("is not known")).collect();
        assert!(lost.is_empty(), "{name}: {lost:?}");
        assert!(scanner.remarks().iter().filter(|remark| remark.text.starts_with("slow: no")).count() <= 3, "{name}");
    }
}

#[test]
fn a_rule_of_gitleaks_form_finds_what_its_regex_says() {
    let scanner = load(
        r#"
        title = "ours"
        [[rules]]
        ID = "acme-token"
        description = "ACME token."
        regex = '''(?i)acme[_-]?key\s*=\s*["']?([a-z0-9]{20})\b'''
        Keywords = ["acme"]
        entropy = 3
        tags = ["x"]
        severity = "critical"
        "#,
    )
    .unwrap();
    assert!(scanner.notes().is_empty(), "{:?}", scanner.notes());
    let text = fill("ACME_KEY = '{base36:20}'", 1).text;
    let found = scan(&scanner, "srv/notes.txt", &text);
    let [fact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (fact.rule.as_str(), fact.confidence, fact.masked.as_str()),
        ("acme-token", Confidence::Medium, "********")
    );
    // The group is the secret, not the whole match; and what is too regular is not one.
    assert_eq!(fact.offset, 12);
    assert!(ids(&scanner, "a", "acme_key = aaaaaaaaaaaaaaaaaaaa").is_empty());
    assert_eq!(scanner.rules().find(|rule| rule.id == "acme-token").unwrap().severity, "critical");
}

#[test]
fn regexes_without_keywords_and_without_any_literal_are_run_too() {
    let scanner = load(
        r#"
        [[rules]]
        id = "inner"
        regex = '''[0-9]{3}-acme-[0-9]{4}'''
        [[rules]]
        id = "short"
        regex = '''\b(z\.[0-9]{10})\b'''
        keywords = ["z."]
        [[rules]]
        id = "everywhere"
        regex = '''\b[G-Z]{12}\b'''
        "#,
    )
    .unwrap();
    for gap in [0, 3, 5000, 262_144 - 8, 400_000] {
        let before = "lorem ipsum = dolor\n".repeat(gap / 20);
        for (rule, secret) in [("inner", "123-acme-4567"), ("short", "z.0123456789"), ("everywhere", "QWXQWXQWXQWX")] {
            assert_eq!(ids(&scanner, "a", &format!("{before}{secret}\nrest\n")), [rule], "{gap}");
        }
    }
    let slow: Vec<_> =
        scanner.remarks().into_iter().filter(|remark| remark.is_problem).map(|remark| remark.rule.id.clone()).collect();
    assert_eq!(slow, ["everywhere"]);
}

#[test]
fn blocks_change_nothing_for_a_regex_that_looks_everywhere() {
    let scanner = load("[[rules]]\nid = 'run'\nregex = '''[G-Z]{12,40}'''\n").unwrap();
    let text = format!("{}QWXQWXQWXQWXQWX\n{}", "a b\n".repeat(65_530), "c d QWXQWXQWXQWX\n".repeat(9000));
    let whole = scan(&scanner, "a", &text);
    assert_eq!(whole.len(), 1000, "as many as are listed of a file");
    for step in [1021, 262_144, 7] {
        let mut scratch = Scratch::default();
        let mut split = scanner.scan(&mut scratch);
        split.begin(b"a", text.len() as u64);
        text.as_bytes().chunks(step).for_each(|chunk| split.feed(chunk));
        assert_eq!(split.finish(), whole, "{step}");
    }
}

#[test]
fn allowlists_old_and_new_are_applied() {
    let scanner = load(
        r#"
        [allowlist]
        paths = ['''^docs/''']
        [[allowlists]]
        targetRules = ["other"]
        regexes = ['''.*''']
        [[rules]]
        id = "acme"
        regex = '''acme_[0-9a-f]{8}'''
        [[rules.allowlists]]
        stopwords = ["DEAD"]
        [[rules.allowlists]]
        condition = "AND"
        regexTarget = "line"
        regexes = ['''# test''']
        paths = ['''\.ini$''']
        [[rules]]
        id = "other"
        regex = '''other_[0-9a-f]{8}'''
        "#,
    )
    .unwrap();
    assert_eq!(ids(&scanner, "srv/a", "acme_01234567"), ["acme"]);
    assert!(ids(&scanner, "docs/a", "acme_01234567").is_empty());
    assert!(ids(&scanner, "srv/a", "acme_0dead567").is_empty());
    assert!(ids(&scanner, "srv/a.ini", "x = acme_01234567 # test").is_empty());
    assert_eq!(ids(&scanner, "srv/a.ini", "x = acme_01234567\n# test").len(), 1);
    assert_eq!(ids(&scanner, "srv/a", "x = acme_01234567 # test").len(), 1);
    assert!(ids(&scanner, "srv/a", "other_01234567").is_empty());
    // The file's allowlist is none of the shipped rules', which it does not extend.
    assert_eq!(ids(&scanner, "docs/a", &fill("ghp_{github}", 1).text), ["github-pat"]);
}

#[test]
fn a_file_may_extend_the_shipped_rules_and_other_files() {
    let folder = TempDir::new().unwrap();
    let (base, file) = (folder.path().join("base.toml"), folder.path().join("rules.toml"));
    std::fs::write(&base, "[[rules]]\nid = 'acme'\nregex = '''acme_[0-9a-f]{8}'''\nentropy = 1\n").unwrap();
    let rules = r#"
        [extend]
        path = "base.toml"
        useDefault = true
        disabledRules = ["npm-token", "no-such-rule"]
        [[allowlists]]
        paths = ['''^docs/''']
        [[rules]]
        id = "acme"
        severity = "low"
        [[rules]]
        id = "github-pat"
        [[rules.allowlists]]
        paths = ['''^vendor/''']
        [[rules]]
        id = "generic-api-key"
        [[rules.allowlists]]
        stopwords = ["x"]
        "#;
    std::fs::write(&file, rules).unwrap();
    let scanner = Scanner::with_files(&[file]).unwrap();
    assert_eq!(ids(&scanner, "srv/a", "acme_01234567"), ["acme"]);
    assert_eq!(scanner.rules().find(|rule| rule.id == "acme").unwrap().severity, "low");
    let (github, npm) = (fill("ghp_{github}", 1).text, fill("npm_{github}", 1).text);
    assert_eq!(ids(&scanner, "srv/a", &github), ["github-pat"]);
    assert!(ids(&scanner, "vendor/a", &github).is_empty() && ids(&scanner, "docs/a", &github).is_empty());
    assert!(ids(&scanner, "srv/a", &npm).is_empty());
    let notes = scanner.notes().join("\n");
    assert!(notes.contains("`no-such-rule`") && notes.contains("`generic-api-key`"), "{notes}");
}

#[test]
fn required_rules_must_be_near_and_parts_are_not_reported() {
    let scanner = load(
        r#"
        [[rules]]
        id = "pair"
        regex = '''sec_[0-9a-f]{8}'''
        [[rules.required]]
        id = "part"
        withinLines = 2
        [[rules]]
        id = "part"
        regex = '''idx_[0-9]{4}'''
        skipReport = true
        [[rules]]
        id = "beside"
        regex = '''col_[0-9a-f]{8}'''
        [[rules.required]]
        id = "part"
        withinLines = 0
        withinColumns = 20
        "#,
    )
    .unwrap();
    assert_eq!(ids(&scanner, "a", "idx_1234\n\nsec_01234567"), ["pair"]);
    assert!(ids(&scanner, "a", "idx_1234\n\n\nsec_01234567").is_empty());
    assert!(ids(&scanner, "a", "sec_01234567").is_empty());
    assert!(ids(&scanner, "a", "idx_1234").is_empty());
    assert_eq!(ids(&scanner, "a", "x idx_1234 col_01234567"), ["beside"]);
    assert!(ids(&scanner, "a", "x idx_1234                   col_01234567").is_empty());
}

#[test]
fn a_keyword_that_is_no_part_of_the_match_must_be_near() {
    let rules = "[[rules]]\nid = 'ctx'\nregex = '''\\bk9_[0-9]{6}\\b'''\nkeywords = ['Acme']\n";
    let scanner = load(rules).unwrap();
    assert_eq!(ids(&scanner, "a", "ACME says k9_123456"), ["ctx"]);
    assert!(ids(&scanner, "a", "nobody says k9_123456").is_empty());
    assert!(ids(&scanner, "a", &format!("acme {} k9_123456", "x ".repeat(600))).is_empty());
}

#[test]
fn a_rule_may_be_about_a_files_name_alone() {
    let scanner = load("[[rules]]\nid = 'p12'\npath = '''(?i)\\.p(?:12|fx)$'''\n").unwrap();
    assert_eq!(ids(&scanner, "etc/ssl/Server.PFX", "anything"), ["p12"]);
    assert!(ids(&scanner, "etc/ssl/server.pem", "anything").is_empty());
}

#[test]
fn betterleaks_filters_are_applied_or_named() {
    let scanner = load(
        r#"
        [[rules]]
        id = "acme"
        regex = '''acme_[0-9a-z]{8}'''
        specificity = 50
        validate = "let r = http.get(1)"
        filter = '''filter.entropy(finding["secret"]) <= 2.0 || containsAny(finding["secret"], ["_mock"])
            || matchesAny(finding["line"], [`# nosec`]) || failsTokenEfficiency(finding["secret"])'''
        "#,
    )
    .unwrap();
    assert_eq!(ids(&scanner, "a", "acme_0123wxyz"), ["acme"]);
    assert!(ids(&scanner, "a", "acme_aaaaaaaa").is_empty());
    assert!(ids(&scanner, "a", "acme_mock0123").is_empty());
    assert!(ids(&scanner, "a", "acme_0123wxyz # nosec").is_empty());
    let notes = scanner.notes().join("\n");
    assert!(notes.contains("`validate` is not known") && notes.contains("failsTokenEfficiency"), "{notes}");
}

#[test]
fn hostile_files_are_refused_with_file_rule_and_advice() {
    let nested = format!("[[rules]]\nid = 'r'\nregex = '''{}a{}'''\n", "(".repeat(5000), ")".repeat(5000));
    let deep = format!("a = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    for (rules, expected) in [
        ("[[rules]]\nid = 'r'\nregex = '''(?:(?:a{1000}){1000}){1000}'''\n", "rule `r`"),
        ("[[rules]]\nid = 'r'\nregex = '''(?:\\w{500}){500}'''\n", "larger than"),
        ("[[rules]]\nid = 'r'\nregex = '''(a'''\n", "unclosed group"),
        ("[[rules]]\nid = 'r'\nregex = '''(?=a)'''\n", "look-around"),
        ("[[rules]]\nid = 'r'\nregex = '''a'''\nsecretGroup = 3\n", "secretGroup is 3"),
        ("[[rules]]\nid = 'r'\nregex = '''a'''\n[[rules.allowlists]]\nregexes = ['''(''']\n", "allowlists is refused"),
        ("[[rules]]\nid = 'r'\npath = '''['''\n", "its path is refused"),
        ("[[rules]]\nid = 'r'\nregex = '''abcd'''\nseverity = 'awful'\n", "`awful` is not known"),
        ("[[rules]]\nregex = '''a'''\n", "number 1"),
        ("[[rules]]\nid = 'r'\n", "neither a regex nor a path"),
        ("[[rules]]\nid = \n", "line 2"),
        ("rules = 3\n", "invalid type"),
        ("[extend]\npath = 'rules.toml'\n", "extends more than"),
        (nested.as_str(), "rule `r`"),
        (deep.as_str(), "line 1"),
    ] {
        let started = Instant::now();
        let error = load(rules).unwrap_err();
        assert!(error.contains(expected) && error.contains("rules.toml"), "{}: {error}", &rules[..rules.len().min(80)]);
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
}

#[test]
fn the_revision_follows_the_rules() {
    let shipped = Scanner::builtin().revision();
    let one = load("[[rules]]\nid = 'a'\nregex = '''abcd'''\n").unwrap().revision();
    let other = load("[[rules]]\nid = 'a'\nregex = '''abce'''\n").unwrap().revision();
    assert!(shipped != one && one != other);
}
