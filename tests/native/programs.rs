//! Programs of this machine, copied away from the package manager's records, against what each says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Row, compare, packages, row, run, scan, text};

/// The program's file, the name that we give it, and how it is asked for its version.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("bash", "bash", &["--version"]),
    ("busybox", "busybox", &["--help"]),
    ("curl", "curl", &["--version"]),
    ("git", "git", &["--version"]),
    ("node", "node", &["--version"]),
    ("openssl", "openssl", &["version"]),
    ("perl", "perl", &["-e", "printf '%vd', $^V"]),
    ("python3", "python", &["--version"]),
    ("ruby", "ruby", &["--version"]),
];

/// Where the shell would find a program, with links followed.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())?;
    let real = found.canonicalize().ok()?;
    // A script that starts the program is none.
    fs::read(&real).ok()?.starts_with(b"\x7fELF").then_some(real)
}

/// The first word with a number and a dot, without what a packager put behind it.
fn version(answer: &str) -> Option<&str> {
    let words = answer.split(|c: char| c.is_whitespace() || c == '(').map(|word| word.trim_start_matches('v'));
    let mut versions = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    let version = versions.next()?;
    version.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next()
}

/// Programs that keep their version in a library are compared by that library elsewhere.
fn states_version(file: &Path, version: &str) -> bool {
    memchr::memmem::find(&fs::read(file).unwrap(), version.as_bytes()).is_some()
}

#[test]
fn programs_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("opt/bin");
    fs::create_dir_all(&bin).unwrap();
    let mut native: BTreeSet<Row> = BTreeSet::new();
    for (program, name, arguments) in PROGRAMS {
        let Some(file) = find(program) else { continue };
        let Some(output) = run(Command::new(&file).args(*arguments)) else { continue };
        let Some(version) = version(text(&output)).filter(|version| states_version(&file, version)) else { continue };
        fs::copy(&file, bin.join(file.file_name().unwrap())).unwrap();
        let version = if *name == "ruby" { version.split('p').next().unwrap() } else { version };
        native.insert(vec![(*name).to_owned(), version.to_owned()]);
    }
    if native.is_empty() {
        skipped!("this machine has none of the programs");
        return;
    }
    let report = scan(&format!("dir:{}", folder.path().display()));
    let ours = packages(&report, "generic", None).iter().map(|package| row(package, &["name", "version"])).collect();
    compare("programs", &native, &ours);
}
