//! Rust programs built with `cargo auditable`, against what Cargo says of the build.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::{Row, compare_list, packages, row, run, scan};

#[test]
fn crates_of_a_program_built_here() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("source");
    let file = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let manifest = |name: &str, version: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{more}")
    };
    file(
        "Cargo.toml",
        &manifest(
            "app",
            "0.3.0",
            "[workspace]\n[dependencies]\nnear = { path = \"near\" }\n[build-dependencies]\nbuilder = { path = \"builder\" }\n",
        ),
    );
    file("src/main.rs", "fn main() { println!(\"{}\", near::near()) }\n");
    file("build.rs", "fn main() { builder::build() }\n");
    file("near/Cargo.toml", &manifest("near", "1.2.3-rc.1+x", ""));
    file("near/src/lib.rs", "pub fn near() -> u8 { 1 }\n");
    file("builder/Cargo.toml", &manifest("builder", "9.0.0", ""));
    file("builder/src/lib.rs", "pub fn build() {}\n");
    let target = folder.path().join("target");
    let mut build = Command::new("cargo");
    build.args(["auditable", "build", "--offline", "--quiet", "--target-dir"]).arg(&target).current_dir(&root);
    // The test's own Cargo sets variables that would change the build.
    build.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
    let Some(output) = run(&mut build) else { return };
    if !output.status.success() {
        skipped!("cargo auditable is absent: {}", String::from_utf8_lossy(&output.stderr).trim());
        return;
    }
    // `cargo tree` without build dependencies is what the program is made of.
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"]).current_dir(&root);
    let listed = run(&mut tree).unwrap();
    let native: BTreeSet<Row> = super::text(&listed)
        .lines()
        .map(|line| line.split(' ').take(2).map(|word| word.trim_start_matches('v').to_owned()).collect())
        .collect();
    let programs = folder.path().join("out");
    fs::create_dir(&programs).unwrap();
    fs::copy(target.join("debug/app"), programs.join("app")).unwrap();
    let report = scan(&format!("dir:{}", programs.display()));
    let ours = packages(&report, "cargo", None).iter().map(|package| row(package, &["name", "version"])).collect();
    compare_list("cargo tree", "a program of `cargo auditable`", &native, &ours);
}
