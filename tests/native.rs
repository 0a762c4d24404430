//! Package facts against what the native tools say: committed answers over images that those tools made (`testdata/inspect/*/make.sh`), and the tools of this machine over
//! its own packages. Nothing missing, nothing more.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[path = "native/accounts.rs"]
mod accounts;
#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "native/fixtures.rs"]
mod fixtures;
#[path = "native/go.rs"]
mod go;
#[path = "native/java.rs"]
mod java;
#[path = "native/languages.rs"]
mod languages;
#[path = "native/loaded.rs"]
mod loaded;
#[path = "native/machine.rs"]
mod machine;
#[path = "native/modes.rs"]
mod modes;
#[path = "native/pacman.rs"]
mod pacman;
#[path = "native/programs.rs"]
mod programs;
#[path = "native/rust.rs"]
mod rust;
#[path = "support/tools.rs"]
mod tools;
#[path = "native/verify.rs"]
mod verify;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use tools::{compare, compare_list, run};

/// A row of a list: fields as the tool names them.
type Row = Vec<String>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inspect").join(name)
}

/// The report on `reference`, which must be complete and without anything that could not be read.
fn scan(reference: &str) -> Value {
    scan_with(reference, &[])
}

/// As [`scan`], with more arguments.
fn scan_with(reference: &str, more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", reference, "--format", "json", "--cache", "none", "--offline"])
        .args(more)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{reference}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    let unknowns = report["unknowns"].as_array().unwrap().iter().filter(|unknown| {
        // That a development version cannot be matched with advisories is no matter here.
        !unknown["reason"].as_str().unwrap().starts_with("advisories: ")
    });
    assert_eq!(unknowns.collect::<Vec<_>>(), Vec::<&Value>::new(), "{reference}");
    report
}

/// The packages of one kind on one platform (any, where none is named), each with the part of the purl behind `pkg:KIND/`.
fn packages<'r>(report: &'r Value, kind: &str, architecture: Option<&str>) -> Vec<&'r Value> {
    let prefix = format!("pkg:{kind}/");
    let platform = architecture.map(|architecture| Value::from(format!("linux/{architecture}")));
    let all = report["packages"].as_array().unwrap().iter();
    all.filter(|package| package["purl"].as_str().unwrap().starts_with(&prefix))
        .filter(|package| {
            platform.as_ref().is_none_or(|platform| package["platforms"].as_array().unwrap().contains(platform))
        })
        .collect()
}

/// Fields of a package as a row; `a/b` is a field of a field, `?q` a qualifier of the purl.
fn row(package: &Value, fields: &[&str]) -> Row {
    let field = |name: &&str| match (name.strip_prefix('?'), name.split_once('/')) {
        (Some(qualifier), _) => {
            let purl = package["purl"].as_str().unwrap();
            let (_, qualifiers) = purl.split_once('?').unwrap_or_default();
            let mut values = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
            values.find(|(key, _)| *key == qualifier).map_or_else(String::new, |(_, value)| value.to_owned())
        }
        (None, Some((outer, inner))) => package[outer][inner].as_str().unwrap().to_owned(),
        (None, None) => package[*name].as_str().unwrap_or_default().to_owned(),
    };
    fields.iter().map(field).collect()
}

/// Lines of a tab-separated text.
fn rows(text: &str) -> BTreeSet<Row> {
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}
