//! Go programs, against `go version -m`: built here for several systems, the toolchain's own, and records of forms that no toolchain of today writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Row, compare, compare_list, packages, row, run, scan, text};

/// What `go version -m` names in the files of `folder`; nothing where go is absent.
fn native(folder: &Path) -> Option<BTreeSet<Row>> {
    let output = run(Command::new("go").args(["version", "-m"]).arg(folder))?;
    let mut found = BTreeSet::new();
    let mut last: Option<Row> = None;
    for line in text(&output).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            [header] if header.contains(": go") => {
                let version = header.rsplit_once(": go").unwrap().1.split(' ').next().unwrap();
                found.insert(vec!["stdlib".to_owned(), version.to_owned()]);
            }
            ["", "mod" | "dep", module, version, ..] => {
                let module = vec![(*module).to_owned(), (*version).to_owned()];
                found.insert(module.clone());
                last = Some(module);
            }
            // A folder has no name of its own; another module takes the place.
            ["", "=>", module, version, ..] if !module.starts_with(['.', '/']) => {
                found.remove(&last.take().unwrap());
                found.insert(vec![(*module).to_owned(), (*version).to_owned()]);
            }
            _ => {}
        }
    }
    Some(found)
}

/// What we name in the files of `folder`.
fn ours(folder: &Path) -> BTreeSet<Row> {
    let report = scan(&format!("dir:{}", folder.display()));
    packages(&report, "golang", None).iter().map(|package| row(package, &["name", "version"])).collect()
}

fn check(folder: &Path) {
    if let Some(native) = native(folder) {
        compare(&folder.display().to_string(), &native, &ours(folder));
    }
}

/// Of programs that are the same wherever they are built.
fn counted(name: &str, folder: &Path) {
    if let Some(native) = native(folder) {
        compare_list("go version -m", &format!("a program built here, {name}"), &native, &ours(folder));
    }
}

/// The name of a variant, and the variables and arguments of its build.
type Variant = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

#[test]
fn programs_built_here() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("source"), folder.path().join("out"));
    fs::create_dir_all(source.join("Near")).unwrap();
    let module = "module example.org/Fixture/v2\ngo 1.21\nrequire (\n example.org/near v1.4.0\n example.org/other v1.0.0\n)\n\
                  replace example.org/near => ./Near\nreplace example.org/other v1.0.0 => ./other\n";
    fs::create_dir(source.join("other")).unwrap();
    fs::write(source.join("go.mod"), module).unwrap();
    fs::write(source.join("Near/go.mod"), "module example.org/near\n").unwrap();
    fs::write(source.join("Near/near.go"), "package near\n\nvar Near = 1\n").unwrap();
    fs::write(source.join("other/go.mod"), "module example.org/other\n").unwrap();
    fs::write(source.join("other/other.go"), "package other\n\nvar Other = 2\n").unwrap();
    let main = "package main\n\nimport (\n\t\"example.org/near\"\n\t\"example.org/other\"\n)\n\nfunc main() { println(near.Near + other.Other) }\n";
    fs::write(source.join("main.go"), main).unwrap();
    let variants: &[Variant] = &[
        ("plain", &[], &[]),
        ("stripped", &[], &["-trimpath", "-ldflags=-s -w"]),
        ("pie", &[], &["-buildmode=pie"]),
        ("windows", &[("GOOS", "windows")], &[]),
        ("darwin", &[("GOOS", "darwin"), ("GOARCH", "arm64")], &[]),
        ("darwin-intel", &[("GOOS", "darwin"), ("GOARCH", "amd64")], &[]),
        ("i386", &[("GOARCH", "386")], &[]),
        ("big-endian", &[("GOARCH", "s390x")], &[]),
        ("big-endian-32", &[("GOARCH", "mips")], &[]),
    ];
    for (name, environment, arguments) in variants {
        let mut command = Command::new("go");
        command.arg("build").args(*arguments).arg("-o").arg(out.join(name).join("program")).arg(".");
        command.current_dir(&source).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
        command.envs(environment.iter().copied());
        let Some(built) = run(&mut command) else { return };
        assert!(built.status.success(), "{name}: {}", String::from_utf8_lossy(&built.stderr));
        counted(name, &out.join(name));
    }
    let program = |variant: &str| fs::read(out.join(variant).join("program")).unwrap();
    fs::create_dir(out.join("universal")).unwrap();
    let programs = [program("darwin"), program("darwin-intel")];
    fs::write(out.join("universal/program"), universal(&programs)).unwrap();
    counted("universal", &out.join("universal"));
}

/// A universal file of Mach-O programs (Apple's `mach-o/fat.h`), each at a page of its own, as `lipo` makes it.
fn universal(programs: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 1 << 14;
    let word = |value: usize| (value as u32).to_be_bytes();
    let mut file = [word(0xcafe_babe), word(programs.len())].concat();
    let mut offset = PAGE;
    for program in programs {
        let processor = [4, 8].map(|at| u32::from_le_bytes(program[at..at + 4].try_into().unwrap()) as usize);
        let arch = [processor[0], processor[1], offset, program.len(), 14];
        file.extend(arch.iter().flat_map(|value| word(*value)));
        offset += program.len().next_multiple_of(PAGE);
    }
    for program in programs {
        file.resize(file.len().next_multiple_of(PAGE), 0);
        file.extend(program);
    }
    file
}

#[test]
fn the_toolchain_itself() {
    let Some(output) = run(Command::new("go").args(["env", "GOROOT"])) else { return };
    let root = PathBuf::from(text(&output).trim());
    check(&root.join("bin"));
    check(&root.join("pkg/tool"));
}

/// The byte order and word length of a composed program.
#[derive(Clone, Copy)]
struct Form {
    big: bool,
    wide: bool,
}

impl Form {
    fn number(self, length: usize, value: u64) -> Vec<u8> {
        let bytes =
            if self.big { value.to_be_bytes()[8 - length..].to_vec() } else { value.to_le_bytes()[..length].to_vec() };
        assert_eq!(bytes.len(), length);
        bytes
    }

    fn word(self, value: u64) -> Vec<u8> {
        self.number(if self.wide { 8 } else { 4 }, value)
    }
}

/// An ELF program of one writable segment with a record as Go 1.13 to 1.17 wrote it: pointers to Go strings. `padding` bytes stand before it.
fn pointer_form(form: Form, padding: usize, go: &str, modules: &str) -> Vec<u8> {
    const ADDRESS: u64 = 0x40_0000;
    let (start, size) = if form.wide { (0x78, 8) } else { (0x54, 4) };
    let start = start + padding;
    let start = start.next_multiple_of(16);
    // The record, two Go string headers, the texts.
    let strings = start + 32;
    let texts = strings + 4 * size;
    let framed = format!("{}{modules}{}", "s".repeat(16), "e".repeat(16));
    let mut data = vec![0; 0];
    data.extend(b"\xff Go buildinf:");
    data.extend([size as u8, u8::from(form.big)]);
    data.extend(form.word(ADDRESS + strings as u64));
    data.extend(form.word(ADDRESS + (strings + 2 * size) as u64));
    data.resize(32, 0);
    for (at, text) in [(texts, go), (texts + go.len(), framed.as_str())] {
        data.extend(form.word(ADDRESS + at as u64));
        data.extend(form.word(text.len() as u64));
    }
    data.extend(go.bytes());
    data.extend(framed.bytes());
    let length = (start + data.len()) as u64;

    let half = |value| form.number(2, value);
    let int = |value| form.number(4, value);
    let mut file = b"\x7fELF".to_vec();
    file.extend([1 + u8::from(form.wide), 1 + u8::from(form.big), 1]);
    file.resize(16, 0);
    let machine = match (form.wide, form.big) {
        (true, false) => 62,
        (true, true) => 22,
        (false, false) => 3,
        (false, true) => 8,
    };
    let header = if form.wide { 64u64 } else { 52 };
    let entry = if form.wide { 56 } else { 32 };
    let section = if form.wide { 64 } else { 40 };
    file.extend([half(2), half(machine), int(1), form.word(ADDRESS), form.word(header), form.word(0), int(0)].concat());
    file.extend([half(header), half(entry), half(1), half(section), half(0), half(0)].concat());
    let segment = if form.wide {
        [
            int(1),
            int(6),
            form.word(0),
            form.word(ADDRESS),
            form.word(ADDRESS),
            form.word(length),
            form.word(length),
            form.word(16),
        ]
        .concat()
    } else {
        [int(1), int(0), int(ADDRESS), int(ADDRESS), int(length), int(length), int(6), int(16)].concat()
    };
    file.extend(segment);
    file.resize(start, 0);
    file.extend(data);
    file
}

const MODULES: &str = "path\texample.org/old\nmod\texample.org/old\tv0.1.0\th1:x=\ndep\tgolang.org/x/net\tv0.1.0\th1:x=\ndep\ta.example/b\tv1.0.0\n=>\tc.example/d\tv1.1.0\th1:x=\n";

#[test]
fn records_of_pointers_in_both_byte_orders() {
    for (big, wide) in [(false, true), (true, true), (false, false), (true, false)] {
        // The second is beyond the first stretch that is searched.
        for padding in [0, 3 << 20] {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("program");
            fs::write(&program, pointer_form(Form { big, wide }, padding, "go1.16.3", MODULES)).unwrap();
            let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
            fs::set_permissions(&program, mode).unwrap();
            check(folder.path());
            assert_eq!(ours(folder.path()).len(), 4);
        }
    }
}

/// Bytes that differ in one place, or end early, never make more of a program than Go makes of it, and never a panic.
#[test]
fn damaged_records_are_told() {
    let good = pointer_form(Form { big: false, wide: true }, 0, "go1.16.3", MODULES);
    let at = good.windows(14).position(|bytes| bytes == b"\xff Go buildinf:").unwrap();
    for (name, from, bytes) in [
        ("pointer-size", at + 14, vec![3]),
        ("pointer-outside", at + 16, vec![0xff; 8]),
        ("length-lies", at + 40, vec![0xff; 8]),
        ("version-is-none", at + 64, b"xx1.16.3".to_vec()),
        ("record-is-cut", at + 20, Vec::new()),
    ] {
        let mut damaged = good.clone();
        match bytes.as_slice() {
            [] => damaged.truncate(from),
            bytes => damaged[from..from + bytes.len()].copy_from_slice(bytes),
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), damaged).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
            .args(["scan", &format!("dir:{}", folder.path().display()), "--format", "json", "--cache", "none"])
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["packages"], serde_json::json!([]), "{name}");
        let unknowns = report["unknowns"].as_array().unwrap();
        assert_eq!(unknowns.len(), 1, "{name}: {unknowns:?}");
        assert_eq!(unknowns[0]["effect"], "optional", "{name}");
    }
}
