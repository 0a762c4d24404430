//! What each vendor's feed states: status, range, release, stream.

use imgguard::advisory::Data;
use imgguard::advisory::model::{Severity, Urgency};

use super::{of, said, said_of};

// The security tracker's pages: https://security-tracker.debian.org/tracker/CVE-2016-1585 and the like.
#[test]
fn debian_tells_fixed_from_ignored_from_unimportant_from_never_affected() {
    let Some((store, _)) = of(&["feeds/debian/tracker-json"]) else { return };
    assert_eq!(
        said(&store, "Debian:11", "389-ds-base"),
        [
            "DEBIAN-CVE-2012-0833: NotAffected",
            "DEBIAN-CVE-2016-5405: Affected < 1.3.5.15-1",
            "DEBIAN-CVE-2016-5416: WontFix all versions",
        ]
    );
    assert_eq!(said_of(&store, "Debian:sid", "389-ds-base", "5416"), ["DEBIAN-CVE-2016-5416: Affected all versions"]);
    assert_eq!(said(&store, "Debian:10", "chromium"), ["DEBIAN-CVE-2022-0456: EndOfLife all versions"]);
    assert_eq!(said(&store, "Debian:11", "chromium"), ["DEBIAN-CVE-2022-0456: Affected < 98.0.4758.80-1~deb11u1"]);
    assert_eq!(
        said(&store, "Debian:10", "librsync"),
        ["DEBIAN-CVE-2014-8242: Affected all versions"],
        "no DSA is no refusal"
    );
    assert_eq!(said_of(&store, "Debian:9", "mimetex", "TEMP"), ["TEMP-0000000-A2EB44: Affected < 1.3.3"]);
    let unimportant = store.rows("Debian:12", "apparmor").unwrap();
    let urgencies: Vec<Urgency> = unimportant.iter().map(|(_, row)| row.urgency).collect();
    assert_eq!(urgencies, [Urgency::Unimportant, Urgency::Unimportant, Urgency::Unassigned]);
    assert_eq!(
        store.rows("Debian:9", "prototypejs").unwrap()[1].1.rating.map(|rating| rating.severity),
        Some(Severity::High)
    );
    assert!(said(&store, "Debian:12", "chromium-browser").is_empty(), "a flaw without releases states nothing");
    assert_eq!(
        store.provenance().ecosystem("Debian:13").map(|known| known.data),
        Some(Data::Full),
        "the tracker knows unfixed issues"
    );
}

// https://secdb.alpinelinux.org/ and Xen's advisories; the counts are those of the files, by an independent reading of their YAML.
#[test]
fn alpine_lists_fixes_of_main_and_community_and_clears_with_zero() {
    let Some((store, report)) =
        of(&["feeds/alpine/secdb", "feeds/alpine/secdb-lua-empty-objects", "raw/alpine-secdb-2020-06.tar.zst"])
    else {
        return;
    };
    assert_eq!(
        said_of(&store, "Alpine:v3.16", "apache2", "2018-11763"),
        ["ALPINE-CVE-2018-11763: Affected < 2.4.35-r0"]
    );
    assert!(!said(&store, "Alpine:v3.11", "ansible").is_empty(), "main");
    assert_eq!(said(&store, "Alpine:v3.12", "ansible"), ["ALPINE-CVE-2018-16876: Affected < 2.7.9-r0"]);
    let never: Vec<String> = ["2016-0682", "2016-0689", "2016-0692", "2016-0694", "2016-3418"]
        .iter()
        .map(|number| format!("ALPINE-CVE-{number}: NotAffected"))
        .collect();
    let cleared = said(&store, "Alpine:v3.8", "db").into_iter().filter(|line| line.ends_with("NotAffected"));
    assert_eq!(cleared.collect::<Vec<_>>(), never, "the version `0`");
    assert_eq!(said_of(&store, "Alpine:v3.8", "xen", "2018-7540"), ["ALPINE-CVE-2018-7540: Affected < 4.10.0-r2"]);
    let id = store.id("XSA-252").unwrap().expect("the Xen advisory leads to the record");
    assert_eq!(store.advisory(id.records[0]).unwrap().cves, ["CVE-2018-7540"]);
    assert_eq!(store.provenance().ecosystem("Alpine:v3.11").map(|known| known.data), Some(Data::FixedOnly));
    assert!(report.sources.iter().all(|source| source.malformed.is_empty()), "an empty Lua table is an empty list");
}

/// Counted by PyYAML in the same files: release, package and CVE, with two misspelt ids put right.
#[test]
fn alpines_complete_database_of_2020_loses_no_flaw() {
    let Some((store, report)) = of(&["raw/alpine-secdb-2020-06.tar.zst"]) else { return };
    let mut flaws = std::collections::BTreeSet::new();
    for (ecosystem, name) in store.packages().unwrap() {
        for (number, _) in store.rows(&ecosystem, &name).unwrap() {
            let cves = store.advisory(number).unwrap().cves.clone();
            flaws.extend(cves.into_iter().map(|cve| (ecosystem.clone(), name.clone(), cve)));
        }
    }
    assert_eq!(flaws.len(), 11_780);
    assert_eq!(report.provenance.sources[0].malformed, 0);
}

#[test]
fn apk_distributions_with_terms_are_only_for_oneself() {
    let Some((store, _)) = of(&["feeds/wolfi-chainguard", "feeds/other/minimos-security.json"]) else { return };
    assert!(!store.provenance().is_redistributable());
    assert!(
        store.rows("Wolfi", "binutils").unwrap().iter().all(|(number, _)| store.advisory(*number).unwrap().restricted)
    );
    assert_eq!(said_of(&store, "Wolfi", "aactl", "2023-45283"), ["WOLFI-CVE-2023-45283: NotAffected"]);
    assert_eq!(said_of(&store, "MinimOS", "apache2", "1999-0289"), ["MINIMOS-CVE-1999-0289: NotAffected"]);
    let root = super::shared::folder("data").unwrap();
    let published = imgguard::advisory::ImportOptions { redistributable_only: true, ..Default::default() };
    let (_, report) = imgguard::advisory::compile(&[root.join("feeds/wolfi-chainguard")], published).unwrap();
    assert_eq!((report.provenance.advisories, report.provenance.is_redistributable()), (0, true));
}

// https://ubuntu.com/security/CVE-2023-38545, https://ubuntu.com/security/CVE-2025-0167
#[test]
fn ubuntu_keeps_its_channels_apart_and_says_what_it_will_not_fix() {
    let Some((store, _)) = of(&["feeds/ubuntu/vex", "feeds/ubuntu/osv"]) else { return };
    let curl = "UBUNTU-VEX-CVE-2023-38545";
    assert_eq!(said_of(&store, "Ubuntu:22.04:LTS", "curl", curl), [format!("{curl}: Affected < 7.81.0-1ubuntu1.24")]);
    assert_eq!(said_of(&store, "Ubuntu:16.04:LTS", "curl", curl), [format!("{curl}: EndOfLife all versions")]);
    assert_eq!(said_of(&store, "Ubuntu:Pro:14.04:LTS", "curl", curl), [format!("{curl}: NotAffected")]);
    assert_eq!(said_of(&store, "Ubuntu:14.04:LTS", "curl", curl), [""; 0], "ESM says nothing about the release");
    assert_eq!(
        said_of(&store, "Ubuntu:14.04:LTS", "dietlibc", "VEX"),
        ["UBUNTU-VEX-CVE-2016-20013: WontFix all versions"]
    );
    assert_eq!(
        said_of(&store, "Ubuntu:24.04:LTS", "zabbix", "VEX"),
        [""; 0],
        "what is not in the archive needs no statement"
    );
    assert_eq!(
        said_of(&store, "Ubuntu:Pro:18.04:LTS", "varnish", "USN-7372"),
        ["UBUNTU-VEX-USN-7372-1: Affected < 5.2.1-1ubuntu0.1+esm1"]
    );
    assert_eq!(
        said_of(&store, "Ubuntu:16.04:LTS", "mongodb", "2025-14345"),
        ["UBUNTU-CVE-2025-14345: Affected all versions"],
        "the OSV feed"
    );
}

// https://access.redhat.com/security/cve/cve-2024-0727 (first generator) and .../cve-2023-6228 (second).
#[test]
fn red_hat_tells_streams_plans_and_modules() {
    let vex = ["feeds/redhat/vex-v1/2024", "feeds/redhat/vex-v1/2023", "feeds/redhat/vex-v1/reserialized/2022"];
    let Some((store, _)) = of(&vex) else { return };
    let of_openssl = |release: &str, name: &str| said_of(&store, &format!("Red Hat:{release}"), name, "CVE-2024-0727");
    assert_eq!(of_openssl("enterprise_linux:9", "openssl-libs"), ["REDHAT-CVE-2024-0727: Affected < 1:3.0.7-27.el9"]);
    assert_eq!(of_openssl("enterprise_linux:8", "openssl-libs"), ["REDHAT-CVE-2024-0727: Deferred all versions"]);
    assert_eq!(of_openssl("enterprise_linux:8", "edk2-ovmf"), ["REDHAT-CVE-2024-0727: WontFix all versions"]);
    assert_eq!(of_openssl("enterprise_linux:7", "openssl"), ["REDHAT-CVE-2024-0727: EndOfLife all versions"]);
    assert_eq!(of_openssl("enterprise_linux:9", "openssl-libs-debuginfo"), [""; 0]);
    let firefox = |release: &str| said_of(&store, &format!("Red Hat:{release}"), "firefox", "CVE-2023-6212");
    assert_eq!(firefox("enterprise_linux:9"), ["REDHAT-CVE-2023-6212: Affected < 115.5.0-1.el9_3"]);
    assert_eq!(
        firefox("rhel_eus:9.2"),
        ["REDHAT-CVE-2023-6212: Affected < 115.5.0-1.el9_2"],
        "its own channel's build"
    );
    let redis = said_of(&store, "Red Hat:enterprise_linux:8", "redis", "CVE-2022-24834");
    assert_eq!(redis, ["REDHAT-CVE-2022-24834: Affected < 6.2.17-1.module+el8.10.0+22680+748527fd [redis:6]"]);
}

#[test]
fn red_hats_second_generator_names_sources_and_a_fix_outweighs_older_minor_releases() {
    let Some((store, report)) = of(&["feeds/redhat/vex-v2-feed"]) else { return };
    let libtiff = |release: &str| said_of(&store, &format!("Red Hat:{release}"), "libtiff", "CVE-2023-6228");
    assert_eq!(
        libtiff("enterprise_linux:9"),
        ["REDHAT-CVE-2023-6228: Affected < 4.4.0-12.el9"],
        "not open as in 9.0 to 9.3"
    );
    assert_eq!(libtiff("enterprise_linux:8"), ["REDHAT-CVE-2023-6228: Affected < 4.0.9-32.el8_10"]);
    assert_eq!(libtiff("rhel_els:7"), ["REDHAT-CVE-2023-6228: EndOfLife all versions"]);
    assert_eq!(said_of(&store, "Red Hat:rhel_els:7", "kernel", "2023-6238"), ["REDHAT-CVE-2023-6238: NotAffected"]);
    let module = store.rows("Red Hat:rhel_e4s:8.4", "python39").unwrap();
    let unread: Vec<(Option<&str>, bool)> =
        module.iter().map(|(_, row)| (row.module.as_deref(), row.unevaluable)).collect();
    assert!(
        unread.contains(&(Some("python39:3.9"), true)),
        "a module's version judges no package, and is not forgotten: {unread:?}"
    );
    assert!(report.sources.iter().all(|source| source.malformed.is_empty()));
}

#[test]
fn red_hats_repositories_lead_to_streams() {
    let Some((store, _)) = of(&["feeds/redhat/meta/repository-to-cpe.json.zst"]) else { return };
    assert_eq!(store.provenance().repositories, 8564);
    let streams = |repository: &str| {
        let cpes = store.repository_cpes(repository).unwrap();
        cpes.iter().filter_map(|cpe| imgguard::advisory::ecosystem::of_red_hat_cpe(cpe)).collect::<Vec<_>>()
    };
    assert_eq!(streams("rhel-9-for-x86_64-baseos-rpms"), ["Red Hat:enterprise_linux:9"]);
    assert_eq!(streams("rhel-8-for-x86_64-appstream-eus-rpms__8_DOT_6"), ["Red Hat:rhel_eus:8.6"]);
    assert_eq!(streams("no-such-repository"), [""; 0]);
}

#[test]
fn withdrawn_documents_are_remembered() {
    let Some((store, _)) = of(&["feeds/redhat/vex-v1/edge-cases", "feeds/redhat/vex-v1/2023"]) else { return };
    assert!(store.id("REDHAT-CVE-2023-0030").unwrap().expect("it is known").withdrawn.is_some());
}

// https://alas.aws.amazon.com/AL2/ALAS2-2018-942.html, https://alas.aws.amazon.com/AL2/ALAS2KERNEL-5.15-2022-001.html
#[test]
fn amazons_extras_do_not_touch_the_core() {
    let Some((store, _)) = of(&["feeds/amazon/updateinfo"]) else { return };
    assert_eq!(
        said_of(&store, "Amazon Linux:2", "qemu-img", "942"),
        ["ALAS2-2018-942: Affected < 10:1.5.3-141.amzn2.5.3"]
    );
    assert_eq!(said(&store, "Amazon Linux:2", "kernel"), ["ALAS2-2018-939: Affected < 4.9.76-38.79.amzn2"]);
    assert_eq!(
        said(&store, "Amazon Linux:2:kernel-5.15", "kernel"),
        ["ALAS2KERNEL-5.15-2022-001: Affected < 5.15.43-20.123.amzn2"]
    );
    assert_eq!(said(&store, "Amazon Linux:1", "httpd-devel"), ["ALAS-2011-1: Affected < 2.2.21-1.18.amzn1"]);
    assert_eq!(
        said(&store, "Amazon Linux:2023", "libnvidia-container-tools"),
        ["ALAS2023NVIDIA-2025-001: Affected < 1.17.4-1"]
    );
    assert!(said(&store, "Amazon Linux:2023", "rsyslog-mmaudit-debuginfo").is_empty());
    let record = store.advisory(store.rows("Amazon Linux:2", "kernel").unwrap()[0].0).unwrap();
    assert_eq!((record.rating.severity, record.cves.len()), (Severity::Critical, 2), "CVE-2017-5715 and -5754");
}

// https://linux.oracle.com/errata/ELSA-2022-4803.html: other builds for aarch64 than for x86_64.
#[test]
fn oracles_builds_differ_by_architecture_and_special_builds_are_left_out() {
    let Some((store, report)) = of(&["feeds/oracle/oval"]) else { return };
    assert_eq!(
        said(&store, "Oracle Linux:7", "rsyslog"),
        [
            "ELSA-2022-4803: Affected < 8.24.0-57.0.1.el7_9.3 [x86_64]",
            "ELSA-2022-4803: Affected < 8.24.0-57.0.4.el7_9.3 [aarch64]",
        ]
    );
    // Its header says: one fix shared by every architecture, and two rebuilds, each on both.
    assert_eq!(said(&store, "Oracle Linux:10", "firefox"), ["ELSA-2025-10073: Affected < 128.12.0-1.0.1.el10_0"]);
    assert_eq!(
        said(&store, "Oracle Linux:8", "osbuild"),
        ["ELSA-2024-2961: Affected < 110-1.0.1.el8", "ELSA-2024-2961: Affected < 110-1.el8"]
    );
    assert_eq!(said_of(&store, "Oracle Linux:5", "bind-libs", "0057"), ["ELSA-2007-0057: Affected < 30:9.3.3-8.el5"]);
    let kernel = |release: &str| said_of(&store, &format!("Oracle Linux:{release}"), "kernel-uek", "4250");
    assert_eq!(kernel("6"), ["ELSA-2018-4250: Affected < 2.6.39-400.302.2.el6uek"]);
    assert_eq!(kernel("5"), [""; 0], "an erratum for one release is for that one");
    assert!(said(&store, "Oracle Linux:8", "openssl").is_empty(), "only with ksplice");
    let lost: u64 = report.sources.iter().map(|source| source.loss.other_products).sum();
    assert!(lost > 0, "and counted");
}

// The OVAL's own titles, e.g. "CVE-2024-47191 affecting package oath-toolkit for versions less than 2.6.7-3".
#[test]
fn azures_complete_feeds_give_one_row_a_definition() {
    let Some((store, report)) =
        of(&["feeds/azurelinux/azurelinux-3.0-oval.xml.zst", "feeds/azurelinux/cbl-mariner-1.0-oval.xml.zst"])
    else {
        return;
    };
    assert_eq!(report.provenance.sources[0].records, 1222 + 2252, "as many as `grep -c '<definition '` counts");
    assert_eq!(
        said_of(&store, "Azure Linux:3", "oath-toolkit", "47191"),
        ["AZURELINUX-CVE-2024-47191: Affected < 2.6.7-3.azl3"]
    );
    assert_eq!(store.provenance().ecosystem("Azure Linux:3").map(|known| known.data), Some(Data::Full));
}

#[test]
fn azures_not_applicable_is_a_negative_statement() {
    let Some((store, _)) = of(&["feeds/azurelinux/cbl-mariner-2.0-oval.truncated.xml"]) else { return };
    assert_eq!(said_of(&store, "Azure Linux:2", "glibc", "2023-0687"), ["AZURELINUX-CVE-2023-0687: NotAffected"]);
}

// https://errata.rockylinux.org/RLSA-2025:21816, https://errata.almalinux.org/9/ALSA-2023-7549.html
#[test]
fn rebuilds_errata_name_builds() {
    let Some((store, _)) = of(&["feeds/rocky/errata-api", "feeds/rocky/updateinfo", "feeds/almalinux/updateinfo"])
    else {
        return;
    };
    assert_eq!(said_of(&store, "Rocky Linux:10", "delve", "21816"), ["RLSA-2025:21816: Affected < 1.25.2-1.el10_1"]);
    assert_eq!(said(&store, "AlmaLinux:9", "nodejs"), ["ALSA-2023:7549: Affected < 1:18.18.2-1.el9"]);
}

// https://www.suse.com/security/cve/CVE-2023-5568.html
#[test]
fn suse_fixes_by_product_and_folds_modules() {
    let Some((store, _)) = of(&["feeds/suse/csaf-vex", "feeds/suse/csaf"]) else { return };
    assert_eq!(
        said_of(&store, "openSUSE:Tumbleweed", "ctdb", "5568"),
        ["SUSE-CVE-2023-5568: Affected < 4.19.2+git.322.7e9201cef5-1.1"]
    );
    assert_eq!(
        said_of(&store, "SUSE:Linux Enterprise Module for Basesystem 15 SP4", "samba-client-libs", "5568"),
        ["SUSE-CVE-2023-5568: NotAffected"]
    );
    assert_eq!(
        said_of(&store, "SUSE:Linux Enterprise Server 11 SP2-LTSS", "bind", "0011"),
        ["SUSE-SU-2015:0011-2: Affected < 9.9.4P2-0.6.1"]
    );
}

// https://security.archlinux.org/AVG-708, /AVG-1146, /AVG-2781
#[test]
fn arch_groups_are_fixed_vulnerable_or_unknown() {
    let Some((store, _)) = of(&["feeds/arch/all.more.json", "feeds/arch/all.unknown-status.json"]) else { return };
    let status = |name: &str| store.rows("Arch Linux", name).unwrap()[0].1.status;
    assert_eq!((status("squid"), status("python-pyjwt")), (super::Status::Affected, super::Status::UnderInvestigation));
    let record = store.advisory(store.rows("Arch Linux", "wireshark-cli").unwrap()[0].0).unwrap();
    assert_eq!((record.id.as_str(), record.rating.severity), ("AVG-708", Severity::Critical));
}

// https://github.com/vmware/photon/wiki/Security-Advisories-5
#[test]
fn photon_tells_its_release_by_versions_and_names() {
    let Some((store, report)) = of(&["feeds/photon/cve-metadata"]) else { return };
    assert_eq!(said(&store, "Photon OS:5.0", "ansible"), ["PHOTON-CVE-2023-5115: Affected < 2.14.12-1.ph5"]);
    assert_eq!(said(&store, "Photon OS:4.0", "httpd"), ["PHOTON-CVE-2023-44487: NotAffected"]);
    assert!(said(&store, "Photon OS:4.0", "python3").is_empty(), "a fix without a version judges nothing");
    let source = report.sources.first().unwrap();
    assert!(
        source.malformed.len() >= 5 && source.loss.without_versions == 1,
        "UNK-1 and the like are no ids: {source:?}"
    );
}
