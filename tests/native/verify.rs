//! Changed files of OS packages, against `dpkg --verify` and `rpm --verify` over roots that these tools installed to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Row, compare, run, scan_with, text};

/// Files that a package has, below its root.
const FILES: &[&str] = &[
    "usr/bin/kept",
    "usr/bin/appended",
    "usr/bin/emptied",
    "usr/bin/linked",
    "usr/bin/linked-to-same",
    "usr/bin/removed",
    "usr/bin/touched",
    "usr/share/fixture/name with space",
    "etc/changed.conf",
];

fn write(root: &Path, file: &str, content: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn fill(root: &Path) {
    FILES.iter().for_each(|file| write(root, file, &format!("{file}\n")));
}

/// What an administrator or an attacker may do to the files.
fn change(root: &Path) {
    write(root, "usr/bin/appended", "usr/bin/appended\nmore\n");
    write(root, "usr/bin/emptied", "");
    write(root, "usr/share/fixture/name with space", "other\n");
    write(root, "etc/changed.conf", "other\n");
    write(root, "usr/bin/touched", "usr/bin/touched\n");
    write(root, "opt/same", "usr/bin/linked-to-same\n");
    for (link, target) in [("usr/bin/linked", "kept"), ("usr/bin/linked-to-same", "/opt/same")] {
        fs::remove_file(root.join(link)).unwrap();
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    fs::remove_file(root.join("usr/bin/removed")).unwrap();
}

/// The paths that we find changed.
fn changed(root: &Path) -> BTreeSet<Row> {
    let report = scan_with(&format!("dir:{}", root.display()), &["--verify-files"]);
    let findings =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "modified-os-file");
    let places = findings.flat_map(|finding| finding["locations"].as_array().unwrap());
    places.map(|place| vec![place["path"].as_str().unwrap().to_owned()]).collect()
}

/// The paths whose digest differs according to `--verify`, configuration files left out.
fn verified(output: &str) -> BTreeSet<Row> {
    let lines = output.lines().filter_map(|line| line.split_once(" /"));
    let differs = lines.filter(|(marks, _)| marks.as_bytes().get(2) == Some(&b'5') && !marks.ends_with(" c"));
    differs.map(|(_, path)| vec![format!("/{path}")]).collect()
}

#[test]
fn dpkg_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, root) = (folder.path().join("tree"), folder.path().join("root"));
    fill(&tree);
    write(&tree, "DEBIAN/control", "Package: fixture\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: b\n");
    write(&tree, "DEBIAN/conffiles", "/etc/changed.conf\n");
    let files = FILES.iter().filter(|file| !file.starts_with("etc/"));
    let Some(sums) = run(Command::new("md5sum").args(files).current_dir(&tree)) else { return };
    write(&tree, "DEBIAN/md5sums", text(&sums));
    let deb = folder.path().join("fixture.deb");
    let Some(built) = run(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&deb)) else {
        return;
    };
    assert!(built.status.success(), "{built:?}");
    write(&root, "var/lib/dpkg/status", "");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    write(&root, "etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let dpkg = |arguments: &[&str]| {
        let mut command = Command::new("dpkg");
        command.arg(format!("--root={}", root.display())).arg("--force-not-root,script-chrootless,bad-path");
        run(command.args(arguments))
    };
    let Some(installed) = dpkg(&["--install", deb.to_str().unwrap()]) else { return };
    assert!(installed.status.success(), "{installed:?}");
    assert_eq!(changed(&root), BTreeSet::new(), "as it was installed");
    change(&root);
    compare("dpkg --verify", &verified(text(&dpkg(&["--verify"]).unwrap())), &changed(&root));
}

#[test]
fn rpm_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, root, home) = (folder.path().join("tree"), folder.path().join("root"), folder.path().join("home"));
    fill(&tree);
    let listed = FILES.iter().map(|file| match file.starts_with("etc/") {
        true => format!("%config \"/{file}\"\n"),
        false => format!("\"/{file}\"\n"),
    });
    let spec = format!(
        "Name: fixture\nVersion: 1\nRelease: 1\nSummary: a\nLicense: MIT\nBuildArch: noarch\n%description\na\n%install\ncp -a {}/. %{{buildroot}}\n\
         mkdir -p %{{buildroot}}/var/log && echo a >%{{buildroot}}/var/log/ghost && echo a >%{{buildroot}}/usr/bin/unverified\n\
         %files\n{}%ghost /var/log/ghost\n%verify(not md5 size mtime) /usr/bin/unverified\n",
        tree.display(),
        listed.collect::<String>()
    );
    write(folder.path(), "fixture.spec", &spec);
    let mut build = Command::new("rpmbuild");
    build.args(["-bb", "--quiet", "--define"]).arg(format!("_topdir {}", home.display()));
    let Some(built) = run(build.arg(folder.path().join("fixture.spec"))) else { return };
    assert!(built.status.success(), "{built:?}");
    let rpm = |arguments: &[&str]| {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(&root).args(["--dbpath", "/var/lib/rpm"]);
        run(command.args(arguments))
    };
    write(&root, "etc/os-release", "ID=rhel\nVERSION_ID=9\n");
    let package = home.join("RPMS/noarch/fixture-1-1.noarch.rpm");
    let Some(installed) = rpm(&["--install", "--nodeps", package.to_str().unwrap()]) else { return };
    if !installed.status.success() {
        skipped!("rpm can install to another root for the superuser only");
        return;
    }
    assert_eq!(changed(&root), BTreeSet::new(), "as it was installed");
    change(&root);
    write(&root, "var/log/ghost", "other");
    write(&root, "usr/bin/unverified", "other");
    let mut native = verified(text(&rpm(&["--verify", "--all", "--nodeps"]).unwrap()));
    // rpm tells a link in the place of a file by its mode, and does not read what it leads to.
    native.insert(vec!["/usr/bin/linked".to_owned()]);
    compare("rpm --verify", &native, &changed(&root));
}
