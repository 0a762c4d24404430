//! What hangs on an image in a registry is as public as the image: its secrets are told by `secrets`, from every place where tools put it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imgguard::digest::Digest;
use imgguard::secret::template::fill;
use serde_json::{Value, json};

use crate::server::{Answer, Server, Stored};
use crate::world::{Ended, end, program};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn key(seed: u64) -> String {
    fill("sk-ant-api03-{base64url:93}AA", seed).text
}

/// Blobs and manifests that are there besides the image, by the last part of their path.
#[derive(Default)]
struct Attic(BTreeMap<String, Vec<u8>>);

impl Attic {
    fn put(&mut self, bytes: Vec<u8>) -> Value {
        let digest = Digest::sha256(&bytes).to_string();
        let size = bytes.len();
        self.0.insert(digest.clone(), bytes);
        json!({"mediaType": MANIFEST, "digest": digest, "size": size})
    }

    /// A manifest with one layer.
    fn manifest(&mut self, layer: &Value) -> Value {
        let layer = self.put(layer.to_string().into_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": layer, "layers": [layer]});
        self.put(manifest.to_string().into_bytes())
    }

    fn under_tag(&mut self, tag: String, descriptor: &Value) {
        let bytes = self.0[descriptor["digest"].as_str().unwrap()].clone();
        self.0.insert(tag, bytes);
    }
}

fn secrets(server: &Server) -> Ended {
    let plain = server.address.to_string();
    end(program().args(["secrets", &server.image(), "--cache", "none", "--plain-http", &plain, "--format", "json"]))
}

#[test]
fn statements_of_every_place_are_searched() {
    let stored = Stored::new();
    let tag = stored.manifest.replace(':', "-");
    let mut attic = Attic::default();
    let statement = |seed| json!({"predicate": {"note": key(seed)}});
    // A bill of materials by the list of referrers, its own word for it; an attestation in an envelope under cosign 2's tag; both named twice.
    let bill = attic.manifest(&json!({"bomFormat": "CycloneDX", "metadata": {"note": key(1)}}));
    let argument = json!({"predicate": {"parameters": {"build-arg:NPM_TOKEN": "kf83jd02mx84hq71"}}});
    let payload = STANDARD.encode(argument.to_string());
    let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []});
    let attestation = attic.manifest(&envelope);
    attic.under_tag(format!("{tag}.att"), &attestation);
    let older = attic.manifest(&statement(3));
    let fallback =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [older, bill]});
    attic.0.insert(tag, fallback.to_string().into_bytes());
    let referrers =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [bill]});
    let server = stored.serve(move |asked, _| {
        if asked.path.contains("/referrers/") {
            return Some(
                Answer::new(200, referrers.to_string()).with("Content-Type", "application/vnd.oci.image.index.v1+json"),
            );
        }
        let bytes = attic.0.get(asked.local_path().rsplit('/').next()?)?;
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let media_type = document["mediaType"].as_str().unwrap_or("application/octet-stream").to_owned();
        Some(Answer::new(200, bytes.clone()).with("Content-Type", media_type))
    });
    let ended = secrets(&server);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let mut rules: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["anthropic-api-key", "anthropic-api-key", "build-argument"], "{report:#}");
    assert!(!ended.out.contains(&key(1)[20..]), "masked");
    let scanned = server.asked_for(".att").len();
    let plain = server.address.to_string();
    let scan = end(program().args(["scan", &server.image(), "--cache", "none", "--plain-http", &plain]));
    assert_eq!((scan.code, server.asked_for(".att").len()), (0, scanned), "a scan counts no pulls for them");
}

#[test]
fn a_place_that_cannot_be_read_is_told() {
    let server = Stored::new().serve(|asked, _| asked.path.contains("/referrers/").then(|| Answer::new(403, "no")));
    let ended = secrets(&server);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("attestations: the attestation sha256:"), "{}", ended.out);
}
