//! Rules of users beside the shipped ones, and the verbs `rules list`, `test` and `lint`.

use std::fs;

use imgguard::secret::template::fill;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Built, Layout, layer, run, scan};

const RULES: &str = r#"
[[rules]]
id = "acme-token"
description = "ACME token"
regex = '''acme_[0-9a-f]{32}'''
commits = ["0123"]
examples = ["acme_{hex:32}"]
counter_examples = ["acme_{hex:31}"]
"#;

/// A folder with a rule file and an image that holds one such token.
fn world() -> (TempDir, String, Layout) {
    let folder = TempDir::new().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, RULES).unwrap();
    let secret = fill("token: acme_{hex:32}\n", 1).text;
    let image = Layout::of(&[Built::new(vec![layer(&[("srv/a.txt", secret.as_str())])])]);
    (folder, rules.display().to_string(), image)
}

fn secrets(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .filter(|finding| finding["kind"] == "secret")
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_scan_looks_by_a_users_rules_too_and_says_what_it_does_not_do() {
    let (_folder, rules, image) = world();
    let without = scan([image.reference().as_str(), "--format", "json", "--cache", "none"]);
    assert_eq!(secrets(&without.json()), [""; 0]);
    let ended = scan([image.reference().as_str(), "--format", "json", "--cache", "none", "--secret-rules", &rules]);
    let report = ended.json();
    assert_eq!(secrets(&report), ["acme-token"], "{}", ended.err);
    assert!(ended.err.contains("`commits` is not known here"), "{}", ended.err);
    let unknowns = report["unknowns"].to_string();
    assert!(unknowns.contains("secret rules:") && unknowns.contains("`commits`"), "{unknowns}");
}

#[test]
fn facts_that_were_cached_by_other_rules_do_not_count() {
    let (folder, rules, image) = world();
    let cache = folder.path().join("cache").display().to_string();
    let reference = image.reference();
    let scan = |extra: &[&str]| {
        let arguments = [reference.as_str(), "--format", "json", "--cache", &cache];
        secrets(&scan(arguments.into_iter().chain(extra.iter().copied())).json())
    };
    assert_eq!(scan(&[]), [""; 0]);
    assert_eq!(scan(&["--secret-rules", &rules]), ["acme-token"]);
    assert_eq!(scan(&[]), [""; 0]);
}

#[test]
fn a_policy_may_name_a_users_rule() {
    let (folder, rules, image) = world();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "name = \"p\"\n[[gate]]\nname = \"acme\"\nrules = [\"acme-token\"]\n").unwrap();
    let policy = policy.display().to_string();
    let reference = image.reference();
    let arguments = ["scan", "--offline", "--cache", "none", reference.as_str(), "--policy", &policy];
    assert_eq!(run(arguments).code, 2);
    assert_eq!(run(arguments.into_iter().chain(["--secret-rules", &rules])).code, 1);
}

#[test]
fn a_rule_file_that_cannot_be_used_ends_the_run_with_advice() {
    let (folder, rules, image) = world();
    fs::write(&rules, "[[rules]]\nid = 'bad'\nregex = '''(a'''\n").unwrap();
    for arguments in [vec!["scan", image.reference().as_str(), "--secret-rules", &rules], vec!["rules", "test", &rules]]
    {
        let ended = run(arguments);
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(
            ended.err.contains("rules.toml") && ended.err.contains("`bad`") && ended.err.contains("hint: correct it"),
            "{}",
            ended.err
        );
    }
    drop(folder);
}

#[test]
fn the_verbs_list_try_and_check() {
    let (_folder, rules, _image) = world();
    let listed = run(["rules", "list", &rules, "--format", "json"]).json();
    let find = |id: &str| listed["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).cloned();
    assert_eq!(find("acme-token").unwrap()["kind"], "secret");
    assert_eq!(find("github-pat").unwrap()["confidence"], "high");
    let tried = run(["rules", "test", &rules]);
    assert_eq!((tried.code, tried.out.trim()), (0, "2 examples of 1 rules, 0 rules failed"));
    let checked = run(["rules", "lint", &rules]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    assert!(
        checked.out.contains("`commits` is not known here") && checked.out.contains("no `source`"),
        "{}",
        checked.out
    );
    fs::write(&rules, RULES.replace("[0-9a-f]{32}", "[0-9a-f]{33}")).unwrap();
    let tried = run(["rules", "test", &rules]);
    assert_eq!(tried.code, 1);
    assert!(tried.out.contains("acme-token: does not find its example"), "{}", tried.out);
}

#[test]
fn the_shipped_rules_do_what_they_say() {
    for verb in ["test", "lint"] {
        let ended = run(["rules", verb]);
        assert_eq!(ended.code, 0, "{}", ended.out);
    }
}
