//! What is found where nothing was lost: a stock distribution, language runtimes, and 200 popular packages. `tests/secrets/noise.sh FOLDER` fetches them;
//! they are not ours to pass on, and change, so this runs only where `IMGGUARD_NOISE` names that folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::accuracy;

/// Corpora in the order of the page: the folder, what it is, and the most findings per GB.
const CORPORA: &[(&str, &str, f64)] = &[
    ("rootfs", "Debian 12, `mmdebstrap --variant=minbase`", 0.0),
    ("alpine", "Alpine 3.20, `alpine-minirootfs`", 0.0),
    (
        "runtimes",
        "CPython 3.11 with its test suite, Node 18, Go 1.19 with its sources, OpenJDK 17, as Debian packages them",
        0.0,
    ),
    ("sp", "100 popular packages of PyPI, unpacked as into site-packages", 5.0),
    ("nm", "100 popular packages of npm, unpacked as into node_modules", 5.0),
];

/// Each finding that is left, by the end of its path, and what it is.
const LOOKED_AT: &[(&str, &str, &str)] = &[
    (
        "application-credential",
        "cisco/dnac/playbooks/credentials.yml",
        "a playbook's example, in a file that is named as credentials are",
    ),
    ("generic-secret", "infinidat/infinibox/playbooks/configure_array.yml", "a playbook's example; it looks generated"),
    (
        "generic-secret",
        "na_ontap_snapmirror_create/defaults/main.yml",
        "the passphrase that a role has if nobody sets one",
    ),
    ("generic-secret", "openmanage/playbooks/ome/ome_session.yml", "the token of a session in a playbook's example"),
    (
        "generic-secret",
        "powerflex/roles/powerflex_sdc/defaults/main.yml",
        "the password that a role has if nobody sets one",
    ),
];

/// A finding at default confidence.
struct Left {
    rule: String,
    path: String,
}

#[test]
fn hardly_anything_is_found_where_nothing_was_lost() {
    let Some(root) = std::env::var_os("IMGGUARD_NOISE").map(PathBuf::from) else {
        skipped!("IMGGUARD_NOISE names no folder that tests/secrets/noise.sh filled");
        return;
    };
    let mut rows = String::new();
    let (mut listed, mut unexplained, mut above) = (String::new(), Vec::new(), Vec::new());
    for (folder, what, most) in CORPORA {
        if !root.join(folder).exists() {
            writeln!(rows, "| {what} | not there when this was measured | | | |").unwrap();
            continue;
        }
        let (low, left) = scan(&root.join(folder));
        let (files, bytes) = size(&root.join(folder));
        let gigabytes = bytes as f64 / 1e9;
        for (place, count) in counted(&left) {
            match explanation(&place) {
                Some(why) => writeln!(listed, "| {count} | `{}` | `{}` | {why} |", place.0, place.1).unwrap(),
                None => unexplained.push(format!("{} in {folder}/{}", place.0, place.1)),
            }
        }
        if left.len() as f64 > most * gigabytes {
            above.push(format!("{folder}: {} findings in {gigabytes:.2} GB", left.len()));
        }
        writeln!(rows, "| {what} | {files} | {gigabytes:.2} | {} | {low} |", left.len()).unwrap();
    }
    assert!(unexplained.is_empty(), "look at these:\n{}", unexplained.join("\n"));
    assert!(above.is_empty(), "{above:?}");
    document(&rows, &listed);
}

/// Findings of low confidence, and the others.
fn scan(folder: &Path) -> (usize, Vec<Left>) {
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .arg("scan")
        .arg(format!("dir:{}", folder.display()))
        .args(["--format", "json", "--cache", "none", "--offline", "--quiet"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let images = report["images"].as_array().into_iter().flatten().chain([&report]);
    let (mut low, mut left) = (0, Vec::new());
    for finding in images.flat_map(|image| image["findings"].as_array().into_iter().flatten()) {
        if finding["kind"] != "secret" {
            continue;
        }
        let places = finding["locations"].as_array().into_iter().flatten();
        let paths = places.map(|place| place["path"].as_str().unwrap_or_default().to_owned());
        if finding["confidence"] == "low" {
            low += 1;
        } else {
            let rule = finding["rule"].as_str().unwrap_or_default();
            left.extend(paths.map(|path| Left { rule: rule.to_owned(), path }));
        }
    }
    (low, left)
}

/// Findings of one rule in one file.
fn counted(left: &[Left]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for found in left {
        *counts.entry((found.rule.clone(), found.path.clone())).or_default() += 1;
    }
    counts
}

fn explanation((rule, path): &(String, String)) -> Option<&'static str> {
    LOOKED_AT.iter().find(|(known, end, _)| known == rule && path.ends_with(end)).map(|(_, _, why)| *why)
}

fn size(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            let (inner_files, inner_bytes) = size(&entry.path());
            files += inner_files;
            bytes += inner_bytes;
        } else if kind.is_file() {
            files += 1;
            bytes += entry.metadata().unwrap().len();
        }
    }
    (files, bytes)
}

/// The heading of this part of `docs/accuracy.md`.
const HEADING: &str = "## Secrets where none were lost";

/// Compares the section, or renews it with `UPDATE_DOCS=1`.
fn document(rows: &str, listed: &str) {
    let listed = if listed.is_empty() {
        String::new()
    } else {
        format!("Each was looked at:\n\n| times | rule | file | what it is |\n|---|---|---|---|\n{listed}\n")
    };
    accuracy::section(HEADING, |_| {
        format!(
            "{HEADING}\n\nWhat is found in trees that everybody has, at the confidence that is shown by default (high and medium), and what only JSON keeps (low):\n\n\
             | tree | files | GB | shown | low |\n|---|---|---|---|---|\n{rows}\n{listed}\
             `tests/secrets/noise.sh` fetches the trees, and `tests/secrets/noise.rs` makes this section from them (`IMGGUARD_NOISE=FOLDER UPDATE_DOCS=1`); it fails on a finding that nobody looked at.\n"
        )
    });
}
