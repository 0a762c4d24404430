//! Our tar parser against Go's `archive/tar`, with which container engines unpack: same entries, same content, same refusals.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says what it skipped"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use imgguard::layer::tar::{EntryKind, Header, Parser, Sink, TarError};
use proptest::prelude::*;
use sha2::Digest as _;

/// Writes what the parser says in the oracle's words.
#[derive(Default)]
struct Lines {
    text: String,
    head: String,
    capability: String,
    hash: sha2::Sha256,
}

/// Go's `%q` of arbitrary bytes, near enough: the same function is applied to both sides' strings after unquoting.
fn quoted(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        if byte.is_ascii_graphic() && !b"\"\\".contains(byte) {
            out.push(char::from(*byte))
        } else {
            write!(out, "%{byte:02x}").unwrap()
        }
    }
    out
}

impl Sink for Lines {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        let kind = match header.kind {
            EntryKind::Regular => '0',
            EntryKind::HardLink => '1',
            EntryKind::Symlink => '2',
            EntryKind::CharDevice => '3',
            EntryKind::BlockDevice => '4',
            EntryKind::Directory => '5',
            EntryKind::Fifo => '6',
        };
        self.head = format!(
            "{kind} {} {} {} {:o} {} {}",
            quoted(header.path),
            quoted(header.link_target),
            header.size,
            header.mode,
            header.uid,
            header.gid
        );
        self.capability = quoted(header.capability.unwrap_or_default());
        self.hash = sha2::Sha256::default();
        ControlFlow::Continue(())
    }
    fn data(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }
    fn hole(&mut self, mut length: u64) {
        let zeros = [0; 8192];
        while length > 0 {
            let n = length.min(8192);
            self.hash.update(&zeros[..n as usize]);
            length -= n;
        }
    }
    fn end_entry(&mut self) {
        let hash = std::mem::take(&mut self.hash).finalize();
        let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.text, "{} {hex} {}", self.head, self.capability).unwrap();
    }
}

/// What we say of an archive, fed in pieces of the given lengths in turn.
fn ours(archive: &[u8], pieces: &[usize]) -> String {
    let mut lines = Lines::default();
    let outcome = parse(archive, pieces, &mut lines);
    lines.text.push_str(if outcome.is_ok() { "END\n" } else { "ERROR\n" });
    lines.text
}

fn parse(archive: &[u8], pieces: &[usize], sink: &mut Lines) -> Result<(), TarError> {
    let mut parser = Parser::new();
    let mut rest = archive;
    let mut lengths = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let n = lengths.next().unwrap_or(rest.len()).clamp(1, rest.len());
        parser.push(&rest[..n], sink)?;
        rest = &rest[n..];
    }
    parser.finish().map(|_| ())
}

/// Go's quoted strings in our spelling.
fn respell(line: &str) -> String {
    let mut out = String::new();
    let mut characters = line.chars().peekable();
    let mut inside = false;
    while let Some(c) = characters.next() {
        match (inside, c) {
            (_, '"') => inside = !inside,
            (true, '\\') => {
                let escape = characters.next().unwrap();
                let byte = |text: String, radix| u32::from_str_radix(&text, radix).unwrap();
                let mut take = |n: usize| characters.by_ref().take(n).collect::<String>();
                let code = match escape {
                    'n' => 10,
                    't' => 9,
                    'r' => 13,
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'v' => 11,
                    'x' => byte(take(2), 16),
                    'u' => byte(take(4), 16),
                    'U' => byte(take(8), 16),
                    other => other as u32,
                };
                if escape == 'u' || escape == 'U' {
                    out.push_str(&quoted(char::from_u32(code).unwrap().to_string().as_bytes()));
                } else {
                    out.push_str(&quoted(&[code as u8]));
                }
            }
            (true, c) => out.push_str(&quoted(c.to_string().as_bytes())),
            (false, c) => out.push(c),
        }
    }
    out
}

struct Oracle(PathBuf, #[expect(dead_code, reason = "keeps the folder")] tempfile::TempDir);

impl Oracle {
    fn build() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("oracle");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tar/oracle");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&binary)
            .arg(".")
            .current_dir(source)
            .env("GOFLAGS", "-mod=mod")
            .output();
        match built {
            Ok(output) if output.status.success() => Some(Self(binary, folder)),
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => {
                eprintln!("SKIPPED: go is absent");
                None
            }
        }
    }

    /// What Go says of each archive.
    fn describe(&self, archives: &[(String, Vec<u8>)]) -> BTreeMap<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = String::new();
        for (index, (_, archive)) in archives.iter().enumerate() {
            let path = folder.path().join(index.to_string());
            std::fs::write(&path, archive).unwrap();
            writeln!(paths, "{}", path.display()).unwrap();
        }
        let mut child = Command::new(&self.0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(paths.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let parts: Vec<&str> = text.split("FILE ").skip(1).collect();
        assert_eq!(parts.len(), archives.len());
        let answer = |part: &str| part.lines().skip(1).map(|line| respell(line) + "\n").collect::<String>();
        archives.iter().zip(parts).map(|((name, _), part)| (name.clone(), answer(part))).collect()
    }
}

/// A header block under construction.
#[derive(Clone)]
struct Block([u8; 512]);

impl Block {
    fn new(name: &str, kind: u8, size: u64) -> Self {
        let mut block = Self([0; 512]);
        block
            .put(0, name.as_bytes())
            .put(100, b"0000644\0")
            .put(108, b"0001750\0")
            .put(116, b"0001750\0")
            .put(136, b"14000000000\0");
        block.put(124, format!("{size:011o}\0").as_bytes()).put(156, &[kind]).put(257, b"ustar\x0000");
        block
    }
    fn gnu(mut self) -> Self {
        self.put(257, b"ustar  \0");
        self
    }
    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }
    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.put(at, bytes);
        self
    }
    fn seal(&self) -> Vec<u8> {
        let mut block = self.0;
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.to_vec()
    }
    fn seal_signed(&self) -> Vec<u8> {
        let mut block = self.0;
        block[148..156].copy_from_slice(b"        ");
        let sum: i32 = block.iter().map(|byte| i32::from(*byte as i8)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.to_vec()
    }
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().div_ceil(512) * 512, 0);
    out
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    [Block::new(name, b'0', data.len() as u64).seal(), padded(data)].concat()
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = [b" ".as_slice(), key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = body.len() + 1;
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &body].concat()
}

fn pax(kind: u8, records: &[(&str, &[u8])]) -> Vec<u8> {
    let text: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
    pax_raw(kind, &text)
}

fn pax_raw(kind: u8, text: &[u8]) -> Vec<u8> {
    [Block::new("PaxHeaders/x", kind, text.len() as u64).seal(), padded(text)].concat()
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

fn cases() -> Vec<(String, Vec<u8>)> {
    let x = || file("x", b"content");
    let sparse_1_0 = |map: &str, data: &[u8], size: &str| {
        let map = padded(map.as_bytes());
        let body = [map, data.to_vec()].concat();
        [
            pax(
                b'x',
                &[
                    ("GNU.sparse.major", b"1"),
                    ("GNU.sparse.minor", b"0"),
                    ("GNU.sparse.name", b"real/name"),
                    ("GNU.sparse.realsize", size.as_bytes()),
                ],
            ),
            Block::new("GNUSparseFile.0/name", b'0', body.len() as u64).seal(),
            padded(&body),
            end(),
        ]
        .concat()
    };
    let gnu_sparse = |entries: &[(u64, u64)], real: u64, data: &[u8]| {
        let mut block = Block::new("s", b'S', data.len() as u64).gnu().with(483, format!("{real:011o}\0").as_bytes());
        let mut extension = Block([0; 512]);
        for (index, (offset, length)) in entries.iter().enumerate() {
            let text = format!("{offset:011o}\0{length:011o}\0");
            if index < 4 {
                block.put(386 + index * 24, text.as_bytes())
            } else {
                extension.put((index - 4) * 24, text.as_bytes())
            };
        }
        if entries.len() > 4 {
            block.put(482, &[1]);
            return [block.seal(), extension.0.to_vec(), padded(data), end()].concat();
        }
        [block.seal(), padded(data), end()].concat()
    };
    let named: Vec<(&str, Vec<u8>)> = vec![
        ("plain", [x(), file("dir/y", &[7; 1500]), end()].concat()),
        ("no-end-mark", x()),
        ("empty", Vec::new()),
        ("only-end", end()),
        ("one-zero-block-then-end", [x(), vec![0; 512]].concat()),
        ("one-zero-block-then-data", [x(), vec![0; 512], x(), end()].concat()),
        ("data-after-end", [x(), end(), x()].concat()),
        ("garbage-after-end", [x(), end(), b"garbage".to_vec()].concat()),
        ("cut-in-header", [x(), vec![b'a'; 100]].concat()),
        ("cut-in-data", x()[..515].to_vec()),
        ("cut-in-padding", x()[..600].to_vec()),
        ("cut-after-one-zero-block", [x(), vec![0; 700]].concat()),
        (
            "wrong-checksum",
            [
                Block::new("x", b'0', 0)
                    .seal()
                    .into_iter()
                    .enumerate()
                    .map(|(i, b)| if i == 3 { 1 } else { b })
                    .collect(),
                end(),
            ]
            .concat(),
        ),
        ("checksum-signed", [Block::new("x\u{e9}", b'0', 0).seal_signed(), end()].concat()),
        ("checksum-unsigned-high", [Block::new("x\u{e9}", b'0', 0).seal(), end()].concat()),
        ("size-lies", [Block::new("x", b'0', 5000).seal(), padded(b"short")].concat()),
        ("negative-size", [Block::new("x", b'0', 0).with(124, &[0xff; 12]).seal(), end()].concat()),
        (
            "negative-size-of-a-link",
            [Block::new("x", b'2', 0).with(124, &[0xff; 12]).with(157, b"t").seal(), end()].concat(),
        ),
        (
            "base-256-size",
            [
                Block::new("x", b'0', 0).with(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]).seal(),
                padded(b"content"),
                end(),
            ]
            .concat(),
        ),
        (
            "base-256-too-large",
            [Block::new("x", b'0', 0).with(124, &[0x80, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 7]).seal(), end()]
                .concat(),
        ),
        ("base-256-uid", [Block::new("x", b'0', 0).with(108, &[0x80, 0, 0, 0, 0x7f, 0, 0, 1]).seal(), end()].concat()),
        (
            "negative-uid",
            [Block::new("x", b'0', 0).with(108, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]).seal(), end()]
                .concat(),
        ),
        ("octal-garbage", [Block::new("x", b'0', 0).with(100, b"00z0644\0").seal(), end()].concat()),
        ("octal-spaces", [Block::new("x", b'0', 0).with(100, b"   644 \0").seal(), end()].concat()),
        ("octal-nul-inside", [Block::new("x", b'0', 0).with(100, b"06\x004 \0\0\0").seal(), end()].concat()),
        ("v7", [Block::new("x", b'0', 7).with(257, &[0; 8]).seal(), padded(b"content"), end()].concat()),
        ("v7-folder-by-slash", [Block::new("d/", 0, 0).with(257, &[0; 8]).seal(), end()].concat()),
        ("regular-with-slash", [Block::new("d/", b'0', 0).seal(), end()].concat()),
        ("ustar-prefix", [Block::new("name", b'0', 0).with(345, b"a/long/prefix").seal(), end()].concat()),
        ("gnu-prefix-ignored", [Block::new("name", b'0', 0).gnu().with(345, b"00000000000\0").seal(), end()].concat()),
        ("gnu-with-ustar-prefix", [Block::new("name", b'0', 0).gnu().with(345, b"a/prefix").seal(), end()].concat()),
        (
            "star",
            [
                Block::new("name", b'0', 0)
                    .with(345, b"star/prefix")
                    .with(476, b"00000000000 ")
                    .with(508, b"tar\0")
                    .seal(),
                end(),
            ]
            .concat(),
        ),
        ("long-name", [Block::new("././@LongLink", b'L', 201).gnu().seal(), padded(&[b'n'; 200]), x(), end()].concat()),
        (
            "long-link",
            [
                Block::new("././@LongLink", b'K', 151).gnu().seal(),
                padded(&[b'l'; 150]),
                Block::new("x", b'2', 0).gnu().with(157, b"short").seal(),
                end(),
            ]
            .concat(),
        ),
        (
            "long-name-200mb",
            [Block::new("././@LongLink", b'L', 200 << 20).gnu().seal(), padded(&[b'n'; 5000])].concat(),
        ),
        (
            "long-name-at-limit",
            [Block::new("././@LongLink", b'L', 1 << 20).gnu().seal(), vec![b'n'; 1 << 20], x(), end()].concat(),
        ),
        (
            "long-name-over-limit",
            [Block::new("././@LongLink", b'L', (1 << 20) + 1).gnu().seal(), vec![b'n'; (1 << 20) + 512], x(), end()]
                .concat(),
        ),
        ("long-name-empty", [Block::new("././@LongLink", b'L', 0).gnu().seal(), x(), end()].concat()),
        ("pax-path", [pax(b'x', &[("path", b"pax/path"), ("size", b"7")]), x(), end()].concat()),
        (
            "pax-path-and-long-name",
            [
                pax(b'x', &[("path", b"pax/path")]),
                Block::new("L", b'L', 9).gnu().seal(),
                padded(b"gnu/name\0"),
                x(),
                end(),
            ]
            .concat(),
        ),
        (
            "pax-size-overrides",
            [pax(b'x', &[("size", b"3")]), Block::new("x", b'0', 0).seal(), padded(b"abc"), end()].concat(),
        ),
        ("pax-size-negative", [pax(b'x', &[("size", b"-3")]), Block::new("x", b'0', 0).seal(), end()].concat()),
        (
            "pax-size-of-a-link",
            [pax(b'x', &[("size", b"700")]), Block::new("x", b'2', 0).with(157, b"t").seal(), x(), end()].concat(),
        ),
        ("pax-size-plus", [pax(b'x', &[("size", b"+7")]), x(), end()].concat()),
        ("pax-uid", [pax(b'x', &[("uid", b"4294967296"), ("gid", b"7")]), x(), end()].concat()),
        ("pax-uid-bad", [pax(b'x', &[("uid", b"x")]), x(), end()].concat()),
        ("pax-mtime", [pax(b'x', &[("mtime", b"1.5")]), x(), end()].concat()),
        ("pax-mtime-bad", [pax(b'x', &[("mtime", b"1.5x")]), x(), end()].concat()),
        ("pax-empty-value-keeps", [pax(b'x', &[("path", b""), ("size", b"")]), x(), end()].concat()),
        ("pax-duplicate-key", [pax(b'x', &[("path", b"first"), ("path", b"second")]), x(), end()].concat()),
        ("pax-nul-in-path", [pax(b'x', &[("path", b"a\0b")]), x(), end()].concat()),
        ("pax-nul-in-xattr", [pax(b'x', &[("SCHILY.xattr.user.x", b"a\0b")]), x(), end()].concat()),
        ("pax-newline-in-path", [pax(b'x', &[("path", b"a\nb")]), x(), end()].concat()),
        (
            "pax-xattr-smuggles-path",
            [
                pax(b'x', &[("SCHILY.xattr.user.x", b"v\n27 path=etc/passwd-evil\n"), ("mtime", b"1")]),
                file("usr/bin/real", b"r"),
                end(),
            ]
            .concat(),
        ),
        (
            "pax-capability",
            [pax(b'x', &[("SCHILY.xattr.security.capability", b"\x01\0\0\x02\0\x20\0\0")]), x(), end()].concat(),
        ),
        ("pax-record-too-long", [pax_raw(b'x', b"99 path=a\n"), x(), end()].concat()),
        ("pax-record-no-newline", [pax_raw(b'x', b"9 path=ab"), x(), end()].concat()),
        ("pax-record-no-equals", [pax_raw(b'x', b"7 path\n"), x(), end()].concat()),
        ("pax-record-short", [pax_raw(b'x', b"4 =\n"), x(), end()].concat()),
        ("pax-record-plus-sign", [pax_raw(b'x', b"+10 path=a\n"), x(), end()].concat()),
        ("pax-empty", [pax_raw(b'x', b""), x(), end()].concat()),
        ("pax-twice", [pax(b'x', &[("path", b"one")]), pax(b'x', &[("uid", b"5")]), x(), end()].concat()),
        ("pax-then-end", [pax(b'x', &[("path", b"one")]), end()].concat()),
        ("global-path", [pax(b'g', &[("path", b"global")]), x(), end()].concat()),
        ("global-bad-uid", [pax(b'g', &[("uid", b"x")]), x(), end()].concat()),
        ("global-between", [pax(b'x', &[("path", b"lost")]), pax(b'g', &[("comment", b"c")]), x(), end()].concat()),
        ("hard-link-with-size", [x(), Block::new("y", b'1', 7).with(157, b"x").seal(), x(), end()].concat()),
        (
            "devices",
            [Block::new("c", b'3', 0).seal(), Block::new("b", b'4', 0).seal(), Block::new("p", b'6', 0).seal(), end()]
                .concat(),
        ),
        ("device-number-bad", [Block::new("c", b'3', 0).with(329, b"zzzzzzz\0").seal(), end()].concat()),
        ("folder-with-size", [Block::new("d/", b'5', 700).seal(), x(), end()].concat()),
        ("contiguous", [Block::new("x", b'7', 7).seal(), padded(b"content"), end()].concat()),
        ("unknown-type", [Block::new("x", b'Z', 7).seal(), padded(b"content"), end()].concat()),
        ("sparse-1.0", sparse_1_0("2\n0\n3\n10\n4\n", b"abcdefg", "20")),
        ("sparse-1.0-no-parts", sparse_1_0("0\n", b"", "20")),
        ("sparse-1.0-overlap", sparse_1_0("2\n0\n5\n3\n2\n", b"abcdefg", "20")),
        ("sparse-1.0-past-end", sparse_1_0("1\n18\n7\n", b"abcdefg", "20")),
        ("sparse-1.0-missing-data", sparse_1_0("1\n0\n9\n", b"abcdefg", "20")),
        ("sparse-1.0-extra-data", sparse_1_0("1\n0\n3\n", b"abcdefg", "20")),
        ("sparse-1.0-bad-count", sparse_1_0("x\n0\n3\n", b"abc", "20")),
        ("sparse-1.0-negative", sparse_1_0("1\n-1\n3\n", b"abc", "20")),
        (
            "sparse-1.0-long-map",
            sparse_1_0(
                &format!("100\n{}", (0..100).map(|n| format!("{}\n1\n", n * 2)).collect::<String>()),
                &[b'a'; 100],
                "200",
            ),
        ),
        ("sparse-1.0-unfinished-map", sparse_1_0(&format!("100\n{}", "1\n".repeat(50)), b"", "20")),
        (
            "sparse-0.1",
            [
                pax(
                    b'x',
                    &[
                        ("GNU.sparse.size", b"20"),
                        ("GNU.sparse.numblocks", b"2"),
                        ("GNU.sparse.map", b"0,3,10,4"),
                        ("GNU.sparse.name", b"n"),
                    ],
                ),
                Block::new("s", b'0', 7).seal(),
                padded(b"abcdefg"),
                end(),
            ]
            .concat(),
        ),
        (
            "sparse-0.0",
            [
                pax(
                    b'x',
                    &[
                        ("GNU.sparse.size", b"20"),
                        ("GNU.sparse.numblocks", b"2"),
                        ("GNU.sparse.offset", b"0"),
                        ("GNU.sparse.numbytes", b"3"),
                        ("GNU.sparse.offset", b"10"),
                        ("GNU.sparse.numbytes", b"4"),
                    ],
                ),
                Block::new("s", b'0', 7).seal(),
                padded(b"abcdefg"),
                end(),
            ]
            .concat(),
        ),
        (
            "sparse-0.0-wrong-order",
            [pax(b'x', &[("GNU.sparse.numbytes", b"3"), ("GNU.sparse.offset", b"0")]), x(), end()].concat(),
        ),
        (
            "sparse-0.1-wrong-count",
            [pax(b'x', &[("GNU.sparse.numblocks", b"3"), ("GNU.sparse.map", b"0,3")]), x(), end()].concat(),
        ),
        (
            "sparse-unknown-version",
            [
                pax(b'x', &[("GNU.sparse.major", b"9"), ("GNU.sparse.map", b"0,3"), ("GNU.sparse.name", b"n")]),
                x(),
                end(),
            ]
            .concat(),
        ),
        (
            "sparse-of-a-link",
            [
                pax(b'x', &[("GNU.sparse.numblocks", b"1"), ("GNU.sparse.map", b"0,0")]),
                Block::new("x", b'2', 0).with(157, b"t").seal(),
                end(),
            ]
            .concat(),
        ),
        ("gnu-sparse", gnu_sparse(&[(0, 3), (10, 4)], 20, b"abcdefg")),
        ("gnu-sparse-extended", gnu_sparse(&[(0, 1), (2, 1), (4, 1), (6, 1), (8, 1), (10, 1)], 20, b"abcdef")),
        ("gnu-sparse-overlap", gnu_sparse(&[(0, 3), (2, 4)], 20, b"abcdefg")),
        ("gnu-sparse-in-ustar", [Block::new("s", b'S', 0).seal(), end()].concat()),
        (
            "absolute-and-dots",
            [file("/etc/passwd", b"a"), file("../../x", b"b"), file("./a/./b", b"c"), end()].concat(),
        ),
    ];
    named.into_iter().map(|(name, archive)| (name.to_owned(), archive)).collect()
}

/// Archives that GNU tar and Python write of one folder.
fn written_by_tools() -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir_all(tree.join(format!("deep/{}", "d".repeat(120)))).unwrap();
    std::fs::write(tree.join(format!("deep/{}/{}", "d".repeat(120), "f".repeat(120))), b"long").unwrap();
    std::fs::write(tree.join("b\u{e4}r"), b"unicode").unwrap();
    std::fs::write(tree.join("plain"), vec![b'p'; 3000]).unwrap();
    std::fs::hard_link(tree.join("plain"), tree.join("hard")).unwrap();
    std::os::unix::fs::symlink("t".repeat(150), tree.join("soft")).unwrap();
    let sparse = std::fs::File::create(tree.join("sparse")).unwrap();
    sparse.set_len(2_000_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 1_000_000).unwrap();
    let mut archives = Vec::new();
    for format in ["v7", "ustar", "gnu", "oldgnu", "pax"] {
        for sparse in ["", "--sparse", "--sparse-version=0.0", "--sparse-version=0.1"] {
            let mut command = Command::new("tar");
            command.args(["-cf", "-", "--format", format]);
            if !sparse.is_empty() {
                command.arg("--sparse").arg(sparse);
            }
            let output = command.arg("-C").arg(folder.path()).arg("tree").output();
            match output {
                Ok(output) => archives.push((format!("gnu-tar-{format}{sparse}"), output.stdout)),
                Err(_) => eprintln!("SKIPPED: tar is absent"),
            }
        }
    }
    for format in ["USTAR", "GNU", "PAX"] {
        let script = format!(
            "import tarfile,sys; t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|',format=tarfile.{format}_FORMAT,errors='surrogateescape'); t.add('plain'); t.add('soft') if '{format}'!='USTAR' else None; t.add('hard'); t.close()"
        );
        match Command::new("python3").args(["-c", &script]).current_dir(&tree).output() {
            Ok(output) => archives.push((format!("python-{format}"), output.stdout)),
            Err(_) => eprintln!("SKIPPED: python3 is absent"),
        }
    }
    archives
}

/// Byte flips and cuts of the cases, from a fixed seed.
fn damaged(cases: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut out = Vec::new();
    for (name, archive) in cases.iter().filter(|(_, archive)| (1..20_000).contains(&archive.len())) {
        for round in 0..12 {
            let mut changed = archive.clone();
            for _ in 0..=random(3) {
                let at = random(changed.len());
                changed[at] = match random(4) {
                    0 => 0,
                    1 => b'0' + random(8) as u8,
                    2 => 0xff,
                    _ => random(256) as u8,
                };
            }
            // A header whose checksum no longer fits is refused by both for that alone; fitting it again reaches deeper.
            for start in (0..changed.len().saturating_sub(511)).step_by(512) {
                let block: [u8; 512] = changed[start..start + 512].try_into().unwrap();
                if &block[257..262] == b"ustar" {
                    changed[start..start + 512].copy_from_slice(&Block(block).seal());
                }
            }
            if round % 4 == 3 {
                let length = random(changed.len());
                changed.truncate(length);
            }
            out.push((format!("{name}~{round}"), changed));
        }
    }
    out
}

#[test]
fn go_reads_the_same_entries() {
    let Some(oracle) = Oracle::build() else { return };
    let mut archives = cases();
    archives.extend(written_by_tools());
    archives.extend(damaged(&archives.clone()));
    assert!(archives.len() > 900, "{}", archives.len());
    let answers = oracle.describe(&archives);
    let mut wrong = Vec::new();
    let mut accepted = 0;
    for (name, archive) in &archives {
        let (go, us) = (&answers[name], ours(archive, &[usize::MAX]));
        accepted += usize::from(us.ends_with("END\n"));
        if *go != us {
            wrong.push(format!("{name}\n  go:\n{go}  us:\n{us}"));
        }
    }
    assert!(accepted > 300, "{accepted}");
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), archives.len(), wrong[..wrong.len().min(12)].join("\n"));
}

#[test]
fn splits_change_nothing() {
    let mut archives = cases();
    archives.extend(damaged(&archives.clone()));
    for (name, archive) in archives.iter().filter(|(_, archive)| archive.len() < 30_000) {
        let whole = ours(archive, &[usize::MAX]);
        for pieces in [&[1][..], &[511], &[512, 1], &[513, 7, 100], &[1024]] {
            assert_eq!(ours(archive, pieces), whole, "{name} {pieces:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), seal in any::<bool>()) {
        if seal && bytes.len() >= 512 {
            let block: [u8; 512] = bytes[..512].try_into().unwrap();
            bytes[..512].copy_from_slice(&Block(block).seal());
        }
        let whole = ours(&bytes, &[usize::MAX]);
        prop_assert_eq!(ours(&bytes, &[97]), whole);
    }
}
