//! Real records of the shared data, as their databases mean them. Names, versions and ids are facts of the records that each test names.

use imgguard::advisory::model::Severity;
use imgguard::advisory::{Confidence, Reason};
use imgguard::facts::Evidence;

use super::*;

fn store() -> Option<&'static Store> {
    shared_store().map(|(store, _)| store)
}

fn deb(name: &str, version: &str) -> PackageFact {
    package(PackageKind::Deb, name, version)
}

/// UBUNTU-CVE-2016-20013: since a release is in extended support, Ubuntu lists many of its packages only under Pro, also where nobody has a fix.
#[test]
fn a_plain_ubuntu_has_the_flaws_that_only_pro_tells_of() {
    let Some(store) = store() else { return };
    let libc = |version: &str| with_source(deb("libc6", version), "glibc", version);
    let found = only(run(store, &[libc("2.31-0ubuntu9.16")], os("ubuntu", "20.04")));
    assert_eq!((found.id.as_str(), found.severity), ("CVE-2016-20013", Severity::Negligible));
    assert!(found.fixed_in.is_empty() && found.subscription_fixes.is_empty());
    // The vendor's word counts, though the vector says 7.5.
    assert_eq!(found.cvss, Some(7.5));
}

/// UBUNTU-CVE-2022-24823: netty is fixed for subscribers only.
#[test]
fn a_fix_for_subscribers_is_none_for_others() {
    let Some(store) = store() else { return };
    let netty = |version: &str| with_source(deb("libnetty-java", version), "netty", version);
    let plain = only(run(store, &[netty("1:4.1.48-4+deb11u2build0.22.04.1")], os("ubuntu", "22.04")));
    assert_eq!((plain.id.as_str(), plain.fixed_in.len()), ("CVE-2022-24823", 0));
    assert_eq!(plain.subscription_fixes, ["1:4.1.48-4+deb11u2ubuntu0.1~esm1"]);
    let channels = ["esm-infra".to_owned()];
    let pro = OsRelease { id: "ubuntu", version_id: Some("22.04"), channels: &channels, ..OsRelease::default() };
    let attached = only(run(store, &[netty("1:4.1.48-4+deb11u2build0.22.04.1")], Some(pro)));
    assert_eq!(attached.fixed_in, ["1:4.1.48-4+deb11u2ubuntu0.1~esm1"]);
    let fixed = run(store, &[netty("1:4.1.48-4+deb11u2ubuntu0.1~esm1")], os("ubuntu", "22.04"));
    assert!(fixed.matches.is_empty(), "{:?}", fixed.matches);
    // Not a long-term release: no Pro to speak of.
    assert_eq!(only(run(store, &[netty("1:4.1.48-10")], os("ubuntu", "25.10"))).subscription_fixes, [""; 0]);
}

/// USN-5614-1 says upstream UBUNTU-CVE-2021-3782, which says upstream CVE-2021-3782: one flaw, told once, by its CVE.
#[test]
fn directed_upstreams_lead_to_one_flaw() {
    let Some(store) = store() else { return };
    let wayland = with_source(deb("libwayland-client0", "1.18.0-1"), "wayland", "1.18.0-1");
    let found = only(run(store, &[wayland], os("ubuntu", "20.04")));
    assert_eq!((found.id.as_str(), found.severity), ("CVE-2021-3782", Severity::Medium));
    assert!(
        found.aliases.contains(&"USN-5614-1".to_owned()) && found.aliases.contains(&"UBUNTU-CVE-2021-3782".to_owned())
    );
    assert_eq!(found.fixed_in, ["1.18.0-1ubuntu0.1"]);
}

/// RLSA-2024:3671 is the stream ruby:3.3; ruby outside of modules, and other streams, are other packages.
#[test]
fn rocky_modules_match_only_their_own_stream() {
    let Some(store) = store() else { return };
    let ruby = |version: &str, label: Option<&str>| PackageFact {
        module: label.map(str::to_owned),
        ..package(PackageKind::Rpm, "ruby", version)
    };
    let told = |fact: PackageFact| {
        run(store, &[fact], os("rocky", "9.4"))
            .matches
            .into_iter()
            .map(|found| (found.id, found.confidence))
            .collect::<Vec<_>>()
    };
    let id = "RLSA-2024:3671".to_owned();
    assert_eq!(
        told(ruby("0:3.3.0-1.module+el9.4.0+1000+aaaaaaaa", Some("ruby:3.3:9040020240101:9"))),
        [(id.clone(), Confidence::High)]
    );
    assert_eq!(told(ruby("0:3.1.2-141.module+el9.1.0+1000+aaaaaaaa", Some("ruby:3.1:9010020220101:9"))), []);
    assert_eq!(told(ruby("0:3.0.4-160.el9_0", None)), []);
    assert_eq!(told(ruby("0:3.3.1-2.module+el9.4.0+20787+4c237fd3", Some("ruby:3.3:9040020240604:9"))), []);
}

/// RLSA-2021:3891 has the epoch 1. A bill of materials without epochs must not make every version a match.
#[test]
fn epochs_count_and_unknown_ones_do_not() {
    let Some(store) = store() else { return };
    let java =
        |version: &str, evidence| PackageFact { evidence, ..package(PackageKind::Rpm, "java-11-openjdk", version) };
    let told = |fact: PackageFact| {
        run(store, &[fact], os("rocky", "8.4")).matches.into_iter().map(|found| found.confidence).collect::<Vec<_>>()
    };
    assert_eq!(told(java("1:11.0.12.0.7-0.el8_4", Evidence::Record)), [Confidence::High]);
    assert_eq!(told(java("1:11.0.13.0.8-1.el8_4", Evidence::Record)), []);
    assert_eq!(told(java("11.0.13.0.8-1.el8_4", Evidence::Listed)), []);
    assert_eq!(told(java("11.0.12.0.7-0.el8_4", Evidence::Listed)), [Confidence::Medium]);
}

/// BIT-pgpool-2025-22248 is fixed in a revision of Bitnami's; most records name upstream's versions, which have none.
#[test]
fn bitnamis_revisions_count_where_a_record_names_them() {
    let Some(store) = store() else { return };
    let told = |name: &str, version: &str| {
        run(store, &[package(PackageKind::Bitnami, name, version)], None)
            .matches
            .into_iter()
            .map(|found| found.id)
            .collect::<Vec<_>>()
    };
    assert!(told("pgpool", "4.6.0-0").contains(&"CVE-2025-22248".to_owned()));
    assert!(!told("pgpool", "4.6.0-1").contains(&"CVE-2025-22248".to_owned()));
    // BIT-apache-2021-42013: [2.4.49, 2.4.50) and [2.4.50, 2.4.51), of which a revision is no prerelease.
    for (version, affected) in [("2.4.48-3", false), ("2.4.49-0", true), ("2.4.50-7", true), ("2.4.51-1", false)] {
        assert_eq!(told("apache", version).contains(&"CVE-2021-42013".to_owned()), affected, "{version}");
        let upstream = run(store, &[package(PackageKind::Generic, "httpd", version)], None);
        assert_eq!(upstream.matches.iter().any(|found| found.id == "CVE-2021-42013"), affected, "{version}");
    }
}

/// Names whose case does not matter, and versions with several spellings.
#[test]
fn names_and_versions_are_compared_as_their_ecosystem_does() {
    let Some(store) = store() else { return };
    let told = |kind, name: &str, version: &str| {
        run(store, &[package(kind, name, version)], None).matches.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    let symfony = told(PackageKind::Composer, "Symfony/HTTP-Kernel", "2.3.0");
    assert!(!symfony.is_empty());
    assert_eq!(symfony, told(PackageKind::Composer, "symfony/http-kernel", "v2.3.0.0"));
    let nokogiri = told(PackageKind::Gem, "nokogiri", "1.13.1");
    assert!(nokogiri.len() > 5);
    assert_eq!(nokogiri, told(PackageKind::Gem, "nokogiri", "1.13.1-x86_64-linux"));
    // GHSA-2qrg-x229-3v8q ends with the last affected version.
    let log4j = |name: &str, version: &str| told(PackageKind::Maven, name, version);
    for (version, affected) in [("1.2-rc1", false), ("1.2", true), ("1.2.17", true), ("1.2.18", false)] {
        let told = log4j("log4j:log4j", version).contains(&"CVE-2019-17571".to_owned());
        assert_eq!(told, affected, "{version}");
    }
    assert!(log4j("log4j", "1.2.17").is_empty(), "never by the artifact alone");
    assert_eq!(
        run(store, &[package(PackageKind::Composer, "symfony/http-kernel", "dev-main")], None)
            .undetermined
            .first()
            .map(|u| u.reason.clone()),
        Some(Reason::Development)
    );
}

/// A withdrawn record is no match; that it was withdrawn is remembered.
#[test]
fn withdrawn_records_are_remembered() {
    let Some(store) = store() else { return };
    let entry = store.id("GO-2022-0617").expect("sound").expect("remembered");
    assert!(entry.withdrawn.is_some_and(|at| at > 0), "{entry:?}");
    assert!(entry.records.iter().all(|number| store.advisory(*number).expect("sound").id != "GO-2022-0617"));
}

/// In Debian's and Go's records most severities are absent; what another database says of the same CVE is better than nothing.
#[test]
fn a_severity_comes_from_elsewhere_where_the_source_has_none() {
    let Some(store) = store() else { return };
    // GO-2024-2687 has no severity of its own; BIT-golang-2023-45288 is about the same CVE.
    let found = run(store, &[package(PackageKind::Go, "stdlib", "go1.22.1")], None);
    let found = found.matches.iter().find(|found| found.id == "CVE-2023-45288").expect("matches");
    assert_ne!(found.severity, Severity::Unknown);
    assert!(found.cvss.is_some());
}
