//! `explain`: what it says of an id, with and without an image.

use imgguard::advisory::{ImportOptions, import};
use insta::assert_snapshot;
use serde_json::Value;

use crate::world::{AS_OF, Built, Ended, Layout, SAMPLE, judge, layer, run};

fn explain<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    judge("explain", ["--cache", "none"].into_iter().chain(arguments))
}

#[test]
fn the_page_tells_package_file_layer_range_and_comparison() {
    let page = explain(["CVE-2023-36053", SAMPLE, "--platform", "linux/arm64/v8"]);
    assert_eq!(page.code, 0, "{}", page.err);
    assert_snapshot!("explain", page.out);
    let lower = explain(["cve-2023-36053", SAMPLE, "--platform", "linux/arm64/v8"]);
    assert_eq!(lower.out, page.out);
}

/// What `explain` says of each package is what `scan` reports.
#[test]
fn it_agrees_with_the_scan() {
    let report = judge("scan", [SAMPLE, "--cache", "none", "--format", "json"]).json();
    let findings = report["findings"].as_array().unwrap();
    let vulnerable: Vec<&Value> = findings.iter().filter(|finding| finding["kind"] == "vulnerability").collect();
    for finding in vulnerable.iter().step_by(17) {
        let rule = finding["rule"].as_str().unwrap();
        let told = explain([rule, SAMPLE, "--format", "json"]).json();
        let affected = |package: &&Value| package["conclusion"] == "affected" && package["purl"] == finding["package"];
        let packages = told["images"][0]["packages"].as_array().unwrap();
        let package = packages.iter().find(affected).unwrap_or_else(|| panic!("{rule}: {packages:?}"));
        assert_eq!(package["fixed_in"], finding["fixed_in"], "{rule}");
        assert!(package["statements"].as_array().unwrap().iter().any(|row| row["verdict"] == "affected"), "{rule}");
        let by_finding = explain([finding["id"].as_str().unwrap(), SAMPLE, "--format", "json"]).json();
        assert_eq!(by_finding["finding"]["rule"], rule);
        assert!(
            by_finding["images"][0]["packages"]
                .as_array()
                .unwrap()
                .iter()
                .all(|told| told["purl"] == finding["package"])
        );
    }
    let secret = findings.iter().find(|finding| finding["kind"] == "secret").unwrap();
    let told = explain([secret["id"].as_str().unwrap(), SAMPLE]);
    assert!(told.out.contains("github-pat") && told.out.contains("deleted"), "{}", told.out);
}

/// A Debian image with what can keep a record from matching.
fn debian() -> Layout {
    let package = |name: &str, version: &str, source: &str, maintainer: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{source}Maintainer: {maintainer}\n\n"
        )
    };
    let status = [
        package("libssl3", "3.0.11-1~deb12u1", "Source: openssl\n", "Debian OpenSSL Team <a@example.org>"),
        package("openssl", "3.0.11-1~deb12u1", "", "NGINX Packaging <nginx-packaging@f5.com>"),
        package("zlib1g", "1:1.2.13", "Source: zlib (1:1.2.13)\n", "A Person <b@example.org>"),
        package("python3-zope", "4.0-1", "", "A Person <b@example.org>"),
    ];
    let files = [
        ("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", &status.concat()),
        (
            "var/lib/dpkg/info/python3-zope.list",
            "/usr/lib/python3/dist-packages/zope.interface-4.0.dist-info/METADATA\n",
        ),
        (
            "usr/lib/python3/dist-packages/zope.interface-4.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: zope.interface\nVersion: 4.0\n",
        ),
    ];
    Layout::of(&[Built::new(vec![layer(&files)])])
}

#[test]
fn what_keeps_a_record_from_matching_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("advisories.store");
    let records = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory/records");
    import(&[records], &store, ImportOptions::default()).unwrap();
    let (image, store) = (debian(), store.display().to_string());
    let told = |id: &str| {
        let answer = explain([id, &image.reference(), "--db", &store, "--format", "json"]).json();
        let packages = answer["images"][0]["packages"].as_array().unwrap().clone();
        let fields = |package: &Value| {
            let field = |name: &str| package[name].as_str().unwrap().to_owned();
            (field("name"), field("conclusion"), field("reason"))
        };
        packages.iter().map(fields).collect::<Vec<_>>()
    };
    let row = |name: &str, conclusion: &str, reason: &str| (name.to_owned(), conclusion.to_owned(), reason.to_owned());
    assert_eq!(
        told("CVE-2030-0010"),
        [
            row("libssl3", "affected", "reported as CVE-2030-0010"),
            row("openssl", "undetermined", "the distribution did not build it"),
        ]
    );
    assert_eq!(
        told("DEBIAN-CVE-2030-0012"),
        [row("zlib1g", "hidden", "its source calls it unimportant, so reports leave it out")]
    );
    assert_eq!(
        told("CVE-2030-0050"),
        [row("zope.interface", "suppressed", "an OS package owns it, and the distribution's own data decides")]
    );
}

#[test]
fn without_an_image_the_store_answers() {
    let known = explain(["GO-2024-2687"]);
    assert!(known.out.contains("Go stdlib: affected < 1.21.9 or >= 1.22.0-0, < 1.22.2"), "{}", known.out);
    let withdrawn = explain(["GO-2022-0617"]);
    assert!(withdrawn.out.contains("withdrawn by its source"), "{}", withdrawn.out);
    let unknown = run(["explain", "CVE-1999-99999", "--as-of", AS_OF]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(unknown.err.contains("knows `CVE-1999-99999`"), "{}", unknown.err);
}
