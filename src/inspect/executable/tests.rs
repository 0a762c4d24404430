//! Headers of systems that the machine of the tests cannot link for, as their documents lay them out.

use std::io::Write as _;

use super::*;
use crate::facts::{PackageFact, PackageKind};
use crate::layer::EntryKind;

fn record() -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io"}]}"#).unwrap();
    encoder.finish().unwrap()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// A 64-bit Mach-O program with one segment of one section (Apple's `mach-o/loader.h`).
fn macho() -> Vec<u8> {
    let data = record();
    let (offset, length) = (32 + 72 + 80, data.len() as u32);
    let mut file = words(&[0xfeed_facf, 0x0100_000c, 0, 2, 1, 72 + 80, 0, 0]);
    file.extend(words(&[0x19, 72 + 80]));
    file.extend(name("__DATA"));
    file.extend(words(&[0, 0, 0x1000, 0, offset, 0, length, 0, 3, 3, 1, 0]));
    file.extend(name(".dep-v0"));
    file.extend(name("__DATA"));
    file.extend(words(&[0, 0, length, 0, offset, 0, 0, 0, 0, 0, 0, 0]));
    [file, data].concat()
}

/// A 64-bit PE program with one section (Microsoft's "PE Format").
fn pe() -> Vec<u8> {
    let data = record();
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(words(&[64, 0x0000_4550]));
    let machine_and_sections = 0x0001_8664;
    file.extend(words(&[machine_and_sections, 0, 0, 0, 240 | 0x22 << 16]));
    let mut optional = vec![0; 240];
    optional[..2].copy_from_slice(&0x20b_u16.to_le_bytes());
    optional[108..112].copy_from_slice(&16_u32.to_le_bytes());
    file.extend(optional);
    file.extend(b".dep-v0\0");
    let offset = file.len() as u32 + 32;
    file.extend(words(&[data.len() as u32, 0x1000, data.len() as u32, offset, 0, 0, 0, 0x4000_0040]));
    [file, data].concat()
}

/// A universal file of these programs (Apple's `mach-o/fat.h`, whose numbers are big-endian).
fn universal(programs: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, programs.len() as u8];
    let mut offset = 8 + 20 * programs.len();
    for program in programs {
        let arch = [0, 0, offset as u32, program.len() as u32, 0];
        file.extend(arch.iter().flat_map(|word: &u32| word.to_be_bytes()));
        offset += program.len();
    }
    file.extend(programs.concat());
    file
}

fn inspect(bytes: &[u8]) -> Vec<Fact> {
    let kind = EntryKind::File;
    let entry = Entry { path: b"p", kind, size: 0, mode: 0o755, uid: 0, gid: 0, link: b"", capability: None };
    assert!(Executable.wants(&entry, bytes.get(..512).unwrap_or(bytes)));
    let mut facts = Vec::new();
    Executable.inspect(&FileView::in_memory(entry, bytes), &mut facts).unwrap();
    facts
}

#[test]
fn crates_are_found_in_every_format() {
    let expected = [Fact::Package(PackageFact::new(PackageKind::Cargo, "a", "1.0.0"))];
    assert_eq!(inspect(&macho()), expected);
    assert_eq!(inspect(&pe()), expected);
    assert_eq!(inspect(&universal(&[macho(), macho()])), expected);
}

#[test]
fn a_class_is_no_universal_file() {
    let kind = EntryKind::File;
    let entry = Entry { path: b"A.class", kind, size: 0, mode: 0o644, uid: 0, gid: 0, link: b"", capability: None };
    let java_8 = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 1];
    assert!(!Executable.wants(&entry, &java_8));
}
