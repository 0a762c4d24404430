//! `db search`, `db diff` and `db status`: what a store has, and what differs between two.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Ended, run};

/// Stores made of records that a test writes.
struct Stores(TempDir);

impl Stores {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A store of these records, each about one crate: id, package, fixed version, more members.
    fn build(&self, name: &str, records: &[(&str, &str, &str, Value)]) -> String {
        let folder = self.path(&format!("{name}.d")).join("crates.io");
        fs::create_dir_all(&folder).unwrap();
        for (id, package, fixed, more) in records {
            let mut record = json!({
                "schema_version": "1.7.0", "id": id, "modified": "2026-08-01T00:00:00Z",
                "affected": [{"package": {"ecosystem": "crates.io", "name": package},
                              "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}],
            });
            record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            fs::write(folder.join(format!("{id}.json")), record.to_string()).unwrap();
        }
        let store = self.path(name).to_str().unwrap().to_owned();
        let ended = run(["db", "import", folder.to_str().unwrap(), "--output", &store]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        store
    }
}

fn search(text: &str, more: &[&str]) -> Ended {
    run([&["db", "search", text], more].concat())
}

/// RustSec's own page of the advisory says what must come: <https://rustsec.org/advisories/RUSTSEC-2020-0071.html>.
#[test]
fn an_id_leads_to_its_record_by_any_of_its_names() {
    for text in ["RUSTSEC-2020-0071", "rustsec-2020-0071", "CVE-2020-26235", " cve-2020-26235 "] {
        let ended = search(text, &[]);
        assert_eq!(ended.code, 0, "{text}: {}", ended.err);
        let title = ended.out.lines().find(|line| line.starts_with("RUSTSEC-2020-0071 = ")).expect(text);
        assert!(title.contains("CVE-2020-26235") && title.contains("(crates.io, medium 6.2)"), "{title}");
        let row = ended.out.lines().find(|line| line.starts_with("  crates.io time, affected: ")).expect(text);
        assert!(row.contains("< 0.2.23"), "{row}");
    }
    let found = search("RUSTSEC-2020-0071", &["--format", "json"]).json();
    let hit = &found["found"]["hits"][0];
    assert_eq!((&hit["advisory"]["id"], &hit["rows"][0]["package"]), (&json!("RUSTSEC-2020-0071"), &json!("time")));
    let status = run(["db", "status", "--json"]).json();
    assert_eq!(found["store"], status["digest"], "it says which store it speaks of");
}

#[test]
fn a_part_of_a_name_finds_more_than_is_shown() {
    let ended = search("openssl", &["--limit", "3"]);
    let last = ended.out.lines().last().unwrap();
    assert!(last.ends_with(" found, the first 3 are shown; --limit shows more"), "{last}");
    let total: usize = last.split(' ').next().unwrap().parse().unwrap();
    let all = search("openssl", &["--limit", "100000", "--format", "json"]).json();
    assert_eq!(
        (all["found"]["total"].as_u64(), all["found"]["hits"].as_array().unwrap().len()),
        (Some(total as u64), total)
    );
    let has_part = |hit: &Value| {
        let packages = hit["rows"].as_array().unwrap().iter().map(|row| &row["package"]);
        let aliases = hit["advisory"]["aliases"].as_array().unwrap();
        packages
            .chain([&hit["advisory"]["id"]])
            .chain(aliases)
            .any(|text| text.as_str().unwrap().to_lowercase().contains("openssl"))
    };
    assert!(total > 20 && all["found"]["hits"].as_array().unwrap().iter().all(has_part));
}

#[test]
fn what_is_not_there_or_was_taken_back_is_told() {
    let unknown = search("CVE-1900-0001\u{1b}[31m", &[]);
    assert_eq!(unknown.code, 0, "{}", unknown.err);
    assert!(unknown.out.starts_with("nothing is known of `CVE-1900-0001"), "{}", unknown.out);
    assert!(!unknown.out.contains('\u{1b}'), "{}", unknown.out);
    let stores = Stores::new();
    let store = stores.build(
        "a",
        &[("X-1", "demo", "1.0.0", json!({})), ("X-2", "demo", "2.0.0", json!({"withdrawn": "2026-08-01T00:00:00Z"}))],
    );
    let withdrawn = search("X-2", &["--db", &store]);
    assert!(withdrawn.out.contains("X-2 was withdrawn by its source"), "{}", withdrawn.out);
    let absent = search("X-1", &["--db", stores.path("none").to_str().unwrap()]);
    assert!(absent.code == 4 && absent.err.contains("hint: "), "{}", absent.err);
}

#[test]
fn two_stores_differ_by_what_came_went_and_changed() {
    let stores = Stores::new();
    let cve = |number: u32| json!({"aliases": [format!("CVE-2026-000{number}")]});
    let old = [("X-1", "same", "1.0.0", cve(1)), ("X-2", "gone", "1.0.0", cve(2)), ("X-3", "moved", "1.0.0", cve(3))];
    let new = [
        ("X-0", "first", "1.0.0", cve(4)),
        ("X-1", "same", "1.0.0", cve(1)),
        ("X-3", "moved", "1.0.1", json!({"aliases": ["CVE-2026-0003"], "modified": "2026-08-02T00:00:00Z"})),
    ];
    let (old, new) = (stores.build("old", &old), stores.build("new", &new));
    let diff = |a: &str, b: &str, more: &[&str]| run([&["db", "diff", a, b], more].concat());
    let ended = diff(&old, &new, &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "~ source crates.io: newest of 2026-08-01T00:00:00Z → 2026-08-02T00:00:00Z",
            "+ X-0 (crates.io, unknown): crates.io first",
            "- X-2 (crates.io, unknown): crates.io gone",
            "~ X-3 (crates.io, unknown): crates.io moved [versions, dates]",
            "1 added, 1 removed, 1 changed",
        ],
        "X-1 has another number now and is the same: {}",
        ended.out
    );
    let json = diff(&old, &new, &["--format", "json"]).json();
    let ids = |field: &str| {
        json["difference"][field].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("added"), ids("removed"), ids("changed")),
        (vec![json!("X-0")], vec![json!("X-2")], vec![json!("X-3")])
    );
    assert_ne!(json["from"]["digest"], json["to"]["digest"]);
    assert!(diff(&new, &new, &[]).out.ends_with("0 added, 0 removed, 0 changed\n"));

    let cut = stores.path("cut");
    fs::write(&cut, &fs::read(&new).unwrap()[..100]).unwrap();
    for (a, b) in [(cut.as_path(), Path::new(&new)), (Path::new(&old), cut.as_path())] {
        let refused = diff(a.to_str().unwrap(), b.to_str().unwrap(), &[]);
        assert!(refused.code == 4 && refused.err.contains("cut` cannot be compared"), "{}", refused.err);
    }
}
