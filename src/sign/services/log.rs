//! Entries of transparency logs (Rekor 1 and 2).
//!
//! An attestation's envelope is entered into Rekor 1 as `dsse` 0.0.1, and into Rekor 2 as `hashedrekord` 0.0.2 over what the envelope's signature is over, as cosign 3.1 does. A payload of
//! cosign 2 is entered as `hashedrekord` 0.0.1.
//!
//! Source: `sigstore/rekor` `pkg/types/dsse/v0.0.1`, `hashedrekord/v0.0.1`; `sigstore/rekor-tiles` `docs/openapi`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pem_rfc7468::LineEnding;
use serde_json::{Value, json};
use sigstore_rekor::{HashedRekordV2, LogEntry, RekorV2KeyDetails};
use sigstore_types::{DerCertificate, DerPublicKey, KindVersion, Sha256Hash, SignatureBytes, TransparencyLogEntry};

use super::{JSON, Log, LogVersion, Message, ServiceError, endpoint, send};
use crate::net::Transport;
use crate::sign::keys::PublicKey;
use crate::sign::keys::public::KeyKind;

const SERVICE: &str = "transparency log";

/// Who a log shall know a signature of: a key, or the certificate of one.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// Its certificate, DER.
    pub certificate: Option<&'a [u8]>,
}

/// What is entered.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// What the signature is over.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// The envelope around it, JSON; none for a payload of cosign 2.
    pub envelope: Option<&'a str>,
    /// Who made it.
    pub verifier: Verifier<'a>,
}

/// Enters a signature into a log; the entry as bundles carry it.
///
/// # Errors
/// When the log does not take it, or its answer is no entry.
pub fn enter(transport: &Transport, log: &Log, entry: Entry<'_>) -> Result<TransparencyLogEntry, ServiceError> {
    let (path, body) = match log.version {
        LogVersion::V1 => ("api/v1/log/entries", first(entry)?.to_string().into_bytes()),
        LogVersion::V2 => ("api/v2/log/entries", second(entry)?),
    };
    let url = endpoint(&log.url, path)?;
    let message = Message { service: SERVICE, url, body: Some((JSON, body)), accept: JSON, bearer: None };
    let answer = send(transport, message).map_err(repeated)?;
    let wrong = |error: &dyn std::fmt::Display| ServiceError::answer(SERVICE, error);
    if log.version == LogVersion::V2 {
        return serde_json::from_slice(&answer).map_err(|error| wrong(&error));
    }
    let entries: BTreeMap<String, LogEntry> = serde_json::from_slice(&answer).map_err(|error| wrong(&error))?;
    let Some(answered) = entries.into_values().next() else { return Err(wrong(&"it has no entry")) };
    let kind = if entry.envelope.is_some() { KindVersion::DsseV001 } else { KindVersion::HashedRekordV001 };
    answered.to_bundle_entry(kind).map_err(|error| wrong(&error))
}

/// Some signatures of one thing are always the same, and a log takes each once.
fn repeated(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Refused { service, host, status: 409, .. } => {
            let message =
                "it has this very signature already, as keys without randomness (RSA, Ed25519) make it each time"
                    .into();
            ServiceError::Refused { service, host, status: 409, message }
        }
        error => error,
    }
}

/// For Rekor 1.
fn first(entry: Entry<'_>) -> Result<Value, ServiceError> {
    let verifier = BASE64.encode(pem(entry.verifier)?);
    if let Some(envelope) = entry.envelope {
        let spec = json!({"proposedContent": {"envelope": envelope, "verifiers": [verifier]}});
        return Ok(json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}));
    }
    let (algorithm, digest) = hashed(entry);
    let spec = json!({
        "signature": {"content": BASE64.encode(entry.signature), "publicKey": {"content": verifier}},
        "data": {"hash": {"algorithm": algorithm, "value": digest}},
    });
    Ok(json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}))
}

/// The hash that the signature is over.
fn hashed(entry: Entry<'_>) -> (&'static str, String) {
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    let (name, algorithm) = match entry.verifier.key.kind() {
        KeyKind::P256 | KeyKind::Rsa => ("sha256", &SHA256),
        KeyKind::P384 => ("sha384", &SHA384),
        KeyKind::P521 | KeyKind::Ed25519 => ("sha512", &SHA512),
    };
    let hex = digest(algorithm, entry.message).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (name, hex)
}

/// For Rekor 2.
fn second(entry: Entry<'_>) -> Result<Vec<u8>, ServiceError> {
    let Verifier { key, certificate } = entry.verifier;
    if key.kind() != KeyKind::P256 {
        let detail =
            format!("a log of version 2 takes signatures of ECDSA P-256 keys from here, not of {}", key.kind().name());
        return Err(ServiceError::Config(detail));
    }
    let digest = Sha256Hash::new(sha256(entry.message));
    let signature = SignatureBytes::from_bytes(entry.signature);
    let details = RekorV2KeyDetails::PkixEcdsaP256Sha256;
    let request = match certificate {
        Some(der) => {
            HashedRekordV2::new_with_certificate(&digest, &signature, &DerCertificate::new(der.to_vec()), details)
        }
        None => {
            HashedRekordV2::new_with_public_key(&digest, &signature, &DerPublicKey::from_bytes(key.spki()), details)
        }
    };
    serde_json::to_vec(&request).map_err(|error| ServiceError::answer(SERVICE, error))
}

fn sha256(message: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(message).into()
}

fn pem(verifier: Verifier<'_>) -> Result<String, ServiceError> {
    let Some(der) = verifier.certificate else { return Ok(verifier.key.to_pem()) };
    let failed = |_| ServiceError::Key(crate::sign::keys::KeyError::Library("writing a certificate"));
    pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, der).map_err(failed)
}
