//! What people read: tables, errors, help, and the README.
//!
//! A changed page shows as a difference of an inline snapshot; `cargo insta review` takes it. The README is renewed with `UPDATE_DOCS=1`.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{self, AS_OF, Built, Layout, SAMPLE, layer, run, scan, store};

/// What a run says on standard error, with the layout's folder named DIR.
fn complaint(ended: &world::Ended, layout: Option<&Layout>) -> String {
    let text = match layout {
        Some(layout) => ended.err.replace(layout.path().to_str().unwrap(), "DIR"),
        None => ended.err.clone(),
    };
    format!("{text}exit {}", ended.code)
}

#[test]
fn the_readme_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    assert!(readme.contains(&format!("On {AS_OF} it printed:")));
    let (start, end) = ("<!-- example: imgguard scan oci:testdata/sample -->\n", "<!-- end of example -->");
    let (before, rest) = readme.split_once(start).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let page = scan([SAMPLE]).out;
    let renewed = format!("{before}{start}```text\n{}```\n{end}{after}", page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &renewed).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), renewed, "renew it with UPDATE_DOCS=1 cargo test --test cli readme");
}

#[test]
fn the_readme_names_every_code_and_format_and_no_missing_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let help = run(["--help"]).out;
    let codes: Vec<&str> = help.split("Exit codes:\n").nth(1).unwrap().lines().map(str::trim).collect();
    assert_eq!(codes.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count(), 6);
    for code in 0..6 {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{code}` | "))).unwrap();
        let meaning = row.rsplit("| `").next().unwrap().split(" | ").nth(1).unwrap().trim_end_matches(" |");
        let said = codes.join(" ");
        assert!(said.contains(&format!("{code}  {meaning}")), "{code}: `{meaning}` is not in {said}");
    }
    for format in ["table", "json", "sarif", "cyclonedx"] {
        assert!(readme.contains(&format!("\n| `{format}` | ")), "{format}");
    }
    let links = readme.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap());
    for link in links {
        assert!(root.join(link).exists(), "{link}");
    }
}
