//! Packages of lock files against what the tools that wrote them say. The tools of this machine lock projects that are made here, against a registry on loopback or none at all.
//! Nothing missing, nothing more, and the same packages for development.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "lockfiles/image.rs"]
mod image;
#[path = "lockfiles/node.rs"]
mod node;
#[path = "lockfiles/other.rs"]
mod other;
#[path = "lockfiles/registry.rs"]
mod registry;
#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use tools::{compare, compare_list, run};

/// Name, version, and `dev` for what is only for development.
type Row = (String, String, &'static str);

fn row(name: &str, version: &str, is_development: bool) -> Row {
    (name.to_owned(), version.to_owned(), if is_development { "dev" } else { "" })
}

/// The report on `folder`, scanned with these flags.
fn scan(folder: &Path, flags: &[&str]) -> (Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", &format!("dir:{}", folder.display()), "--format", "json", "--cache", "none", "--offline"])
        .args(flags)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    (report, errors)
}

/// What we name in `folder`, as a project's sources.
fn ours(folder: &Path) -> BTreeSet<Row> {
    rows(&scan(folder, &["--source"]).0)
}

fn rows(report: &Value) -> BTreeSet<Row> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row =
        |package: &Value| row(&text(&package["name"]), &text(&package["version"]), package.get("scope").is_some());
    report["packages"].as_array().unwrap().iter().map(row).collect()
}

/// Rows without what they are needed for, where a tool does not tell.
fn without_scope(rows: BTreeSet<Row>) -> BTreeSet<Row> {
    rows.into_iter().map(|(name, version, _)| (name, version, "")).collect()
}

/// The output of a tool that must succeed.
fn answer(command: &mut Command) -> Option<String> {
    let output = run(command)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{command:?}: {errors}\n{text}");
    Some(text)
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}
