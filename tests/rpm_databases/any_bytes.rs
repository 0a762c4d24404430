//! Any bytes, and sound databases with random damage: always an answer, with work bounded by the length of the file.

use std::cell::Cell;
use std::io;

use imgguard::inspect::rpm::{RpmError, Summary, read_with_public_keys};
use imgguard::layer::view::ReadAt;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::compose::{BdbWriter, NAMED, header, ndb};
use super::{REAL, exported_headers, fixture, load, shared};

/// Counts what is read, so that a test sees work and not time.
struct Counted<'a> {
    bytes: &'a [u8],
    read: Cell<u64>,
    calls: Cell<u64>,
}

impl ReadAt for Counted<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + buffer.len() as u64);
        self.calls.set(self.calls.get() + 1);
        self.bytes.read_exact_at(offset, buffer)
    }
}

/// Reads everything there is to read; the work is bounded by the length of the file, whatever is in it.
fn exhaust(bytes: &[u8]) -> Result<Summary, RpmError> {
    let db = Counted { bytes, read: Cell::new(0), calls: Cell::new(0) };
    let result = read_with_public_keys(&db, &mut |entry| {
        for file in entry.files {
            assert!(!file.path.is_empty() && file.path[0] != b'/');
            assert!(!file.path.split(|b| *b == b'/').any(|part| part == b".."));
        }
    });
    let length = bytes.len() as u64;
    assert!(db.read.get() <= 4 * length + 66_000, "{} of {length}", db.read.get());
    assert!(db.calls.get() <= length / 8 + 10, "{} of {length}", db.calls.get());
    assert!(!matches!(result, Err(RpmError::Io(_))), "{result:?}");
    result
}

fn all_forms() -> Vec<Vec<u8>> {
    let headers = exported_headers();
    vec![
        fixture("rpmdb.sqlite.zst"),
        fixture("small-pages.sqlite.zst"),
        ndb(&headers),
        BdbWriter::file(false, 512, &headers),
        BdbWriter::file(true, 4096, &headers),
    ]
}

/// Changes bytes of `db` and cuts it off at `length` (a share of 65,536).
fn damage(db: &[u8], changes: &[(u32, u8)], length: u16) -> Vec<u8> {
    let mut db = db.to_vec();
    let bytes = db.len();
    for (at, byte) in changes {
        db[*at as usize % bytes] = *byte;
    }
    db.truncate(bytes * (usize::from(length) + 1) / 65_536);
    db
}

fn change() -> impl Strategy<Value = (u32, u8)> {
    // Half of the changes hit the first pages, where the structure is.
    (prop_oneof![0..u32::MAX, 0..4096u32], any::<u8>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_an_answer(
        form in 0..4usize,
        mut bytes in proptest::collection::vec(any::<u8>(), 0..5000),
    ) {
        let prefix: &[u8] = [
            b"SQLite format 3\0\x02\x00\x01\x01\x00\x40\x20\x20".as_slice(),
            b"RpmP\0\0\0\0\0\0\0\0\x01\0\0\0",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\x00\x09\0\0\0\0\x02\0\0\0\x08\0\0\0\0\0\0\x08\0\0\0",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\x15\x61\0\0\0\x09\0\0\x02\0\0\x08\0\0\0\0\0\0\0\0\0\x08",
        ][form];
        let shared = prefix.len().min(bytes.len());
        bytes[..shared].copy_from_slice(&prefix[..shared]);
        let _ = exhaust(&bytes);
    }

    #[test]
    fn any_header_ends_in_an_answer(
        tags in proptest::collection::vec(
            (prop_oneof![Just(1000u32), Just(1116), Just(1117), Just(1118), Just(1030)], 3..10u32, 0..6u32, 0..80u32),
            0..12,
        ),
        store in proptest::collection::vec(prop_oneof![Just(0u8), Just(b'/'), any::<u8>()], 0..80),
    ) {
        let mut blob = header(&NAMED);
        let index: Vec<u8> = tags
            .iter()
            .flat_map(|(tag, kind, count, offset)| [*tag, *kind, *offset, *count])
            .flat_map(u32::to_be_bytes)
            .collect();
        let end = 8 + NAMED.len() * 16;
        blob.splice(end..end, index);
        blob.extend_from_slice(&store);
        blob[..4].copy_from_slice(&(NAMED.len() as u32 + tags.len() as u32).to_be_bytes());
        let stored = (blob.len() - end - tags.len() * 16) as u32;
        blob[4..8].copy_from_slice(&stored.to_be_bytes());
        prop_assert!(exhaust(&ndb(&[blob])).is_ok());
    }

    #[test]
    fn damaged_databases_end_in_an_answer(
        form in 0..5usize,
        changes in proptest::collection::vec(change(), 0..12),
        length in prop_oneof![Just(u16::MAX), any::<u16>()],
    ) {
        let _ = exhaust(&damage(&all_forms()[form], &changes, length));
    }
}

#[test]
fn damaged_real_databases_end_in_an_answer() {
    let Some(root) = shared::folder("data/pkgdb") else { return };
    let mut runner = TestRunner::deterministic();
    let length = prop_oneof![Just(u16::MAX), any::<u16>()];
    let draws = (proptest::collection::vec(change(), 1..40), length);
    for real in &REAL {
        let db = load(&root.join(real.database));
        exhaust(&db).unwrap();
        for _ in 0..24 {
            let (changes, length) = draws.new_tree(&mut runner).unwrap().current();
            let _ = exhaust(&damage(&db, &changes, length));
        }
    }
}
