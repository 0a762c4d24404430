//! Several records about one flaw.

use imgguard::advisory::model::{Informational, Severity};

use super::*;

#[test]
fn aliases_of_two_databases_are_one_match_with_the_best_of_both() {
    // The GO- record has no severity; the other names only the GHSA, which joins them.
    let found = only(run(fixture_store(), &[package(PackageKind::Go, "k8s.io/ingress-nginx", "v1.8.5")], None));
    assert_eq!(found.aliases, ["GHSA-fp9f-44c2-cw27", "GO-2024-2428", "x_own-go-ghsa"]);
    assert_eq!((found.severity, found.cvss), (Severity::Critical, Some(9.8)));
}

#[test]
fn several_cves_show_the_erratum_and_list_them() {
    let found =
        only(run(fixture_store(), &[package(PackageKind::Rpm, "glibc", "2.34-60.el9")], os("almalinux", "9.2")));
    assert_eq!((found.id.as_str(), found.severity), ("ALSA-2023:5453", Severity::High));
    assert_eq!(found.cves, ["CVE-2023-4527", "CVE-2023-4911"]);
    assert_eq!(found.aliases, found.cves);
}

#[test]
fn a_dsa_whose_cves_have_no_record_stands_for_itself() {
    let bsdutils =
        with_source(package(PackageKind::Deb, "bsdutils", "1:2.38.1-5+deb12u1"), "util-linux", "2.38.1-5+deb12u1");
    let found = only(run(fixture_store(), &[bsdutils], os("debian", "12")));
    assert_eq!(found.id, "DSA-9002-1");
    assert_eq!(found.cves, ["CVE-2030-0020", "CVE-2030-0021"]);
}

#[test]
fn a_cve_leads_to_every_record_about_it() {
    let store = fixture_store();
    let records = store.id("CVE-2030-0010").expect("sound").expect("known").records;
    let ids: Vec<String> = records.iter().map(|number| store.advisory(*number).expect("record").id.clone()).collect();
    assert_eq!(ids, ["DEBIAN-CVE-2030-0010", "DSA-9001-1"]);
}

#[test]
fn withdrawn_records_do_not_match_but_are_remembered() {
    let store = fixture_store();
    assert!(run(store, &[package(PackageKind::Npm, "gone", "1.0.0")], None).matches.is_empty());
    let entry = store.id("GHSA-own2-own2-own2").expect("sound").expect("remembered");
    assert!(entry.withdrawn.is_some() && entry.records.is_empty());
    assert_eq!(store.id("CVE-2030-0060").expect("sound"), None);
}

#[test]
fn notices_are_a_class_of_their_own() {
    let found = only(run(fixture_store(), &[package(PackageKind::Cargo, "abandoned", "1.0.0")], None));
    assert_eq!((found.informational, found.license.as_str()), (Some(Informational::Unmaintained), "CC-BY-4.0"));
}
