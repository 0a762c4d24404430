//! The reader of RPM databases: against lists that rpm itself made, in every form and byte order, and against damage.
//!
//! `testdata/inspect/os-rpm/make.sh` makes the fixtures with rpm's own tools. NDB and Berkeley DB files, which today's rpm no longer
//! writes on most machines, are composed in `compose` from header blobs that rpm wrote. Tests over real databases (`../shared/data/pkgdb`,
//! or `IMGGUARD_SHARED`) are skipped loudly where those are absent.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure here is the failure of the test, and a skipped test says so"
)]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/shared.rs"]
mod shared;

#[path = "rpm_databases/any_bytes.rs"]
mod any_bytes;
#[path = "rpm_databases/compose.rs"]
mod compose;
#[path = "rpm_databases/damage.rs"]
mod damage;
#[path = "rpm_databases/headers.rs"]
mod headers;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imgguard::inspect::rpm::{Backend, RpmEntry, RpmError, RpmPackage, Summary, detect, read, read_with_public_keys};

use compose::{BdbWriter, ndb};

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
        real(
            (
                "almalinux/8-20230523-s390x-micro/var/lib/rpm/Packages.zst",
                "almalinux/8-20230523-s390x-micro/expected.tsv",
            ),
            Bdb,
            20,
            1,
            19_919,
        ),
        real(
            (
                "almalinux/8-20231122-s390x-micro/var/lib/rpm/Packages.zst",
                "almalinux/8-20231122-s390x-micro/expected.tsv",
            ),
            Bdb,
            20,
            1,
            19_920,
        ),
        real(
            (
                "almalinux/9-20220706-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9-20220706-aarch64-micro/expected.tsv",
            ),
            Sqlite,
            23,
            1,
            19_919,
        ),
        real(
            (
                "almalinux/9-20221001-s390x-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9-20221001-s390x-micro/expected.tsv",
            ),
            Sqlite,
            23,
            1,
            19_934,
        ),
        real(
            (
                "almalinux/9-20230222-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9-20230222-aarch64-micro/expected.tsv",
            ),
            Sqlite,
            23,
            1,
            19_926,
        ),
        real(
            (
                "almalinux/9-20230718-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9-20230718-aarch64-micro/expected.tsv",
            ),
            Sqlite,
            23,
            1,
            19_929,
        ),
        real(
            (
                "almalinux/9-20231124-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9-20231124-aarch64-micro/expected.tsv",
            ),
            Sqlite,
            23,
            1,
            19_928,
        ),
        real(
            (
                "almalinux/9.0beta-20220507-aarch64-micro/var/lib/rpm/rpmdb.sqlite.zst",
                "almalinux/9.0beta-20220507-aarch64-micro/expected.tsv",
            ),
            Sqlite,
            22,
            0,
            19_912,
        ),
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

#[test]
fn real_databases_give_what_rpm_lists() {
    let Some(root) = shared::folder("data/pkgdb") else { return };
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
        let image = name.rsplit_once("/var/").or_else(|| name.rsplit_once("/usr/")).map_or(name, |(image, _)| image);
        accuracy::listed("rpm -qa", image, found.len());
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
    let Some(root) = shared::folder("data/pkgdb") else { return };
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
    let Some(root) = shared::folder("data/pkgdb") else { return };
    let db = load(&root.join("misc-rpm/no_packages.sqlite"));
    assert!(matches!(error(&db).0, RpmError::NoPackagesTable));
}

#[test]
fn databases_without_packages_are_empty() {
    for db in
        [fixture("empty.sqlite.zst"), ndb(&[]), BdbWriter::file(false, 512, &[]), BdbWriter::file(true, 4096, &[])]
    {
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
    let mut rows: Vec<_> =
        packages.iter().map(|package| format!("{}\t{}", row(package), package.license.as_deref().unwrap())).collect();
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
fn rows_of_every_length_are_joined_in_a_b_tree_of_several_levels() {
    let db = fixture("small-pages.sqlite.zst");
    let expected: Vec<_> = (420..580).chain(970..1080).map(|length| format!("n{length}")).collect();
    assert_eq!(names(&db), expected);
    assert!(db.chunks(512).filter(|page| page[0] == 5).count() > 2, "interior pages");
    assert_ne!(db[36..40], [0; 4], "free pages");
    assert_eq!(db[20], 12, "reserved bytes");
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
