//! Import, coverage, and what a store file may be.

use std::fs;

use imgguard::advisory::{AdvisoryError, CoverageData, coverage, import};

use super::*;

#[test]
fn an_unknown_ecosystem_never_costs_a_record() {
    let store = fixture_store();
    assert_eq!(affected(store, "crates.io", "thing", "1.0.0").len(), 1);
    let rows = store.rows("Ecosystem of tomorrow:7", "thing").expect("rows");
    assert!(rows.iter().any(|(_, row)| row.unevaluable));
}

#[test]
fn malformed_records_are_counted_and_named() {
    let inputs = [fixtures().join("malformed"), fixtures().join("records/RUSTSEC-2022-0012.json")];
    let (_, report) = compile(&inputs, ImportOptions::default()).expect("malformed records are not fatal");
    let source = report.sources.iter().find(|source| source.name == "malformed").expect("the folder");
    let names: Vec<&str> = source.malformed.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "affected-is-text.json",
            "deep.json",
            "empty.json",
            "no-id.json",
            "not-utf8.json",
            "terminal-id.json",
            "truncated.json"
        ]
    );
    let malformed: u32 = report.provenance.sources.iter().map(|source| source.malformed).sum();
    assert_eq!((malformed, report.provenance.advisories), (7, 1));
}

#[test]
fn records_that_must_not_be_handed_on_can_be_left_out() {
    let inputs = [fixtures().join("records")];
    let (_, all) = compile(&inputs, ImportOptions::default()).expect("compiles");
    let (_, some) =
        compile(&inputs, ImportOptions { redistributable_only: true, ..ImportOptions::default() }).expect("compiles");
    assert_eq!(some.provenance.sources[0].not_redistributable, 1);
    assert_eq!(some.provenance.advisories + 1, all.provenance.advisories);
}

#[test]
fn a_failed_import_leaves_the_old_store_and_readers_keep_theirs() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("advisories.store");
    import(&[fixtures().join("records/RUSTSEC-2022-0012.json")], &path, ImportOptions::default()).expect("imports");
    let old = Store::open(&path).expect("opens");
    // A process that was killed while writing leaves only its temporary file behind.
    fs::write(folder.path().join(".advisories-killed.tmp"), b"imgguard half a store").expect("written");
    let broken = folder.path().join("all.zip");
    fs::write(&broken, b"not a zip file").expect("written");
    assert!(matches!(import(&[broken], &path, ImportOptions::default()), Err(AdvisoryError::Zip { .. })));
    assert!(matches!(
        import(&[folder.path().join("absent")], &path, ImportOptions::default()),
        Err(AdvisoryError::Read { .. })
    ));
    assert_eq!(Store::open(&path).expect("still opens").digest(), old.digest());

    import(&[fixtures().join("records/RUSTSEC-2024-0399.json")], &path, ImportOptions::default()).expect("imports");
    assert_eq!(affected(&old, "crates.io", "arrow2", "0.7.0").len(), 1, "a reader keeps the file it opened");
    let new = Store::open(&path).expect("opens");
    assert!(affected(&new, "crates.io", "arrow2", "0.7.0").is_empty());
    assert_eq!(affected(&new, "crates.io", "rustls", "0.23.13").len(), 1);
}

#[test]
fn what_is_no_store_file_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let empty = folder.path().join("empty.store");
    fs::write(&empty, b"").expect("written");
    assert!(matches!(Store::open(&empty), Err(AdvisoryError::NotAStore)));
    assert!(matches!(Store::open(folder.path()), Err(AdvisoryError::Read { .. })));
    assert!(matches!(Store::open(&folder.path().join("absent")), Err(AdvisoryError::Read { .. })));
}

#[test]
fn coverage_tells_full_old_fixed_only_and_none_apart() {
    let store = fixture_store();
    let facts = [
        package(PackageKind::Deb, "openssl", "1"),
        package(PackageKind::Deb, "zlib1g", "1"),
        package(PackageKind::PyPi, "pyspark", "3.3.0"),
        package(PackageKind::Rpm, "bash", "1"),
    ];
    let candidates: Vec<Candidate<'_>> =
        facts.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    let told = |os, date: &str| {
        let rows = coverage(store, &Inventory { packages: &candidates, os }, &[], date.parse().expect("a date"));
        rows.into_iter().map(|row| (row.ecosystem, row.packages, row.data)).collect::<Vec<_>>()
    };
    let row = |ecosystem: &str, packages, data| (ecosystem.to_owned(), packages, data);
    let (full, none, stale) = (CoverageData::Full, CoverageData::None, CoverageData::Stale);
    assert_eq!(
        told(os("debian", "12"), "2026-08-31"),
        [row("Debian:12", 2, full), row("PyPI", 1, full), row("rpm", 1, none)]
    );
    assert_eq!(
        told(os("debian", "12"), "2026-09-01"),
        [row("Debian:12", 2, stale), row("PyPI", 1, stale), row("rpm", 1, none)]
    );
    assert_eq!(
        told(os("debian", "13"), "2026-08-31"),
        [row("Debian:13", 2, none), row("PyPI", 1, full), row("rpm", 1, none)]
    );
    assert_eq!(told(None, "2026-08-31"), [row("PyPI", 1, full), row("deb", 2, none), row("rpm", 1, none)]);
    assert_eq!(told(os("almalinux", "9"), "2026-08-31")[0], row("AlmaLinux:9", 1, CoverageData::FixedOnly));
}

#[test]
fn rows_of_other_ecosystems_do_not_make_them_covered() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let npm = folder.path().join("npm");
    fs::create_dir(&npm).expect("folder");
    fs::copy(fixtures().join("records/GHSA-own1-own1-own1.json"), npm.join("GHSA-own1-own1-own1.json"))
        .expect("copied");
    let (bytes, _) = compile(&[npm], ImportOptions::default()).expect("compiles");
    let store = Store::from_memory(bytes).expect("opens");
    let facts = [package(PackageKind::PyPi, "zope.interface", "4.0"), package(PackageKind::Npm, "x", "1.0.0")];
    let candidates: Vec<Candidate<'_>> =
        facts.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    let inventory = Inventory { packages: &candidates, os: None };
    assert_eq!(match_inventory(&store, &inventory).expect("sound").matches.len(), 1, "what is known is told");
    let rows = coverage(&store, &inventory, &[], "2026-08-02".parse().expect("a date"));
    let told: Vec<(&str, CoverageData)> = rows.iter().map(|row| (row.ecosystem.as_str(), row.data)).collect();
    assert_eq!(told, [("PyPI", CoverageData::None), ("npm", CoverageData::Full)]);
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_any_order() {
    let records: Vec<PathBuf> = ["RUSTSEC-2022-0012", "PYSEC-2022-236", "DSA-9001-1"]
        .iter()
        .map(|id| fixtures().join(format!("records/{id}.json")))
        .collect();
    let reversed: Vec<PathBuf> = records.iter().rev().cloned().collect();
    let bytes = |inputs: &[PathBuf]| compile(inputs, ImportOptions::default()).expect("compiles").0;
    assert_eq!(bytes(&records), bytes(&reversed));
}
