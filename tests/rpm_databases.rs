//! The reader of RPM databases: against lists that rpm itself made, in every form and byte order, and against damage.
//!
//! `testdata/inspect/os-rpm/make.sh` makes the fixtures with rpm's own tools. NDB and Berkeley DB files, which today's rpm no longer
//! writes on most machines, are composed here from header blobs that rpm wrote. Tests over real databases (`../shared/data/pkgdb`,
//! or `IMGGUARD_SHARED`) are skipped loudly where those are absent.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use imgguard::inspect::rpm::{
    Backend, HeaderError, MAX_STRING_BYTES, RpmEntry, RpmError, RpmPackage, Summary, detect, read,
    read_with_public_keys,
};
use imgguard::layer::view::ReadAt;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

// ---------------------------------------------------------------------------------------------- inputs

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inspect/os-rpm").join(name);
    load(&path)
}

/// The file's bytes, decompressed if its name ends in `.zst`.
fn load(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
    match path.extension() {
        Some(extension) if extension == "zst" => zstd::decode_all(bytes.as_slice()).unwrap(),
        _ => bytes,
    }
}

/// The real databases, if they are there.
fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("IMGGUARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join("data/pkgdb");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: `{}` is absent; set IMGGUARD_SHARED", path.display());
    None
}

/// A real database and what rpm says about it.
struct Real {
    database: &'static str,
    /// The list of `rpm -qa`, with public keys.
    list: &'static str,
    backend: Backend,
    packages: usize,
    public_keys: u64,
    /// Lines of `rpm -qal` (rpm 4.18; the NDB database imported with `rpmdb --importdb` first), without `/` and `(contains no files)`.
    files: usize,
}

const fn real(
    (database, list): (&'static str, &'static str),
    backend: Backend,
    packages: usize,
    public_keys: u64,
    files: usize,
) -> Real {
    Real { database, list, backend, packages, public_keys, files }
}

const REAL: [Real; 14] = {
    use Backend::{Bdb, Ndb, Sqlite};
    [
        real(("almalinux/8-20230523-s390x-micro/var/lib/rpm/Packages.zst", "almalinux/8-20230523-s390x-micro/expected.tsv"), Bdb, 20, 1, 19_919),
        real(("almalinux/8-20231122-s390x-micro/var/lib/rpm/Packages.zst", "almalinux/8-20231122-s390x-micro/expected.tsv"), Bdb, 20, 1, 19_920),
        real(("almalinux/9-20220706-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9-20220706-aarch64-micro/expected.tsv"), Sqlite, 23, 1, 19_919),
        real(("almalinux/9-20221001-s390x-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9-20221001-s390x-micro/expected.tsv"), Sqlite, 23, 1, 19_934),
        real(("almalinux/9-20230222-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9-20230222-aarch64-micro/expected.tsv"), Sqlite, 23, 1, 19_926),
        real(("almalinux/9-20230718-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9-20230718-aarch64-micro/expected.tsv"), Sqlite, 23, 1, 19_929),
        real(("almalinux/9-20231124-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9-20231124-aarch64-micro/expected.tsv"), Sqlite, 23, 1, 19_928),
        real(("almalinux/9.0beta-20220507-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst", "almalinux/9.0beta-20220507-aarch64-micro/expected.tsv"), Sqlite, 22, 0, 19_912),
        real(("cbl-mariner/2.0/rpmdb.sqlite.zst", "cbl-mariner/2.0/expected.tsv"), Sqlite, 129, 0, 7_269),
        real(("sles/sle15-bci/Packages.db.zst", "sles/sle15-bci/expected.tsv"), Ndb, 35, 0, 2_837),
        real(("misc-rpm/grype-sles.Packages", "misc-rpm/grype-sles.expected.tsv"), Bdb, 1, 0, 1),
        real(("misc-rpm/libuuid.Packages", "misc-rpm/libuuid.expected.tsv"), Bdb, 1, 0, 7),
        real(("misc-rpm/scalibr-epoch.Packages", "misc-rpm/scalibr-epoch.expected.tsv"), Bdb, 1, 0, 1),
        real(("misc-rpm/syft-dive.Packages", "misc-rpm/syft-dive.expected.tsv"), Bdb, 1, 0, 1),
    ]
};

/// The columns of the lists in `pkgdb`; that of the fixtures has the license after them.
fn row(package: &RpmPackage) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
    [
        package.name.clone(),
        package.epoch.map_or_else(|| "(none)".into(), |epoch| epoch.to_string()),
        package.version.clone(),
        package.release.clone(),
        or_none(&package.arch),
        or_none(&package.source_rpm),
        or_none(&package.modularity_label),
        or_none(&package.vendor),
    ]
    .join("\t")
}

fn sorted_lines(text: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Every package with public keys, in the order of the database, and the summary.
fn packages(db: &[u8]) -> Result<(Vec<RpmPackage>, Summary), RpmError> {
    let mut packages = Vec::new();
    let summary = read_with_public_keys(&db, &mut |entry| packages.push(entry.package))?;
    Ok((packages, summary))
}

fn names(db: &[u8]) -> Vec<String> {
    packages(db).unwrap().0.into_iter().map(|package| package.name).collect()
}

/// What reading ends with, and the packages seen before.
fn error(db: &[u8]) -> (RpmError, u64) {
    let mut seen = 0;
    let result = read_with_public_keys(&db, &mut |_| seen += 1);
    (result.expect_err("the damage is found"), seen)
}

/// Header blobs as `rpmdb --exportdb` wrote them, each behind a magic number of 8 bytes.
fn exported_headers() -> Vec<Vec<u8>> {
    let list = fixture("headers.list");
    let mut rest = list.as_slice();
    let mut headers = Vec::new();
    while !rest.is_empty() {
        assert_eq!(&rest[..4], b"\x8e\xad\xe8\x01");
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
        let length = 8 + 16 * number(8) + number(12);
        headers.push(rest[8..8 + length].to_vec());
        rest = &rest[8 + length..];
    }
    headers
}

// ---------------------------------------------------------------------------------------------- writers

/// One tag: number, type, count, bytes.
type TagValue<'a> = (u32, u32, u32, &'a [u8]);

/// A header without a region, as packages of rpm 3 have it.
fn header(tags: &[TagValue<'_>]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    for (tag, kind, count, bytes) in tags {
        for number in [*tag, *kind, store.len() as u32, *count] {
            index.extend(number.to_be_bytes());
        }
        store.extend_from_slice(bytes);
    }
    let lengths = [tags.len() as u32, store.len() as u32].map(u32::to_be_bytes).concat();
    [lengths, index, store].concat()
}

const NAMED: [TagValue<'static>; 3] =
    [(1000, 6, 1, b"named\0"), (1001, 6, 1, b"1\0"), (1002, 6, 1, b"2\0")];

/// An NDB file; the packages are numbered from 1.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let le = |numbers: &[u32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let slot_bytes = (32 + 16 * headers.len()).next_multiple_of(4096).max(4096);
    let (slot_pages, next) = (slot_bytes as u32 / 4096, headers.len() as u32 + 1);
    let mut file = [b"RpmP".to_vec(), le(&[0, 7, slot_pages, next, 0, 0, 0])].concat();
    let mut frames = Vec::new();
    for (number, header) in (1u32..).zip(headers) {
        let blocks = (16 + header.len() + 12).div_ceil(16);
        let start = (slot_bytes + frames.len()) / 16;
        file.extend([b"Slot".to_vec(), le(&[number, start as u32, blocks as u32])].concat());
        let end = frames.len() + blocks * 16;
        frames.extend([b"BlbS".to_vec(), le(&[number, 7, header.len() as u32])].concat());
        frames.extend_from_slice(header);
        frames.resize(end - 12, 0);
        frames.extend([le(&[0, header.len() as u32]), b"BlbE".to_vec()].concat());
    }
    while file.len() < slot_bytes {
        file.extend([b"Slot".to_vec(), le(&[0, 0, 0])].concat());
    }
    file.extend(frames);
    file
}

/// Composes Berkeley DB hash files with one bucket.
struct BdbWriter {
    big_endian: bool,
    page_bytes: usize,
    pages: Vec<Vec<u8>>,
}

impl BdbWriter {
    fn put16(&self, page: &mut [u8], at: usize, number: usize) {
        let number = u16::try_from(number).unwrap();
        let raw = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        page[at..at + 2].copy_from_slice(&raw);
    }

    fn put32(&self, page: &mut [u8], at: usize, number: usize) {
        let number = u32::try_from(number).unwrap();
        let raw = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        page[at..at + 4].copy_from_slice(&raw);
    }

    fn new_page(&mut self, kind: u8) -> usize {
        let number = self.pages.len();
        let mut page = vec![0; self.page_bytes];
        self.put32(&mut page, 8, number);
        page[25] = kind;
        self.pages.push(page);
        number
    }

    /// Writes `bytes` to a chain of overflow pages and returns the first.
    fn overflow(&mut self, bytes: &[u8]) -> usize {
        let first = self.pages.len();
        let room = self.page_bytes - 26;
        let count = bytes.len().div_ceil(room);
        for (index, chunk) in bytes.chunks(room).enumerate() {
            let number = self.new_page(7);
            let mut page = std::mem::take(&mut self.pages[number]);
            self.put32(&mut page, 16, if index + 1 < count { number + 1 } else { 0 });
            self.put16(&mut page, 20, 1);
            self.put16(&mut page, 22, chunk.len());
            page[26..26 + chunk.len()].copy_from_slice(chunk);
            self.pages[number] = page;
        }
        first
    }

    /// Key and value items of package `number`; a large value goes to overflow pages, as in Berkeley DB.
    fn items(&mut self, number: usize, value: &[u8]) -> [Vec<u8>; 2] {
        let mut key = vec![1, 0, 0, 0, 0];
        self.put32(&mut key, 1, number);
        if value.len() <= self.page_bytes / 4 {
            return [key, [&[1], value].concat()];
        }
        let first = self.overflow(value);
        let mut item = vec![3; 12];
        self.put32(&mut item, 4, first);
        self.put32(&mut item, 8, value.len());
        [key, item]
    }

    /// The whole file: packages are numbered from 1, and number 0 is rpm's counter.
    fn file(big_endian: bool, page_bytes: usize, headers: &[Vec<u8>]) -> Vec<u8> {
        let mut this = Self { big_endian, page_bytes, pages: Vec::new() };
        this.new_page(8);
        let mut bucket = this.new_page(13);
        let counter = vec![headers.len() as u8, 0, 0, 0];
        let mut end = page_bytes;
        let mut count = 0;
        for (number, value) in std::iter::once(&counter).chain(headers).enumerate() {
            let items = this.items(number, value);
            if 26 + 2 * (count + 2) + items.concat().len() >= end {
                let next = this.new_page(13);
                let mut page = std::mem::take(&mut this.pages[bucket]);
                this.put32(&mut page, 16, next);
                this.pages[bucket] = page;
                let mut page = std::mem::take(&mut this.pages[next]);
                this.put32(&mut page, 12, bucket);
                this.pages[next] = page;
                (bucket, end, count) = (next, page_bytes, 0);
            }
            let mut page = std::mem::take(&mut this.pages[bucket]);
            for item in items {
                end -= item.len();
                page[end..end + item.len()].copy_from_slice(&item);
                this.put16(&mut page, 26 + 2 * count, end);
                count += 1;
            }
            this.put16(&mut page, 20, count);
            this.put16(&mut page, 22, end % 65_536);
            this.pages[bucket] = page;
        }
        this.meta(headers.len() + 1);
        this.pages.concat()
    }

    fn meta(&mut self, records: usize) {
        let mut meta = std::mem::take(&mut self.pages[0]);
        for (at, number) in [
            (12, 0x0006_1561),
            (16, 9),
            (20, self.page_bytes),
            (32, self.pages.len() - 1),
            (40, records),
            (44, records),
        ] {
            self.put32(&mut meta, at, number);
        }
        for spare in 0..32 {
            self.put32(&mut meta, 96 + 4 * spare, 1);
        }
        self.pages[0] = meta;
    }
}

// ---------------------------------------------------------------------------------------------- what rpm says

#[test]
fn real_databases_give_what_rpm_lists() {
    let Some(root) = shared() else { return };
    let mut rows = BTreeMap::new();
    for real in &REAL {
        let name = real.database;
        let db = load(&root.join(name));
        assert_eq!(detect(&db[..512]), Some(real.backend), "{name}");
        let (packages, summary) = packages(&db).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found: Vec<_> = packages.iter().map(row).collect();
        found.sort();
        assert_eq!(found, sorted_lines(&load(&root.join(real.list))), "{name}");
        assert_eq!(found.len(), real.packages, "{name}");
        let public_keys = real.public_keys;
        let expected = Summary { packages: found.len() as u64, public_keys, ..Summary::default() };
        assert_eq!(summary, expected, "{name}");
        *rows.entry(format!("{:?}", real.backend)).or_insert(0) += found.len();
    }
    let expected = [("Bdb", 44), ("Ndb", 35), ("Sqlite", 266)];
    assert_eq!(rows, expected.map(|(form, rows)| (form.to_owned(), rows)).into());
}

#[test]
fn real_databases_give_the_files_rpm_lists() {
    let Some(root) = shared() else { return };
    for real in &REAL {
        let db = load(&root.join(real.database));
        let mut files = 0;
        let summary = read(&db.as_slice(), &mut |entry| {
            assert!(!entry.package.is_public_key());
            for file in entry.files {
                assert!(file.mode.is_some());
                files += 1;
            }
        })
        .unwrap();
        let expected = (real.files, real.packages as u64 - real.public_keys, 0);
        assert_eq!((files, summary.packages, summary.dropped_paths), expected, "{}", real.database);
    }
}

#[test]
fn a_foreign_sqlite_file_is_no_package_database() {
    let Some(root) = shared() else { return };
    let db = load(&root.join("misc-rpm/no_packages.sqlite"));
    assert!(matches!(error(&db).0, RpmError::NoPackagesTable));
}

#[test]
fn databases_without_packages_are_empty() {
    for db in [
        fixture("empty.sqlite.zst"),
        ndb(&[]),
        BdbWriter::file(false, 512, &[]),
        BdbWriter::file(true, 4096, &[]),
    ] {
        assert_eq!(packages(&db).unwrap(), (Vec::new(), Summary::default()), "{:?}", detect(&db));
    }
}

#[test]
fn the_fixture_gives_what_rpm_lists() {
    let db = fixture("rpmdb.sqlite.zst");
    assert_eq!(db[18..20], [2, 2], "rpm leaves its database in WAL mode");
    check_fixture(&db);
}

#[test]
fn ndb_gives_what_rpm_lists() {
    check_fixture(&ndb(&exported_headers()));
}

#[test]
fn berkeley_db_gives_what_rpm_lists_in_both_byte_orders() {
    let headers = exported_headers();
    // 512: long chains and several pages in the bucket; 32 KiB: headers of less than 8 KiB stand on the hash page itself.
    for page_bytes in [512, 4096, 32_768] {
        for big_endian in [false, true] {
            check_fixture(&BdbWriter::file(big_endian, page_bytes, &headers));
        }
    }
}

fn check_fixture(db: &[u8]) {
    let (packages, summary) = packages(db).unwrap();
    let mut rows: Vec<_> = packages
        .iter()
        .map(|package| format!("{}\t{}", row(package), package.license.as_deref().unwrap()))
        .collect();
    rows.sort();
    assert_eq!(rows, sorted_lines(&fixture("expected.tsv")));
    let expected = Summary { packages: 4, public_keys: 1, ..Summary::default() };
    assert_eq!(summary, expected);

    let mut files = Vec::new();
    let mut list = |entry: RpmEntry<'_>| {
        for file in entry.files {
            let path = String::from_utf8(file.path).unwrap();
            files.push(format!("{}\t{:o}\t/{path}", entry.package.name, file.mode.unwrap()));
        }
    };
    let summary = read(&db, &mut list).unwrap();
    files.sort();
    let mut expected = sorted_lines(&fixture("files.tsv"));
    expected.retain(|line| !line.ends_with("\t/"));
    assert_eq!(files.len(), 86);
    assert_eq!(files, expected);
    assert_eq!((summary.packages, summary.public_keys, summary.dropped_paths), (3, 1, 0));
}

#[test]
fn a_b_tree_of_several_levels_is_read_in_order_past_free_pages() {
    let db = fixture("small-pages.sqlite.zst");
    assert_eq!(names(&db), vec!["gpg-pubkey"; 60]);
    assert_ne!(db[36..40], [0; 4], "the file has free pages");
}

#[test]
fn the_form_is_told_by_magic() {
    let headers = exported_headers();
    assert_eq!(detect(&fixture("rpmdb.sqlite.zst")), Some(Backend::Sqlite));
    assert_eq!(detect(&ndb(&headers)), Some(Backend::Ndb));
    for big_endian in [false, true] {
        let db = BdbWriter::file(big_endian, 512, &headers);
        assert_eq!(detect(&db), Some(Backend::Bdb));
        assert_eq!(detect(&db[..15]), None);
    }
    assert_eq!(detect(b""), None);
    assert!(matches!(error(b"").0, RpmError::UnknownForm));
    assert!(matches!(error(&[0; 600]).0, RpmError::UnknownForm));
}

// ---------------------------------------------------------------------------------------------- headers

/// Reads one header through an NDB file: the package with its paths, and the summary.
fn one(blob: Vec<u8>) -> (Option<(RpmPackage, Vec<String>)>, Summary) {
    let mut found = None;
    let summary = read(&ndb(&[blob]).as_slice(), &mut |entry| {
        let files = entry.files.map(|file| String::from_utf8_lossy(&file.path).into_owned());
        found = Some((entry.package, files.collect()));
    });
    (found, summary.unwrap())
}

fn with(more: &[TagValue<'_>]) -> Vec<u8> {
    header(&[&NAMED, more].concat())
}

#[test]
fn a_minimal_header_is_a_package() {
    let (found, summary) = one(with(&[]));
    let (package, files) = found.unwrap();
    assert_eq!(row(&package), "named\t(none)\t1\t2\t(none)\t(none)\t(none)\t(none)");
    assert_eq!((package.evr().as_str(), files.len(), summary.damaged), ("1-2", 0, 0));
}

#[test]
fn later_entries_replace_earlier_ones() {
    let (found, _) = one(with(&[(1003, 4, 1, &[0, 0, 0, 5]), (1003, 4, 1, &[0, 0, 0, 9])]));
    assert_eq!(found.unwrap().0.epoch, Some(9));
}

#[test]
fn text_that_is_not_utf8_is_kept_with_replacements() {
    let (found, _) = one(with(&[(1011, 6, 1, b"Andr\xe9\0"), (1014, 9, 1, b"MIT\0")]));
    let package = found.unwrap().0;
    assert_eq!((package.vendor.as_deref(), package.license.as_deref()), (Some("Andr\u{fffd}"), Some("MIT")));
}

#[test]
fn damaged_headers_say_what_is_wrong() {
    let long = [vec![b'x'; MAX_STRING_BYTES + 1], vec![0]].concat();
    let oversized = [[0, 1, 0, 0], [0, 0, 0, 0]].concat();
    let mut beyond = with(&[(1014, 6, 1, b"MIT\0")]);
    beyond[8 + 3 * 16 + 8..8 + 3 * 16 + 12].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    let cases = [
        (Vec::new(), HeaderError::Truncated { claimed: 8, stored: 0 }),
        (vec![0, 0, 0, 1, 0, 0, 0, 9], HeaderError::Truncated { claimed: 33, stored: 8 }),
        (vec![0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], HeaderError::Truncated { claimed: 0x1_0000_0007, stored: 8 }),
        (oversized, HeaderError::TooManyEntries { count: 0x1_0000 }),
        (header(&NAMED[1..]), HeaderError::Missing { tag: 1000 }),
        (header(&NAMED[..2]), HeaderError::Missing { tag: 1002 }),
        (with(&[(1003, 6, 1, b"5\0")]), HeaderError::WrongType { tag: 1003, kind: 6 }),
        (with(&[(1000, 4, 1, &[0; 4])]), HeaderError::WrongType { tag: 1000, kind: 4 }),
        (with(&[(1003, 4, 0, &[0; 4])]), HeaderError::WrongCount { tag: 1003, count: 0 }),
        (with(&[(1003, 4, 1, &[0; 3])]), HeaderError::OutOfRange { tag: 1003 }),
        (with(&[(1014, 6, 1, b"no end")]), HeaderError::OutOfRange { tag: 1014 }),
        (beyond, HeaderError::OutOfRange { tag: 1014 }),
        (with(&[(1014, 6, 1, &long)]), HeaderError::StringTooLong { tag: 1014 }),
    ];
    for (blob, reason) in cases {
        let (found, summary) = one(blob);
        assert!(found.is_none(), "{reason}");
        let damage = summary.first_damage.unwrap();
        assert_eq!((damage.reason, damage.offset, summary.damaged, summary.packages), (reason, 4096, 1, 0));
    }
}

#[test]
fn a_damaged_file_list_does_not_hide_the_package() {
    let names: TagValue<'_> = (1117, 8, 2, b"a\0b\0");
    let directories: TagValue<'_> = (1118, 8, 1, b"/usr/\0");
    let indexes: TagValue<'_> = (1116, 4, 2, &[0; 8]);
    let cases: [(Vec<TagValue<'_>>, HeaderError); 6] = [
        (vec![names], HeaderError::Missing { tag: 1118 }),
        (vec![names, directories], HeaderError::Missing { tag: 1116 }),
        (vec![names, directories, (1116, 4, 1, &[0; 4])], HeaderError::WrongCount { tag: 1116, count: 1 }),
        (vec![names, directories, (1116, 4, 2, &[0; 7])], HeaderError::OutOfRange { tag: 1116 }),
        (vec![names, directories, indexes, (1030, 3, 3, &[0; 6])], HeaderError::WrongCount { tag: 1030, count: 3 }),
        (vec![(1117, 8, 0x10_0000, b"a\0")], HeaderError::WrongCount { tag: 1117, count: 0x10_0000 }),
    ];
    for (tags, reason) in cases {
        let (found, summary) = one(with(&tags));
        assert_eq!(found.unwrap().1, Vec::<String>::new());
        assert_eq!((summary.packages, summary.damaged), (1, 1));
        assert_eq!(summary.first_damage.unwrap().reason, reason);
    }
}

#[test]
fn unsafe_paths_are_dropped_and_counted() {
    let long = [vec![b'n'; 300], vec![0]].concat();
    let base_names = [b"ok\0..\0\0x\0a/../b\0root\0".as_slice(), &long, b"far\0"].concat();
    let indexes: Vec<u8> = [0u32, 0, 1, 2, 0, 1, 0, 3].iter().flat_map(|i| i.to_be_bytes()).collect();
    let tags: [TagValue<'_>; 3] =
        [(1117, 8, 9, &base_names), (1118, 8, 3, b"/usr/\0/\0/../etc/\0"), (1116, 4, 9, &[indexes, vec![0; 4]].concat())];
    let (found, summary) = one(with(&tags));
    // `/` itself is no loss; dropped are `..` three times, a name too long, a directory that is not there, a name that is not there.
    assert_eq!(found.unwrap().1, ["usr/ok", "root"]);
    assert_eq!((summary.dropped_paths, summary.damaged), (6, 0));
}

#[test]
fn paths_that_share_a_long_directory_are_bounded() {
    let directory = [b"/".as_slice(), &b"0123456/".repeat(500), b"\0"].concat();
    let count = 300_000u32;
    let tags: [TagValue<'_>; 3] = [
        (1117, 8, count, &b"f\0".repeat(count as usize)),
        (1118, 8, 1, &directory),
        (1116, 4, count, &vec![0; count as usize * 4]),
    ];
    let db = ndb(&[with(&tags)]);
    let mut bytes = 0;
    let result = read(&db.as_slice(), &mut |entry| bytes += entry.files.map(|file| file.path.len()).sum::<usize>());
    assert!(matches!(result, Err(RpmError::TooMuchPathText)), "{result:?}");
    assert!(bytes <= 1 << 30 && bytes > (1 << 30) - 4096);
}

// ---------------------------------------------------------------------------------------------- damage

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
    let databases = [
        sqlite,
        ndb(&headers),
        BdbWriter::file(false, 512, &headers),
        BdbWriter::file(true, 32_768, &headers),
    ];
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
    let (packages, summary) = packages(&db).unwrap();
    assert_eq!((packages.len(), summary.damaged), (2, 1));
    assert_eq!(summary.first_damage.unwrap().reason, HeaderError::BadFrame);
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
        let patched32 = |at: usize, number: usize| {
            let mut db = good.clone();
            writer.put32(&mut db, at, number);
            error(&db)
        };
        // Page 2 begins the chain of package 1, page 3 follows.
        assert_eq!((good[2 * 512 + 25], good[3 * 512 + 25]), (7, 7));
        assert!(matches!(patched32(3 * 512 + 16, 2).0, RpmError::PageReused { page: 2 }));
        assert!(matches!(patched32(3 * 512 + 16, 3).0, RpmError::PageReused { page: 3 }));
        assert!(matches!(patched32(3 * 512 + 16, 1).0, RpmError::PageReused { page: 1 }));
        assert!(matches!(patched32(3 * 512 + 16, 70_000).0, RpmError::PageOutOfRange { page: 70_000 }));
        assert!(matches!(patched32(3 * 512 + 16, 0).0, RpmError::BadPage { .. }));
        assert!(matches!(patched32(3 * 512 + 8, 9).0, RpmError::BadPage { page: 3, .. }));
        for (field, at, number) in [("hash version", 16, 7), ("page size", 20, 513), ("page size", 20, 0)] {
            let (error, _) = patched32(at, number);
            assert!(matches!(error, RpmError::Unsupported { field: found, .. } if found == field), "{error}");
        }
        for (at, byte) in [(24, 1), (25, 9), (26, 1)] {
            let mut db = good.clone();
            db[at] = byte;
            assert!(matches!(error(&db).0, RpmError::Unsupported { .. }));
        }
        for length in [0, 1, 65_535] {
            let mut db = good.clone();
            writer.put16(&mut db, 3 * 512 + 22, length);
            assert!(matches!(error(&db).0, RpmError::BadPage { .. }), "{length}");
        }
        assert!(matches!(error(&good[..good.len() - 1]).0, RpmError::PageOutOfRange { .. }));
        for number in [0, 26, 511, 512, 65_535] {
            let mut db = good.clone();
            writer.put16(&mut db, 512 + 26 + 4, number);
            assert!(matches!(error(&db).0, RpmError::BadPage { page: 1, .. }), "{number}");
        }
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
    let interior = (1..good.len() / 512).find(|page| good[page * 512] == 5).unwrap();
    let number = (interior as u32 + 1).to_be_bytes();
    let right = interior * 512 + 8;
    assert!(matches!(patched(right, &number).0, RpmError::PageReused { .. }));
    let first = usize::from(u16::from_be_bytes([good[right + 4], good[right + 5]]));
    let child = interior * 512 + first;
    assert!(matches!(patched(right, &good[child..child + 4].to_vec()).0, RpmError::PageReused { .. }));
    assert!(matches!(patched(right, &[0; 4]).0, RpmError::PageOutOfRange { page: 0 }));
    let too_far = (good.len() as u32 / 512 + 1).to_be_bytes();
    assert!(matches!(patched(right, &too_far).0, RpmError::PageOutOfRange { .. }));
    assert!(matches!(patched(right, &[0xff; 4]).0, RpmError::PageOutOfRange { .. }));
    assert!(matches!(patched(interior * 512, &[0x0a]).0, RpmError::BadPage { .. }));
    assert!(matches!(patched(interior * 512 + 3, &[0xff, 0xff]).0, RpmError::BadPage { .. }));
    assert!(matches!(patched(right + 4, &[0xff, 0xff]).0, RpmError::BadPage { .. }));
    assert!(error(&good[..good.len() / 2]).1 < 60);
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
    // The first cell of a leaf ends where the page ends, with the number of its first overflow page.
    let leaf = (2..good.len() / 512).find(|number| good[page(*number)] == 0x0d && good[page(*number) + 4] > 0);
    let overflow = page(leaf.unwrap()) + 508;
    let first = next_of(overflow);
    assert!(matches!(with_next(page(first), first), RpmError::PageReused { page } if page == first as u64));
    assert!(matches!(with_next(overflow, leaf.unwrap()), RpmError::PageReused { .. }));
    assert!(matches!(with_next(page(first), 0), RpmError::PageOutOfRange { page: 0 }));
    assert!(matches!(with_next(page(first), 1 << 20), RpmError::PageOutOfRange { page: 0x10_0000 }));

    // Thirty interior pages with one child each.
    let mut db = good.clone();
    let interior = (2..good.len() / 512).find(|number| good[page(*number)] == 5).unwrap();
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
    let leaf = (1..sqlite.len() / 512).find(|page| sqlite[page * 512] == 0x0d && sqlite[page * 512 + 4] > 0);
    let leaf = leaf.unwrap() * 512;
    let cell = leaf + usize::from(u16::from_be_bytes([sqlite[leaf + 8], sqlite[leaf + 9]]));
    sqlite[cell..cell + 4].copy_from_slice(&[0xa8, 0x80, 0x80, 0]);

    let mut bdb = BdbWriter::file(true, 512, &exported_headers());
    let writer = BdbWriter { big_endian: true, page_bytes: 512, pages: Vec::new() };
    // The fourth item of the first hash page is the value of package 1.
    let item = 512 + usize::from(u16::from_be_bytes([bdb[512 + 32], bdb[512 + 33]]));
    assert_eq!(bdb[item], 3);
    writer.put32(&mut bdb, item + 8, large);

    let tail = vec![0; large - 8];
    let ndb = ndb(&[vec![[0; 8].to_vec(), tail].concat(), header(&NAMED)]);
    for (db, others, size) in [(sqlite, 59, large), (bdb, 3, large), (ndb, 1, large)] {
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

// ---------------------------------------------------------------------------------------------- any bytes

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
    let Some(root) = shared() else { return };
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
