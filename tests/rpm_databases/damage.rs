//! Databases whose structure lies: a typed error, or a count where only one header is affected.

use std::io;

use imgguard::inspect::rpm::{HeaderError, RpmError, detect, read_with_public_keys};
use imgguard::layer::view::ReadAt;

use super::compose::{BdbWriter, NAMED, header, ndb, with};
use super::{error, exported_headers, fixture, names, packages};

#[test]
fn one_damaged_header_does_not_hide_the_others() {
    let mut headers = exported_headers();
    assert_eq!(headers.len(), 4);
    let clean = names(&ndb(&headers));
    let mut expected = clean.clone();
    expected.remove(1);

    // The number of index entries of the second package becomes a lie.
    // SQLite leaves old copies of moved rows behind.
    let needle = headers[1][..64].to_vec();
    let mut sqlite = fixture("rpmdb.sqlite.zst");
    let copies: Vec<_> = (0..sqlite.len() - 64).filter(|at| sqlite[*at..at + 64] == needle).collect();
    for at in copies {
        sqlite[at..at + 4].copy_from_slice(&[0, 0, 0xff, 0xff]);
    }
    headers[1][..4].copy_from_slice(&[0, 0, 0xff, 0xff]);
    let databases =
        [sqlite, ndb(&headers), BdbWriter::file(false, 512, &headers), BdbWriter::file(true, 32_768, &headers)];
    for db in databases {
        let (packages, summary) = packages(&db).unwrap();
        let found: Vec<_> = packages.into_iter().map(|package| package.name).collect();
        assert_eq!(found, expected, "{:?}", detect(&db));
        assert_eq!((summary.packages, summary.damaged), (3, 1));
        let damage = summary.first_damage.unwrap();
        assert!(matches!(damage.reason, HeaderError::Truncated { .. }), "{damage}");
        assert!(damage.offset > 0 && damage.offset < db.len() as u64);
    }
}

#[test]
fn ndb_structure_that_lies_is_an_error() {
    let good = ndb(&exported_headers());
    let slot = |index: usize, field: usize| 32 + index * 16 + field * 4;
    let patched = |at: usize, number: u32| {
        let mut db = good.clone();
        db[at..at + 4].copy_from_slice(&number.to_le_bytes());
        error(&db)
    };
    assert!(matches!(patched(4, 1).0, RpmError::Unsupported { field: "version", value: 1, .. }));
    assert!(matches!(patched(12, 0xffff_ffff).0, RpmError::PageOutOfRange { .. }));
    for (at, number) in [
        (slot(2, 0), 0),           // no mark
        (slot(2, 1), 0),           // no package
        (slot(2, 2), 1),           // among the slots
        (slot(2, 2), 0xffff_ffff), // beyond the file
        (slot(2, 3), 0xffff_ffff),
        (slot(2, 3), 0),
    ] {
        let (error, seen) = patched(at, number);
        assert!(matches!(error, RpmError::BadSlot { slot: 2, .. }), "{error}");
        assert_eq!(seen, 2);
    }
    assert!(matches!(error(&good[..good.len() - 16]).0, RpmError::BadSlot { slot: 3, .. }));

    // Free slots and a frame that belongs to another slot are no error of the structure.
    let mut db = good.clone();
    db[slot(0, 2)..slot(0, 2) + 4].fill(0);
    db[slot(1, 1)] = 99;
    let (found, summary) = packages(&db).unwrap();
    assert_eq!((found.len(), summary.damaged), (2, 1));
    assert_eq!(summary.first_damage.unwrap().reason, HeaderError::BadFrame);
}

#[test]
fn ndb_frames_that_disagree_with_their_slot_hide_only_their_header() {
    let headers = exported_headers();
    let good = ndb(&headers);
    let length = headers[0].len() as u32;
    let blocks = (length + 28).div_ceil(16);
    // The first frame begins after the page of slots; its tail is its last 12 bytes.
    let tail = 4096 + blocks as usize * 16 - 12;
    let cases: [&[(usize, u32)]; 7] = [
        &[(4096, 0)],
        &[(4096 + 4, 2)],
        &[(4096 + 12, length - 1)],
        &[(tail + 4, length - 1)],
        &[(tail + 8, 0)],
        // Both lengths agree with each other but not with the slot.
        &[(4096 + 12, length - 32), (tail + 4, length - 32)],
        &[(32 + 12, 1)],
    ];
    for patches in cases {
        let mut db = good.clone();
        for (at, number) in patches {
            db[*at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let (found, summary) = packages(&db).unwrap();
        assert_eq!((found.len(), summary.damaged), (3, 1), "{patches:?}");
        let damage = summary.first_damage.unwrap();
        assert_eq!((damage.offset, damage.reason), (4096, HeaderError::BadFrame));
    }
}

#[test]
fn ndb_slots_that_share_a_header_end_the_reading() {
    let mut db = ndb(&[with(&[(1014, 6, 1, &[b"x".repeat(5000), vec![0]].concat())])]);
    let slot = db[32..48].to_vec();
    for index in 1..250 {
        db[32 + index * 16..48 + index * 16].copy_from_slice(&slot);
    }
    let (error, seen) = error(&db);
    assert!(matches!(error, RpmError::OverlappingHeaders), "{error}");
    assert_eq!(seen, 1);
}

#[test]
fn berkeley_db_structure_that_lies_is_an_error() {
    let headers = exported_headers();
    for big_endian in [false, true] {
        let good = BdbWriter::file(big_endian, 512, &headers);
        let writer = BdbWriter { big_endian, page_bytes: 512, pages: Vec::new() };
        // Page 1 is the hash page; its items 2 and 3 are those of package 1, whose chain begins with page 2 and goes on with page 3.
        assert_eq!((good[512 + 25], good[2 * 512 + 25], good[3 * 512 + 25]), (13, 7, 7));
        let pointer = |index: usize| 512 + 26 + 2 * index;
        let order = if big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let value = 512 + usize::from(order([good[pointer(3)], good[pointer(3) + 1]]));
        assert_eq!(good[value], 3);
        for (at, number, expected) in [
            (16, 7, "Berkeley DB with hash version 7 is not supported"),
            (20, 513, "Berkeley DB with page size 513 is not supported"),
            (20, 0, "Berkeley DB with page size 0 is not supported"),
            (3 * 512 + 16, 2, "page 2 is used twice"),
            (3 * 512 + 16, 3, "page 3 is used twice"),
            (3 * 512 + 16, 1, "page 1 is used twice"),
            (3 * 512 + 16, 70_000, "page 70000 is not in the file"),
            (3 * 512 + 16, 0, "page 0: a chain of overflow pages ends early"),
            (3 * 512 + 8, 9, "page 3: it has the number of another page"),
            (value + 8, 0, "page 1: the length of an item lies"),
            (value + 8, 0xffff_ffff, "page 1: the length of an item lies"),
            (value + 8, 10, "page 2: its length lies"),
        ] {
            let mut db = good.clone();
            writer.put32(&mut db, at, number);
            assert_eq!(error(&db).0.to_string(), expected, "{at}: {number}");
        }
        for (at, number, expected) in [
            (3 * 512 + 22, 0, "page 3: its length lies"),
            (3 * 512 + 22, 65_535, "page 3: its length lies"),
            (pointer(2), 0, "page 1: an item has no room"),
            (pointer(2), 512, "page 1: an item has no room"),
            (pointer(3), 26, "page 1: an item has no room"),
            (pointer(3), 65_535, "page 1: an item has no room"),
        ] {
            let mut db = good.clone();
            writer.put16(&mut db, at, number);
            assert_eq!(error(&db).0.to_string(), expected, "{at}: {number}");
        }
        for (at, byte, expected) in [
            (24, 1, "Berkeley DB with encryption 1 is not supported"),
            (25, 9, "Berkeley DB with page type 9 is not supported"),
            (26, 1, "Berkeley DB with flags 1 is not supported"),
            (value, 2, "page 1: an item has an unknown type"),
            (3 * 512 + 25, 13, "page 3: it is not the overflow page it should be"),
        ] {
            let mut db = good.clone();
            db[at] = byte;
            assert_eq!(error(&db).0.to_string(), expected, "{at}: {byte}");
        }
        let last = good.len() / 512 - 1;
        let cut = error(&good[..good.len() - 1]).0;
        assert_eq!(cut.to_string(), format!("page {last} is not in the file"));
    }
}

#[test]
fn sqlite_structure_that_lies_is_an_error() {
    let good = fixture("small-pages.sqlite.zst");
    let patched = |at: usize, bytes: &[u8]| {
        let mut db = good.clone();
        db[at..at + bytes.len()].copy_from_slice(bytes);
        error(&db)
    };
    let unsupported = |at, bytes: &[u8], name| {
        let (error, _) = patched(at, bytes);
        assert!(matches!(error, RpmError::Unsupported { field, .. } if field == name), "{error}");
    };
    unsupported(16, &[0, 0], "page size");
    unsupported(16, &[2, 1], "page size");
    unsupported(20, &[33], "reserved bytes");
    unsupported(19, &[3], "read version");
    unsupported(56, &[0, 0, 0, 2], "text encoding");

    let name = good.windows(8).position(|window| window == b"Packages").unwrap();
    assert!(matches!(patched(name, b"packages").0, RpmError::NoPackagesTable));

    // An interior page of the table: its last child, and its first cell's, become its own number, another child, no page, one too far.
    let interior = interior_and_leaf(&good).0 - 1;
    let number = (interior as u32 + 1).to_be_bytes();
    let right = interior * 512 + 8;
    assert!(matches!(patched(right, &number).0, RpmError::PageReused { .. }));
    let first = usize::from(u16::from_be_bytes([good[right + 4], good[right + 5]]));
    let child = interior * 512 + first;
    assert!(matches!(patched(right, &good[child..child + 4]).0, RpmError::PageReused { .. }));
    assert!(matches!(patched(right, &[0; 4]).0, RpmError::PageOutOfRange { page: 0 }));
    let too_far = (good.len() as u32 / 512 + 1).to_be_bytes();
    assert!(matches!(patched(right, &too_far).0, RpmError::PageOutOfRange { .. }));
    assert!(matches!(patched(right, &[0xff; 4]).0, RpmError::PageOutOfRange { .. }));
    assert!(matches!(patched(interior * 512, &[0x0a]).0, RpmError::BadPage { .. }));
    assert!(matches!(patched(interior * 512 + 3, &[0xff, 0xff]).0, RpmError::BadPage { .. }));
    assert!(matches!(patched(right + 4, &[0xff, 0xff]).0, RpmError::BadPage { .. }));
    assert!(error(&good[..good.len() / 2]).1 < 270);
}

/// Numbers of an interior page of the table in `small-pages.sqlite`, and of a leaf below it.
fn interior_and_leaf(db: &[u8]) -> (usize, usize) {
    let kind = |number: usize| db[(number - 1) * 512];
    let interior = (2..db.len() / 512).find(|number| kind(*number) == 5).unwrap();
    let mut leaf = interior;
    while kind(leaf) == 5 {
        let page = &db[(leaf - 1) * 512..leaf * 512];
        let cell = usize::from(u16::from_be_bytes([page[12], page[13]]));
        leaf = u32::from_be_bytes(page[cell..cell + 4].try_into().unwrap()) as usize;
    }
    assert_eq!(kind(leaf), 0x0d);
    (interior, leaf)
}

/// A leaf below the interior page `from` with a cell that goes on over two more pages, and the offset of the number of that cell's first overflow page.
///
/// Source: SQLite's file format, sections 1.6 and 2.
fn leaf_with_overflow(db: &[u8], from: usize) -> Option<(usize, usize)> {
    // 12 bytes of each page are reserved.
    let (usable, least) = (500, 38);
    let varint = |mut at: usize| {
        let mut value = 0;
        while db[at] & 0x80 != 0 {
            value = value << 7 | usize::from(db[at] & 0x7f);
            at += 1;
        }
        (value << 7 | usize::from(db[at]), at + 1)
    };
    let page = (from - 1) * 512;
    let cell = |index: usize, header: usize| {
        let at = page + header + 2 * index;
        page + usize::from(u16::from_be_bytes([db[at], db[at + 1]]))
    };
    let cells = usize::from(u16::from_be_bytes([db[page + 3], db[page + 4]]));
    if db[page] == 5 {
        let child = |index| u32::from_be_bytes(db[cell(index, 12)..][..4].try_into().unwrap()) as usize;
        return (0..cells).find_map(|index| leaf_with_overflow(db, child(index)));
    }
    (0..cells).find_map(|index| {
        let (payload, at) = varint(cell(index, 8));
        let (_, content) = varint(at);
        let wanted = least + payload.saturating_sub(least) % (usable - 4);
        (payload > 2 * usable - 35).then_some((from, content + if wanted <= usable - 35 { wanted } else { least }))
    })
}

#[test]
fn sqlite_chains_and_depth_are_bounded() {
    let good = fixture("small-pages.sqlite.zst");
    let page = |number: usize| (number - 1) * 512;
    let next_of = |at: usize| u32::from_be_bytes(good[at..at + 4].try_into().unwrap()) as usize;
    let with_next = |at: usize, next: usize| {
        let mut db = good.clone();
        db[at..at + 4].copy_from_slice(&(next as u32).to_be_bytes());
        error(&db).0
    };
    let (interior, _) = interior_and_leaf(&good);
    let (leaf, overflow) = (2..=good.len() / 512)
        .filter(|number| good[page(*number)] == 5)
        .find_map(|number| leaf_with_overflow(&good, number))
        .unwrap();
    let first = next_of(overflow);
    assert!(matches!(with_next(page(first), first), RpmError::PageReused { page } if page == first as u64));
    assert!(matches!(with_next(overflow, leaf), RpmError::PageReused { .. }));
    assert!(matches!(with_next(page(first), 0), RpmError::PageOutOfRange { page: 0 }));
    assert!(matches!(with_next(page(first), 1 << 20), RpmError::PageOutOfRange { page: 0x10_0000 }));

    // Thirty interior pages with one child each.
    let mut db = good.clone();
    let pages = good.len() / 512;
    db[page(interior) + 8..page(interior) + 12].copy_from_slice(&(pages as u32 + 1).to_be_bytes());
    for number in pages + 1..=pages + 30 {
        db.extend([5, 0, 0, 0, 0, 2, 0, 0]);
        db.extend((number as u32 + 1).to_be_bytes());
        db.resize(number * 512, 0);
    }
    let (error, _) = error(&db);
    assert!(matches!(error, RpmError::BadPage { reason: "the b-tree is too deep", .. }), "{error}");
}

/// A file that goes on with zeros.
struct Sparse(Vec<u8>);

impl ReadAt for Sparse {
    fn len(&self) -> u64 {
        1 << 30
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.fill(0);
        let rest = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(())
    }
}

#[test]
fn a_header_that_is_too_large_does_not_hide_the_others() {
    let large = 80 << 20;
    let mut sqlite = fixture("small-pages.sqlite.zst");
    let leaf = (interior_and_leaf(&sqlite).1 - 1) * 512;
    let cell = leaf + usize::from(u16::from_be_bytes([sqlite[leaf + 8], sqlite[leaf + 9]]));
    sqlite[cell..cell + 4].copy_from_slice(&[0xa8, 0x80, 0x80, 0]);

    let mut bdb = BdbWriter::file(true, 512, &exported_headers());
    let writer = BdbWriter { big_endian: true, page_bytes: 512, pages: Vec::new() };
    // The fourth item of the first hash page is the value of package 1.
    let item = 512 + usize::from(u16::from_be_bytes([bdb[512 + 32], bdb[512 + 33]]));
    assert_eq!(bdb[item], 3);
    writer.put32(&mut bdb, item + 8, large);

    let tail = vec![0; large - 8];
    let ndb = ndb(&[[[0; 8].to_vec(), tail].concat(), header(&NAMED)]);
    for (db, others, size) in [(sqlite, 269, large), (bdb, 3, large), (ndb, 1, large)] {
        let mut seen = 0;
        let summary = read_with_public_keys(&Sparse(db), &mut |_| seen += 1).unwrap();
        assert_eq!((seen, summary.damaged), (others, 1));
        assert_eq!(summary.first_damage.unwrap().reason, HeaderError::TooLarge { size: size as u64 });
    }
}

#[test]
fn more_packages_than_any_image_has_end_the_reading() {
    let (error, seen) = error(&ndb(&vec![header(&NAMED); 100_001]));
    assert!(matches!(error, RpmError::TooManyPackages), "{error}");
    assert_eq!(seen, 100_000);
}
