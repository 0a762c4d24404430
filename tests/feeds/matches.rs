//! From our own documents in `testdata/feeds` to matches: what a statement, an architecture and a catalogue change.

use std::path::{Path, PathBuf};

use imgguard::advisory::model::Status;
use imgguard::advisory::{Candidate, ImportOptions, Inventory, OsRelease, Outcome, Store, compile, match_inventory};
use imgguard::facts::{PackageFact, PackageKind};

pub(super) fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/feeds")
}

fn store(names: &[&str]) -> Store {
    let inputs: Vec<PathBuf> = names.iter().map(|name| documents().join(name)).collect();
    Store::from_memory(compile(&inputs, ImportOptions::default()).unwrap().0).unwrap()
}

fn outcome(store: &Store, package: &PackageFact, id: &str, version: &str) -> Outcome {
    let os = OsRelease { id, version_id: Some(version).filter(|text| !text.is_empty()), ..OsRelease::default() };
    let candidates = [Candidate { package, owned_by_os: false, main_module: false }];
    match_inventory(store, &Inventory { packages: &candidates, os: Some(os) }).unwrap()
}

/// Ids and states of what matches one package.
fn matched(store: &Store, package: &PackageFact, id: &str, version: &str) -> Vec<(String, Status)> {
    outcome(store, package, id, version).matches.into_iter().map(|found| (found.id, found.status)).collect()
}

fn package(kind: PackageKind, name: &str, version: &str) -> PackageFact {
    PackageFact::new(kind, name, version)
}

#[test]
fn a_status_reaches_the_match() {
    let store = store(&["debian.json"]);
    let found = matched(&store, &package(PackageKind::Deb, "alpha", "1.0-1"), "debian", "12");
    let expected = [
        ("CVE-2030-1001", Status::Affected),
        ("CVE-2030-1002", Status::WontFix),
        ("CVE-2030-1003", Status::Deferred),
        ("CVE-2030-1004", Status::UnderInvestigation),
        ("CVE-2030-1005", Status::EndOfLife),
    ];
    assert_eq!(found, expected.map(|(id, status)| (id.to_owned(), status)));
    assert_eq!(matched(&store, &package(PackageKind::Deb, "alpha", "1.2-1"), "debian", "12").len(), 4, "the fix is in");
}

#[test]
fn a_negative_statement_clears_the_same_flaw_in_the_same_release_only() {
    let both = store(&["debian.json", "osv-dsa.json"]);
    let beta = package(PackageKind::Deb, "beta", "1.0-1");
    assert_eq!(matched(&both, &beta, "debian", "12"), [], "the tracker says that bookworm never had it");
    assert_eq!(matched(&both, &beta, "debian", "11").len(), 1, "and nothing about bullseye");
    assert_eq!(
        matched(&store(&["osv-dsa.json"]), &beta, "debian", "12").len(),
        1,
        "without the tracker the DSA stands"
    );
}

#[test]
fn catalogue_and_score_join_by_cve() {
    let store = store(&["debian.json", "kev.json", "epss.csv"]);
    let outcome = outcome(&store, &package(PackageKind::Deb, "alpha", "1.0-1"), "debian", "12");
    let first = outcome.matches.first().expect("a match");
    assert_eq!(first.exploitation.exploited.map(|entry| entry.ransomware), Some(true));
    assert_eq!(first.exploitation.score.map(|score| score.probability()), Some(0.5));
    assert!(outcome.matches[1].exploitation.exploited.is_none());
}

#[test]
fn a_fix_of_another_architecture_does_not_count() {
    let store = store(&["oracle.xml"]);
    let on =
        |arch: &str| PackageFact { arch: Some(arch.to_owned()), ..package(PackageKind::Rpm, "gamma", "1.0-2.el9") };
    assert_eq!(matched(&store, &on("x86_64"), "ol", "9.4"), [], "fixed in 1.0-2 there");
    assert_eq!(matched(&store, &on("aarch64"), "ol", "9.4").len(), 1, "fixed in 1.0-3 there");
    assert_eq!(
        matched(&store, &package(PackageKind::Rpm, "delta", "1.0-1.el9"), "ol", "9.4"),
        [],
        "a build with ksplice"
    );
}

#[test]
fn unfixed_flaws_of_a_source_reach_its_packages() {
    let store = store(&["redhat-vex.json"]);
    let library = PackageFact {
        source: Some(imgguard::facts::SourcePackage { name: "epsilon".into(), version: "2.0-1.el9".into() }),
        ..package(PackageKind::Rpm, "epsilon-libs", "2.0-1.el9")
    };
    assert_eq!(matched(&store, &library, "rhel", "9.4"), [("CVE-2030-3001".to_owned(), Status::WontFix)]);
    assert_eq!(matched(&store, &package(PackageKind::Rpm, "zeta", "1:1.0-1.el9"), "rhel", "9.4").len(), 1);
    assert_eq!(matched(&store, &package(PackageKind::Rpm, "zeta", "1:1.0-2.el9"), "rhel", "9.4"), []);
}

#[test]
fn a_vendors_own_feed_counts_before_its_copy_in_osv() {
    let folder = tempfile::tempdir().unwrap();
    let affected = |release: &str| {
        format!(
            r#"{{"package":{{"ecosystem":"Debian:{release}","name":"alpha"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}]}}]}}"#
        )
    };
    // The copy is newer, but old in what it says: OSV has no fix yet.
    let copy = format!(
        r#"{{"id":"DEBIAN-CVE-2030-1001","modified":"2031-01-01T00:00:00Z","upstream":["CVE-2030-1001"],"affected":[{},{}]}}"#,
        affected("12"),
        affected("10")
    );
    std::fs::write(folder.path().join("DEBIAN-CVE-2030-1001.json"), copy).unwrap();
    let inputs = [documents().join("debian.json"), folder.path().to_owned()];
    let store = Store::from_memory(compile(&inputs, ImportOptions::default()).unwrap().0).unwrap();
    let said = |ecosystem: &str| super::said_of(&store, ecosystem, "alpha", "1001");
    assert_eq!(said("Debian:12"), ["DEBIAN-CVE-2030-1001: Affected < 1.1-1"], "only the tracker speaks");
    assert_eq!(said("Debian:10"), ["DEBIAN-CVE-2030-1001: Affected all versions"], "of which the tracker says nothing");
}

#[test]
fn a_record_does_not_clear_itself() {
    let folder = tempfile::tempdir().unwrap();
    // Two products of one release: the worse statement counts.
    let text = std::fs::read_to_string(documents().join("redhat-vex.json")).unwrap();
    let twice = text.replace("rhel_eus:9.2", "enterprise_linux:9");
    std::fs::write(folder.path().join("vex.json"), twice).unwrap();
    let inputs = [folder.path().join("vex.json")];
    let store = Store::from_memory(compile(&inputs, ImportOptions::default()).unwrap().0).unwrap();
    assert_eq!(
        super::said(&store, "Red Hat:enterprise_linux:9", "epsilon"),
        ["REDHAT-CVE-2030-3001: WontFix all versions"]
    );
}
