//! Signatures and attestations as cosign 1 and 2 wrote them: a payload, and what vouches for it in annotations of its layer.
//!
//! They become bundles of version 0.1, which have the same parts, and are then checked as those are.
//!
//! Source: cosign `specs/SIGNATURE_SPEC.md`, `pkg/oci/static/options.go`, `pkg/cosign/bundle/rekor.go`; "Simple signing" of containers-signature(5).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigstore_types::Bundle;

use super::bundle;
use super::rejection::Rejection;
use crate::digest::Digest;

/// The annotation of the signature; only this one has the older prefix.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const LOG: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// What the payload of every image signature says it is.
const KIND: &str = "cosign container image signature";

/// Most certificates of a chain.
const MAX_CHAIN: usize = 16;

/// The payload of an image signature.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Payload {
    critical: Critical,
    optional: Option<BTreeMap<String, Value>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Critical {
    identity: Reference,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Reference {
    #[serde(rename = "docker-reference")]
    name: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

impl Payload {
    /// Of an image in a repository of this name.
    #[must_use]
    pub fn new(name: &str, digest: &Digest, annotations: &BTreeMap<String, String>) -> Self {
        let optional = annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        Self {
            critical: Critical {
                identity: Reference { name: name.to_owned() },
                image: Image { digest: digest.to_string() },
                kind: KIND.to_owned(),
            },
            optional: Some(optional).filter(|_| !annotations.is_empty()),
        }
    }

    /// Reads a payload, which must be about `digest`.
    ///
    /// # Errors
    /// When it is none, or about something else.
    pub fn parse(bytes: &[u8], digest: &Digest) -> Result<Self, Rejection> {
        let payload: Self = serde_json::from_slice(bytes)
            .map_err(|error| Rejection::Malformed(format!("its payload is no simple signing document: {error}")))?;
        if payload.critical.kind != KIND {
            return Err(Rejection::Malformed("its payload is of another kind".into()));
        }
        if payload.critical.image.digest != digest.as_str() {
            let found = payload.critical.image.digest.chars().take(100).collect();
            return Err(Rejection::OtherSubject { found });
        }
        Ok(payload)
    }

    /// What the signer noted.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, Value> {
        self.optional.clone().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Log {
    #[serde(rename = "SignedEntryTimestamp")]
    promise: String,
    #[serde(rename = "Payload")]
    payload: LogPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogPayload {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
struct Timestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: String,
}

/// A signature over a payload as a bundle; what it signs is the payload's bytes.
///
/// # Errors
/// When the annotations are not what cosign writes.
pub fn signature(annotations: &BTreeMap<String, String>) -> Result<Bundle, Rejection> {
    let signature = annotations.get(SIGNATURE).filter(|signature| !signature.is_empty());
    let signature = signature.ok_or_else(|| Rejection::Malformed("it has no signature".into()))?;
    let content = json!({"messageSignature": {"signature": signature}});
    assemble(annotations, content)
}

/// An attestation's envelope as a bundle.
///
/// # Errors
/// When the envelope or the annotations are not what cosign writes.
pub fn envelope(bytes: &[u8], annotations: &BTreeMap<String, String>) -> Result<Bundle, Rejection> {
    let envelope: Value = serde_json::from_slice(bytes).map_err(|error| Rejection::Malformed(error.to_string()))?;
    assemble(annotations, json!({"dsseEnvelope": envelope}))
}

/// What vouches for a signature as annotations of its layer: certificate and chain (DER), a log entry in the bundle's words, a timestamp (DER).
///
/// # Errors
/// When the entry promises nothing: cosign 2 knows logs only that answer with a signed time.
pub fn vouched(
    certified: Option<(&[u8], &[Vec<u8>])>,
    entry: Option<&Value>,
    timestamp: Option<&[u8]>,
) -> Result<BTreeMap<String, String>, Rejection> {
    let mut annotations = BTreeMap::new();
    if let Some((certificate, chain)) = certified {
        annotations.insert(CERTIFICATE.to_owned(), pem(certificate)?);
        let chain: Vec<String> = chain.iter().map(|der| pem(der)).collect::<Result<_, _>>()?;
        annotations.insert(CHAIN.to_owned(), chain.concat());
    }
    if let Some(entry) = entry {
        annotations.insert(LOG.to_owned(), promise(entry)?);
    }
    if let Some(timestamp) = timestamp {
        let document = json!({"SignedRFC3161Timestamp": BASE64.encode(timestamp)});
        annotations.insert(TIMESTAMP.to_owned(), document.to_string());
    }
    Ok(annotations)
}

/// A log entry in the words of the old annotation.
fn promise(entry: &Value) -> Result<String, Rejection> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| text(pointer).and_then(|text| text.parse::<i64>().ok());
    let id = text("/logId/keyId").and_then(|id| BASE64.decode(id).ok());
    let id = id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let document = (|| {
        Some(json!({
            "SignedEntryTimestamp": text("/inclusionPromise/signedEntryTimestamp")?,
            "Payload": {
                "body": text("/canonicalizedBody")?, "integratedTime": number("/integratedTime")?,
                "logIndex": number("/logIndex")?, "logID": id?,
            },
        }))
    })();
    let none = || Rejection::Unsupported("a log entry without a signed time, which cosign 2's form needs".into());
    Ok(document.ok_or_else(none)?.to_string())
}

fn pem(der: &[u8]) -> Result<String, Rejection> {
    pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der)
        .map_err(|error| Rejection::Malformed(error.to_string()))
}

fn assemble(annotations: &BTreeMap<String, String>, content: Value) -> Result<Bundle, Rejection> {
    let text = |key: &str| annotations.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let mut material = match text(CERTIFICATE) {
        Some(leaf) => {
            let mut chain = certificates(leaf)?;
            if chain.len() != 1 {
                return Err(Rejection::Malformed("it has not one certificate".into()));
            }
            chain.extend(text(CHAIN).map(certificates).transpose()?.unwrap_or_default());
            let chain: Vec<Value> = chain.into_iter().map(|der| json!({"rawBytes": der})).collect();
            json!({"x509CertificateChain": {"certificates": chain}})
        }
        None => json!({"publicKey": {"hint": ""}}),
    };
    if let Some(log) = text(LOG) {
        material["tlogEntries"] = json!([entry(log)?]);
    }
    if let Some(timestamp) = text(TIMESTAMP) {
        let Timestamp { token } = parse(TIMESTAMP, timestamp)?;
        material["timestampVerificationData"] = json!({"rfc3161Timestamps": [{"signedTimestamp": token}]});
    }
    let mut document = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1", "verificationMaterial": material,
    });
    if let (Some(document), Value::Object(content)) = (document.as_object_mut(), content) {
        document.extend(content);
    }
    bundle::parse(document.to_string().as_bytes())
}

/// The log entry of the old annotation, in the bundle's words.
fn entry(text: &str) -> Result<Value, Rejection> {
    let Log { promise, payload } = parse(LOG, text)?;
    let malformed = |what: &str| Rejection::Malformed(format!("the {what} of its log entry is not what cosign writes"));
    let body = BASE64.decode(&payload.body).map_err(|_| malformed("body"))?;
    let kind: Value = serde_json::from_slice(&body).map_err(|_| malformed("body"))?;
    let (name, version) = (kind.get("kind").and_then(Value::as_str), kind.get("apiVersion").and_then(Value::as_str));
    let (Some(name), Some(version)) = (name, version) else { return Err(malformed("body")) };
    if matches!((name, version), ("rekord", _) | ("intoto", "0.0.1")) {
        return Err(Rejection::Unsupported(format!("a log entry of the kind {name} {version}")));
    }
    let id: Vec<u8> = (0..payload.log_id.len() / 2)
        .map(|at| payload.log_id.get(2 * at..2 * at + 2).and_then(|byte| u8::from_str_radix(byte, 16).ok()))
        .collect::<Option<_>>()
        .filter(|id: &Vec<u8>| id.len() == 32 && payload.log_id.len() == 64)
        .ok_or_else(|| malformed("log ID"))?;
    Ok(json!({
        "logIndex": payload.log_index.to_string(),
        "logId": {"keyId": BASE64.encode(id)},
        "kindVersion": {"kind": name, "version": version},
        "integratedTime": payload.integrated_time.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": promise},
        "canonicalizedBody": payload.body,
    }))
}

fn parse<'t, T: Deserialize<'t>>(key: &str, text: &'t str) -> Result<T, Rejection> {
    serde_json::from_str(text).map_err(|error| Rejection::Malformed(format!("its annotation `{key}`: {error}")))
}

/// The certificates of PEM text, as base64 of their DER.
fn certificates(pem: &str) -> Result<Vec<String>, Rejection> {
    const END: &str = "-----END CERTIFICATE-----";
    let malformed = || Rejection::Malformed("its certificates are no PEM".into());
    let mut found = Vec::new();
    for part in pem.split_inclusive(END).filter(|part| part.contains(END)) {
        let (label, der) = pem_rfc7468::decode_vec(part.trim_start().as_bytes()).map_err(|_| malformed())?;
        if label != "CERTIFICATE" || found.len() >= MAX_CHAIN {
            return Err(malformed());
        }
        found.push(BASE64.encode(der));
    }
    Ok(found)
}
