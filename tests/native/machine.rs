//! The packages of the machine that runs the test, against its own tools. Only what describes packages is copied, since a whole machine is large.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Row, compare, packages, row, rows, run, scan, text};

/// Copies the files below `from` that `wanted` picks by name, and the symlinks, to `to`.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, name) = (entry.file_type().unwrap(), entry.file_name());
        let target = to.join(&name);
        if kind.is_dir() {
            copy(&entry.path(), &target, wanted);
        } else if kind.is_symlink() || wanted(&name.to_string_lossy()) {
            fs::create_dir_all(to).unwrap();
            if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

fn reference(folder: &tempfile::TempDir) -> String {
    format!("dir:{}", folder.path().display())
}

#[test]
fn dpkg_lists() {
    let format = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Status}\n";
    let Some(output) = run(Command::new("dpkg-query").args(["-W", "-f", format])) else { return };
    let removed = |row: &&Row| row[5] == "config-files" || row[5] == "not-installed";
    let native = rows(text(&output)).iter().filter(|row| !removed(row)).map(|row| row[..5].to_vec()).collect();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("var/lib/dpkg");
    copy(Path::new("/var/lib/dpkg"), &database, &|name| name == "status" || name.ends_with(".list"));
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::copy("/etc/os-release", folder.path().join("etc/os-release")).unwrap();
    let report = scan(&reference(&folder));
    let fields = ["name", "version", "?arch", "source/name", "source/version"];
    compare("dpkg", &native, &packages(&report, "deb", None).iter().map(|package| row(package, &fields)).collect());
}

/// The name that PEP 503 gives to a distribution, whose spelling differs between a record's folder and its content.
fn normal(name: &str) -> String {
    name.to_lowercase().split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[test]
fn pip_lists() {
    let script = "import json, os, site, sysconfig\n\
                  print(json.dumps([p for p in {*site.getsitepackages(), sysconfig.get_path('purelib')} if os.path.isdir(p)]))";
    let Some(output) = run(Command::new("python3").args(["-c", script])) else { return };
    let mut compared = 0;
    for site in serde_json::from_str::<Vec<String>>(text(&output)).unwrap() {
        let Some(output) =
            run(Command::new("python3").args(["-m", "pip", "list", "--format", "json", "--path", &site]))
        else {
            return;
        };
        if !output.status.success() {
            skipped!("this Python has no pip");
            return;
        }
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let field = |package: &Value, name: &str| package[name].as_str().unwrap().to_owned();
        let native: BTreeSet<Row> =
            listed.iter().map(|package| vec![normal(&field(package, "name")), field(package, "version")]).collect();
        if native.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let wanted = |name: &str| matches!(name, "METADATA" | "PKG-INFO") || name.contains(".egg-");
        copy(Path::new(&site), &folder.path().join("usr/lib/python3/site-packages"), &wanted);
        let report = scan(&reference(&folder));
        let ours = packages(&report, "pypi", None);
        let ours =
            ours.iter().map(|package| vec![normal(&field(package, "name")), field(package, "version")]).collect();
        compare(&site, &native, &ours);
        compared += native.len();
    }
    assert!(compared > 0, "pip itself is a package");
}

/// What `npm ls --json --long` names, the root included where it is a package.
fn walk(tree: &Value, found: &mut BTreeSet<Row>) {
    for (key, package) in tree["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = package["version"].as_str() {
            let name = package["name"].as_str().unwrap_or(key);
            found.insert(vec![name.to_owned(), version.to_owned()]);
        }
        walk(package, found);
    }
}

#[test]
fn npm_lists() {
    let Some(output) = run(Command::new("npm").args(["root", "-g"])) else { return };
    let root = text(&output).trim().to_owned();
    if !Path::new(&root).is_dir() {
        skipped!("npm has no global packages");
        return;
    }
    let output = run(Command::new("npm").args(["ls", "-g", "--all", "--json", "--long"])).unwrap();
    let mut native = BTreeSet::new();
    walk(&serde_json::from_slice(&output.stdout).unwrap(), &mut native);
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(&root), &folder.path().join("usr/lib/node_modules"), &|name| name == "package.json");
    let report = scan(&reference(&folder));
    let ours = packages(&report, "npm", None).iter().map(|package| row(package, &["name", "version"])).collect();
    compare(&root, &native, &ours);
}
