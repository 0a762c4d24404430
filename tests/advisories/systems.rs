//! Rules of operating systems.

use imgguard::advisory::model::{Severity, Status, Urgency};
use imgguard::advisory::{Confidence, Reason};

use super::*;

#[test]
fn debs_match_by_source_and_only_with_their_release() {
    let store = fixture_store();
    let libssl = with_source(package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u1"), "openssl", "3.0.11-1~deb12u1");
    let outcome = run(store, std::slice::from_ref(&libssl), os("debian", "12"));
    assert_eq!(ids(&outcome), ["CVE-2030-0010", "CVE-2030-0011"], "the DSA is told in both CVEs, not a third time");
    assert!(outcome.matches.iter().all(|found| found.aliases.contains(&"DSA-9001-1".to_owned())));
    assert_eq!(outcome.matches[0].fixed_in, ["3.0.11-1~deb12u2"]);
    assert_eq!((outcome.matches[0].severity, outcome.matches[0].urgency), (Severity::High, Urgency::High));

    let fixed = with_source(package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u1+b1"), "openssl", "3.0.11-1~deb12u2");
    assert_eq!(ids(&run(store, &[fixed], os("debian", "12"))), [""; 0], "the source's version counts");

    let eol = run(store, std::slice::from_ref(&libssl), os("debian", "11"));
    assert_eq!(only(eol).status, Status::EndOfLife);

    let no_release = run(store, &[libssl], Some(OsRelease { id: "debian", ..OsRelease::default() }));
    assert!(no_release.matches.is_empty());
    assert_eq!(no_release.undetermined.first().map(|package| &package.reason), Some(&Reason::NoRelease));
}

#[test]
fn unimportant_issues_are_marked() {
    let found = only(run(fixture_store(), &[package(PackageKind::Deb, "zlib", "1:1.2.13")], os("debian", "12")));
    assert_eq!((found.urgency, found.severity), (Urgency::Unimportant, Severity::Negligible));
}

#[test]
fn apks_match_by_origin_and_zero_fixes_clear() {
    let store = fixture_store();
    let libcrypto = with_source(package(PackageKind::Apk, "libcrypto3", "3.3.2-r0"), "openssl", "3.3.2-r0");
    assert_eq!(only(run(store, std::slice::from_ref(&libcrypto), os("alpine", "3.20.3"))).id, "CVE-2030-0030");
    assert!(run(store, &[libcrypto], os("alpine", "3.19.1")).matches.is_empty(), "another branch");
    assert!(run(store, &[package(PackageKind::Apk, "zlib", "1.3.1-r0")], os("alpine", "3.20.3")).matches.is_empty());
    let statement = store.rows("Alpine:v3.20", "zlib").expect("rows");
    assert_eq!(statement.first().map(|(_, row)| row.status), Some(Status::NotAffected));
}

#[test]
fn ubuntu_pro_counts_only_where_it_can_be_installed() {
    let store = fixture_store();
    let tiff = |version: &str| with_source(package(PackageKind::Deb, "libtiff5", version), "tiff", version);
    let plain = only(run(store, &[tiff("4.3.0-6ubuntu0.10")], os("ubuntu", "22.04")));
    assert_eq!((plain.id.as_str(), plain.fixed_in.len(), plain.severity), ("CVE-2030-0040", 0, Severity::Negligible));
    let channels = ["esm-infra".to_owned()];
    let pro = OsRelease { id: "ubuntu", version_id: Some("22.04"), channels: &channels, ..OsRelease::default() };
    assert_eq!(only(run(store, &[tiff("4.3.0-6ubuntu0.10")], Some(pro))).fixed_in, ["4.3.0-6ubuntu0.10+esm1"]);
    assert!(
        run(store, &[tiff("4.3.0-6ubuntu0.10+esm1")], os("ubuntu", "22.04")).matches.is_empty(),
        "an ESM build is installed"
    );
}

/// Red Hat's EUS: another stream of fixes of one minor release, which an image takes by the repositories that it was built from.
#[test]
fn longer_support_counts_where_the_image_takes_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let record = |id: &str, stream: &str, fixed: &str| {
        let record = serde_json::json!({
            "schema_version": "1.7.0", "id": id, "modified": "2026-01-01T00:00:00Z", "upstream": ["CVE-2030-0060"],
            "affected": [{"package": {"ecosystem": format!("Red Hat:{stream}::baseos"), "name": "openssl"},
                          "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}],
        });
        std::fs::write(folder.path().join(format!("{id}.json")), record.to_string()).expect("written");
    };
    record("RHSA-2030:0001", "enterprise_linux:9", "1:3.0.7-28.el9_4");
    record("RHSA-2030:0002", "rhel_eus:9.2", "1:3.0.7-18.el9_2");
    let eus = "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2";
    let cpes = serde_json::json!({"data": {
        "rhel-9-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"]},
        eus: {"cpes": ["cpe:/o:redhat:rhel_eus:9.2::baseos"]},
    }});
    std::fs::write(folder.path().join("repository-to-cpe.json"), cpes.to_string()).expect("written");
    let (bytes, _) = compile(&[folder.path().to_owned()], ImportOptions::default()).expect("compiles");
    let store = Store::from_memory(bytes).expect("opens");
    let found = |version: &str, channels: &[&str]| {
        let channels: Vec<String> = channels.iter().map(|channel| (*channel).to_owned()).collect();
        let os = OsRelease { id: "rhel", version_id: Some("9.2"), channels: &channels, ..OsRelease::default() };
        let outcome = run(&store, &[package(PackageKind::Rpm, "openssl", version)], Some(os));
        outcome.matches.into_iter().map(|found| (found.id, found.fixed_in.join(" "))).collect::<Vec<_>>()
    };
    let told = |fixes: &str| vec![("CVE-2030-0060".to_owned(), fixes.to_owned())];
    let main = ["rhel-9-for-x86_64-baseos-rpms"];
    assert_eq!(found("1:3.0.7-18.el9_2", &main), told("1:3.0.7-28.el9_4"));
    assert_eq!(found("1:3.0.7-18.el9_2", &[main[0], eus]), [], "its fix is installed");
    assert_eq!(found("1:3.0.7-16.el9_2", &[main[0], eus]), told("1:3.0.7-18.el9_2 1:3.0.7-28.el9_4"));
    assert_eq!(found("1:3.0.7-18.el9_2", &["unheard-of"]), told("1:3.0.7-28.el9_4"));
}

#[test]
fn almalinux_modules_match_only_their_own_stream() {
    let store = fixture_store();
    let node = |version: &str, label: Option<&str>| PackageFact {
        module: label.map(str::to_owned),
        ..package(PackageKind::Rpm, "nodejs", version)
    };
    let matched = |package: PackageFact| run(store, &[package], os("almalinux", "8.10")).matches;
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
    let curl = only(run(store, &[package(PackageKind::Rpm, "curl", "7.76.1-29.el9")], os("almalinux", "9.4")));
    assert_eq!((curl.id.as_str(), curl.confidence), ("ALSA-2030-0002", Confidence::Medium));
    // A third binary is named nowhere, but built from the same source as one that is.
    let of_source = |name: &str| with_source(package(PackageKind::Rpm, name, "7.76.1-29.el9"), "curl", "7.76.1-29.el9");
    let outcome = run(store, &[of_source("libcurl"), of_source("libcurl-extras")], os("almalinux", "9.4"));
    let found: Vec<(usize, Confidence)> =
        outcome.matches.iter().map(|found| (found.package, found.confidence)).collect();
    assert_eq!(found, [(0, Confidence::High), (1, Confidence::Medium)]);
}

#[test]
fn errata_without_security_are_dropped_unless_they_fix_a_cve() {
    let store = fixture_store();
    let found = only(run(store, &[package(PackageKind::Rpm, "bash", "5.1-1.el9")], os("almalinux", "9.4")));
    assert_eq!(found.id, "CVE-2030-0005");
    assert_eq!(store.provenance().sources.iter().map(|source| source.not_security).sum::<u32>(), 1);
}

#[test]
fn foreign_packages_are_not_judged_by_the_distribution() {
    let store = fixture_store();
    let from = |package: PackageFact, vendor: &str| PackageFact { vendor: Some(vendor.to_owned()), ..package };
    let told = |package: PackageFact, os| {
        let outcome = run(store, &[package], os);
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
