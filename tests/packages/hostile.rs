//! Packages that somebody made to do harm.

use std::fs;
use std::path::Path;

use imgguard::digest::Digest;
use imgguard::harden::packages::Store;
use imgguard::harden::packages::deb::Repository;

use crate::make::{refusals, run};

/// An `ar` archive.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes
            .extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len()).into_bytes());
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// A tar archive; names are written as they are.
fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
        header.set_size(if is_link { 0 } else { content.len() as u64 });
        if is_link {
            header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_cksum();
        builder.append(&header, if is_link { &[][..] } else { content.as_bytes() }).unwrap();
    }
    builder.into_inner().unwrap()
}

const CONTROL: &str = "Package: tool\nVersion: 2\nArchitecture: all\nMaintainer: x\nDescription: x\n";

fn deb(control: &str, data: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let control = tar(&[("./control", tar::EntryType::Regular, control)]);
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &tar(data))])
}

/// An image with the package `tool` and nothing else.
fn image(root: &Path) {
    let info = root.join("var/lib/dpkg/info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("tool.list"), "/.\n/usr\n/usr/bin\n/usr/bin/tool\n").unwrap();
    let status =
        "Package: tool\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1\nDescription: x\n";
    fs::write(root.join("var/lib/dpkg/status"), status).unwrap();
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::write(root.join("usr/bin/tool"), "x").unwrap();
    std::os::unix::fs::symlink("../../../../../../etc", root.join("usr/out")).unwrap();
    std::os::unix::fs::symlink("loop", root.join("usr/loop")).unwrap();
}

fn outcome(package: &[u8]) -> String {
    let (root, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    image(root.path());
    fs::write(folder.path().join("tool.deb"), package).unwrap();
    let (plan, layer) = run(root.path(), folder.path(), &["tool"]);
    match layer {
        Some(layer) => layer
            .entries
            .iter()
            .map(|(path, _)| String::from_utf8_lossy(path).into_owned())
            .collect::<Vec<_>>()
            .join(" "),
        None => refusals(&plan).join("\n"),
    }
}

#[test]
fn members_that_lead_out_of_the_image_are_refused() {
    use tar::EntryType::{Block, Directory, Fifo, Link, Regular, Symlink};
    let usual = deb(CONTROL, &[("./", Directory, ""), ("./usr/bin/tool", Regular, "new")]);
    assert!(outcome(&usual).contains("usr/bin/tool var/lib/dpkg"), "{}", outcome(&usual));
    for (members, word) in [
        (&[("../etc/passwd", Regular, "x")][..], "leads out of the root"),
        (&[("./usr/../../etc/passwd", Regular, "x")], "leads out of the root"),
        (&[("./dev/sda", Block, "")], "device or FIFO"),
        (&[("./run/x", Fifo, "")], "device or FIFO"),
        (&[("./a", Regular, "1"), ("./a", Regular, "2")], "twice"),
        (&[("./a", Regular, "1"), ("a/", Directory, "")], "twice"),
        (&[("./a", Link, "../../etc/shadow")], "leads out of the root"),
        (&[("./a", Link, "./nothing")], "another name of a file that it does not have"),
        (&[("./usr/bin", Regular, "x")], "is a folder in the image"),
        (&[("./usr/bin/tool", Directory, "")], "is a folder in it"),
        (&[("./usr/loop/x", Regular, "x")], "do not end"),
    ] {
        let refusal = outcome(&deb(CONTROL, members));
        assert!(refusal.contains(word), "{members:?} gives {refusal:?}");
    }
    // A link of the image or of the package that climbs ends at the image's root, as it does for the runtime.
    let through = outcome(&deb(
        CONTROL,
        &[("./usr/out/x", Regular, "x"), ("./up", Symlink, "../../.."), ("./up/y", Regular, "y")],
    ));
    assert!(through.contains("etc/x") && through.split(' ').any(|path| path == "y"), "{through}");
}

#[test]
fn a_file_must_be_the_package_that_it_is_for() {
    for (control, word) in [
        ("Package: tool\nVersion: 2\nArchitecture: all\n", "var/lib/dpkg/status"),
        ("Package: other\nVersion: 2\nArchitecture: all\n", "no newer version"),
        ("Package: tool\nVersion: 1\nArchitecture: all\n", "no newer version"),
        ("Package: tool\nVersion: 0.9\nArchitecture: all\n", "no newer version"),
        ("Package: tool\nVersion: 2\nArchitecture: arm64\n", "no newer version"),
    ] {
        let refusal = outcome(&deb(control, &[]));
        assert!(refusal.contains(word), "{control:?} gives {refusal:?}");
    }
}

#[test]
fn damage_is_told_of_the_file_it_is_in() {
    let add = |bytes: &[u8], digest: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tool.deb"), bytes).unwrap();
        let lines = format!("{digest}  tool.deb\n");
        let mut repository = Repository::default();
        let added = repository.add_plain(Store::Folder(folder.path().to_owned()), lines.as_bytes(), "SHA256SUMS");
        added.map_err(|error| error.to_string())
    };
    let own = |bytes: &[u8]| add(bytes, Digest::sha256(bytes).hex());
    let good = deb(CONTROL, &[]);
    assert_eq!(own(&good), Ok(()));
    assert!(add(&good, &"0".repeat(64)).unwrap_err().contains("it is damaged or was replaced"));
    assert!(add(&good, "x").unwrap_err().contains("line 1 is not a SHA-256"));
    let long = format!("{CONTROL}X-Long: {}\n", "x".repeat(10 << 20));
    assert!(own(&deb(&long, &[])).unwrap_err().contains("more than 1048576 bytes"));
    assert!(own(&deb("Package: a\nPackage: b\n", &[])).unwrap_err().contains("twice"));
    assert!(own(&good[..good.len() / 2]).is_err());
    assert!(own(b"").is_err());
    let swapped = ar(&[("debian-binary", b"2.0\n"), ("data.tar", &tar(&[])), ("control.tar", &tar(&[]))]);
    assert!(own(&swapped).unwrap_err().contains("not a Debian package"));
}
