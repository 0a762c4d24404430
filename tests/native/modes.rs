//! Modes against `find`: in an archive that GNU tar writes of a tree, what everyone may write, and who may read what is private.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{run, scan, text};

/// An image in the form of `docker save` whose one layer is an archive of `root`.
fn image(root: &Path, folder: &Path) -> Option<String> {
    let tar = |arguments: &[&str]| run(Command::new("tar").args(arguments));
    let (layer, archive) = (folder.join("layer.tar"), folder.join("image.tar"));
    tar(&["--numeric-owner", "--owner=0", "--group=0", "-C", root.to_str()?, "-cf", layer.to_str()?, "."])?;
    let diff_id = imgguard::digest::Digest::sha256(&fs::read(&layer).unwrap()).to_string();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {"User": "1000"},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]}, "history": [{"created_by": "ADD file:0 in /"}],
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let manifest = serde_json::json!([{"Config": "config.json", "RepoTags": ["a:1"], "Layers": ["layer.tar"]}]);
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    let names = ["manifest.json", "config.json", "layer.tar"];
    tar(&[&["-C", folder.to_str()?, "-cf", archive.to_str()?], &names[..]].concat())?;
    Some(format!("docker-archive:{}", archive.display()))
}

/// Paths of the findings of a rule.
fn told(report: &Value, rule: &str) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let places = findings.flat_map(|finding| finding["locations"].as_array().unwrap());
    places.map(|place| place["path"].as_str().unwrap().to_owned()).collect()
}

/// What `find` prints for an expression, as absolute paths of the image.
fn found(root: &Path, expression: &[&str]) -> Option<BTreeSet<String>> {
    let output = run(Command::new("find").arg(".").args(expression).current_dir(root))?;
    Some(text(&output).lines().map(|line| line.trim_start_matches('.').to_owned()).collect())
}

fn make(root: &Path, entries: &[(&str, u32)]) {
    for (path, mode) in entries {
        let place = root.join(path);
        match path.strip_suffix('/') {
            Some(_) => fs::create_dir_all(&place).unwrap(),
            None => {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(&place, "text\n").unwrap();
            }
        }
        fs::set_permissions(&place, fs::Permissions::from_mode(*mode)).unwrap();
    }
}

#[test]
fn what_everyone_may_write_is_what_find_finds() {
    let (root, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make(
        root.path(),
        &[
            ("tmp/", 0o1777),
            ("tmp/open", 0o666),
            ("var/run/", 0o777),
            ("srv/data/", 0o773),
            ("srv/shared/", 0o1773),
            ("srv/file", 0o602),
            ("srv/group", 0o660),
            ("usr/bin/tool", 0o777),
            ("usr/bin/other", 0o4755),
            ("etc/passwd", 0o666),
            ("etc/shadow", 0o640),
            ("root/.pgpass", 0o644),
            ("home/.netrc", 0o600),
            ("app/.env", 0o604),
        ],
    );
    std::os::unix::fs::symlink("/nowhere", root.path().join("srv/link")).unwrap();
    let Some(reference) = image(root.path(), folder.path()) else { return };
    let open = ["(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")", "-perm", "-0002"];
    let private = [
        "(", "-name", "shadow", "-o", "-name", ".pgpass", "-o", "-name", ".netrc", "-o", "-name", ".env", ")", "-perm",
        "-0004",
    ];
    let (Some(open), Some(private)) = (found(root.path(), &open), found(root.path(), &private)) else { return };
    assert_eq!((open.len(), private.len()), (6, 2), "{open:?} {private:?}");
    let report = scan(&reference);
    let (files, controls) = (told(&report, "world-writable-file"), told(&report, "writable-control-file"));
    assert_eq!(controls, ["/etc/passwd".to_owned()].into());
    assert_eq!(files.union(&controls).cloned().collect::<BTreeSet<_>>(), open);
    assert_eq!(told(&report, "readable-credential-file"), private);
    assert_eq!(told(&report, "privileged-file"), found(root.path(), &["-type", "f", "-perm", "/6000"]).unwrap());
}

/// The programs and folders of this machine as its packages left them: nothing is wrong with a distribution.
#[test]
fn this_machine_has_no_open_place_that_find_does_not_find() {
    let open = [
        "/etc",
        "/usr/bin",
        "/usr/sbin",
        "/var/spool",
        "-xdev",
        "(",
        "-type",
        "f",
        "-o",
        "-type",
        "d",
        "!",
        "-perm",
        "-1000",
        ")",
        "-perm",
        "-0002",
    ];
    let Some(output) = run(Command::new("find").args(open)) else { return };
    let native: BTreeSet<String> = text(&output).lines().map(str::to_owned).collect();
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("root");
    fs::create_dir(&layer).unwrap();
    // Copies of a line keep modes and names, and need no room.
    let copy = "cd / && find etc usr/bin usr/sbin var/spool -xdev \\( -type f -o -type d \\) -printf '%m %y %p\\n'";
    let Some(output) = run(Command::new("sh").args(["-c", copy])) else { return };
    let mut modes: Vec<(String, u32)> = Vec::new();
    for line in text(&output).lines() {
        let mut fields = line.splitn(3, ' ');
        let (mode, kind, path) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let place = layer.join(path);
        if kind == "d" {
            fs::create_dir_all(&place).unwrap()
        } else {
            fs::write(&place, "#\n").unwrap()
        }
        modes.push((path.to_owned(), u32::from_str_radix(mode, 8).unwrap()));
    }
    for (path, mode) in modes.iter().rev() {
        fs::set_permissions(layer.join(path), fs::Permissions::from_mode(*mode | 0o600)).unwrap();
    }
    let Some(reference) = image(&layer, folder.path()) else { return };
    let report = scan(&reference);
    assert_eq!(told(&report, "world-writable-file"), native);
    for rule in
        ["readable-credential-file", "writable-control-file", "sudo-rule", "writable-cron-program", "authorized-key"]
    {
        assert_eq!(told(&report, rule), BTreeSet::new(), "{rule}");
    }
}
