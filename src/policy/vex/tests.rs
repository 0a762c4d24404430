use super::*;

const ALPINE: &str = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126";

fn vex(documents: &[&str]) -> Vex {
    let mut vex = Vex::default();
    for document in documents {
        vex.add(document.as_bytes(), "a.json").expect("a document");
    }
    vex
}

fn openvex(statements: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"A","timestamp":"2026-01-02T00:00:00Z","version":1,"statements":[{statements}]}}"#
    )
}

fn reason(vex: &Vex, package: &str, digest: &str, repository: &str) -> Option<String> {
    let subject = Subject { digests: &[digest.to_owned()], repository };
    vex.decide(&["CVE-2030-1"], package, &subject).map(|decision| decision.reason)
}

#[test]
fn an_images_parts_are_set_aside_in_that_image_only() {
    let said = vex(&[&openvex(&format!(
        r#"{{"vulnerability":{{"name":"CVE-2030-1"}},"products":[{{"@id":"pkg:oci/alpine@{}","subcomponents":[{{"@id":"pkg:apk/alpine/libssl3@3.0.8-r3"}}]}}],"status":"not_affected","justification":"component_not_present"}}"#,
        ALPINE.replace(':', "%3A")
    ))]);
    let told = |package: &str, digest: &str| reason(&said, package, digest, "");
    let libssl = "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.17.3";
    assert_eq!(told(libssl, ALPINE).as_deref(), Some("not affected: component_not_present"));
    assert_eq!(told("pkg:apk/alpine/libssl3@3.0.8-r4", ALPINE), None, "another version");
    assert_eq!(told("pkg:apk/alpine/busybox@1.35", ALPINE), None, "another package");
    assert_eq!(told(libssl, &ALPINE.replace("124c", "aaaa")), None, "another image");
}

#[test]
fn images_are_known_by_digest_or_name() {
    let about = |product: &str| {
        vex(&[&openvex(&format!(
            r#"{{"vulnerability":{{"name":"CVE-2030-1"}},"products":[{{"@id":"{product}"}}],"status":"fixed"}}"#
        ))])
    };
    let told = |product: &str, repository: &str| {
        reason(&about(product), "pkg:deb/debian/bash@5.2", ALPINE, repository).is_some()
    };
    assert!(told(ALPINE, ""));
    assert!(told("pkg:oci/app", "registry.example/team/app"));
    assert!(!told("pkg:oci/app", "registry.example/team/other") && !told("pkg:oci/app", ""));
    assert!(told("pkg:oci/app?repository_url=registry.example/team", "registry.example/team/app"));
    assert!(told("pkg:oci/app?repository_url=registry.example%2Fteam%2Fapp", "registry.example/team/app"));
    assert!(!told("pkg:oci/app?repository_url=elsewhere.example/team", "registry.example/team/app"));
    assert!(told("pkg:oci/debian?repository_url=index.docker.io/library", "docker.io/library/debian"));
}

#[test]
fn a_later_statement_takes_an_earlier_one_back() {
    let statement = |status: &str, time: &str| {
        openvex(&format!(
            r#"{{"vulnerability":{{"name":"CVE-2030-1"}},"timestamp":"{time}","products":[{{"@id":"pkg:npm/a"}}],"status":"{status}"}}"#
        ))
    };
    let (old, new) =
        (statement("not_affected", "2026-01-01T10:00:00+02:00"), statement("affected", "2026-01-01T09:00:00Z"));
    for documents in [[&*old, &*new], [&*new, &*old]] {
        assert_eq!(reason(&vex(&documents), "pkg:npm/a@1.0.0", "", ""), None);
    }
    assert!(reason(&vex(&[&old]), "pkg:npm/a@1.0.0", "", "").is_some());
}

#[test]
fn a_program_with_parts_sets_nothing_aside() {
    let said = vex(&[&openvex(
        r#"{"vulnerability":{"name":"CVE-2030-1"},"products":[{"@id":"pkg:golang/a.example/main@v2.0.0","subcomponents":[{"@id":"pkg:golang/a.example/part@v4.0.0"}]}],"status":"not_affected"}"#,
    )]);
    assert_eq!(reason(&said, "pkg:golang/a.example/part@v4.0.0", "", ""), None);
    assert_eq!(reason(&said, "pkg:golang/a.example/main@v2.0.0", "", ""), None);
}

#[test]
fn what_is_no_vex_is_refused() {
    let error = |text: &str| Vex::default().add(text.as_bytes(), "a.json").expect_err("refused");
    assert!(matches!(error("{}"), VexError::Unknown));
    assert!(matches!(error("["), VexError::Malformed(_)));
    assert!(
        matches!(error(r#"{"bomFormat":"CycloneDX"}"#), VexError::Malformed(_)),
        "a bill of materials says nothing of flaws"
    );
    assert!(matches!(
        error(r#"{"@context":"https://openvex.dev/ns","statements":[{"status":"fixed"}]}"#),
        VexError::Malformed(_)
    ));
}
