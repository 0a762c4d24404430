//! Archives from seeds: mostly right ones with odd parts, and damaged ones.

use crate::writer::{Archive, BLOCK, Block, Format, record};

/// A small generator of numbers (splitmix64), so that a seed names an archive for ever.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

const FORMATS: &[Format] = &[Format::V7, Format::Ustar, Format::Ustar, Format::Star, Format::Gnu, Format::Gnu];

/// An archive of some entries.
pub(crate) fn archive(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut archive = Archive::default();
    for _ in 0..1 + random.below(6) {
        if random.once_in(3) {
            archive = extended(archive, &mut random);
        }
        archive = match random.below(8) {
            0 => gnu_sparse(archive, &mut random),
            1 | 2 => pax_sparse(archive, &mut random),
            _ => plain(archive, &mut random),
        };
    }
    match random.below(8) {
        0 => {}
        1 => archive.0.extend_from_slice(&[0; BLOCK]),
        2 => {
            archive = archive.end();
            let garbage = random.below(1500);
            archive.0.extend(random.bytes(garbage));
        }
        _ => archive = archive.end(),
    }
    archive.0
}

fn name(random: &mut Random) -> Vec<u8> {
    let mut name = match random.below(7) {
        0 => b"./usr//lib/../lib/x".to_vec(),
        1 => b"/etc/passwd".to_vec(),
        2 => vec![b'n'; 90 + random.below(20)],
        3 => "größe/ß".as_bytes().to_vec(),
        4 => {
            let length = random.below(12);
            random.bytes(length)
        }
        5 => b"usr/.wh.bin".to_vec(),
        _ => format!("dir{}/file{}", random.below(4), random.below(9)).into_bytes(),
    };
    if random.once_in(5) {
        name.push(b'/');
    }
    name
}

fn content(random: &mut Random) -> Vec<u8> {
    let length = match random.below(6) {
        0 => 0,
        1 => BLOCK * (1 + random.below(3)),
        2 => BLOCK - 1,
        _ => random.below(2000),
    };
    random.bytes(length)
}

fn plain(archive: Archive, random: &mut Random) -> Archive {
    let format = random.pick(FORMATS);
    let type_flag = random.pick(b"\x00\x00000000011122345556677SVgA");
    let content = content(random);
    let has_content = !matches!(type_flag, b'1'..=b'6');
    let name = name(random);
    let mut block = Block::new(format, type_flag, &name, content.len() as i64);
    if type_flag == 0 && name.ends_with(b"/") && random.once_in(2) {
        // A folder of the oldest kind whose size must not be read as content.
        return archive.entry(block, &[]);
    }
    odd_fields(&mut block, format, random);
    let target = random.pick(&[&b"target"[..], b"/usr/bin/x", b"", &[b't'; 100], b"../up"]);
    let block = block.link(target);
    let block = if random.once_in(12) { block.seal_signed() } else { block.seal() };
    let archive = archive.block(&block);
    if has_content { archive.content(&content) } else { archive }
}

/// Fields as strange programs write them.
fn odd_fields(block: &mut Block, format: Format, random: &mut Random) {
    const NUMBERS: &[(usize, usize)] =
        &[(100, 8), (108, 8), (116, 8), (136, 12), (329, 8), (337, 8), (476, 12), (345, 12), (357, 12)];
    const TEXTS: &[&[u8]] = &[
        b"        ",
        b" 0000644",
        b"644 \0\0\0 ",
        b"+1      ",
        b"8       ",
        b"\0\0\0\0 12\0",
        b"7777777\0",
        b"1\x002345  ",
        b"1 2     ",
        b"-7      ",
    ];
    if random.once_in(3) {
        let (at, length) = random.pick(NUMBERS);
        match random.below(3) {
            0 => block.put(at, random.pick(TEXTS)),
            1 => block.base_256(
                at,
                length,
                random.pick(&[-1, -2, 5, 1 << 40, i64::MAX, i64::MIN, 1 << 32, (1 << 32) - 1]),
            ),
            _ => {
                let bytes = random.bytes(length);
                block.put(at, &bytes);
            }
        }
    }
    if format != Format::V7 && random.once_in(3) {
        block.put(345, random.pick(&[&b"prefix/of"[..], b"p", &[b'p'; 155], b"pr\xffx", b"\0hidden"]));
        if format == Format::Star {
            block.put(508, b"tar\0");
            block.put(476, &[0; 24]);
        }
    }
    if random.once_in(20) {
        block.base_256(124, 12, random.pick(&[-1, i64::MIN, i64::MAX, 1 << 33, 0]));
    }
    if random.once_in(20) {
        block.put(
            124,
            random.pick(&[&b"00000000010 "[..], b"10\0         ", b"            ", b"00000000000\0", b"777777777777"]),
        );
    }
}

/// Headers that describe the next entry.
fn extended(archive: Archive, random: &mut Random) -> Archive {
    let mut archive = archive;
    for _ in 0..1 + random.below(2) {
        archive = match random.below(7) {
            0 => archive.long(b'L', &name(random)),
            1 => archive.long(b'K', &name(random)),
            2 => archive.pax(b'g', &[(b"path", b"global/path"), (b"size", b"3")]),
            3 => {
                let bad = random.pick(&[&b"size=x"[..], b"path=a\0b", b"mtime=1.x"]);
                let (key, value) = bad.split_at(bad.iter().position(|byte| *byte == b'=').unwrap());
                archive.pax(random.pick(b"xgg"), &[(key, &value[1..])])
            }
            _ => {
                let mut text = Vec::new();
                for _ in 0..random.below(5) {
                    text.extend(pax_record(random));
                }
                archive.pax_text(b'x', &text)
            }
        };
    }
    archive
}

fn pax_record(random: &mut Random) -> Vec<u8> {
    const NUMBERS: &[&[u8]] = &[b"0", b"7", b"+5", b"4294967296", b"4294967295", b"-1", b"", b"1000"];
    const RAW: &[&[u8]] = &[
        b"5 a=\n",
        b"6 a=\n\n",
        b"+9 a=bc\n\n",
        b"4 =\n",
        b"9 a=b c\nx",
        b"007 a=b\n",
        b"99999999999999999999 a=b\n",
        b"0 a=b\n",
        b"11 =value\n",
        b"6 abc\n",
        b"\n",
    ];
    let number = random.pick(NUMBERS);
    match random.below(14) {
        0 => record(b"path", &name(random)),
        1 => record(b"linkpath", &name(random)),
        2 => record(b"uid", number),
        3 => record(b"gid", number),
        4 => record(b"mtime", random.pick(&[&b"1.5"[..], b"-3.25", b"7", b"", b"+1.", b"1700000000.123456789012"])),
        5 => record(
            b"SCHILY.xattr.security.capability",
            random.pick(&[&b"\x01\0\0\x02\0\x04\0\0"[..], b"", b"a\n30 path=etc/shadow\n", b"=\0="]),
        ),
        6 => record(b"SCHILY.xattr.user.note", b"x\n22 path=usr/smuggled\n"),
        7 => record(b"path", b""),
        8 => record(b"comment", "größe".as_bytes()),
        9 => record(b"uname", random.pick(&[&b"root"[..], b"ro\0t"])),
        10 if random.once_in(3) => record(b"size", random.pick(&[&b"0"[..], b"100", b"512", b"-1", b"+3"])),
        11 if random.once_in(4) => random.pick(RAW).to_vec(),
        12 if random.once_in(4) => record(
            random.pick(&[&b"GNU.sparse.offset"[..], b"GNU.sparse.map", b"GNU.sparse.major", b"GNU.sparse.name"]),
            random.pick(&[&b"1"[..], b"0", b"0,1", b""]),
        ),
        _ => record(b"atime", b"1"),
    }
}

/// A map of parts with their content; sometimes one that does not hold.
fn parts(random: &mut Random) -> (Vec<(i64, i64)>, i64, Vec<u8>) {
    let mut parts = Vec::new();
    let mut end = 0i64;
    let mut stored = 0usize;
    for _ in 0..random.pick(&[0, 1, 2, 3, 4, 5, 26, 60]) {
        let offset = end + random.below(900) as i64 * random.below(2) as i64;
        let length = random.below(300) * usize::from(!random.once_in(6));
        parts.push((offset, length as i64));
        stored += length;
        end = offset + length as i64;
    }
    let mut logical = end + random.below(3) as i64 * 333;
    match random.below(14) {
        0 => logical = logical.saturating_sub(random.below(40) as i64),
        1 => stored += random.below(20),
        2 => stored = stored.saturating_sub(random.below(20)),
        3 if !parts.is_empty() => {
            let index = random.below(parts.len());
            parts[index].0 += random.pick(&[-1, 1, -100, 7, i64::MAX / 2]);
        }
        4 if !parts.is_empty() => {
            let index = random.below(parts.len());
            parts[index].1 = random.pick(&[-1, i64::MAX, 0]);
        }
        _ => {}
    }
    (parts, logical, random.bytes(stored))
}

fn gnu_sparse(archive: Archive, random: &mut Random) -> Archive {
    let (parts, logical, content) = parts(random);
    archive.gnu_sparse(&name(random), &parts, logical, &content)
}

fn pax_sparse(archive: Archive, random: &mut Random) -> Archive {
    let (parts, logical, content) = parts(random);
    archive.pax_sparse(random.pick(&["0.0", "0.1", "1.0", "1.0"]), &name(random), &parts, logical, &content)
}

/// Damages an archive in one to three places; headers keep a right checksum as often as not, so that the damage is looked at.
pub(crate) fn damage(archive: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let blocks = archive.len() / BLOCK;
        if blocks == 0 {
            return;
        }
        let at = random.below(blocks) * BLOCK;
        match random.below(12) {
            0 => archive.truncate(random.below(archive.len() + 1)),
            1 => archive.truncate(at),
            2 => drop(archive.drain(at..at + BLOCK)),
            3 => drop(archive.splice(at..at, [0; BLOCK])),
            4 => {
                let copy = archive[at..at + BLOCK].to_vec();
                drop(archive.splice(at..at, copy));
            }
            _ => damage_block(&mut archive[at..at + BLOCK], random),
        }
    }
}

fn damage_block(bytes: &mut [u8], random: &mut Random) {
    let mut block = Block(bytes.try_into().unwrap());
    let reseal = block.is_sealed() && !random.once_in(4);
    // Fields and the text of extended headers are where it matters.
    let at = if random.once_in(2) {
        random.below(BLOCK)
    } else {
        random.pick(&[0, 99, 100, 108, 124, 125, 135, 136, 156, 156, 156, 157, 257, 262, 263, 345, 386, 482, 483, 508])
    };
    block.0[at] = match random.below(4) {
        0 => block.0[at] ^ (1 << random.below(8)),
        1 => random.pick(b"\0 01789xgLKSV/=\n,.-+\x80\xff"),
        2 => block.0[at].wrapping_add(1),
        _ => random.next() as u8,
    };
    bytes.copy_from_slice(&if reseal { block.seal() } else { block }.0);
}
