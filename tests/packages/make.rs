//! Packages, images and runs of dpkg.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::digest::Digest;
use imgguard::harden::packages::deb::{Repository, Target, update};
use imgguard::harden::packages::{Layer, Plan, Store, Wanted};
use tempfile::TempDir;

use crate::folder::Folder;

/// A package to be made.
#[derive(Clone, Default)]
pub(crate) struct Source<'s> {
    pub(crate) name: &'s str,
    pub(crate) version: &'s str,
    /// `all` where it is empty.
    pub(crate) arch: &'s str,
    /// Further lines of `control`.
    pub(crate) control: &'s str,
    /// Path and content; `-> x` is a link, `/` a folder.
    pub(crate) files: &'s [(&'s str, &'s str)],
    /// Control files: name and content.
    pub(crate) extra: &'s [(&'s str, &'s str)],
}

impl Source<'_> {
    /// Builds it with dpkg-deb.
    pub(crate) fn build(&self, folder: &Path) -> PathBuf {
        let tree = tempfile::tempdir().unwrap();
        let arch = if self.arch.is_empty() { "all" } else { self.arch };
        let control = format!(
            "Package: {}\nVersion: {}\nArchitecture: {arch}\nMaintainer: Nobody <nobody@example.org>\n{}Description: test\n of {}\n",
            self.name, self.version, self.control, self.name
        );
        lay(tree.path(), self.files);
        let debian = tree.path().join("DEBIAN");
        fs::create_dir(&debian).unwrap();
        fs::write(debian.join("control"), control).unwrap();
        for (name, text) in self.extra {
            let path = debian.join(name);
            fs::write(&path, text).unwrap();
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let file = folder.join(format!("{}_{}_{arch}.deb", self.name, self.version.replace(':', "%3a")));
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-Zxz", "--build"]).arg(tree.path()).arg(&file);
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        file
    }
}

/// Lays files and links.
pub(crate) fn lay(root: &Path, files: &[(&str, &str)]) {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match (*text, text.strip_prefix("-> ")) {
            ("/", _) => fs::create_dir_all(&path).unwrap(),
            (_, Some(target)) => symlink(target, &path).unwrap(),
            _ => fs::write(&path, text).unwrap(),
        }
    }
}

/// Whether dpkg is there and may install into a folder; told where not.
pub(crate) fn has_dpkg() -> bool {
    let version = Command::new("dpkg").arg("--version").output();
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if version.is_err() || !is_root {
        skipped!("dpkg is absent or this is not root, so updates are not compared with dpkg's own");
        return false;
    }
    true
}

/// An image with dpkg's folders and the packages given.
pub(crate) fn image(files: &[(&str, &str)], packages: &[PathBuf]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    lay(root.path(), files);
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.path().join("var/lib/dpkg").join(folder)).unwrap();
    }
    let status = root.path().join("var/lib/dpkg/status");
    if !status.exists() {
        fs::write(status, "").unwrap();
    }
    dpkg(root.path(), packages);
    root
}

/// `dpkg -i` into a folder.
pub(crate) fn dpkg(root: &Path, packages: &[PathBuf]) {
    if packages.is_empty() {
        return;
    }
    let mut command = Command::new("dpkg");
    command.env("LC_ALL", "C").arg(format!("--root={}", root.display()));
    // It reads the configuration of this machine and not the image's.
    for rule in fs::read_to_string(root.join("etc/dpkg/dpkg.cfg.d/docker")).unwrap_or_default().lines() {
        command.arg(format!("--{}", rule.replacen(' ', "=", 1)));
    }
    // Scripts run without a change of root, as `DPKG_ROOT` asks; those of these tests do nothing.
    command
        .args(["--force-script-chrootless", "--force-confold", "--force-confdef", "--no-triggers", "-B", "-i"])
        .args(packages);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A copy of a folder.
pub(crate) fn copy(root: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let from = format!("{}/.", root.display());
    assert!(Command::new("cp").arg("-a").arg(from).arg(copy.path()).status().unwrap().success());
    copy
}

pub(crate) fn target() -> Target {
    Target { arch: "amd64".into(), codename: Some("bookworm".into()), at: "2025-09-01T00:00:00Z".parse().unwrap() }
}

pub(crate) fn wanted(names: &[&str]) -> Vec<Wanted> {
    names.iter().map(|name| Wanted { package: (*name).into(), arch: None, fixes: Vec::new() }).collect()
}

/// The packages of a folder, proved by digests of what is there now.
pub(crate) fn digests(folder: &Path) -> Repository {
    let mut lines = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let digest = Digest::sha256(&fs::read(entry.path()).unwrap());
        lines.push_str(&format!("{}  {}\n", digest.hex(), entry.file_name().display()));
    }
    let mut repository = Repository::default();
    repository.add_plain(Store::Folder(folder.to_owned()), lines.as_bytes(), "SHA256SUMS").unwrap();
    repository
}

/// Updates an image from a folder with digests.
pub(crate) fn run(root: &Path, folder: &Path, names: &[&str]) -> (Plan, Option<Layer>) {
    update(&Folder(root.to_owned()), &digests(folder), &wanted(names), &target(), tempfile::tempfile().unwrap())
        .unwrap()
}

/// Why each package was refused.
pub(crate) fn refusals(plan: &Plan) -> Vec<String> {
    plan.refused.iter().map(|one| format!("{}: {}", one.package, one.reason)).collect()
}
