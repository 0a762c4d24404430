//! `--vex`: what documents set aside, how reports show it, and what they must not set aside.

use std::fs;

use imgguard::policy::vex::{Subject, Vex};
use serde_json::{Value, json};

use crate::shared;
use crate::world::{Built, Layout, SAMPLE, judge, layer, store};

fn scan(documents: &[&str], more: &[&str]) -> crate::world::Ended {
    let flags = documents.iter().flat_map(|document| ["--vex", document]);
    judge("scan", [SAMPLE, "--cache", "none"].into_iter().chain(flags).chain(more.iter().copied()))
}

fn dispositions(report: &Value) -> Vec<(String, Value)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let aside = findings.filter(|finding| finding["disposition"]["state"] != "open");
    let mut told: Vec<(String, Value)> =
        aside.map(|finding| (finding["rule"].as_str().unwrap().to_owned(), finding["disposition"].clone())).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

#[test]
fn each_format_sets_aside_what_it_says_and_reports_keep_it() {
    let report = scan(&["testdata/vex"], &["--format", "json"]).json();
    let told = dispositions(&report);
    let said = |by: &str, reason: &str| json!({"state": "vex", "by": by, "reason": reason});
    let team = "The team of the sample (openvex.json)";
    assert_eq!(
        told,
        [
            ("CVE-2023-32681", said(team, "not affected: no request leaves this container")),
            ("CVE-2023-36053", said(team, "not affected: vulnerable_code_not_in_execute_path")),
            ("CVE-2023-41164", said("Example ProductCERT (csaf.json)", "not affected: vulnerable_code_not_present")),
            ("CVE-2023-43665", said("cyclonedx.json", "not affected: code_not_reachable")),
            ("CVE-2023-46695", said("cyclonedx.json", "fixed: patched in our build")),
        ]
        .map(|(rule, disposition)| (rule.to_owned(), disposition))
    );
    let plain = scan(&[], &["--format", "json"]).json();
    let count = |report: &Value| report["findings"].as_array().unwrap().len();
    assert_eq!(count(&report), count(&plain), "nothing is left out");
    let table = scan(&["testdata/vex"], &[]).out;
    assert!(table.contains("Set aside: 5") && table.contains("says The team of the sample"), "{table}");
    let sarif = scan(&["testdata/vex"], &["--format", "sarif"]).json();
    let suppressed = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| !result["suppressions"].is_null())
        .count();
    assert_eq!(suppressed, 5);
    let cyclonedx = scan(&["testdata/vex"], &["--format", "cyclonedx"]).json();
    let analysed: Vec<&Value> =
        cyclonedx["vulnerabilities"].as_array().unwrap().iter().filter(|found| !found["analysis"].is_null()).collect();
    assert_eq!(analysed.len(), 5);
    assert_eq!(analysed.iter().filter(|found| found["analysis"]["state"] == "resolved").count(), 1);
}

#[test]
fn gates_pass_over_what_is_set_aside() {
    let (_folder, advisories) = store(&[json!({
        "id": "CVE-2030-1", "modified": "2026-08-01T00:00:00Z", "database_specific": {"severity": "CRITICAL"},
        "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]
    })]);
    let manifest = r#"{"name":"a","version":"1.0.0"}"#;
    let image = Layout::of(&[Built::new(vec![layer(&[("srv/node_modules/a/package.json", manifest)])])]);
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("vex.json");
    let gate = |product: &str, status: &str| {
        let statement = json!({"vulnerability": {"name": "CVE-2030-1"}, "products": [{"@id": product}], "status": status, "justification": "component_not_present"});
        let text = json!({"@context": "https://openvex.dev/ns/v0.2.0", "author": "A", "timestamp": "2026-01-01T00:00:00Z", "statements": [statement]});
        fs::write(&document, text.to_string()).unwrap();
        let vex = document.display().to_string();
        judge("gate", [&image.reference(), "--db", &advisories, "--fail-on", "high", "--cache", "none", "--vex", &vex])
            .code
    };
    assert_eq!(gate("pkg:npm/a@1.0.0", "not_affected"), 0);
    assert_eq!(gate("pkg:npm/a", "fixed"), 0);
    assert_eq!(gate("pkg:npm/a@1.0.0", "affected"), 1);
    assert_eq!(gate("pkg:npm/a@1.0.1", "not_affected"), 1);
    assert_eq!(gate("pkg:oci/elsewhere", "not_affected"), 1);
}

#[test]
fn a_document_that_is_none_is_a_mistake() {
    for (path, words) in [
        ("Cargo.toml", "not a document"),
        ("absent.json", "No such file"),
        ("testdata/sample/index.json", "neither OpenVEX"),
    ] {
        let ended = scan(&[path], &[]);
        assert_eq!(ended.code, 2, "{path}: {}", ended.err);
        assert!(ended.err.contains(path) && ended.err.contains(words), "{}", ended.err);
    }
}

/// Documents of other scanners' tests, with what those expect: vulnerability, package, image, set aside.
#[test]
fn documents_of_other_scanners_mean_the_same() {
    let Some(root) = shared::folder("data/vex") else { return };
    let alpine = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126";
    let libcrypto = "pkg:apk/alpine/libcrypto3@3.0.8-r3?arch=x86_64&distro=alpine-3.17.3";
    let boot = "pkg:maven/org.springframework.boot/spring-boot@2.6.0";
    let bash = "pkg:deb/debian/bash@5.2.15?arch=amd64&distro=debian-12";
    for (file, id, package, digest, repository, aside) in [
        ("grype/openvex-demo1.json", "CVE-2023-1255", libcrypto, alpine, "", true),
        ("grype/openvex-demo1.json", "CVE-2023-1255", libcrypto, "", "docker.io/library/alpine", false),
        ("grype/openvex-image-no-subcomponents.json", "CVE-2023-1255", libcrypto, alpine, "", true),
        ("grype/openvex-package-product.json", "CVE-2023-1255", libcrypto, "", "", true),
        ("grype/openvex-debian.json", "CVE-2014-fake-1", bash, alpine, "docker.io/library/debian", true),
        ("grype/csaf-demo1.json", "CVE-2023-1255", libcrypto, "", "", true),
        ("grype/csaf-demo1.json", "CVE-2023-1255", "pkg:apk/alpine/libssl3@3.0.8-r3", "", "", false),
        ("trivy/openvex.json", "CVE-2021-44228", boot, "", "", true),
        ("trivy/openvex.json", "CVE-2021-0001", boot, "", "", false),
        ("trivy/openvex-multiple.json", "CVE-2021-44228", boot, "", "", true),
        ("trivy/openvex-oci.json", "CVE-2022-3715", bash, "", "docker.io/library/debian", true),
        ("trivy/openvex-oci-mismatch.json", "CVE-2022-3715", bash, "", "docker.io/library/debian", false),
        // Which program of an image uses a library cannot be told, so what is said of one program covers nothing; that scanner has the graph of a lock file.
        (
            "trivy/openvex-nested.json",
            "CVE-2024-0001",
            "pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0",
            "",
            "",
            false,
        ),
        (
            "trivy/csaf-relationships.json",
            "CVE-2024-0001",
            "pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0",
            "",
            "",
            false,
        ),
        ("trivy/csaf.json", "CVE-2024-0001", "pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0", "", "", true),
        ("trivy/cyclonedx.json", "CVE-2021-44228", boot, "", "", true),
        (
            "trivy/cyclonedx.json",
            "CVE-2022-27943",
            "pkg:deb/ubuntu/libstdc%2B%2B6@12.3.0-1ubuntu1~22.04?arch=amd64&distro=ubuntu-22.04",
            "",
            "",
            true,
        ),
    ] {
        let mut vex = Vex::default();
        vex.add(&fs::read(root.join(file)).unwrap(), file).unwrap();
        let digests = [digest.to_owned()];
        let decision = vex.decide(&[id], package, &Subject { digests: &digests, repository });
        assert_eq!(decision.is_some(), aside, "{file}: {id} in {package}: {decision:?}");
    }
    assert!(Vex::default().add(&fs::read(root.join("trivy/unknown.json")).unwrap(), "unknown.json").is_err());
    for name in
        ["claircore-rhel-vex-cve-2023-38545", "claircore-rhel-vex-cve-2023-4154", "claircore-rhel-vex-cve-2023-42670"]
    {
        let packed = fs::read(root.join(format!("{name}.json.zst"))).unwrap();
        let mut vex = Vex::default();
        vex.add(&zstd::decode_all(packed.as_slice()).unwrap(), name).unwrap();
        assert!(!vex.is_empty(), "{name}");
    }
}

#[test]
fn what_was_set_aside_is_written_as_openvex_and_sets_it_aside_again() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("out.json");
    let (document, also) = (written.to_str().unwrap(), format!("openvex={}", written.display()));
    let first = scan(&["testdata/vex"], &["--format", "json", "-o", &also]).json();
    let text = fs::read(&written).unwrap();
    let value: Value = serde_json::from_slice(&text).unwrap();
    if let Some(schemas) = shared::folder("data/schemas/openvex") {
        let schema: Value =
            serde_json::from_slice(&fs::read(schemas.join("openvex_json_schema.json")).unwrap()).unwrap();
        let errors: Vec<String> =
            jsonschema::validator_for(&schema).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let again = scan(&[document], &["--format", "json"]).json();
    let names = |report| dispositions(report).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
    assert_eq!(names(&again), names(&first));
    assert_eq!(value["statements"].as_array().unwrap().len(), 5);
}
