//! Advisory store and matcher: against facts of real records, and against a second evaluator written straight from the OSV schema.
//!
//! Tests over the shared data sets (`../shared/data`, or `IMGGUARD_SHARED`) are skipped loudly where those are absent.

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/shared.rs"]
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imgguard::advisory::model::{Informational, Severity, Status, Urgency};
use imgguard::advisory::{
    AdvisoryError, Candidate, Confidence, CoverageData, Data, ImportOptions, Inventory, Match, OsRelease, Outcome,
    Reason, Store, compile, coverage, ecosystem, import, match_inventory,
};
use imgguard::facts::{PackageFact, PackageKind, SourcePackage};
use imgguard::version::for_osv_ecosystem;
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory")
}

/// The ecosystems whose licences allow to ship their records inside the program.
const EMBEDDED: [&str; 6] = ["AlmaLinux", "Bitnami", "Go", "PyPI", "RubyGems", "crates.io"];

fn fixture_store() -> Store {
    let (bytes, report) = compile(&[fixtures().join("records")], ImportOptions::default()).expect("fixtures compile");
    assert_eq!(report.provenance.sources.first().map(|source| source.malformed), Some(0));
    Store::from_memory(bytes).expect("a compiled store opens")
}

fn package(kind: PackageKind, name: &str, version: &str) -> PackageFact {
    PackageFact::new(kind, name, version)
}

fn with_source(package: PackageFact, name: &str, version: &str) -> PackageFact {
    PackageFact { source: Some(SourcePackage { name: name.to_owned(), version: version.to_owned() }), ..package }
}

fn os<'a>(id: &'a str, version_id: &'a str) -> Option<OsRelease<'a>> {
    Some(OsRelease { id, version_id: Some(version_id), ..OsRelease::default() })
}

fn run(store: &Store, packages: &[PackageFact], os: Option<OsRelease<'_>>) -> Outcome {
    let candidates: Vec<Candidate<'_>> =
        packages.iter().map(|package| Candidate { package, owned_by_os: false, main_module: false }).collect();
    match_inventory(store, &Inventory { packages: &candidates, os }).expect("the store is sound")
}

fn ids(outcome: &Outcome) -> Vec<&str> {
    outcome.matches.iter().map(|found| found.id.as_str()).collect()
}

fn only(outcome: Outcome) -> Match {
    assert_eq!(outcome.matches.len(), 1, "{:?}", outcome.matches);
    outcome.matches.into_iter().next().expect("one match")
}

/// Ids of records whose rows contain a version, whatever package manager the ecosystem has.
fn affected(store: &Store, ecosystem: &str, name: &str, version: &str) -> BTreeSet<String> {
    let scheme = for_osv_ecosystem(ecosystem).expect("a scheme");
    let mut ids = BTreeSet::new();
    for (number, row) in store.rows(ecosystem, name).expect("rows") {
        let listed = row
            .versions
            .iter()
            .any(|listed| listed == version || scheme.compare(listed, version).is_ok_and(|order| order.is_eq()));
        let contained =
            row.intervals.iter().any(|interval| interval.contains(version, scheme).expect("versions parse"));
        if row.status.is_exposure() && !row.inferred && (listed || contained) {
            ids.insert(store.advisory(number).expect("record").id);
        }
    }
    ids
}

// ---- facts of real records -----------------------------------------------------------------------------------------------------------

#[test]
fn ties_of_introduced_and_fixed_keep_the_state() {
    let store = fixture_store();
    let is_affected = |ecosystem, name, version: &str| !affected(&store, ecosystem, name, version).is_empty();
    for (version, expected) in [("2.4.48", false), ("2.4.49", true), ("2.4.50", true), ("2.4.51", false)] {
        assert_eq!(is_affected("Bitnami", "apache", version), expected, "apache {version}");
    }
    for (version, expected) in
        [("0.7.0", true), ("0.9.1", true), ("0.9.2", false), ("0.10.0", false), ("0.11.0", false)]
    {
        assert_eq!(is_affected("crates.io", "arrow2", version), expected, "arrow2 {version}");
    }
    for (version, expected) in
        [("0.23.0", false), ("0.23.12", false), ("0.23.13", true), ("0.23.17", true), ("0.23.18", false)]
    {
        assert_eq!(is_affected("crates.io", "rustls", version), expected, "rustls {version}");
    }
}

#[test]
fn events_are_sorted_and_git_ranges_are_skipped() {
    let store = fixture_store();
    for (version, expected) in [
        ("1.0", true),
        ("3.1.0", true),
        ("3.1.1", true),
        ("3.1.2", true),
        ("3.1.3", false),
        ("3.2.0", true),
        ("3.2.1", true),
        ("3.2.2", false),
    ] {
        assert_eq!(!affected(&store, "PyPI", "pyspark", version).is_empty(), expected, "pyspark {version}");
    }
    let rows = store.rows("PyPI", "pyspark").expect("rows");
    assert!(rows.iter().all(|(_, row)| row.versions.is_empty()), "ranges reproduce the listed versions");
}

#[test]
fn gos_custom_ranges_replace_a_range_that_says_everything() {
    let store = fixture_store();
    let found = only(run(&store, &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.8.5")], None));
    assert_eq!((found.id.as_str(), found.fixed_in.as_slice()), ("CVE-2023-5044", &["1.9.0".to_owned()][..]));
    assert_eq!(run(&store, &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.9.0")], None), Outcome::default());
}

#[test]
fn aliases_of_two_databases_are_one_match_with_the_best_of_both() {
    // The GO- record has no severity; the other names only the GHSA, which joins them.
    let found = only(run(&fixture_store(), &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.8.5")], None));
    assert_eq!(found.aliases, ["GHSA-fp9f-44c2-cw27", "GO-2024-2428", "x_own-go-ghsa"]);
    assert_eq!((found.severity, found.cvss), (Severity::Critical, Some(9.8)));
}

#[test]
fn ghsas_last_known_range_closes_an_open_one() {
    let store = fixture_store();
    let rows = store.rows("Maven", "org.jboss.netty:netty").expect("rows");
    if for_osv_ecosystem("Maven").is_none() {
        skipped!("no version scheme for Maven");
        return;
    }
    let shown: Vec<String> = rows.iter().flat_map(|(_, row)| row.intervals.iter().map(ToString::to_string)).collect();
    assert_eq!(shown, ["< 4.0.0"]);
}

// ---- operating systems ---------------------------------------------------------------------------------------------------------------

#[test]
fn debs_match_by_source_and_only_with_their_release() {
    let store = fixture_store();
    let libssl = with_source(package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u1"), "openssl", "3.0.11-1~deb12u1");
    let outcome = run(&store, std::slice::from_ref(&libssl), os("debian", "12"));
    assert_eq!(ids(&outcome), ["CVE-2030-0010", "CVE-2030-0011"], "the DSA is told in both CVEs, not a third time");
    assert!(outcome.matches.iter().all(|found| found.aliases.contains(&"DSA-9001-1".to_owned())));
    assert_eq!(outcome.matches[0].fixed_in, ["3.0.11-1~deb12u2"]);
    assert_eq!((outcome.matches[0].severity, outcome.matches[0].urgency), (Severity::High, Urgency::High));

    let fixed = with_source(package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u1+b1"), "openssl", "3.0.11-1~deb12u2");
    assert_eq!(ids(&run(&store, &[fixed], os("debian", "12"))), [""; 0], "the source's version counts");

    let eol = run(&store, std::slice::from_ref(&libssl), os("debian", "11"));
    assert_eq!(only(eol).status, Status::EndOfLife);

    let no_release = run(&store, &[libssl], Some(OsRelease { id: "debian", ..OsRelease::default() }));
    assert!(no_release.matches.is_empty());
    assert_eq!(no_release.undetermined.first().map(|package| &package.reason), Some(&Reason::NoRelease));
}

#[test]
fn a_dsa_whose_cves_have_no_record_stands_for_itself() {
    let bsdutils =
        with_source(package(PackageKind::Deb, "bsdutils", "1:2.38.1-5+deb12u1"), "util-linux", "2.38.1-5+deb12u1");
    let found = only(run(&fixture_store(), &[bsdutils], os("debian", "12")));
    assert_eq!(found.id, "DSA-9002-1");
    assert_eq!(found.cves, ["CVE-2030-0020", "CVE-2030-0021"]);
}

#[test]
fn unimportant_issues_are_marked() {
    let found = only(run(&fixture_store(), &[package(PackageKind::Deb, "zlib", "1:1.2.13")], os("debian", "12")));
    assert_eq!((found.urgency, found.severity), (Urgency::Unimportant, Severity::Negligible));
}

#[test]
fn apks_match_by_origin_and_zero_fixes_clear() {
    let store = fixture_store();
    let libcrypto = with_source(package(PackageKind::Apk, "libcrypto3", "3.3.2-r0"), "openssl", "3.3.2-r0");
    assert_eq!(only(run(&store, std::slice::from_ref(&libcrypto), os("alpine", "3.20.3"))).id, "CVE-2030-0030");
    assert!(run(&store, &[libcrypto], os("alpine", "3.19.1")).matches.is_empty(), "another branch");
    assert!(run(&store, &[package(PackageKind::Apk, "zlib", "1.3.1-r0")], os("alpine", "3.20.3")).matches.is_empty());
    let statement = store.rows("Alpine:v3.20", "zlib").expect("rows");
    assert_eq!(statement.first().map(|(_, row)| row.status), Some(Status::NotAffected));
}

#[test]
fn ubuntu_pro_counts_only_where_it_can_be_installed() {
    let store = fixture_store();
    let tiff = |version: &str| with_source(package(PackageKind::Deb, "libtiff5", version), "tiff", version);
    let plain = only(run(&store, &[tiff("4.3.0-6ubuntu0.10")], os("ubuntu", "22.04")));
    assert_eq!((plain.id.as_str(), plain.fixed_in.len(), plain.severity), ("CVE-2030-0040", 0, Severity::Negligible));
    let pro = OsRelease { id: "ubuntu", version_id: Some("22.04"), ubuntu_pro: true, ..OsRelease::default() };
    assert_eq!(only(run(&store, &[tiff("4.3.0-6ubuntu0.10")], Some(pro))).fixed_in, ["4.3.0-6ubuntu0.10+esm1"]);
    assert!(
        run(&store, &[tiff("4.3.0-6ubuntu0.10+esm1")], os("ubuntu", "22.04")).matches.is_empty(),
        "an ESM build is installed"
    );
}

#[test]
fn almalinux_modules_match_only_their_own_stream() {
    let store = fixture_store();
    let node = |version: &str, label: Option<&str>| PackageFact {
        module: label.map(str::to_owned),
        ..package(PackageKind::Rpm, "nodejs", version)
    };
    let matched = |package: PackageFact| run(&store, &[package], os("almalinux", "8.10")).matches;
    let fourteen = matched(node("1:14.15.4-2.module_el8.3.0+2020+69f7a2a9", Some("nodejs:14:8030020210:abc")));
    assert_eq!(
        fourteen.iter().map(|found| (found.id.as_str(), found.confidence)).collect::<Vec<_>>(),
        [("CVE-2030-0001", Confidence::High)]
    );
    assert!(matched(node("1:10.23.1-1.module_el8.3.0+2020+69f7a2a9", Some("nodejs:10:8030020210:abc"))).is_empty());
    assert!(matched(node("1:10.23.1-1.module_el8.3.0+2020+69f7a2a9", None)).is_empty());
    assert!(matched(node("1:14.15.4-2.el8", None)).is_empty(), "not a module build");
    assert!(
        matched(node("1:14.16.0-2.module_el8.3.0+2047+b07ac28e", Some("nodejs:14:8030020210:abc"))).is_empty(),
        "fixed"
    );
}

#[test]
fn almalinux_packages_that_a_record_forgot_are_found_through_their_source() {
    let store = fixture_store();
    // The title names `curl`; the rows do not.
    let curl = only(run(&store, &[package(PackageKind::Rpm, "curl", "7.76.1-29.el9")], os("almalinux", "9.4")));
    assert_eq!((curl.id.as_str(), curl.confidence), ("ALSA-2030-0002", Confidence::Medium));
    // A third binary is named nowhere, but built from the same source as one that is.
    let of_source = |name: &str| with_source(package(PackageKind::Rpm, name, "7.76.1-29.el9"), "curl", "7.76.1-29.el9");
    let outcome = run(&store, &[of_source("libcurl"), of_source("libcurl-extras")], os("almalinux", "9.4"));
    let found: Vec<(usize, Confidence)> =
        outcome.matches.iter().map(|found| (found.package, found.confidence)).collect();
    assert_eq!(found, [(0, Confidence::High), (1, Confidence::Medium)]);
}

#[test]
fn errata_without_security_are_dropped_unless_they_fix_a_cve() {
    let store = fixture_store();
    let found = only(run(&store, &[package(PackageKind::Rpm, "bash", "5.1-1.el9")], os("almalinux", "9.4")));
    assert_eq!(found.id, "CVE-2030-0005");
    assert_eq!(store.provenance().sources.iter().map(|source| source.not_security).sum::<u32>(), 1);
}

#[test]
fn foreign_packages_are_not_judged_by_the_distribution() {
    let store = fixture_store();
    let from = |package: PackageFact, vendor: &str| PackageFact { vendor: Some(vendor.to_owned()), ..package };
    let told = |package: PackageFact, os| {
        let outcome = run(&store, &[package], os);
        (outcome.matches.len(), outcome.undetermined.into_iter().map(|package| package.reason).next())
    };
    let openssl = || package(PackageKind::Deb, "openssl", "3.0.11-1~deb12u1");
    assert_eq!(told(from(openssl(), "Debian OpenSSL Team <x@alioth-lists.debian.net>"), os("debian", "12")).0, 2);
    assert_eq!(
        told(from(openssl(), "A Person <someone@example.org>"), os("debian", "12")).0,
        2,
        "most maintainers are people"
    );
    assert_eq!(
        told(from(openssl(), "NGINX Packaging <nginx-packaging@f5.com>"), os("debian", "12")),
        (0, Some(Reason::Foreign))
    );
    let bash = || package(PackageKind::Rpm, "bash", "5.1-1.el9");
    for own in ["AlmaLinux", "CloudLinux", "", "(none)"] {
        assert_eq!(told(from(bash(), own), os("almalinux", "9.4")).0, 1, "{own}");
    }
    assert_eq!(told(from(bash(), "Fedora Project"), os("almalinux", "9.4")), (0, Some(Reason::Foreign)));
}

#[test]
fn several_cves_show_the_erratum_and_list_them() {
    let found =
        only(run(&fixture_store(), &[package(PackageKind::Rpm, "glibc", "2.34-60.el9")], os("almalinux", "9.2")));
    assert_eq!((found.id.as_str(), found.severity), ("ALSA-2023:5453", Severity::High));
    assert_eq!(found.cves, ["CVE-2023-4527", "CVE-2023-4911"]);
    assert_eq!(found.aliases, found.cves);
}

// ---- languages -----------------------------------------------------------------------------------------------------------------------

#[test]
fn python_names_are_normalised_on_both_sides_and_entries_are_joined() {
    let store = fixture_store();
    for name in ["zope.interface", "Zope_Interface", "zope-interface"] {
        let found = only(run(&store, &[package(PackageKind::PyPi, name, "4.0")], None));
        assert_eq!(
            (found.id.as_str(), found.fixed_in.as_slice()),
            ("CVE-2030-0050", &["5.0".to_owned(), "6.2".to_owned()][..]),
            "{name}"
        );
        assert_eq!((found.severity, found.cvss), (Severity::High, None), "an incomplete vector has no score");
    }
    assert_eq!(
        run(&store, &[package(PackageKind::Npm, "@Scope/Name", "1.2.0")], None).matches.len(),
        1,
        "the last affected version"
    );
    assert!(
        run(&store, &[package(PackageKind::Npm, "@scope/name", "1.2.0")], None).matches.is_empty(),
        "npm names keep their case"
    );
    assert!(run(&store, &[package(PackageKind::Npm, "@Scope/Name", "1.2.1")], None).matches.is_empty());
}

#[test]
fn notices_are_a_class_of_their_own() {
    let found = only(run(&fixture_store(), &[package(PackageKind::Cargo, "abandoned", "1.0.0")], None));
    assert_eq!((found.informational, found.license.as_str()), (Some(Informational::Unmaintained), "CC-BY-4.0"));
}

#[test]
fn withdrawn_records_do_not_match_but_are_remembered() {
    let store = fixture_store();
    assert!(run(&store, &[package(PackageKind::Npm, "gone", "1.0.0")], None).matches.is_empty());
    let entry = store.id("GHSA-own2-own2-own2").expect("sound").expect("remembered");
    assert!(entry.withdrawn.is_some() && entry.records.is_empty());
    assert_eq!(store.id("CVE-2030-0060").expect("sound"), None);
}

#[test]
fn a_cve_leads_to_every_record_about_it() {
    let store = fixture_store();
    let records = store.id("CVE-2030-0010").expect("sound").expect("known").records;
    let ids: Vec<String> = records.iter().map(|number| store.advisory(*number).expect("record").id).collect();
    assert_eq!(ids, ["DEBIAN-CVE-2030-0010", "DSA-9001-1"]);
}

#[test]
fn listed_versions_match_without_ranges() {
    let store = fixture_store();
    assert_eq!(only(run(&store, &[package(PackageKind::Npm, "listed", "1.0.1")], None)).range, "= 1.0.1");
    assert!(run(&store, &[package(PackageKind::Npm, "listed", "1.0.2")], None).matches.is_empty());
    assert!(store.rows("npm", "nothing").expect("rows").is_empty(), "an entry without versions judges nothing");
}

#[test]
fn what_cannot_be_judged_is_said() {
    let store = fixture_store();
    let reason = |package: PackageFact| {
        run(&store, &[package], None).undetermined.into_iter().map(|package| package.reason).collect::<Vec<_>>()
    };
    assert_eq!(reason(package(PackageKind::Npm, "x", "")), [Reason::NoVersion]);
    assert_eq!(reason(package(PackageKind::Go, "example.org/main", "(devel)")), [Reason::Development]);
    assert_eq!(reason(package(PackageKind::Cargo, "rustls", "latest!")), [Reason::Version]);
    assert_eq!(
        reason(package(PackageKind::Cargo, "garbage", "2.0.0")),
        [Reason::Range("x_own-range-garbage".to_owned())]
    );
    assert_eq!(
        only(run(&store, &[package(PackageKind::Cargo, "garbage", "1.0.0")], None)).range,
        "= 1.0.0",
        "the listed version still matches"
    );
}

#[test]
fn placeholder_versions_of_go_main_modules_are_not_matched() {
    let store = fixture_store();
    let module = package(PackageKind::Go, "k8s.io/ingress-nginx", "v0.0.0-20240102150405-abcdefabcdef");
    let judge = |main_module| {
        let candidates = [Candidate { package: &module, owned_by_os: false, main_module }];
        match_inventory(&store, &Inventory { packages: &candidates, os: None }).expect("sound")
    };
    assert_eq!(judge(true).undetermined.first().map(|package| &package.reason), Some(&Reason::Development));
    assert_eq!(judge(false).matches.len(), 1, "as a dependency it is an ordinary version");
}

#[test]
fn gos_standard_library_matches_by_toolchain_version() {
    let store = fixture_store();
    for (version, fixes) in [
        ("go1.21.7", vec!["1.21.8", "1.22.1"]),
        ("1.22.0", vec!["1.22.1"]),
        ("go1.22rc1", vec!["1.22.1"]),
        ("go1.21.7 X:boringcrypto", vec!["1.21.8", "1.22.1"]),
    ] {
        let found = only(run(&store, &[package(PackageKind::Go, "stdlib", version)], None));
        assert_eq!(
            (found.id.as_str(), found.fixed_in),
            ("CVE-2030-0070", fixes.iter().map(ToString::to_string).collect()),
            "{version}"
        );
    }
    assert!(run(&store, &[package(PackageKind::Go, "stdlib", "go1.22.1")], None).matches.is_empty());
}

#[test]
fn language_packages_of_the_distribution_are_its_own_business_only_when_its_data_is_full() {
    let store = fixture_store();
    let fact = package(PackageKind::PyPi, "zope.interface", "4.0");
    let judge = |id, version| {
        let candidates = [Candidate { package: &fact, owned_by_os: true, main_module: false }];
        match_inventory(&store, &Inventory { packages: &candidates, os: os(id, version) }).expect("sound")
    };
    assert_eq!((judge("debian", "12").matches.len(), judge("debian", "12").suppressed), (0, vec![0]));
    assert_eq!(judge("almalinux", "9.4").matches.len(), 1, "its data only knows fixed issues");
    assert_eq!(judge("debian", "10").matches.len(), 1, "no data for that release");
}

// ---- import and coverage -------------------------------------------------------------------------------------------------------------

#[test]
fn an_unknown_ecosystem_never_costs_a_record() {
    let store = fixture_store();
    assert_eq!(affected(&store, "crates.io", "thing", "1.0.0").len(), 1);
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
        let rows = coverage(&store, &Inventory { packages: &candidates, os }, &[], date.parse().expect("a date"));
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

// ---- shared data sets ----------------------------------------------------------------------------------------------------------------

fn ecosystem_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("data")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.join("all.zip").is_file())
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_shared_ecosystem_imports_with_the_counts_its_makers_took() {
    let Some(root) = shared::folder("data/osv") else {
        return;
    };
    let (bytes, report) = compile(std::slice::from_ref(&root), ImportOptions::default()).expect("imports");
    let statistics: Value =
        serde_json::from_slice(&fs::read(root.join("stats.json")).expect("stats.json")).expect("JSON");
    assert_eq!(report.provenance.sources.len(), statistics.as_object().expect("an object").len());
    for source in &report.provenance.sources {
        let expected = &statistics[&source.name];
        let counts = (Some(u64::from(source.records)), Some(u64::from(source.withdrawn)), 0);
        assert_eq!(
            counts,
            (expected["records"].as_u64(), expected["withdrawn"].as_u64(), source.malformed),
            "{}",
            source.name
        );
        let newest = expected["newest_modified"].as_str().expect("a date");
        assert_eq!(source.modified.as_deref().and_then(|date| date.get(..19)), newest.get(..19), "{}", source.name);
    }
    let store = Store::from_memory(bytes).expect("opens");
    store.verify().expect("every block is sound");
    assert_eq!(store.status().provenance, report.provenance);
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    eprintln!(
        "store of all shared data: {} bytes; {}",
        report.bytes,
        memory.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("memory unknown")
    );
}

/// All records of a zip file, parsed without any of our code.
fn records_of(zip: &Path) -> Vec<Value> {
    let mut archive = zip::ZipArchive::new(fs::File::open(zip).expect("opens")).expect("a zip file");
    (0..archive.len())
        .map(|number| serde_json::from_reader(archive.by_index(number).expect("entry")).expect("JSON"))
        .collect()
}

/// The schema's evaluation of one range, as its text goes: walk sorted events, keep a state. `None` when a version does not parse.
fn naive_range_contains(range: &Value, last_known: Option<&str>, ecosystem: &str, version: &str) -> Option<bool> {
    let scheme = for_osv_ecosystem(ecosystem)?;
    let events = range["events"].as_array()?;
    let mut points: Vec<(&str, &str)> = Vec::new();
    let (mut state, mut start) = (false, "0");
    for event in events {
        for (kind, at) in event.as_object()? {
            match (kind.as_str(), at.as_str()?) {
                ("introduced", "0") => state = true,
                (kind, at) => points.push((kind, at)),
            }
        }
    }
    for (_, at) in &points {
        scheme.compare(at, at).ok()?;
    }
    points.sort_by(|a, b| scheme.compare(a.1, b.1).unwrap_or(std::cmp::Ordering::Equal));
    for (kind, at) in &points {
        let same = |other: &str| {
            points
                .iter()
                .any(|(kind, point)| *kind == other && scheme.compare(point, at).is_ok_and(|order| order.is_eq()))
        };
        let order = scheme.compare(version, at).ok()?;
        match *kind {
            "introduced" if !same("fixed") && order.is_ge() => (state, start) = (true, at),
            "fixed" if !same("introduced") && order.is_ge() => state = false,
            "last_affected" if order.is_gt() => state = false,
            "limit" => unreachable!("no shared record has a limit"),
            _ => {}
        }
    }
    let closed = points.iter().any(|(kind, at)| {
        matches!(*kind, "fixed" | "last_affected")
            && (start == "0" || scheme.compare(at, start).is_ok_and(|order| order.is_ge()))
    });
    if let (true, false, Some(bound)) = (state, closed, last_known) {
        let (through, bound) =
            bound.strip_prefix("<=").map_or((false, bound.strip_prefix('<')?), |bound| (true, bound));
        let order = scheme.compare(version, bound.trim()).ok()?;
        return Some(order.is_lt() || (through && order.is_eq()));
    }
    Some(state)
}

/// Whether an affected entry contains a version; Go's custom ranges stand in for one that says everything.
fn naive_contains(affected: &Value, ecosystem: &str, version: &str) -> Option<bool> {
    if affected["versions"].as_array().is_some_and(|listed| listed.iter().any(|listed| listed == version)) {
        return Some(true);
    }
    let custom = affected["ecosystem_specific"]["custom_ranges"].as_array().cloned().unwrap_or_default();
    let written = affected["ranges"].as_array().cloned().unwrap_or_default();
    let everything: Value = serde_json::json!([{"introduced": "0"}]);
    let ranges = written
        .into_iter()
        .filter(|range| range["type"] != "GIT" && (custom.is_empty() || range["events"] != everything))
        .chain(custom.clone());
    let last_known = affected["database_specific"]["last_known_affected_version_range"].as_str();
    let mut contained = false;
    for range in ranges {
        contained |= naive_range_contains(&range, last_known, ecosystem, version)?;
    }
    Some(contained)
}

/// All entries of one package, and every version that its events or lists name.
#[derive(Default)]
struct NaivePackage<'a> {
    entries: Vec<(&'a str, &'a Value)>,
    versions: BTreeSet<&'a str>,
}

fn naive_packages(records: &[Value]) -> BTreeMap<(String, String), NaivePackage<'_>> {
    let mut packages: BTreeMap<(String, String), NaivePackage<'_>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.get("withdrawn").is_none()) {
        let id = record["id"].as_str().expect("an id");
        let about_cves = record["related"]
            .as_array()
            .is_some_and(|related| related.iter().any(|id| id.as_str().is_some_and(|id| id.starts_with("CVE-"))));
        if (id.starts_with("ALBA-") || id.starts_with("ALEA-")) && !about_cves {
            continue;
        }
        for affected in record["affected"].as_array().into_iter().flatten() {
            let (ecosystem, name) = (
                affected["package"]["ecosystem"].as_str().unwrap_or_default(),
                affected["package"]["name"].as_str().unwrap_or_default(),
            );
            if ecosystem.starts_with("Red Hat") && (name.ends_with("-debuginfo") || name.ends_with("-debugsource")) {
                continue;
            }
            let key = (ecosystem::normal_form(ecosystem), ecosystem::normal_name(ecosystem, name));
            let package = packages.entry(key).or_default();
            package.entries.push((id, affected));
            let custom = affected["ecosystem_specific"]["custom_ranges"].as_array().into_iter().flatten();
            let ranges = affected["ranges"]
                .as_array()
                .into_iter()
                .flatten()
                .chain(custom)
                .filter(|range| range["type"] != "GIT");
            let events = ranges
                .flat_map(|range| range["events"].as_array().into_iter().flatten())
                .flat_map(|event| event.as_object().into_iter().flatten());
            package.versions.extend(events.filter_map(|(_, version)| version.as_str()));
            // Of the listed versions every seventh: most lie inside ranges, whose boundaries are all tried.
            package
                .versions
                .extend(affected["versions"].as_array().into_iter().flatten().step_by(7).filter_map(Value::as_str));
        }
    }
    packages
}

#[test]
fn matches_equal_a_second_evaluation_of_every_shared_record_at_every_boundary() {
    let Some(root) = shared::folder("data/osv") else {
        return;
    };
    for folder in ecosystem_folders(&root) {
        let records = records_of(&folder.join("all.zip"));
        let (bytes, _) = compile(std::slice::from_ref(&folder), ImportOptions::default()).expect("imports");
        let store = Store::from_memory(bytes).expect("opens");
        let (mut pairs, mut hits, mut undecided, mut without_scheme) = (0_u64, 0_u64, 0_u64, 0_u64);
        for ((ecosystem, name), package) in naive_packages(&records) {
            if for_osv_ecosystem(&ecosystem).is_none() {
                without_scheme += 1;
                continue;
            }
            for version in &package.versions {
                let Some((expected, unreadable)) = naive_ids(&package, &ecosystem, version) else {
                    undecided += 1;
                    continue;
                };
                let mut told = affected(&store, &ecosystem, &name, version);
                told.retain(|id| !unreadable.contains(id.as_str()));
                assert_eq!(told, expected, "{ecosystem} {name} {version}");
                check_matcher(&store, (&ecosystem, &name, version), &expected, &unreadable);
                (pairs, hits) = (pairs + 1, hits + expected.len() as u64);
            }
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        eprintln!(
            "{name}: {pairs} pairs, {hits} hits, {undecided} pairs with versions that do not parse, {without_scheme} packages without a scheme"
        );
        assert!(pairs > 0 || without_scheme > 0, "{name} was compared");
    }
}

/// Records that contain the version, and records that cannot be read; `None` when the version itself does not parse.
fn naive_ids<'a>(
    package: &NaivePackage<'a>,
    ecosystem: &str,
    version: &str,
) -> Option<(BTreeSet<String>, BTreeSet<&'a str>)> {
    for_osv_ecosystem(ecosystem)?.compare(version, version).ok()?;
    let (mut ids, mut unreadable) = (BTreeSet::new(), BTreeSet::new());
    for (id, affected) in &package.entries {
        match naive_contains(affected, ecosystem, version) {
            Some(true) => drop(ids.insert((*id).to_owned())),
            Some(false) => {}
            None => drop(unreadable.insert(*id)),
        }
    }
    ids.retain(|id| !unreadable.contains(id.as_str()));
    Some((ids, unreadable))
}

/// The whole matcher must tell of exactly the expected records, where the ecosystem has a package manager that we read.
fn check_matcher(
    store: &Store,
    (ecosystem, name, version): (&str, &str, &str),
    expected: &BTreeSet<String>,
    unreadable: &BTreeSet<&str>,
) {
    let release = ecosystem.split_once(':').map_or("", |(_, release)| release);
    let (kind, os) = match ecosystem::base(ecosystem) {
        "PyPI" => (PackageKind::PyPi, None),
        "npm" => (PackageKind::Npm, None),
        "Go" => (PackageKind::Go, None),
        "crates.io" => (PackageKind::Cargo, None),
        "Debian" if !release.contains('.') => (PackageKind::Deb, os("debian", release)),
        "Alpine" => (PackageKind::Apk, os("alpine", release.trim_start_matches('v'))),
        _ => return,
    };
    let outcome = run(store, &[package(kind, name, version)], os);
    let told: BTreeSet<&str> = outcome
        .matches
        .iter()
        .flat_map(|found| std::iter::once(&found.id).chain(&found.aliases))
        .map(String::as_str)
        .collect();
    if let Some(missed) = expected.iter().find(|id| !told.contains(id.as_str())) {
        panic!("{ecosystem} {name} {version}: {missed} is not told of, but {told:?}");
    }
    for found in &outcome.matches {
        let of_record = |id: &String| expected.contains(id) || unreadable.contains(id.as_str());
        assert!(
            of_record(&found.id) || found.aliases.iter().any(of_record),
            "{ecosystem} {name} {version}: {found:?} is not expected"
        );
    }
}

#[test]
fn no_sample_record_of_other_projects_is_fatal() {
    let Some(root) = shared::folder("data/osv-samples") else {
        return;
    };
    let packed = fs::read(root.join("osv-records-from-testdata.jsonl.zst")).expect("samples");
    let lines = zstd::decode_all(packed.as_slice()).expect("zstd");
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut written = 0;
    for line in String::from_utf8(lines).expect("UTF-8").lines() {
        let sample: Value = serde_json::from_str(line).expect("JSON lines");
        fs::write(folder.path().join(format!("{written:04}.json")), sample["doc"].to_string()).expect("written");
        written += 1;
    }
    let (bytes, report) = compile(&[folder.path().to_owned()], ImportOptions::default()).expect("imports");
    let source = &report.provenance.sources[0];
    assert_eq!(source.records + source.malformed, written);
    for record in &report.sources[0].malformed {
        eprintln!(
            "malformed: {} {} ({:?})",
            record.name,
            record.error,
            std::error::Error::source(&record.error).map(ToString::to_string)
        );
    }
    Store::from_memory(bytes).expect("opens").verify().expect("sound");
}

// ---- the store inside the program ----------------------------------------------------------------------------------------------------

/// Remakes `data/advisories.store` with `UPDATE_STORE=1 cargo test --test advisories embedded_store`; else it must be what the shared data give.
#[test]
fn the_embedded_store_is_what_its_sources_give() {
    let Some(root) = shared::folder("data/osv") else {
        return;
    };
    let inputs: Vec<PathBuf> = EMBEDDED.iter().map(|name| root.join(name)).collect();
    let (bytes, report) =
        compile(&inputs, ImportOptions { redistributable_only: true, ..ImportOptions::default() }).expect("imports");
    assert!(bytes.len() < 4 << 20, "{} bytes are more than the program may grow", bytes.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/advisories.store");
    if std::env::var_os("UPDATE_STORE").is_some() {
        let report = import(&inputs, &path, ImportOptions { redistributable_only: true, ..ImportOptions::default() })
            .expect("written");
        eprintln!("{}: {} bytes, {}", path.display(), report.bytes, report.digest);
        return;
    }
    let embedded = Store::embedded().expect("the program's store opens; if it is empty, make it with UPDATE_STORE=1");
    assert_eq!(embedded.digest(), &report.digest, "run `UPDATE_STORE=1 cargo test --test advisories embedded_store`");
}

#[test]
fn the_embedded_store_is_sound_and_every_source_is_in_the_notice() {
    if std::env::var_os("UPDATE_STORE").is_some() {
        return; // being remade
    }
    let store = Store::embedded().expect("opens");
    store.verify().expect("every block is sound");
    let names: Vec<&str> = store.provenance().sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, EMBEDDED);
    let notice = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("NOTICE")).expect("NOTICE");
    for source in &store.provenance().sources {
        let date = source.modified.as_deref().and_then(|date| date.get(..10)).expect("a date");
        assert!(notice.contains(&source.name) && notice.contains(date), "{} of {date} in NOTICE", source.name);
        assert!(
            source.licenses.iter().all(|license| notice.contains(license)),
            "licences of {} in NOTICE",
            source.name
        );
    }
    assert_eq!(store.provenance().ecosystem("crates.io").map(|known| known.data), Some(Data::Full));
    assert_eq!(store.provenance().ecosystem("AlmaLinux:9").map(|known| known.data), Some(Data::FixedOnly));
}

#[test]
fn opening_reads_only_the_index() {
    if std::env::var_os("UPDATE_STORE").is_some() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/advisories.store");
    let started = std::time::Instant::now();
    let store = Store::open(&path).expect("opens");
    let opened = started.elapsed();
    let packages = store.packages().expect("sound");
    let started = std::time::Instant::now();
    let store = Store::open(&path).expect("opens");
    let mut rows = 0;
    for (ecosystem, name) in packages.iter().step_by((packages.len() / 1000).max(1)).take(1000) {
        rows += store.rows(ecosystem, name).expect("sound").len();
    }
    eprintln!("open {opened:?}; open and 1000 cold look-ups {:?} ({rows} rows)", started.elapsed());
    assert!(rows >= 1000);
}
