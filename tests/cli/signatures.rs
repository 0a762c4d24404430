//! Signatures that a policy demands in `scan` and `gate`, and VEX that signers attest.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Ended, Layout, end, judge, program};

/// A signed copy of the bundled image, its key, and policies beside it.
struct World {
    layout: Layout,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { layout: Layout::sample(), folder: tempfile::tempdir().unwrap() };
        for name in ["own", "other"] {
            world.run(&["generate-key-pair", "--output-prefix", &world.path(name)]);
        }
        let demand = "name = 'signed'\n[[signature]]\nname = 'release'\nkeys = ['own.pub']\nallow_no_log = true\n";
        fs::write(world.path("verify.toml"), format!("{demand}vex = true\n")).unwrap();
        fs::write(world.path("other.toml"), demand.replace("own.pub", "other.pub")).unwrap();
        let provenance = "type = 'slsaprovenance1'\nbuilder = 'https://build.example/'\n";
        fs::write(world.path("provenance.toml"), format!("{demand}{provenance}")).unwrap();
        world
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) {
        let ended = end(program().env("IMGGUARD_KEY_PASSWORD", "").args(arguments));
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.err);
    }

    fn sign(&self) {
        self.run(&["sign", &self.layout.reference(), "--key", &self.path("own.key"), "--offline"]);
    }

    fn attest(&self, key: &str, kind: &str, predicate: &Value) {
        let file = self.path("predicate.json");
        fs::write(&file, predicate.to_string()).unwrap();
        let image = self.layout.reference();
        let key = self.path(key);
        self.run(&["attest", &image, "--key", &key, "--type", kind, "--predicate", &file, "--offline"]);
    }

    fn gate(&self, policy: &str) -> Ended {
        judge(
            "gate",
            [self.layout.reference().as_str(), "--policy", &self.path(policy), "--cache", "none", "--format", "json"],
        )
    }

    fn scan(&self, verify: &str) -> Value {
        let (image, policy) = (self.layout.reference(), self.path(verify));
        judge("scan", [image.as_str(), "--verify", &policy, "--cache", "none", "--format", "json"]).json()
    }
}

fn unmet(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "signature").collect()
}

#[test]
fn a_gate_demands_a_signature_by_who_is_named() {
    let world = World::new();
    let unsigned = world.gate("verify.toml");
    assert_eq!(unsigned.code, 1, "{}", unsigned.err);
    let report = unsigned.json();
    assert_eq!(unmet(&report)[0]["evidence"], "nothing was found");
    assert_eq!(
        report["verdict"]["gates"],
        json!([{"name": "release", "result": "fail", "findings": [unmet(&report)[0]["id"]]}])
    );
    world.sign();
    let signed = world.gate("verify.toml");
    assert_eq!(signed.code, 0, "{}", signed.err);
    let report = signed.json();
    assert_eq!(report["signatures"][0]["verified"], true);
    assert!(report["signatures"][0]["identity"].as_str().unwrap().contains("own.pub"));
    assert!(!report["skipped"].as_array().unwrap().contains(&json!("signature")));
    let other = world.gate("other.toml");
    assert_eq!(other.code, 1);
    assert!(unmet(&other.json())[0]["evidence"].as_str().unwrap().contains("key"), "{}", other.out);
}

#[test]
fn an_attestation_is_demanded_by_what_it_says() {
    let world = World::new();
    world.sign();
    let provenance = |builder: &str| json!({"buildDefinition": {"buildType": "https://build.example/type", "externalParameters": {}}, "runDetails": {"builder": {"id": builder}}});
    world.attest("own.key", "slsaprovenance1", &provenance("https://elsewhere.example/"));
    assert_eq!(world.gate("provenance.toml").code, 1, "another builder");
    world.attest("own.key", "slsaprovenance1", &provenance("https://build.example/"));
    let attested = world.gate("provenance.toml");
    assert_eq!(attested.code, 0, "{}{}", attested.err, attested.out);
}

#[test]
fn vex_counts_only_when_a_trusted_signer_attests_it() {
    let world = World::new();
    world.sign();
    let set_aside = |report: &Value| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|finding| finding["disposition"]["state"] == "vex").count()
    };
    let report = world.scan("verify.toml");
    let finding = report["findings"].as_array().unwrap().iter().find(|f| f["kind"] == "vulnerability").unwrap();
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex-1", "author": "the team",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [{
            "vulnerability": {"name": finding["rule"]}, "status": "not_affected", "justification": "vulnerable_code_not_present",
            "products": [{"@id": finding["package"]}]}]});
    world.attest("other.key", "openvex", &vex);
    assert_eq!(set_aside(&world.scan("verify.toml")), 0, "a stranger's word");
    world.attest("own.key", "openvex", &vex);
    let report = world.scan("verify.toml");
    assert_eq!(set_aside(&report), 1, "{report:#}");
    let aside = report["findings"].as_array().unwrap().iter().find(|f| f["disposition"]["state"] == "vex").unwrap();
    assert_eq!(aside["disposition"]["by"], "the team (attested by own.pub)");
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let world = World::new();
    let image = world.layout.reference();
    let usage = |policy: &str, arguments: &[&str]| {
        fs::write(world.path("bad.toml"), policy).unwrap();
        let ended = judge(
            "scan",
            [image.as_str(), "--verify", &world.path("bad.toml")].into_iter().chain(arguments.iter().copied()),
        );
        assert_eq!(ended.code, 2, "{policy}: {}", ended.err);
        ended.err
    };
    assert!(usage("name = 'x'\n[[gate]]\nname = 'a'\ncomplete = true\n", &[]).contains("demands no signature"));
    assert!(usage("name = 'x'\n[[signature]]\nname = 'a'\n", &[]).contains("nobody is trusted"));
    assert!(usage("name = 'x'\n[[signature]]\nname = 'a'\nkeys = ['absent.pub']\n", &[]).contains("absent.pub"));
    assert!(usage("name = 'x'\n[[signature]]\nname = 'a'\nkey = ['own.pub']\n", &[]).contains("line 4"));
}
