//! Small images made here, each rule of the comparison once. An index of three platforms goes the whole way in `tests/cli/harden_rebase.rs`.

use std::io::{Cursor, Read};

use super::files::{Outcome, settle};
use super::*;
use crate::digest::Digest;
use crate::facts::FilePath;
use crate::source::{Content, Place, SourceError};

/// Layers in memory.
struct Memory(Vec<u8>);

impl Blobs for Memory {
    fn open(&self, _layer: &Layer) -> Result<Content, SourceError> {
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(self.0.clone()));
        Ok(Content::Bytes(reader))
    }
}

/// What a layer has: `path`, or `path>` for a folder, `path@target` for a link; a mode and content.
type File<'f> = (&'f str, u32, &'f str);

fn layer(files: &[File<'_>]) -> Arc<SurveyedLayer> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        if let Some((path, target)) = name.split_once('@') {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, target).unwrap();
        } else if let Some(path) = name.strip_suffix('>') {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            builder.append_data(&mut header, path, &[][..]).unwrap();
        } else {
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
    }
    let bytes = builder.into_inner().unwrap();
    let digest = Some(Digest::sha256(&bytes));
    let layer = Layer {
        digest: digest.clone(),
        size: bytes.len() as u64,
        media_type: "application/vnd.oci.image.layer.v1.tar".into(),
        diff_id: digest,
        place: Place::Digest,
    };
    let algorithms = [Algorithm::Sha256, Algorithm::Md5, Algorithm::Sha1];
    survey(&[layer], &Memory(bytes), &algorithms).unwrap().remove(0)
}

fn rebased(old: &[File<'_>], app: &[File<'_>], new: &[File<'_>]) -> Outcome {
    let (old, app, new) = (layer(old), layer(app), layer(new));
    let views = [vec![old.clone()], vec![old, app.clone()], vec![new.clone()]].map(View::merge);
    let [old, whole, onto] = &views;
    let sides = Sides { old, app: whole, new: onto, base_layers: 1, mtime: 0 };
    let mut outcome = settle(sides);
    check_places(&sides, vec![new], &[app], &mut outcome);
    outcome
}

fn dropped(outcome: &Outcome) -> Vec<String> {
    outcome.edits.iter().flat_map(|edits| &edits.drop).map(FilePath::to_string).collect()
}

/// The content that is put in the place of a path.
fn replaced(outcome: &Outcome, path: &str) -> Option<(u32, String)> {
    let entry = outcome.edits[0].replace.get(&FilePath::new(path.as_bytes()))?;
    let NewKind::File(crate::harden::NewContent::Bytes(bytes)) = &entry.kind else { return None };
    Some((entry.mode, String::from_utf8(bytes.to_vec()).unwrap()))
}

#[test]
fn each_file_is_that_of_the_side_that_changed_it() {
    let old = [("a", 0o644, "1"), ("b", 0o644, "1"), ("c", 0o644, "1"), ("d", 0o644, "1"), ("l@a", 0o777, "")];
    let app = [("a", 0o644, "1"), ("b", 0o644, "2"), ("c", 0o600, "1"), ("own", 0o644, "x"), ("l@a", 0o777, "")];
    let new = [("a", 0o644, "2"), ("b", 0o644, "1"), ("c", 0o644, "3"), ("d", 0o644, "2"), ("l@b", 0o777, "")];
    let outcome = rebased(&old, &app, &new);
    assert_eq!(dropped(&outcome), ["/a", "/l"], "what the application only copied gives way");
    // `c` is not one of the files whose content is kept, so its mode cannot be put on the new one.
    assert_eq!(outcome.conflicts, ["/c: the application changed only its mode or owner, and the new base its content"]);
    let outcome = rebased(&[("etc/c", 0o644, "1")], &[("etc/c", 0o600, "1")], &[("etc/c", 0o644, "3")]);
    assert_eq!(replaced(&outcome, "etc/c"), Some((0o600, "3".to_owned())));
}

#[test]
fn what_both_sides_changed_is_refused() {
    let outcome = rebased(&[("a", 0o644, "1")], &[("a", 0o644, "2")], &[("a", 0o644, "3")]);
    assert_eq!(outcome.conflicts, ["/a: the application changed this file of the base, and so did the new base"]);
    let outcome = rebased(&[], &[("a", 0o644, "2")], &[("a", 0o644, "3")]);
    assert_eq!(outcome.conflicts.len(), 1, "both added it: {:?}", outcome.conflicts);
    let same = rebased(&[], &[("a", 0o644, "2")], &[("a", 0o644, "2")]);
    assert!(same.conflicts.is_empty() && dropped(&same).is_empty());
    let log = rebased(&[("var/log/x", 0o644, "1")], &[("var/log/x", 0o644, "2")], &[("var/log/x", 0o644, "3")]);
    assert!(log.conflicts.is_empty() && dropped(&log).is_empty(), "logs stay: {:?}", log.conflicts);
    let rpm = "var/lib/rpm/rpmdb.sqlite";
    let outcome = rebased(&[(rpm, 0o644, "1")], &[(rpm, 0o644, "2")], &[(rpm, 0o644, "3")]);
    assert!(outcome.conflicts[0].contains("cannot be merged"), "{:?}", outcome.conflicts);
}

#[test]
fn folders_that_became_links_are_told() {
    let old = [("lib>", 0o755, ""), ("lib/x", 0o644, "1")];
    let app = [("lib/own", 0o644, "1")];
    let new = [("usr>", 0o755, ""), ("usr/lib>", 0o755, ""), ("lib@usr/lib", 0o777, "")];
    let outcome = rebased(&old, &app, &new);
    assert_eq!(
        outcome.conflicts,
        ["/lib/own: it would be /usr/lib/own on the new base, whose folders are laid out otherwise"]
    );
    let outcome = rebased(&[("d>", 0o755, "")], &[("d>", 0o755, ""), ("d/x", 0o644, "1")], &[("d>", 0o700, "")]);
    let change = outcome.edits[0].change.get(&FilePath::new(b"d")).unwrap();
    assert_eq!(change.mode, Some(0o700), "a folder that the application only passed through is the new base's");
}

const STATUS: &str = "var/lib/dpkg/status";

fn status(packages: &[(&str, &str)]) -> String {
    let one = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    packages.iter().map(one).collect()
}

/// The MD5 of `2`.
const OF_2: &str = "c81e728d9d4c2f636f067f89cc14862c";

#[test]
fn an_upgraded_package_gives_way_to_a_newer_one() {
    let list = "/.\n/usr/bin/tool\n/usr/share/old\n/etc/tool.conf\n";
    let (old_status, app_status, new_status) =
        (status(&[("tool", "1")]), status(&[("tool", "2"), ("own", "1")]), status(&[("tool", "3")]));
    let sums = format!("{OF_2}  usr/bin/tool\n{OF_2}  etc/tool.conf\n");
    let old = [(STATUS, 0o644, &*old_status), ("usr/bin/tool", 0o755, "1")];
    let new = [(STATUS, 0o644, &*new_status), ("usr/bin/tool", 0o755, "3"), ("etc/tool.conf", 0o644, "3")];
    let app = |tool: &'static str, conf: &'static str| {
        [
            (STATUS, 0o644, app_status.clone()),
            ("usr/bin/tool", 0o755, tool.to_owned()),
            ("usr/share/old", 0o644, "x".to_owned()),
            ("etc/tool.conf", 0o644, conf.to_owned()),
            ("var/lib/dpkg/info/tool.list", 0o644, list.to_owned()),
            ("var/lib/dpkg/info/tool.md5sums", 0o644, sums.clone()),
            ("var/lib/dpkg/info/own.list", 0o644, "/.\n".to_owned()),
        ]
    };
    let run = |app: &[(&'static str, u32, String)]| {
        let app: Vec<File<'_>> = app.iter().map(|(name, mode, content)| (*name, *mode, content.as_str())).collect();
        rebased(&old, &app, &new)
    };
    let outcome = run(&app("2", "2"));
    assert_eq!(outcome.conflicts, [""; 0]);
    assert_eq!(outcome.told, ["tool:amd64 2 of the application's layers gives way to 3"]);
    let tool = [
        "/etc/tool.conf",
        "/usr/bin/tool",
        "/usr/share/old",
        "/var/lib/dpkg/info/tool.list",
        "/var/lib/dpkg/info/tool.md5sums",
    ];
    assert_eq!(dropped(&outcome), tool);
    assert_eq!(replaced(&outcome, STATUS).unwrap().1, status(&[("tool", "3"), ("own", "1")]));
    // What people wrote into it stays where it is configuration, and is refused where it is not.
    assert!(!dropped(&run(&app("2", "own"))).contains(&"/etc/tool.conf".to_owned()));
    let outcome = run(&app("patched", "2"));
    assert_eq!(
        outcome.conflicts,
        ["/usr/bin/tool: the application changed this file of a package that is newer in the new base"]
    );
}

#[test]
fn a_newer_package_of_the_application_stays_and_hides_the_bases() {
    let (old_status, app_status, new_status) =
        (status(&[("tool", "1"), ("apt", "1")]), status(&[("tool", "3")]), status(&[("tool", "2"), ("apt", "2")]));
    let old = [(STATUS, 0o644, &*old_status), ("usr/bin/tool", 0o755, "1"), ("usr/bin/apt", 0o755, "1")];
    let app = [
        (STATUS, 0o644, &*app_status),
        ("usr/bin/tool", 0o755, "3"),
        ("usr/bin/.wh.apt", 0o644, ""),
        ("var/lib/dpkg/info/tool.list", 0o644, "/.\n/usr/bin/tool\n"),
    ];
    let new = [
        (STATUS, 0o644, &*new_status),
        ("usr/bin/tool", 0o755, "2"),
        ("usr/share/tool-2", 0o644, "x"),
        ("usr/bin/apt", 0o755, "2"),
        ("usr/bin/apt-new", 0o755, "2"),
        ("var/lib/dpkg/info/tool.list", 0o644, "/.\n/usr/bin/tool\n/usr/share/tool-2\n"),
        ("var/lib/dpkg/info/apt.list", 0o644, "/.\n/usr/bin/apt\n/usr/bin/apt-new\n"),
    ];
    let outcome = rebased(&old, &app, &new);
    assert_eq!(outcome.conflicts, [""; 0]);
    assert_eq!(replaced(&outcome, STATUS).unwrap().1, status(&[("tool", "3")]), "apt stays removed");
    let hidden: Vec<String> = outcome.hidden.iter().map(FilePath::to_string).collect();
    assert_eq!(hidden, ["/usr/bin/apt", "/usr/bin/apt-new", "/usr/share/tool-2", "/var/lib/dpkg/info/apt.list"]);
}

#[test]
fn a_package_that_would_miss_another_one_is_told() {
    let needs = |version: &str| {
        format!("{}Depends: libz (= {version})\n\n", status(&[("own", "1")]).trim_end().to_owned() + "\n")
    };
    let (old, new) = (status(&[("libz", "1")]), status(&[("libz", "2")]));
    for (wanted, conflicts) in [("1", 1), ("2", 0)] {
        let app = status(&[("libz", "1"), ("other", "1")]) + &needs(wanted);
        let outcome = rebased(&[(STATUS, 0o644, &old)], &[(STATUS, 0o644, &app)], &[(STATUS, 0o644, &new)]);
        assert_eq!(outcome.conflicts.len(), conflicts, "{:?}", outcome.conflicts);
        let told = "/var/lib/dpkg/status: with the packages of the new base, own needs libz (= 1)";
        assert!(conflicts == 0 || outcome.conflicts == [told], "{:?}", outcome.conflicts);
    }
}

#[test]
fn apk_records_are_merged_alike() {
    const INSTALLED: &str = "lib/apk/db/installed";
    let record = |name: &str, version: &str, files: &str| format!("P:{name}\nV:{version}\n{files}\n");
    // The SHA-1 of `2`.
    let musl = |version: &str, sum: &str| record("musl", version, &format!("F:lib\nR:libc.so\nZ:Q1{sum}=\n"));
    let of_2 = "2kuSN7rMzfGcB2DKt67EqDWQELA";
    let (old, app, new) = (
        musl("1.2.3-r4", "x"),
        musl("1.2.3-r5", of_2) + &record("curl", "8.0-r0", "F:usr/bin\nR:curl\n"),
        musl("1.2.4-r0", "x"),
    );
    let outcome = rebased(
        &[(INSTALLED, 0o644, &old), ("lib/libc.so", 0o755, "1")],
        &[(INSTALLED, 0o644, &app), ("lib/libc.so", 0o755, "2"), ("usr/bin/curl", 0o755, "c")],
        &[(INSTALLED, 0o644, &new), ("lib/libc.so", 0o755, "3")],
    );
    assert_eq!(outcome.conflicts, [""; 0]);
    assert_eq!(dropped(&outcome), ["/lib/libc.so"]);
    let merged = replaced(&outcome, INSTALLED).unwrap().1;
    assert!(merged.contains("V:1.2.4-r0") && merged.contains("P:curl") && !merged.contains("1.2.3"), "{merged}");
}
