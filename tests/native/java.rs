//! Java archives against lists of real distributions and against Maven's own local repository, whose folders say which artifact each file is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Row, compare_list, fixture, packages, row, rows, run, scan};

fn repository() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(Path::new(&home).join(".m2/repository")).filter(|path| path.is_dir())
}

/// Compares what is found in an artifact, a `tar.gz` of Maven Central, with the committed list.
fn distribution(group: &str, artifact: &str, version: &str, classifier: &str) {
    let folder = repository().map(|root| root.join(group.replace('.', "/")).join(artifact).join(version));
    let suffix = if classifier.is_empty() { String::new() } else { format!("-{classifier}") };
    let file = folder.map(|folder| folder.join(format!("{artifact}-{version}{suffix}.tar.gz")));
    let Some(file) = file.filter(|file| file.is_file()) else {
        skipped!("mvn dependency:get -Dartifact={group}:{artifact}:{version}:tar.gz:{classifier} was not run");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    if run(Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(root.path())).is_none() {
        return;
    }
    let list = fixture("language-java").join(format!("{}-{version}.tsv", artifact.trim_start_matches("apache-")));
    let native = rows(&fs::read_to_string(list).unwrap());
    let report = scan(&format!("dir:{}", root.path().display()));
    let ours = packages(&report, "maven", None).iter().map(|package| row(package, &["name", "version"])).collect();
    compare_list(
        "mvn dependency:list and the files of the distribution",
        &format!("{artifact} {version}"),
        &native,
        &ours,
    );
}

#[test]
fn tomcat() {
    distribution("org.apache.tomcat", "tomcat", "9.0.50", "");
    distribution("org.apache.tomcat", "tomcat", "10.1.30", "");
}

#[test]
fn activemq() {
    distribution("org.apache.activemq", "apache-activemq", "5.18.3", "bin");
}

/// The artifact of a file of the repository: `GROUP/…/ARTIFACT/VERSION/FILE`.
fn coordinates(path: &str) -> Row {
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    parts.pop();
    let (version, artifact) = (parts.pop().unwrap(), parts.pop().unwrap());
    vec![format!("{}:{artifact}", parts.join(".")), version.to_owned()]
}

/// Most jars of Maven's repository are of builds that leave their own record; none may be taken for another artifact.
#[test]
fn no_archive_is_taken_for_another_artifact() {
    let Some(root) = repository() else {
        skipped!("there is no local Maven repository");
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", &format!("dir:{}", root.display()), "--format", "json", "--cache", "none", "--offline"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (mut right, mut wrong) = (BTreeSet::new(), Vec::new());
    for package in packages(&report, "maven", None) {
        let paths = package["locations"].as_array().unwrap().iter().map(|place| place["path"].as_str().unwrap());
        // What lies inside a file is a library that was put into it, and unpacked archives are other files.
        for path in paths.filter(|path| !path.contains("!/")) {
            let (named, expected) = (row(package, &["name", "version"]), coordinates(path));
            if named == expected {
                right.insert(path.to_owned());
            } else if named[0].contains(':') {
                wrong.push((path.to_owned(), named));
            }
        }
    }
    assert_eq!(wrong, [], "of {} that are right", right.len());
    assert!(!right.is_empty(), "Maven itself keeps its plugins there");
}
