//! Lock files in a root file system, where they do not say what is installed.

use serde_json::{Value, json};

use super::{rows, scan, write};

const CARGO: &str =
    "version = 4\n\n[[package]]\nname = \"time\"\nversion = \"0.1.43\"\nsource = \"registry+https://index.example/\"\n";
const NPM: &str = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0"}, "node_modules/d": {"version": "1.0.0", "dev": true}}}"#;
const YARN: &str =
    "__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  linkType: hard\n";
const PACKAGE: &str = r#"{"name": "b", "version": "2.0.0"}"#;

/// The packages of a root file system of these files, its unknowns, and what standard error says.
fn root(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>, String, Value) {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(path, text)| write(folder.path(), path, text));
    let (report, errors) = scan(folder.path(), &[]);
    let packages = rows(&report).into_iter().map(|(name, version, _)| format!("{name} {version}")).collect();
    let unknowns =
        report["unknowns"].as_array().unwrap().iter().map(|unknown| unknown["reason"].as_str().unwrap().to_owned());
    let unknowns = unknowns.filter(|reason| reason.contains("lock")).collect();
    (packages, unknowns, errors, report)
}

#[test]
fn crates_count_where_no_program_tells_of_them() {
    let (packages, unknowns, errors, report) = root(&[("srv/app/Cargo.lock", CARGO)]);
    assert_eq!((packages, unknowns), (vec!["time 0.1.43".to_owned()], vec![]));
    assert!(errors.contains("--source"), "{errors}");
    let finding =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "CVE-2020-26235").unwrap();
    assert_eq!(finding["confidence"], json!("low"));
    for elsewhere in [
        "usr/local/cargo/registry/src/x/time-0.1.43/Cargo.lock",
        "srv/app/tests/fixtures/Cargo.lock",
        "usr/share/doc/x/Cargo.lock",
    ] {
        let (packages, unknowns, errors, _) = root(&[(elsewhere, CARGO)]);
        assert_eq!((packages, unknowns, errors), (vec![], vec![], String::new()), "{elsewhere}");
    }
}

#[test]
fn what_an_interpreter_would_need_to_find_is_only_told() {
    let (packages, unknowns, errors, _) = root(&[("srv/app/package-lock.json", NPM)]);
    assert_eq!(packages, [""; 0]);
    assert!(unknowns[0].contains("what it names, packages: 1,"), "{unknowns:?}");
    assert!(errors.contains("hint: if it is a project's checkout, add --source"), "{errors}");
    let (packages, unknowns, ..) = root(&[("srv/app/Gemfile.lock", "GEM\n  specs:\n    a (1.0)\n")]);
    assert_eq!((packages.len(), unknowns.len()), (0, 1));
}

#[test]
fn what_is_installed_is_believed() {
    let (packages, unknowns, errors, _) =
        root(&[("srv/app/package-lock.json", NPM), ("srv/app/node_modules/b/package.json", PACKAGE)]);
    assert_eq!((packages, unknowns, errors), (vec!["b 2.0.0".to_owned()], vec![], String::new()));
    // Another application's packages say nothing of this one.
    let (packages, unknowns, ..) =
        root(&[("srv/app/package-lock.json", NPM), ("usr/lib/node_modules/b/package.json", PACKAGE)]);
    assert_eq!((packages, unknowns.len()), (vec!["b 2.0.0".to_owned()], 1));
    let metadata =
        ("usr/lib/python3/site-packages/b-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: b\nVersion: 2.0\n");
    let (packages, unknowns, ..) =
        root(&[("srv/app/poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1.0\"\n"), metadata]);
    assert_eq!((packages, unknowns), (vec!["b 2.0".to_owned()], vec![]));
}

#[test]
fn the_loader_of_yarn_goes_by_its_lock_file() {
    let (packages, unknowns, ..) = root(&[("srv/app/yarn.lock", YARN), ("srv/app/.pnp.cjs", "")]);
    assert_eq!((packages, unknowns), (vec!["a 1.0.0".to_owned()], vec![]));
    assert_eq!(root(&[("srv/app/yarn.lock", YARN)]).0, [""; 0]);
}

#[test]
fn sources_may_be_scanned_without_development() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "package-lock.json", NPM);
    let names =
        |flags: &[&str]| rows(&scan(folder.path(), flags).0).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    assert_eq!(names(&["--source"]), ["a", "d"]);
    assert_eq!(names(&["--source", "--no-dev"]), ["a"]);
    assert_eq!(
        scan(folder.path(), &["--source", "--no-dev"]).0["skipped"],
        json!(["configuration", "development dependencies"])
    );
    // What is installed beside it is no other package.
    write(folder.path(), "node_modules/d/package.json", r#"{"name": "d", "version": "1.0.0"}"#);
    assert_eq!(rows(&scan(folder.path(), &["--source"]).0).last().unwrap().2, "dev");
    assert_eq!(names(&["--source", "--no-dev"]), ["a"]);
    write(folder.path(), "requirements.txt", "flask>=2\n");
    let unknowns = scan(folder.path(), &["--source"]).0["unknowns"].clone();
    assert!(unknowns[0]["reason"].as_str().unwrap().ends_with("an entry is left open: `flask>=2`"), "{unknowns}");
}

#[test]
fn an_image_is_no_folder_of_sources() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", "oci:testdata/sample", "--source", "--offline", "--cache", "none"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("hint: scan the checkout as `dir:PATH --source`"), "{errors}");
}
