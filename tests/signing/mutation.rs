//! Zero false accepts: every bundle, manifest, payload and annotation that is accepted, damaged in every way.
//!
//! A mutant may still be accepted, for much of a document says nothing: unknown fields, the order of keys, a hint. What it then means must be what the original meant: the same
//! signer, the same claim, no time and no log that were not there before. Pieces are also exchanged between vectors, so a mutant may turn into another vector that is about
//! the same thing, and then mean what that one means. `IMGGUARD_MUTANTS` sets how many are tried; 100,000 take some minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use imgguard::digest::Digest;
use imgguard::sign::keys::PublicKey;
use imgguard::sign::predicate::PredicateType;
use imgguard::sign::verify::{Demand, Verified, verify};
use imgguard::sign::{Engine, Proof, Signed, Trust, bundle};
use serde_json::Value;
use sigstore_types::SignatureContent;

use crate::conformance::cases;
use crate::memory::Memory;

const MUTANTS: usize = 2_000;

fn mutants() -> usize {
    std::env::var("IMGGUARD_MUTANTS").ok().map_or(MUTANTS, |count| count.parse().unwrap())
}

/// Numbers that are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit.max(1)
    }
}

/// Damages bytes: a bit, a byte, a piece left out, doubled or moved.
fn damage_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            let other = random.below(bytes.len());
            bytes.swap(at, other);
        }
    }
}

/// Every place of a document, as a JSON pointer.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, format!("{at}/{index}"), found))
        }
        _ => {}
    }
    found.push(at);
}

/// Damages a document: a field dropped, doubled, exchanged for that of another or for one of `pool`, a list turned round, or the inside of what is encoded in it.
fn damage_json(value: &mut Value, pool: &[Value], random: &mut Random) {
    let mut found = Vec::new();
    places(value, String::new(), &mut found);
    let place = found[random.below(found.len())].clone();
    let other = found[random.below(found.len())].clone();
    match random.below(6) {
        0 => remove(value, &place),
        1 => *value.pointer_mut(&place).unwrap() = pool[random.below(pool.len())].clone(),
        2 => {
            let taken = value.pointer(&other).unwrap().clone();
            *value.pointer_mut(&place).unwrap() = taken;
        }
        3 => match value.pointer_mut(&place).unwrap() {
            Value::Array(items) if items.len() > 1 => items.reverse(),
            Value::Array(items) => items.extend(items.clone()),
            Value::Number(number) => *number = number.as_i64().unwrap_or(0).wrapping_add(1).into(),
            Value::Bool(truth) => *truth = !*truth,
            _ => remove(value, &place),
        },
        _ => {
            if let Some(text) = value.pointer_mut(&place).and_then(|value| value.as_str().map(str::to_owned)) {
                *value.pointer_mut(&place).unwrap() = damage_text(&text, pool, random).into();
            } else {
                damage_json(value, pool, random);
            }
        }
    }
}

fn remove(value: &mut Value, place: &str) {
    let Some((parent, name)) = place.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap())),
        _ => {}
    }
}

/// Text that encodes a document or bytes is damaged inside and encoded again, so that the damage is not in the encoding.
fn damage_text(text: &str, pool: &[Value], random: &mut Random) -> String {
    if let Ok(mut document @ Value::Object(_)) = serde_json::from_str::<Value>(text) {
        damage_json(&mut document, pool, random);
        return document.to_string();
    }
    if let Some(mut bytes) = BASE64.decode(text).ok().filter(|bytes| bytes.len() > 8) {
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(mut document) if random.below(2) == 0 => {
                damage_json(&mut document, pool, random);
                bytes = document.to_string().into_bytes();
            }
            _ => damage_bytes(&mut bytes, random),
        }
        return BASE64.encode(bytes);
    }
    if let Ok(number) = text.parse::<i64>() {
        return (number + 1).to_string();
    }
    let mut bytes = text.as_bytes().to_vec();
    damage_bytes(&mut bytes, random);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn damaged(bytes: &[u8], pool: &[Value], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(mut document) if random.below(4) > 0 => {
                damage_json(&mut document, pool, random);
                bytes = document.to_string().into_bytes();
            }
            _ => damage_bytes(&mut bytes, random),
        }
    }
    bytes
}

/// Every value of these documents, to be put where it does not belong.
fn pool<'a>(documents: impl Iterator<Item = &'a [u8]>) -> Vec<Value> {
    let mut values = vec![Value::Null, Value::from(""), Value::from(0), Value::Array(Vec::new())];
    for document in documents.filter_map(|bytes| serde_json::from_slice::<Value>(bytes).ok()) {
        let mut found = Vec::new();
        places(&document, String::new(), &mut found);
        values.extend(found.iter().filter_map(|place| document.pointer(place).cloned()));
    }
    values
}

/// What a bundle claims: the statement as it is signed.
fn claim(bytes: &[u8]) -> Option<Vec<u8>> {
    match bundle::parse(bytes).ok()?.content {
        SignatureContent::DsseEnvelope(envelope) => Some(envelope.pae()),
        _ => None,
    }
}

fn is_no_more(proof: &Proof, original: &Proof) -> bool {
    proof.signer() == original.signer()
        && proof.is_logged() == original.is_logged()
        && proof.times().iter().all(|time| original.times().contains(time))
}

#[test]
fn no_damaged_bundle_means_something_else() {
    let Some((folder, cases)) = cases() else { return };
    let cases: Vec<_> = cases.into_iter().filter(|case| case.expect == "pass").collect();
    let bundles: Vec<Vec<u8>> = cases.iter().map(|case| case.bundle(&folder)).collect();
    let pool = pool(bundles.iter().map(Vec::as_slice));
    let prepared: Vec<_> = cases
        .iter()
        .zip(&bundles)
        .map(|(case, bytes)| {
            let (engine, artifact) = (case.engine(&folder).unwrap(), case.artifact(&folder));
            let digest = Digest::sha256(&artifact);
            let signed = Signed { digest: &digest, bytes: Some(&artifact) };
            let proof = engine.check(&bundle::parse(bytes).unwrap(), signed).unwrap();
            (engine, artifact, digest, proof)
        })
        .collect();
    let (mut random, mut refused) = (Random(0x9E37_79B9_7F4A_7C15), 0);
    for number in 0..mutants() {
        let at = number % cases.len();
        let (engine, artifact, digest, _) = &prepared[at];
        let mutant = damaged(&bundles[at], &pool, &mut random);
        let parsed = bundle::parse(&mutant);
        let outcome = parsed.and_then(|bundle| engine.check(&bundle, Signed { digest, bytes: Some(artifact) }));
        match outcome {
            Err(_) => refused += 1,
            Ok(proof) => assert!(
                prepared.iter().zip(&bundles).any(|((_, _, about, original), bytes)| {
                    about == digest && is_no_more(&proof, original) && claim(&mutant) == claim(bytes)
                }),
                "{}: mutant {number} is accepted: {proof:?}\n{}",
                cases[at].name,
                String::from_utf8_lossy(&mutant)
            ),
        }
    }
    assert!(refused * 2 > mutants(), "the damage reaches what matters: {refused}");
}

/// Everything that is accepted of a subject.
fn meanings(verified: &Verified) -> Vec<String> {
    let accepted = verified.candidates.iter().filter_map(|judged| judged.outcome.as_ref().ok());
    let meaning = |accepted: &imgguard::sign::verify::Accepted| {
        format!(
            "{:?} {:?} {:?} {:?}",
            accepted.proof.signer(),
            accepted.predicate_type,
            accepted.predicate,
            accepted.annotations
        )
    };
    let mut all: Vec<String> = accepted.map(meaning).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn no_damaged_repository_means_something_else() {
    let Some(shared) = crate::shared::folder("interop") else { return };
    let names = [
        "bundle-p256",
        "bundle-rsa2048",
        "bundle-p384",
        "bundle-ed25519",
        "bundle-noreferrers",
        "bundle-recursive",
        "bundle-annotated",
        "legacy-p256",
        "legacy-rsa2048",
        "legacy-p384",
        "legacy-ed25519",
        "legacy-recursive",
        "legacy-annotated",
        "attest-bundle-spdx",
        "attest-legacy-spdx",
    ];
    let spdx = Demand { predicate_type: Some(PredicateType::parse("spdxjson").unwrap()), ..Demand::default() };
    let keys = ["p256", "p384", "rsa2048", "ed25519"].map(|name| {
        let pem = fs::read(shared.join(format!("keys/{name}.pub"))).unwrap();
        (name.to_owned(), PublicKey::from_pem(&pem).unwrap())
    });
    let engine = Engine::new(Trust { keys: keys.to_vec(), allow_no_log: true, ..Trust::default() }, None).unwrap();
    let memories: Vec<Memory> = names.iter().map(|name| Memory::of(&shared.join("layouts").join(name))).collect();
    let documents: BTreeMap<&Digest, &Vec<u8>> = memories.iter().flat_map(|memory| &memory.content).collect();
    let pool = pool(documents.values().map(|bytes| bytes.as_slice()));
    let signature = Demand::default();
    let judge =
        |memory: &Memory, demand: &Demand| meanings(&verify(&engine, memory, &memory.subject(), demand).unwrap());
    let originals: Vec<[Vec<String>; 2]> =
        memories.iter().map(|memory| [judge(memory, &signature), judge(memory, &spdx)]).collect();
    assert!(
        originals.iter().all(|[signature, attestation]| signature.len() + attestation.len() == 1),
        "each says one thing"
    );
    let known: BTreeSet<&String> = originals.iter().flatten().flatten().collect();
    let (mut random, mut refused) = (Random(0xD1B5_4A32_D192_ED03), 0);
    for number in 0..mutants() {
        let at = number % memories.len();
        let mut memory = memories[at].clone();
        let manifests = memory.signatures();
        let chosen = manifests[random.below(manifests.len())].clone();
        let mut manifest = memory.document(&chosen);
        // The content of a layer, listed rightly afterwards, or the manifest itself.
        let layers = manifest["layers"].as_array().map_or(0, Vec::len);
        if layers > 0 && random.below(3) > 0 {
            let layer = &mut manifest["layers"][random.below(layers)];
            let content = &memory.content[&layer["digest"].as_str().unwrap().parse::<Digest>().unwrap()];
            let mutant = damaged(content, &pool, &mut random);
            layer["size"] = mutant.len().into();
            layer["digest"] = memory.put(&mutant).to_string().into();
        } else {
            damage_json(&mut manifest, &pool, &mut random);
        }
        memory.replace(&chosen, manifest.to_string().as_bytes());
        for (demand, original) in [&signature, &spdx].into_iter().zip(&originals[at]) {
            let Ok(verified) = verify(&engine, &memory, &memory.subject(), demand) else { continue };
            let accepted = meanings(&verified);
            assert!(
                accepted.iter().all(|meaning| known.contains(meaning)),
                "{}: mutant {number}: {accepted:?}\n{manifest}",
                names[at]
            );
            refused += usize::from(accepted.is_empty() && !original.is_empty());
        }
    }
    assert!(refused * 3 > mutants(), "the damage reaches what matters: {refused}");
}
