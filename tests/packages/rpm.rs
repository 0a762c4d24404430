//! Packages of rpm, which rpmbuild makes and rpmsign signs: verified, and told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::facts::{FilePath, InstalledPackage, Inventory, PackageFact, PackageKind};
use imgguard::harden::packages::openpgp::Keyring;
use imgguard::harden::packages::{Plan, Store, Wanted, rpm};
use tempfile::TempDir;

use crate::gpg::Gpg;

/// A package without files.
fn build(folder: &Path, version: &str) -> Option<PathBuf> {
    let spec = folder.join("tool.spec");
    let text = format!(
        "Name: tool\nVersion: {version}\nRelease: 1\nSummary: test\nLicense: MIT\nBuildArch: noarch\n%description\ntest\n%files\n"
    );
    fs::write(&spec, text).unwrap();
    let mut command = Command::new("rpmbuild");
    command.arg("-bb").arg(format!("--define=_topdir {}/top", folder.display())).arg(&spec);
    let Ok(output) = command.output() else {
        skipped!("rpmbuild is absent, so no rpm package is verified");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(folder.join(format!("top/RPMS/noarch/tool-{version}-1.noarch.rpm")))
}

/// A folder with a signed package.
fn signed(gpg: &Gpg, key: &str) -> Option<(TempDir, PathBuf)> {
    let (work, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let built = build(work.path(), "2")?;
    let file = folder.path().join("tool-2-1.noarch.rpm");
    fs::copy(built, &file).unwrap();
    let mut command = Command::new("rpmsign");
    command.env("GNUPGHOME", gpg.0.path()).arg(format!("--define=_gpg_name {key}"));
    // Debian's rpm looks for `gpg2`.
    command.arg("--define=__gpg /usr/bin/gpg").arg("--addsign").arg(&file);
    let Ok(output) = command.output() else {
        skipped!("rpmsign is absent, so no rpm package is verified");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((folder, file))
}

fn list(folder: &Path, keyring: &[u8], installed: &str) -> Result<Plan, String> {
    let mut keys = Keyring::default();
    keys.add(keyring).unwrap();
    let mut fact = PackageFact::new(PackageKind::Rpm, "tool", installed);
    fact.arch = Some("noarch".into());
    let path = FilePath::new(b"var/lib/rpm/rpmdb.sqlite");
    let package = InstalledPackage { fact, path, layer: 0, owner: None, is_program: false, loaded: None };
    let inventory = Inventory { packages: vec![package], ..Inventory::default() };
    let wanted = [Wanted { package: "tool".into(), arch: None, fixes: Vec::new() }];
    let store = Store::Folder(folder.to_owned());
    rpm::list(&inventory, &store, &keys, &wanted, jiff::Timestamp::now()).map_err(|error| error.to_string())
}

#[test]
fn signed_packages_are_verified_and_told() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("other", "ed25519", "0");
    let other = gpg.public("other", false);
    for key in ["rsa3072", "ed25519"] {
        gpg.key(key, key, "0");
        let Some((folder, file)) = signed(&gpg, key) else { return };
        let keyring = gpg.public(key, true);
        let plan = list(folder.path(), &keyring, "1-1").unwrap();
        assert!(plan.trust[0].contains(key), "{plan:?}");
        let [refused] = plan.refused.as_slice() else { panic!("{plan:?}") };
        assert_eq!(refused.to.as_deref(), Some("2-1"));
        assert!(refused.reason.contains("RUN dnf -y upgrade tool-2-1"), "{}", refused.reason);
        let plan = list(folder.path(), &keyring, "2-1").unwrap();
        assert_eq!(
            (plan.refused[0].to.as_deref(), plan.refused[0].reason.as_str()),
            (None, "no newer version of it is there")
        );

        let good = fs::read(&file).unwrap();
        let change = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            list(folder.path(), &keyring, "1-1").unwrap_err()
        };
        assert!(change(good.len() - 1).contains("payload does not have the SHA-256"), "{}", change(good.len() - 1));
        let name = good.windows(7).rposition(|part| part == b"noarch\0").unwrap();
        assert!(change(name).contains("does not fit"), "{}", change(name));
        fs::write(&file, &good[..200]).unwrap();
        assert!(list(folder.path(), &keyring, "1-1").unwrap_err().contains("cannot be read"));
        fs::write(&file, &good).unwrap();
        let foreign = list(folder.path(), &other, "1-1").unwrap_err();
        assert!(foreign.contains("which no given keyring has"), "{foreign}");
    }
}

#[test]
fn a_package_without_a_signature_is_refused() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("key", "ed25519", "0");
    let work = tempfile::tempdir().unwrap();
    let Some(built) = build(work.path(), "2") else { return };
    let refused = list(built.parent().unwrap(), &gpg.public("key", false), "1-1").unwrap_err();
    assert!(refused.contains("it has no signature"), "{refused}");
}
