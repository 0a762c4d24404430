//! Files in files: what real tools packed is read as it was, and hostile archives are bounded and told.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use imgguard::layer::Slice;
use imgguard::nested::{Allowance, Form, HEAD_BYTES, NestedError, Visitor, walk};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What a walk showed.
#[derive(Default)]
struct Seen {
    files: BTreeMap<String, Vec<u8>>,
    unread: Vec<(String, String)>,
    texts: Vec<String>,
    current: Option<(String, Vec<u8>)>,
    bytes: u64,
}

impl Visitor for Seen {
    fn begin(&mut self, inside: &[u8], _size: u64) {
        assert!(self.current.is_none(), "one file at a time");
        self.current = Some((String::from_utf8_lossy(inside).into_owned(), Vec::new()));
    }

    fn data(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.current.as_mut().unwrap().1.extend_from_slice(bytes);
    }

    fn hole(&mut self, length: u64) {
        self.current.as_mut().unwrap().1.resize(length as usize, 0);
    }

    fn end(&mut self) {
        let (name, content) = self.current.take().unwrap();
        self.files.insert(name, content);
    }

    fn text(&mut self, _inside: &[u8], text: &[u8], _at: u64) {
        self.texts.push(String::from_utf8_lossy(text).into_owned());
    }

    fn unread(&mut self, inside: &[u8], error: &NestedError) {
        self.unread.push((String::from_utf8_lossy(inside).into_owned(), error.to_string()));
    }
}

fn seen_within(path: &str, bytes: &[u8], allowance: u64) -> Seen {
    let mut seen = Seen::default();
    let form = Form::detect(path.as_bytes(), &bytes[..bytes.len().min(HEAD_BYTES)]);
    let form = form.unwrap_or_else(|| panic!("{path} holds no files"));
    let name = path.rsplit('/').next().unwrap();
    walk(Slice::whole(&bytes), name.as_bytes(), form, &mut Allowance::of(allowance), &mut seen);
    assert!(seen.current.is_none());
    seen
}

fn seen(path: &str, bytes: &[u8]) -> Seen {
    seen_within(path, bytes, 1 << 30)
}

/// Makes a file of each form from `conf/app.env` and `big.txt`, by Python's own modules.
const PACK: &str = "
import bz2, gzip, lzma, os, tarfile, zipfile
names = ['conf/app.env', 'big.txt']
for name, method in [('a.zip', zipfile.ZIP_DEFLATED), ('stored.zip', zipfile.ZIP_STORED)]:
    with zipfile.ZipFile(name, 'w', method) as archive:
        for entry in names: archive.write(entry)
with open('tool.pyz', 'wb') as program:
    program.write(b'#!/usr/bin/env python3\\n' + open('a.zip', 'rb').read())
for form in ['USTAR', 'GNU', 'PAX']:
    with tarfile.open(form.lower() + '.tar', 'w', format=getattr(tarfile, form + '_FORMAT')) as archive:
        for entry in names: archive.add(entry)
plain = open('pax.tar', 'rb').read()
for name, pack in [('a.tar.gz', gzip.compress), ('a.tgz', gzip.compress), ('a.tar.xz', lzma.compress), ('a.tar.bz2', bz2.compress)]:
    open(name, 'wb').write(pack(plain))
with zipfile.ZipFile('outer.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.write('a.tar.xz', 'in/a.tar.xz')
    archive.write('stored.zip', 'in/stored.zip')
";

fn python(folder: &Path, script: &str) -> bool {
    Command::new("python3").args(["-c", script]).current_dir(folder).status().is_ok_and(|status| status.success())
}

/// Text of a few hundred kilobytes that does not repeat.
fn big() -> Vec<u8> {
    (0..40_000_u32).flat_map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

#[test]
fn what_real_tools_packed_is_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("conf")).unwrap();
    fs::write(folder.path().join("conf/app.env"), "A=1\n").unwrap();
    fs::write(folder.path().join("big.txt"), big()).unwrap();
    if !python(folder.path(), PACK) {
        skipped!("what_real_tools_packed_is_read_as_it_was: no python3");
        return;
    }
    let zst = zstd::encode_all(&fs::read(folder.path().join("gnu.tar")).unwrap()[..], 3).unwrap();
    fs::write(folder.path().join("a.tar.zst"), zst).unwrap();
    for name in [
        "a.zip",
        "stored.zip",
        "tool.pyz",
        "ustar.tar",
        "gnu.tar",
        "pax.tar",
        "a.tar.gz",
        "a.tgz",
        "a.tar.xz",
        "a.tar.bz2",
        "a.tar.zst",
    ] {
        let seen = seen(name, &fs::read(folder.path().join(name)).unwrap());
        assert_eq!(seen.unread, [], "{name}");
        assert_eq!(seen.files.keys().collect::<Vec<_>>(), ["big.txt", "conf/app.env"], "{name}");
        assert_eq!(seen.files["conf/app.env"], b"A=1\n", "{name}");
        assert_eq!(seen.files["big.txt"], big(), "{name}");
    }
    let outer = seen("outer.zip", &fs::read(folder.path().join("outer.zip")).unwrap());
    let names: Vec<&str> = outer.files.keys().map(String::as_str).filter(|name| name.ends_with("env")).collect();
    assert_eq!(names, ["in/a.tar.xz!/conf/app.env", "in/stored.zip!/conf/app.env"]);
    assert_eq!(outer.files["in/a.tar.xz!/big.txt"], big());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// deb(5): three members, the last two tar archives.
fn debian(data: &[u8]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    let control = gzip(&tar_of(&[("./control", b"Package: a\n")]));
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control), ("data.tar.gz", data)] {
        archive.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes());
        archive.extend_from_slice(content);
        if content.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

#[test]
fn packages_and_streams_are_opened() {
    let data = tar_of(&[("./etc/app.conf", b"A=1\n")]);
    let package = seen("a.deb", &debian(&gzip(&data)));
    assert_eq!(package.unread, []);
    assert_eq!(package.files["data.tar.gz!/etc/app.conf"], b"A=1\n");
    assert_eq!(package.files["control.tar.gz!/control"], b"Package: a\n");
    // apk: the signature and the control archive have no end mark, and each is a gzip member of its own.
    let signature = tar_of(&[(".SIGN.RSA.a", b"x")]);
    let alpine = [gzip(&signature[..signature.len() - 1024]), gzip(&data)].concat();
    let package = seen("a.apk", &alpine);
    assert_eq!(package.files.keys().collect::<Vec<_>>(), [".SIGN.RSA.a", "etc/app.conf"]);
    assert_eq!(package.unread, []);
    let stream = seen("var/log/app.log.1.gz", &gzip(b"A=1\n"));
    assert_eq!(stream.files.into_iter().collect::<Vec<_>>(), [("app.log.1".to_owned(), b"A=1\n".to_vec())]);
}

#[test]
fn git_objects_are_read_as_git_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git").arg("-C").arg(folder.path()).args(arguments).output();
        done.ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    if git(&["init", "-q"]).is_none() {
        skipped!("git_objects_are_read_as_git_shows_them: no git");
        return;
    }
    let commit = |message: &str| {
        git(&["add", "."]).unwrap();
        git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@acme.net",
            "-c",
            "commit.gpgsign=false",
            "commit",
            "-qm",
            message,
        ])
        .unwrap();
    };
    for version in 0..30 {
        let mut text = String::from_utf8(big()).unwrap();
        text.insert_str(1000 * version, &format!("version {version}\n"));
        fs::write(folder.path().join("a.txt"), text).unwrap();
        commit(&format!("change {version}"));
    }
    git(&["gc", "-q", "--aggressive"]).unwrap();
    fs::write(folder.path().join("b.txt"), "loose\n").unwrap();
    commit("last");
    let compare = || {
        let listed = String::from_utf8(
            git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]).unwrap(),
        )
        .unwrap();
        let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut packed = 0;
        let objects = folder.path().join(".git/objects");
        for part in fs::read_dir(&objects).unwrap().map(|entry| entry.unwrap().path()) {
            for path in fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path()) {
                let bytes = fs::read(&path).unwrap();
                let shown = path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
                if path.extension().is_some_and(|extension| extension == "pack") {
                    packed += bytes.len();
                    found.extend(seen(&shown, &bytes).files);
                } else if path.parent().unwrap().file_name().unwrap().len() == 2 {
                    let id = shown[".git/objects/".len()..].replace('/', "");
                    found.extend(seen(&shown, &bytes).files.into_values().map(|content| (id.clone(), content)));
                }
            }
        }
        let mut compared = 0;
        for line in listed.lines() {
            let (id, kind) = line.split_once(' ').unwrap();
            if kind == "tree" {
                continue;
            }
            assert_eq!(found.get(id).map(Vec::as_slice), git(&["cat-file", kind, id]).as_deref(), "{kind} {id}");
            compared += 1;
        }
        assert_eq!(compared, 31 + 31);
        packed
    };
    let by_distance = compare();
    // Bases by their names, as a client asks for that does not understand distances: 20 bytes each.
    git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-a", "-d", "-f", "-q", "--depth=50"]).unwrap();
    assert!(compare() > by_distance + 20 * 20);
}

#[test]
fn archives_in_archives_end_at_their_depth() {
    let mut bytes = zip_of(&[("key", b"x")]);
    for _ in 0..6 {
        bytes = zip_of(&[("a.zip", &bytes)]);
    }
    let seen = seen("a.zip", &bytes);
    assert_eq!(seen.files.keys().next_back().unwrap(), "a.zip!/a.zip!/a.zip!/a.zip");
    let [(place, reason)] = seen.unread.as_slice() else { panic!("{:?}", seen.unread) };
    assert_eq!(place, "a.zip!/a.zip!/a.zip!/a.zip");
    assert!(reason.contains("more than 4 deep"), "{reason}");
}

/// A zip whose entries are all the same bytes (D. Fifield, "A better zip bomb", 2019).
fn overlapping(count: u16) -> Vec<u8> {
    let whole = zip_of(&[("a", &vec![0; 1 << 20])]);
    let directory = memchr::memmem::find(&whole, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&whole, b"PK\x05\x06").unwrap();
    let mut bytes = whole[..directory].to_vec();
    for _ in 0..count {
        bytes.extend_from_slice(&whole[directory..end]);
    }
    let mut tail = whole[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&(((end - directory) * usize::from(count)) as u32).to_le_bytes());
    bytes.extend(tail);
    bytes
}

#[test]
fn bombs_end_at_the_allowance_and_say_so() {
    let bomb = gzip(&vec![0; 20 << 20]);
    let nested = zip_of(&[("a.gz", &bomb), ("b.gz", &bomb), ("c.gz", &bomb)]);
    let names = tar_of(&vec![("a", &b""[..]); 20_000]);
    for (name, bytes) in
        [("a.gz", &bomb), ("n.zip", &nested), ("o.zip", &overlapping(500)), ("m.tar.gz", &gzip(&names))]
    {
        let granted = 100 * bytes.len() as u64;
        let seen = seen_within(name, bytes, 1 << 20);
        assert!(
            seen.unread.iter().any(|(_, reason)| reason.contains("the archives of the layer")),
            "{name}: {:?}",
            seen.unread
        );
        assert!(seen.bytes <= (1 << 20) + 4 * granted, "{name}: {} bytes", seen.bytes);
    }
    // Without a bound each is whole.
    assert_eq!(seen_within("m.tar.gz", &gzip(&names), 1 << 30).unread, []);
}

#[test]
fn damage_is_told_at_its_place_and_the_rest_is_read() {
    let good = gzip(&tar_of(&[("a", b"A=1\n"), ("b", &big())]));
    let cut = &good[..good.len() / 2];
    let archive = tar_of(&[("cut.tar.gz", cut), ("not.zip", b"PK\x03\x04 is no archive"), ("good.tar.gz", &good)]);
    let seen = seen("x.tar", &archive);
    assert_eq!(seen.unread.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["cut.tar.gz", "not.zip"]);
    assert_eq!(seen.files["cut.tar.gz!/a"], b"A=1\n");
    assert_eq!(seen.files["good.tar.gz!/b"], big());
}

#[test]
fn compiled_code_shows_what_its_source_assigns() {
    const SOURCE: &str = "import os\nPASSWORD = 'correct-horse'\nclass Settings:\n    api_key = 'battery-staple'\n    n = 12\ndef f():\n    return 'no name here'\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.py"), SOURCE).unwrap();
    if python(folder.path(), "import py_compile; py_compile.compile('a.py', cfile='a.pyc')") {
        let seen = seen("app/a.pyc", &fs::read(folder.path().join("a.pyc")).unwrap());
        assert_eq!(seen.unread, []);
        assert!(seen.texts.contains(&"PASSWORD = \"correct-horse\"\n".to_owned()), "{:?}", seen.texts);
        assert!(seen.texts.contains(&"api_key = \"battery-staple\"\n".to_owned()), "{:?}", seen.texts);
        assert!(!seen.texts.iter().any(|text| text.contains("no name")), "{:?}", seen.texts);
    } else {
        skipped!("compiled_code_shows_what_its_source_assigns: no python3");
    }
    fs::write(
        folder.path().join("A.java"),
        "class A { static final String PASSWORD = \"correct-horse\"; long n = 5L; }",
    )
    .unwrap();
    let done = Command::new("javac").arg("A.java").current_dir(folder.path()).status();
    if done.is_ok_and(|status| status.success()) {
        let seen = seen("A.class", &fs::read(folder.path().join("A.class")).unwrap());
        assert_eq!((seen.unread, seen.texts), (vec![], vec!["PASSWORD = \"correct-horse\"\n".to_owned()]));
    } else {
        skipped!("compiled_code_shows_what_its_source_assigns: no javac");
    }
}

#[test]
fn rows_of_databases_are_put_together() {
    const SCRIPT: &str = "
import sqlite3, sys
for number, encoding in enumerate(['UTF-8', 'UTF-16le']):
    db = sqlite3.connect(f'{number}.db')
    db.execute(f'pragma encoding = \"{encoding}\"')
    db.execute('create table t (a text, b text, n integer, c text)')
    for row in range(500): db.execute('insert into t values (?, ?, ?, ?)', (f'name{row}', f'value-{row:06}', row, 'x' * 9000 + f'end{row:06}' if row % 100 == 0 else None))
    db.commit()
";
    let folder = tempfile::tempdir().unwrap();
    if !python(folder.path(), SCRIPT) {
        skipped!("rows_of_databases_are_put_together: no python3 with sqlite3");
        return;
    }
    for name in ["0.db", "1.db"] {
        let seen = seen(name, &fs::read(folder.path().join(name)).unwrap());
        assert_eq!(seen.unread, [], "{name}");
        let text = seen.texts.concat();
        for row in 0..500 {
            assert!(text.contains(&format!("\nvalue-{row:06}\n")), "{name}: {row}");
        }
        assert_eq!(text.matches(&"x".repeat(9000)).count(), 5, "{name}");
        assert!(text.contains("xend000400\n"), "{name}");
    }
}
