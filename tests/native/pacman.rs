//! Packages that pacman installed to a root of its own, against its list and its check of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Row, compare_list, packages, row, rows, run, scan, text};

/// A package archive without compression: metadata, and one file in `usr/bin` and one in `etc`. pacman makes the rest of its records itself.
fn package(folder: &Path, name: &str, version: &str, base: &str, license: &str) -> String {
    let file = format!("{name}-{version}-x86_64.pkg.tar");
    let info = format!(
        "pkgname = {name}\npkgbase = {base}\npkgver = {version}\npkgdesc = made for tests\nurl = https://example.org\nbuilddate = 1700000000\n\
         packager = Fixtures <fixtures@example.org>\nsize = 8\narch = x86_64\nlicense = {license}\nbackup = etc/{name}.conf\n"
    );
    let mut builder = tar::Builder::new(fs::File::create(folder.join(&file)).unwrap());
    let (program, configuration) = (format!("usr/bin/{name}"), format!("etc/{name}.conf"));
    for (path, content) in [(".PKGINFO", &info), (program.as_str(), &program), (configuration.as_str(), &program)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap();
    file
}

#[test]
fn pacman_lists() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("var/lib/pacman")).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=arch\n").unwrap();
    fs::write(folder.path().join("pacman.conf"), "[options]\nArchitecture = x86_64\nSigLevel = Never\n").unwrap();
    let pacman = |arguments: &[&str]| {
        let mut command = Command::new("pacman");
        command.arg("--root").arg(&root).arg("--dbpath").arg(root.join("var/lib/pacman"));
        command.arg("--config").arg(folder.path().join("pacman.conf")).arg("--cachedir").arg(folder.path());
        run(command.args(["--noconfirm", "--logfile", "/dev/null"]).args(arguments).current_dir(folder.path()))
    };
    let built = [
        package(folder.path(), "fixture-base", "1:2.0-1", "fixture-base", "MIT"),
        package(folder.path(), "lib-fixture-extra", "3.0rc1-2", "fixture-src", "custom:x"),
    ];
    let Some(installed) = pacman(&["--upgrade", &built[0], &built[1]]) else { return };
    if !installed.status.success() {
        skipped!("pacman installs for the superuser only: {}", String::from_utf8_lossy(&installed.stderr).trim());
        return;
    }
    let listed = text(&pacman(&["--query"]).unwrap()).replace(' ', "\t");
    let report = scan(&format!("dir:{}", root.display()));
    let ours = packages(&report, "alpm", None);
    compare_list(
        "pacman --query",
        "packages installed here",
        &rows(&listed),
        &ours.iter().map(|package| row(package, &["name", "version"])).collect(),
    );
    let bases: BTreeSet<Row> = ours.iter().map(|package| row(package, &["name", "source/name", "?arch"])).collect();
    let expected = "fixture-base\tfixture-base\tx86_64\nlib-fixture-extra\tfixture-src\tx86_64";
    assert_eq!(bases, rows(expected));
}
