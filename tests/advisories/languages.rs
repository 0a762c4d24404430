//! Rules of language ecosystems.

use imgguard::advisory::Reason;
use imgguard::advisory::model::Severity;

use super::*;

#[test]
fn ties_of_introduced_and_fixed_keep_the_state() {
    let store = fixture_store();
    let is_affected = |ecosystem, name, version: &str| !affected(store, ecosystem, name, version).is_empty();
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
        assert_eq!(!affected(store, "PyPI", "pyspark", version).is_empty(), expected, "pyspark {version}");
    }
    let rows = store.rows("PyPI", "pyspark").expect("rows");
    assert!(rows.iter().all(|(_, row)| row.versions.is_empty()), "ranges reproduce the listed versions");
}

#[test]
fn gos_custom_ranges_replace_a_range_that_says_everything() {
    let store = fixture_store();
    let found = only(run(store, &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.8.5")], None));
    assert_eq!((found.id.as_str(), found.fixed_in.as_slice()), ("CVE-2023-5044", &["1.9.0".to_owned()][..]));
    assert_eq!(run(store, &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.9.0")], None), Outcome::default());
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

#[test]
fn python_names_are_normalised_on_both_sides_and_entries_are_joined() {
    let store = fixture_store();
    for name in ["zope.interface", "Zope_Interface", "zope-interface"] {
        let found = only(run(store, &[package(PackageKind::PyPi, name, "4.0")], None));
        assert_eq!(
            (found.id.as_str(), found.fixed_in.as_slice()),
            ("CVE-2030-0050", &["5.0".to_owned(), "6.2".to_owned()][..]),
            "{name}"
        );
        assert_eq!((found.severity, found.cvss), (Severity::High, None), "an incomplete vector has no score");
    }
    assert_eq!(
        run(store, &[package(PackageKind::Npm, "@Scope/Name", "1.2.0")], None).matches.len(),
        1,
        "the last affected version"
    );
    assert!(
        run(store, &[package(PackageKind::Npm, "@scope/name", "1.2.0")], None).matches.is_empty(),
        "npm names keep their case"
    );
    assert!(run(store, &[package(PackageKind::Npm, "@Scope/Name", "1.2.1")], None).matches.is_empty());
}

#[test]
fn listed_versions_match_without_ranges() {
    let store = fixture_store();
    assert_eq!(only(run(store, &[package(PackageKind::Npm, "listed", "1.0.1")], None)).range, "= 1.0.1");
    assert!(run(store, &[package(PackageKind::Npm, "listed", "1.0.2")], None).matches.is_empty());
    assert!(store.rows("npm", "nothing").expect("rows").is_empty(), "an entry without versions judges nothing");
}

#[test]
fn what_cannot_be_judged_is_said() {
    let store = fixture_store();
    let reason = |package: PackageFact| {
        run(store, &[package], None).undetermined.into_iter().map(|package| package.reason).collect::<Vec<_>>()
    };
    assert_eq!(reason(package(PackageKind::Npm, "x", "")), [Reason::NoVersion]);
    assert_eq!(reason(package(PackageKind::Go, "example.org/main", "(devel)")), [Reason::Development]);
    assert_eq!(reason(package(PackageKind::Cargo, "rustls", "latest!")), [Reason::Version]);
    assert_eq!(
        reason(package(PackageKind::Cargo, "garbage", "2.0.0")),
        [Reason::Range("x_own-range-garbage".to_owned())]
    );
    assert_eq!(
        only(run(store, &[package(PackageKind::Cargo, "garbage", "1.0.0")], None)).range,
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
        match_inventory(store, &Inventory { packages: &candidates, os: None }).expect("sound")
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
        let found = only(run(store, &[package(PackageKind::Go, "stdlib", version)], None));
        assert_eq!(
            (found.id.as_str(), found.fixed_in),
            ("CVE-2030-0070", fixes.iter().map(ToString::to_string).collect()),
            "{version}"
        );
    }
    assert!(run(store, &[package(PackageKind::Go, "stdlib", "go1.22.1")], None).matches.is_empty());
}

#[test]
fn language_packages_of_the_distribution_are_its_own_business_only_when_its_data_is_full() {
    let store = fixture_store();
    let fact = package(PackageKind::PyPi, "zope.interface", "4.0");
    let judge = |id, version| {
        let candidates = [Candidate { package: &fact, owned_by_os: true, main_module: false }];
        match_inventory(store, &Inventory { packages: &candidates, os: os(id, version) }).expect("sound")
    };
    assert_eq!((judge("debian", "12").matches.len(), judge("debian", "12").suppressed), (0, vec![0]));
    assert_eq!(judge("almalinux", "9.4").matches.len(), 1, "its data only knows fixed issues");
    assert_eq!(judge("debian", "10").matches.len(), 1, "no data for that release");
}
