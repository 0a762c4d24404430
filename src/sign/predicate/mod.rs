//! What is claimed about an image: in-toto statements and the types of their predicates.
//!
//! Source: in-toto attestation framework, `spec/v1/statement.md` and `spec/predicates/`; cosign `specs/` and `cmd/cosign/cli/options/predicate.go`.

pub mod condition;
pub mod provenance;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;

/// The media type of statements in DSSE envelopes.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Versions of statements that are read; the last is written.
const STATEMENT_TYPES: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];

/// Predicate type of an image signature: "this image is signed", without any claim of what it is.
pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// Predicate type of a verification summary: what somebody's policy said of an image, pass or fail.
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// Names for `--type`: the predicate type that is written, and others that mean the same when reading.
static TYPES: &[(&str, &str, &[&str])] = &[
    (
        "cyclonedx",
        "https://cyclonedx.org/bom",
        &["https://cyclonedx.org/bom/v1.4", "https://cyclonedx.org/bom/v1.5", "https://cyclonedx.org/bom/v1.6"],
    ),
    ("custom", "https://cosign.sigstore.dev/attestation/v1", &[]),
    ("link", "https://in-toto.io/Link/v1", &["https://in-toto.io/attestation/link/v0.3"]),
    ("openvex", "https://openvex.dev/ns", &["https://openvex.dev/ns/v0.2.0"]),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2", &[]),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2", &[]),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1", &[]),
    ("spdx", "https://spdx.dev/Document", &["https://spdx.dev/Document/v2.3", "https://spdx.dev/Document/v3"]),
    ("spdxjson", "https://spdx.dev/Document", &["https://spdx.dev/Document/v2.3", "https://spdx.dev/Document/v3"]),
    (
        "vuln",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        &["https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2"],
    ),
    ("vsa", VERIFICATION_SUMMARY, &[]),
];

/// A kind of predicate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateType {
    written: String,
    others: &'static [&'static str],
}

impl PredicateType {
    /// A short name, as cosign has them, or a whole URI.
    ///
    /// # Errors
    /// The known names, when it is neither. An image signature is no attestation, so its type is refused, too.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, written, others)) = TYPES.iter().find(|(name, _, _)| *name == text) {
            return Ok(Self { written: (*written).to_owned(), others });
        }
        if text == SIGNATURE {
            return Err("this is the type of image signatures; leave out --type to check those".into());
        }
        let is_uri =
            text.contains("://") && text.len() <= 512 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if is_uri {
            return Ok(Self { written: text.to_owned(), others: &[] });
        }
        Err(format!("write a URI or one of {}", names().collect::<Vec<_>>().join(", ")))
    }

    /// The URI that is written.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.written
    }

    /// Whether a statement's predicate type is of this kind.
    #[must_use]
    pub fn matches(&self, uri: &str) -> bool {
        self.written == uri || self.others.contains(&uri)
    }
}

/// The short names of predicate types.
pub fn names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _, _)| *name)
}

/// What a signer says of one or several subjects.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Statement {
    /// Version of the statement.
    #[serde(rename = "_type")]
    pub version: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What kind of claim it makes.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// The claim. cosign 3.0.0 to 3.0.4 left it out of image signatures.
    #[serde(default = "empty")]
    pub predicate: Value,
}

/// One thing that a statement is about.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Subject {
    /// A name for people; it proves nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Digests by algorithm, as hex.
    pub digest: BTreeMap<String, String>,
    /// What the signer noted of it (`--annotation`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, Value>>,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

impl Statement {
    /// Reads the payload of an envelope.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(payload_type: &str, payload: &[u8]) -> Result<Self, String> {
        if payload_type != PAYLOAD_TYPE {
            return Err("its envelope does not hold an in-toto statement".into());
        }
        let statement: Self =
            serde_json::from_slice(payload).map_err(|error| format!("its statement is malformed: {error}"))?;
        if STATEMENT_TYPES.contains(&statement.version.as_str()) {
            return Ok(statement);
        }
        Err("its statement is of an unknown version".into())
    }

    /// The subject that has this digest.
    #[must_use]
    pub fn about(&self, digest: &Digest) -> Option<&Subject> {
        self.subject
            .iter()
            .find(|subject| subject.digest.get(digest.algorithm()).is_some_and(|hex| hex == digest.hex()))
    }

    /// The statement of an image signature, field for field as cosign 3 writes it.
    #[must_use]
    pub fn signature(digest: &Digest, annotations: &BTreeMap<String, String>) -> Self {
        let annotations = annotations.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        Self {
            version: STATEMENT_TYPES[1].to_owned(),
            subject: vec![Subject { name: String::new(), digest: digests(digest), annotations: Some(annotations) }],
            predicate_type: SIGNATURE.to_owned(),
            predicate: empty(),
        }
    }

    /// The statement of an attestation. Its version is 0.1, as cosign writes it and every verifier reads it.
    #[must_use]
    pub fn attestation(name: &str, digest: &Digest, predicate_type: &str, predicate: Value) -> Self {
        Self {
            version: STATEMENT_TYPES[0].to_owned(),
            subject: vec![Subject { name: name.to_owned(), digest: digests(digest), annotations: None }],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }
}

fn digests(digest: &Digest) -> BTreeMap<String, String> {
    BTreeMap::from([(digest.algorithm().to_owned(), digest.hex().to_owned())])
}
