//! Named archives, one a way in which readers of tar are known to differ.

use crate::writer::{BLOCK, Block, Format, record};

fn header(name: &str, type_flag: u8, size: u64) -> Block {
    Block::new(Format::Ustar, type_flag, name.as_bytes(), size as i64)
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().div_ceil(BLOCK) * BLOCK, 0);
    out
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    [header(name, b'0', data.len() as u64).seal().bytes(), padded(data)].concat()
}

fn pax(kind: u8, records: &[(&str, &[u8])]) -> Vec<u8> {
    let text: Vec<u8> = records.iter().flat_map(|(key, value)| record(key.as_bytes(), value)).collect();
    pax_raw(kind, &text)
}

fn pax_raw(kind: u8, text: &[u8]) -> Vec<u8> {
    [header("PaxHeaders/x", kind, text.len() as u64).seal().bytes(), padded(text)].concat()
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

/// Every named archive.
pub(crate) fn cases() -> Vec<(String, Vec<u8>)> {
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
            header("GNUSparseFile.0/name", b'0', body.len() as u64).seal().bytes(),
            padded(&body),
            end(),
        ]
        .concat()
    };
    let gnu_sparse = |entries: &[(u64, u64)], real: u64, data: &[u8]| {
        let mut block = header("s", b'S', data.len() as u64).gnu().with(483, format!("{real:011o}\0").as_bytes());
        let mut extension = Block([0; BLOCK]);
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
            return [block.seal().bytes(), extension.bytes(), padded(data), end()].concat();
        }
        [block.seal().bytes(), padded(data), end()].concat()
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
                header("x", b'0', 0)
                    .seal()
                    .bytes()
                    .into_iter()
                    .enumerate()
                    .map(|(i, b)| if i == 3 { 1 } else { b })
                    .collect(),
                end(),
            ]
            .concat(),
        ),
        ("checksum-signed", [header("x\u{e9}", b'0', 0).seal_signed().bytes(), end()].concat()),
        ("checksum-unsigned-high", [header("x\u{e9}", b'0', 0).seal().bytes(), end()].concat()),
        ("size-lies", [header("x", b'0', 5000).seal().bytes(), padded(b"short")].concat()),
        ("negative-size", [header("x", b'0', 0).with(124, &[0xff; 12]).seal().bytes(), end()].concat()),
        (
            "negative-size-of-a-link",
            [header("x", b'2', 0).with(124, &[0xff; 12]).with(157, b"t").seal().bytes(), end()].concat(),
        ),
        (
            "base-256-size",
            [
                header("x", b'0', 0).with(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]).seal().bytes(),
                padded(b"content"),
                end(),
            ]
            .concat(),
        ),
        (
            "base-256-too-large",
            [header("x", b'0', 0).with(124, &[0x80, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 7]).seal().bytes(), end()]
                .concat(),
        ),
        (
            "base-256-uid",
            [header("x", b'0', 0).with(108, &[0x80, 0, 0, 0, 0x7f, 0, 0, 1]).seal().bytes(), end()].concat(),
        ),
        (
            "negative-uid",
            [header("x", b'0', 0).with(108, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]).seal().bytes(), end()]
                .concat(),
        ),
        ("octal-garbage", [header("x", b'0', 0).with(100, b"00z0644\0").seal().bytes(), end()].concat()),
        ("octal-spaces", [header("x", b'0', 0).with(100, b"   644 \0").seal().bytes(), end()].concat()),
        ("octal-nul-inside", [header("x", b'0', 0).with(100, b"06\x004 \0\0\0").seal().bytes(), end()].concat()),
        ("v7", [header("x", b'0', 7).with(257, &[0; 8]).seal().bytes(), padded(b"content"), end()].concat()),
        ("v7-folder-by-slash", [header("d/", 0, 0).with(257, &[0; 8]).seal().bytes(), end()].concat()),
        ("regular-with-slash", [header("d/", b'0', 0).seal().bytes(), end()].concat()),
        ("ustar-prefix", [header("name", b'0', 0).with(345, b"a/long/prefix").seal().bytes(), end()].concat()),
        (
            "gnu-prefix-ignored",
            [header("name", b'0', 0).gnu().with(345, b"00000000000\0").seal().bytes(), end()].concat(),
        ),
        (
            "gnu-with-ustar-prefix",
            [header("name", b'0', 0).gnu().with(345, b"a/prefix").seal().bytes(), end()].concat(),
        ),
        (
            "star",
            [
                header("name", b'0', 0)
                    .with(345, b"star/prefix")
                    .with(476, b"00000000000 ")
                    .with(508, b"tar\0")
                    .seal()
                    .bytes(),
                end(),
            ]
            .concat(),
        ),
        (
            "long-name",
            [header("././@LongLink", b'L', 201).gnu().seal().bytes(), padded(&[b'n'; 200]), x(), end()].concat(),
        ),
        (
            "long-link",
            [
                header("././@LongLink", b'K', 151).gnu().seal().bytes(),
                padded(&[b'l'; 150]),
                header("x", b'2', 0).gnu().with(157, b"short").seal().bytes(),
                end(),
            ]
            .concat(),
        ),
        (
            "long-name-200mb",
            [header("././@LongLink", b'L', 200 << 20).gnu().seal().bytes(), padded(&[b'n'; 5000])].concat(),
        ),
        (
            "long-name-at-limit",
            [header("././@LongLink", b'L', 1 << 20).gnu().seal().bytes(), vec![b'n'; 1 << 20], x(), end()].concat(),
        ),
        (
            "long-name-over-limit",
            [
                header("././@LongLink", b'L', (1 << 20) + 1).gnu().seal().bytes(),
                vec![b'n'; (1 << 20) + 512],
                x(),
                end(),
            ]
            .concat(),
        ),
        ("long-name-empty", [header("././@LongLink", b'L', 0).gnu().seal().bytes(), x(), end()].concat()),
        ("pax-path", [pax(b'x', &[("path", b"pax/path"), ("size", b"7")]), x(), end()].concat()),
        (
            "pax-path-and-long-name",
            [
                pax(b'x', &[("path", b"pax/path")]),
                header("L", b'L', 9).gnu().seal().bytes(),
                padded(b"gnu/name\0"),
                x(),
                end(),
            ]
            .concat(),
        ),
        (
            "pax-size-overrides",
            [pax(b'x', &[("size", b"3")]), header("x", b'0', 0).seal().bytes(), padded(b"abc"), end()].concat(),
        ),
        ("pax-size-negative", [pax(b'x', &[("size", b"-3")]), header("x", b'0', 0).seal().bytes(), end()].concat()),
        (
            "pax-size-of-a-link",
            [pax(b'x', &[("size", b"700")]), header("x", b'2', 0).with(157, b"t").seal().bytes(), x(), end()].concat(),
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
        ("hard-link-with-size", [x(), header("y", b'1', 7).with(157, b"x").seal().bytes(), x(), end()].concat()),
        (
            "devices",
            [
                header("c", b'3', 0).seal().bytes(),
                header("b", b'4', 0).seal().bytes(),
                header("p", b'6', 0).seal().bytes(),
                end(),
            ]
            .concat(),
        ),
        ("device-number-bad", [header("c", b'3', 0).with(329, b"zzzzzzz\0").seal().bytes(), end()].concat()),
        ("folder-with-size", [header("d/", b'5', 700).seal().bytes(), x(), end()].concat()),
        ("contiguous", [header("x", b'7', 7).seal().bytes(), padded(b"content"), end()].concat()),
        ("unknown-type", [header("x", b'Z', 7).seal().bytes(), padded(b"content"), end()].concat()),
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
                header("s", b'0', 7).seal().bytes(),
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
                header("s", b'0', 7).seal().bytes(),
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
                header("x", b'2', 0).with(157, b"t").seal().bytes(),
                end(),
            ]
            .concat(),
        ),
        ("gnu-sparse", gnu_sparse(&[(0, 3), (10, 4)], 20, b"abcdefg")),
        ("gnu-sparse-extended", gnu_sparse(&[(0, 1), (2, 1), (4, 1), (6, 1), (8, 1), (10, 1)], 20, b"abcdef")),
        ("gnu-sparse-overlap", gnu_sparse(&[(0, 3), (2, 4)], 20, b"abcdefg")),
        ("gnu-sparse-in-ustar", [header("s", b'S', 0).seal().bytes(), end()].concat()),
        (
            "absolute-and-dots",
            [file("/etc/passwd", b"a"), file("../../x", b"b"), file("./a/./b", b"c"), end()].concat(),
        ),
    ];
    named.into_iter().map(|(name, archive)| (name.to_owned(), archive)).collect()
}
