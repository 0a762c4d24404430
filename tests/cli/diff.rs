//! What differs between two images.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::formats::{assert_valid, our_schema, strict};
use crate::world::{Built, Ended, Layout, SAMPLE, judge, layer, run, scan};

fn diff<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    judge("diff", arguments)
}

fn node(name: &str, version: &str) -> (String, String) {
    (format!("srv/node_modules/{name}/package.json"), json!({"name": name, "version": version}).to_string())
}

/// An image of two layers, of which the first is always the same.
fn image(packages: &[(&str, &str)], config: Value) -> Built {
    let base =
        layer(&[("etc/os-release", "ID=debian\nVERSION_ID=12\n"), ("etc/passwd", "root:x:0:0::/root:/bin/sh\n")]);
    let files: Vec<(String, String)> = packages.iter().map(|(name, version)| node(name, version)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Built { config, ..Built::new(vec![base, layer(&files)]) }
}

fn two() -> (Layout, Layout) {
    let old = json!({"User": "10001:10001", "Env": ["MODE=a", "DATABASE_PASSWORD=S3cr3tS3cr3tS3cr3t", "GONE=1"],
        "Cmd": ["serve", "--port=80"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"version": "1"}, "Healthcheck": {"Test": ["CMD", "true"]}});
    let new = json!({"Env": ["MODE=b", "API_TOKEN=An0therS3cr3tValue"], "Cmd": ["serve", "--port=8080"],
        "ExposedPorts": {"8080/tcp": {}}, "Labels": {"version": "2"}, "Healthcheck": {"Test": ["CMD", "true"]}});
    let first = Layout::of(&[image(
        &[("lodash", "4.17.20"), ("left-pad", "1.3.0"), ("same", "1.0.0"), ("down", "2.0.0")],
        old,
    )]);
    let second = Layout::of(&[image(
        &[("lodash", "4.17.21"), ("right-pad", "1.0.1"), ("same", "1.0.0"), ("down", "1.9.0")],
        new,
    )]);
    (first, second)
}

#[test]
fn two_images_for_people() {
    let (first, second) = two();
    let ended = diff([&*first.reference(), &*second.reference()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let page =
        ended.out.replace(first.path().to_str().unwrap(), "FIRST").replace(second.path().to_str().unwrap(), "SECOND");
    for secret in ["S3cr3tS3cr3tS3cr3t", "An0therS3cr3tValue"] {
        assert!(!page.contains(secret), "{page}");
    }
    assert_snapshot!("diff", page);
}

#[test]
fn json_follows_its_schema() {
    let mut schema = our_schema("diff-1.0.json");
    let open = jsonschema::validator_for(&schema).unwrap();
    strict(&mut schema);
    let closed = jsonschema::validator_for(&schema).unwrap();
    let (first, second) = two();
    let (one, two) = (first.reference(), second.reference());
    let runs: [&[&str]; 3] = [&[&one, &two], &[SAMPLE, "--platform", "linux/amd64,linux/arm64"], &[&one, SAMPLE]];
    for arguments in runs {
        let difference = diff(arguments.iter().copied().chain(["--format", "json"])).json();
        assert_valid(&closed, &difference, &arguments.join(" "));
        assert_eq!(difference["differs"], true);
        let mut newer = difference;
        newer["new_field"] = json!(1);
        assert!(open.is_valid(&newer) && !closed.is_valid(&newer));
    }
}

#[test]
fn changes_have_a_direction() {
    let (first, second) = two();
    let difference = diff([&*first.reference(), &*second.reference(), "--format", "json"]).json();
    let comparison = &difference["comparisons"][0];
    let packages = &comparison["packages"];
    assert_eq!(packages["added"][0]["purl"], "pkg:npm/right-pad@1.0.1");
    assert_eq!(packages["removed"][0]["purl"], "pkg:npm/left-pad@1.3.0");
    let changed: Vec<(&Value, &Value)> =
        packages["changed"].as_array().unwrap().iter().map(|change| (&change["name"], &change["change"])).collect();
    assert_eq!(changed, [(&json!("down"), &json!("downgraded")), (&json!("lodash"), &json!("upgraded"))]);
    let rules = |which: &str| -> Vec<String> {
        let findings = comparison["findings"][which].as_array().unwrap().iter();
        findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert!(rules("added").contains(&"root-user".to_owned()), "{:?}", rules("added"));
    assert!(rules("removed").contains(&"secret-name".to_owned()), "{:?}", rules("removed"));
    assert_eq!(comparison["size"]["shared"], 1);
}

#[test]
fn nothing_differs_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (report, bill, several) = (file("report.json"), file("bill.json"), file("several.json"));
    assert_eq!(scan([SAMPLE, "-o", &*format!("json={report}"), "-o", &*format!("cyclonedx={bill}")]).code, 0);
    let (report, bill) = (format!("report:{report}"), format!("sbom:{bill}"));
    for (from, to, not_compared) in [
        (SAMPLE, SAMPLE, json!([])),
        (&report, SAMPLE, json!([])),
        (SAMPLE, &bill, json!(["configuration", "files", "secrets", "size"])),
        (&bill, &report, json!(["configuration", "files", "secrets", "size"])),
    ] {
        let ended = diff([from, to, "--exit-code", "--format", "json"]);
        let difference = ended.json();
        assert_eq!((ended.code, &difference["differs"]), (0, &json!(false)), "{from} {to}: {difference:#}");
        assert_eq!(difference["not_compared"], not_compared, "{from} {to}");
    }
    scan([SAMPLE, "oci:testdata/sample:latest", "-o", &*format!("json={several}")]);
    let ended = diff([&*format!("report:{several}"), SAMPLE]);
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("the reports of 2 images"), "{}", ended.err);
}

#[test]
fn endings() {
    let (first, second) = two();
    let (one, two) = (first.reference(), second.reference());
    assert_eq!(diff([&*one, &*two, "--exit-code"]).code, 1);
    assert_eq!(diff([&*one, &*two]).code, 0);
    assert_eq!(diff([&*one]).code, 2, "one side");
    assert_eq!(diff([&*one, "--platform", "linux/amd64,linux/arm64"]).code, 2, "it has no arm64");
    assert_eq!(diff([&*one, "oci:/no/such"]).code, 5);
    assert_eq!(diff([&*one, "report:/no/such"]).code, 5);
    let junk = tempfile::NamedTempFile::new().unwrap();
    fs::write(junk.path(), "{}").unwrap();
    assert_eq!(diff([&*one, &*format!("report:{}", junk.path().display())]).code, 3);
    assert_eq!(run(["diff"]).code, 2);
}

#[test]
fn platforms_that_only_one_has() {
    let amd64 = image(&[("same", "1.0.0")], json!({"User": "1"}));
    let arm64 = Built { architecture: "arm64", ..amd64.clone() };
    let s390x = Built { architecture: "s390x", ..amd64.clone() };
    let (old, new) = (Layout::of(&[amd64.clone(), s390x]), Layout::of(&[amd64, arm64]));
    let difference = diff([&*old.reference(), &*new.reference(), "--format", "json"]).json();
    assert_eq!(difference["platforms"], json!({"added": ["linux/arm64"], "removed": ["linux/s390x"]}));
    assert_eq!(difference["comparisons"].as_array().unwrap().len(), 1);
    assert_eq!(difference["differs"], true);
}
