//! Published vulnerabilities of cosign and its relatives: each as it would show here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use imgguard::digest::Digest;
use imgguard::sign::identity::{Identity, Matcher, Workflow};
use imgguard::sign::keys::PublicKey;
use imgguard::sign::predicate::PredicateType;
use imgguard::sign::verify::{Demand, Verified, verify};
use imgguard::sign::{Engine, MAX_BUNDLE_BYTES, Rejection, Signed, Trust, bundle, legacy};
use serde_json::{Value, json};

use crate::conformance::{Case, cases, check};
use crate::memory::Memory;

fn key_engine(shared: &Path) -> Engine {
    let pem = fs::read(shared.join("keys/p256.pub")).unwrap();
    let trust = Trust {
        keys: vec![("p256".into(), PublicKey::from_pem(&pem).unwrap())],
        allow_no_log: true,
        ..Trust::default()
    };
    Engine::new(trust, None).unwrap()
}

fn layout(name: &str) -> Option<(PathBuf, Memory)> {
    let shared = crate::shared::folder("interop")?;
    let memory = Memory::of(&shared.join("layouts").join(name));
    Some((shared, memory))
}

fn judge(shared: &Path, memory: &Memory, demand: &Demand) -> Verified {
    verify(&key_engine(shared), memory, &memory.subject(), demand).unwrap()
}

fn of_type(name: &str) -> Demand {
    Demand { predicate_type: Some(PredicateType::parse(name).unwrap()), ..Demand::default() }
}

/// Passing conformance cases of keyless message signatures over `a.txt`, the public root and Rekor v1.
fn keyless() -> Option<(PathBuf, Vec<Case>)> {
    let (folder, cases) = cases()?;
    let is_meant = |case: &Case| {
        let bundle = case.json(&folder);
        let entry = &bundle["verificationMaterial"]["tlogEntries"][0];
        case.expect == "pass"
            && bundle.get("messageSignature").is_some()
            && entry.get("inclusionPromise").is_some()
            && case.is_keyless()
    };
    let found: Vec<Case> = cases.into_iter().filter(|case| is_meant(case)).collect();
    assert!(found.len() >= 2, "there are cases to swap parts of");
    Some((folder, found))
}

fn outcome(case: &Case, folder: &Path, bundle: &Value) -> Result<(), String> {
    let (artifact, engine) = (case.artifact(folder), case.engine(folder).unwrap());
    let digest = Digest::sha256(&artifact);
    check(&engine, bundle.to_string().as_bytes(), Signed { digest: &digest, bytes: Some(&artifact) }).map(drop)
}

/// CVE-2022-35929: an attestation of another type satisfied `--type`. CVE-2026-39395: the same, again, for the new format.
#[test]
fn cve_2022_35929_and_cve_2026_39395_the_predicate_type_is_checked() {
    for name in ["attest-bundle-spdx", "attest-legacy-spdx"] {
        let Some((shared, memory)) = layout(name) else { return };
        assert!(judge(&shared, &memory, &of_type("spdxjson")).is_accepted(), "{name}");
        for other in ["slsaprovenance1", "vuln", "https://spdx.dev/Documen", "https://spdx.dev/Document2"] {
            assert!(!judge(&shared, &memory, &of_type(other)).is_accepted(), "{name} as {other}");
        }
        // The type that counts is the signed one, not the annotation beside it.
        let mut lying = memory.clone();
        for digest in memory.signatures() {
            let text = String::from_utf8(memory.content[&digest].clone()).unwrap();
            lying.replace(
                &digest,
                text.replace("https://spdx.dev/Document", "https://slsa.dev/provenance/v1").as_bytes(),
            );
        }
        let judged = judge(&shared, &lying, &of_type("slsaprovenance1"));
        assert!(matches!(judged.candidates[0].outcome, Err(Rejection::OtherType(_))), "{name}: {judged:?}");
    }
}

/// cosign's `verify` accepts any attestation by a trusted signer as an image signature.
#[test]
fn an_attestation_is_no_signature() {
    for name in ["attest-bundle-spdx", "attest-legacy-spdx"] {
        let Some((shared, memory)) = layout(name) else { return };
        let judged = judge(&shared, &memory, &Demand::default());
        assert!(!judged.is_accepted() && judged.is_empty(), "{name}: {judged:?}");
        let mut lying = memory.clone();
        for digest in memory.signatures() {
            let text = String::from_utf8(memory.content[&digest].clone()).unwrap();
            lying.replace(
                &digest,
                text.replace("https://spdx.dev/Document", "https://sigstore.dev/cosign/sign/v1").as_bytes(),
            );
        }
        assert!(!judge(&shared, &lying, &Demand::default()).is_accepted(), "{name}");
    }
    let Some((shared, memory)) = layout("bundle-p256") else { return };
    assert!(!judge(&shared, &memory, &of_type("spdxjson")).is_accepted(), "nor is a signature an attestation");
}

/// CVE-2022-36056: a log entry of something else was accepted as this signature's.
#[test]
fn cve_2022_36056_the_log_entry_is_bound_to_the_signature() {
    let Some((folder, cases)) = keyless() else { return };
    let mut swapped = 0;
    for one in &cases {
        let bundle = one.json(&folder);
        assert_eq!(outcome(one, &folder, &bundle), Ok(()), "{}", one.name);
        for other in &cases {
            let entries = other.json(&folder)["verificationMaterial"]["tlogEntries"].clone();
            if entries == bundle["verificationMaterial"]["tlogEntries"] {
                continue;
            }
            let mut mixed = bundle.clone();
            mixed["verificationMaterial"]["tlogEntries"] = entries;
            assert!(outcome(one, &folder, &mixed).is_err(), "{} with the log of {}", one.name, other.name);
            swapped += 1;
        }
    }
    assert!(swapped >= 2);
}

/// The annotations in which cosign 2 would have kept a bundle's parts.
fn as_legacy(bundle: &Value) -> BTreeMap<String, String> {
    let material = &bundle["verificationMaterial"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let chain = material["x509CertificateChain"]["certificates"].as_array();
    let leaf = chain.map_or(&material["certificate"]["rawBytes"], |chain| &chain[0]["rawBytes"]);
    let lines: Vec<String> =
        text(leaf).as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let entry = &material["tlogEntries"][0];
    let id: String =
        BASE64.decode(text(&entry["logId"]["keyId"])).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let log = json!({
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"], "logID": id,
            "integratedTime": text(&entry["integratedTime"]).parse::<i64>().unwrap(),
            "logIndex": text(&entry["logIndex"]).parse::<i64>().unwrap(),
        },
    });
    BTreeMap::from([
        ("dev.cosignproject.cosign/signature".to_owned(), text(&bundle["messageSignature"]["signature"])),
        ("dev.sigstore.cosign/certificate".to_owned(), certificate),
        ("dev.sigstore.cosign/bundle".to_owned(), log.to_string()),
    ])
}

/// CVE-2026-22703: in cosign's old format, the entry was verified, but not that it is of this signature.
#[test]
fn cve_2026_22703_the_old_format_binds_the_log_entry_too() {
    let Some((folder, cases)) = keyless() else { return };
    let verdict = |case: &Case, annotations: &BTreeMap<String, String>| {
        let artifact = case.artifact(&folder);
        let bundle = legacy::signature(annotations)?;
        let signed = Signed { digest: &Digest::sha256(&artifact), bytes: Some(&artifact) };
        case.engine(&folder).unwrap().check(&bundle, signed).map(drop)
    };
    let mut refused = 0;
    for one in &cases {
        let own = as_legacy(&one.json(&folder));
        verdict(one, &own).unwrap_or_else(|error| panic!("{}: {error}", one.name));
        for other in &cases {
            let log = as_legacy(&other.json(&folder)).remove("dev.sigstore.cosign/bundle").unwrap();
            if log == own["dev.sigstore.cosign/bundle"] {
                continue;
            }
            let mut mixed = own.clone();
            mixed.insert("dev.sigstore.cosign/bundle".into(), log);
            assert!(verdict(one, &mixed).is_err(), "{} with the log of {}", one.name, other.name);
            refused += 1;
        }
        let mut later = own.clone();
        let mut log: Value = serde_json::from_str(&own["dev.sigstore.cosign/bundle"]).unwrap();
        log["Payload"]["integratedTime"] = json!(log["Payload"]["integratedTime"].as_i64().unwrap() + 1);
        later.insert("dev.sigstore.cosign/bundle".into(), log.to_string());
        assert!(verdict(one, &later).is_err(), "{}: the time is signed", one.name);
    }
    assert!(refused >= 2);
}

/// CVE-2026-24122: without a log entry, a certificate was accepted that nothing proves to have been valid.
#[test]
fn cve_2026_24122_a_certificate_needs_a_proved_time() {
    let Some((folder, cases)) = keyless() else { return };
    for case in &cases {
        let mut bundle = case.json(&folder);
        bundle["verificationMaterial"]["tlogEntries"] = json!([]);
        bundle["verificationMaterial"].as_object_mut().unwrap().remove("timestampVerificationData");
        let any = || Matcher::pattern(".*").unwrap();
        let identities = vec![Identity { name: any(), issuer: any(), workflow: Workflow::default() }];
        let artifact = case.artifact(&folder);
        let digest = Digest::sha256(&artifact);
        for allow_no_log in [false, true] {
            let engine =
                Engine::new(Trust { identities: identities.clone(), allow_no_log, keys: Vec::new() }, None).unwrap();
            let signed = Signed { digest: &digest, bytes: Some(&artifact) };
            assert!(check(&engine, bundle.to_string().as_bytes(), signed).is_err(), "{}", case.name);
        }
    }
}

/// CVE-2023-46737, CVE-2024-29902, CVE-2024-29903: attachments without end, in number and in size.
#[test]
fn cve_2023_46737_and_cve_2024_29902_attachments_are_bounded() {
    let Some((shared, memory)) = layout("legacy-p256") else { return };
    let digest = memory.signatures().remove(0);
    let mut manifest = memory.document(&digest);
    let layer = manifest["layers"][0].clone();
    let mut large = layer.clone();
    large["size"] = json!(MAX_BUNDLE_BYTES + 1);
    // The content is there, so reading it in spite of its size would succeed.
    manifest["layers"] = json!([large]);
    let mut lying = memory.clone();
    lying.replace(&digest, manifest.to_string().as_bytes());
    let judged = judge(&shared, &lying, &Demand::default());
    let said = judged.candidates[0].outcome.as_ref().unwrap_err().to_string();
    assert!(said.contains("larger than"), "{said}");
    manifest["layers"] = Value::from(vec![layer; 1000]);
    let mut many = memory.clone();
    many.replace(&digest, manifest.to_string().as_bytes());
    assert!(judge(&shared, &many, &Demand::default()).candidates.len() <= 256);
    let huge = vec![b' '; usize::try_from(MAX_BUNDLE_BYTES).unwrap() + 1];
    assert!(bundle::parse(&huge).is_err());
}

/// A signature for another image, moved under this one's tag or listed as its referrer.
#[test]
fn a_signature_of_another_image_is_refused() {
    for name in ["bundle-p256", "legacy-p256", "bundle-noreferrers"] {
        let Some((shared, memory)) = layout(name) else { return };
        assert!(judge(&shared, &memory, &Demand::default()).is_accepted(), "{name}");
        let mut other = memory.clone();
        let subject = memory.subject();
        let image = String::from_utf8(subject.bytes).unwrap().replace("arm64", "riscv64");
        let digest = other.put(image.as_bytes());
        other.tags.insert("v1".into(), digest.clone());
        for suffix in ["", ".sig"] {
            if let Some(moved) = other.tags.remove(&format!("sha256-{}{suffix}", subject.digest.hex())) {
                other.tags.insert(format!("sha256-{}{suffix}", digest.hex()), moved);
            }
        }
        // Its manifest may well name the new subject: anybody can write that.
        for manifest in memory.signatures() {
            let text = String::from_utf8(memory.content[&manifest].clone()).unwrap();
            other.replace(&manifest, text.replace(subject.digest.as_str(), digest.as_str()).as_bytes());
        }
        let judged = judge(&shared, &other, &Demand::default());
        assert!(!judged.is_accepted(), "{name}: {judged:?}");
    }
}
