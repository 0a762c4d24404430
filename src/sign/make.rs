//! Signatures and attestations made, and hung on what they are about.
//!
//! Written as cosign writes them, so that it and every reader of its formats finds them: by default as a bundle that refers to its subject, on request under the tags of cosign 2.
//!
//! Source: cosign `specs/BUNDLE_SPEC.md`, `pkg/oci/remote/write.go`; DSSE `protocol.md`; OCI distribution-spec, "Pushing Manifests with Subject".

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::author::{Attested, Author};
use super::discover::{ENVELOPE, PREDICATE_TYPE, SIMPLE_SIGNING};
use super::engine::Proof;
use super::keys::KeyError;
use super::predicate::Statement;
use super::rejection::Rejection;
use super::services::ServiceError;
use super::verify::Subject;
use super::{bundle, legacy};
use crate::digest::Digest;
use crate::source::repository::{Document, MANIFEST, NewManifest, Repository, Stored, tag};
use crate::source::{Descriptor, SourceError, referrer};

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The time that cosign 2 writes where none is meant.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// Why nothing was signed, or what was signed could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key made no signature.
    #[error("no signature could be made")]
    Key(#[from] KeyError),
    /// A service did not vouch for it.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// What was made does not hold, so it was not stored.
    #[error("what was made does not verify, so it was not stored")]
    Unverified(#[from] Rejection),
    /// The repository did not take it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A statement that is no JSON.
    #[error("the statement could not be written: {0}")]
    Statement(String),
}

impl SignError {
    pub(super) fn json(error: serde_json::Error) -> Self {
        Self::Statement(error.to_string())
    }
}

/// Something that was made and stored.
#[derive(Debug)]
pub struct Made {
    /// The digest of the manifest that holds it.
    pub manifest: Digest,
    /// What a verifier will find.
    pub proof: Proof,
}

/// How it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a bundle that refers to its subject.
    Bundle,
    /// As cosign 2 did, under a tag.
    Legacy,
}

/// What is common to everything that one run makes.
pub struct Maker<'a> {
    /// Where it is stored.
    pub repository: &'a dyn Repository,
    /// Who signs.
    pub author: &'a Author<'a>,
    /// How it is stored.
    pub form: Form,
    /// The time that is written, in RFC 3339. It proves nothing.
    pub created: &'a str,
}

impl Maker<'_> {
    /// Signs a subject.
    ///
    /// # Errors
    /// When it could not be signed or stored.
    pub fn sign(&self, subject: &Subject, annotations: &BTreeMap<String, String>) -> Result<Made, SignError> {
        if self.form == Form::Bundle {
            return self.attach(subject, &Statement::signature(&subject.digest, annotations));
        }
        let payload = legacy::Payload::new(&self.repository.name(), &subject.digest, annotations);
        let payload = json(&payload)?;
        let (annotations, proof) = self.author.payload(&payload)?;
        let manifest = self.append(subject, ".sig", SIMPLE_SIGNING, &payload, annotations)?;
        Ok(Made { manifest, proof })
    }

    /// Attests something of a subject.
    ///
    /// # Errors
    /// When it could not be signed or stored.
    pub fn attest(&self, subject: &Subject, predicate_type: &str, predicate: &Value) -> Result<Made, SignError> {
        let name = self.repository.name();
        let statement = Statement::attestation(&name, &subject.digest, predicate_type, predicate.clone());
        if self.form == Form::Bundle {
            return self.attach(subject, &statement);
        }
        let Attested { envelope, mut annotations, proof } = self.author.attestation(&json(&statement)?, subject)?;
        annotations.insert("predicateType".to_owned(), predicate_type.to_owned());
        let manifest = self.append(subject, ".att", ENVELOPE, &envelope, annotations)?;
        Ok(Made { manifest, proof })
    }

    /// Stores a signed statement as a bundle that refers to the subject.
    fn attach(&self, subject: &Subject, statement: &Statement) -> Result<Made, SignError> {
        let (bundle, proof) = self.author.bundle(&json(statement)?, subject)?;
        let annotations = BTreeMap::from([
            ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
            (PREDICATE_TYPE.to_owned(), statement.predicate_type.clone()),
            ("org.opencontainers.image.created".to_owned(), self.created.to_owned()),
        ]);
        let config = Descriptor { artifact_type: bundle::MEDIA_TYPE.to_owned(), ..Descriptor::of(EMPTY, b"{}") };
        let manifest = NewManifest {
            schema_version: 2,
            media_type: MANIFEST,
            config,
            layers: vec![Descriptor::of(bundle::MEDIA_TYPE, &bundle)],
            annotations,
            subject: Some(descriptor(subject)),
            artifact_type: Some(bundle::MEDIA_TYPE),
        };
        // Content before what points to it: some registries refuse anything else.
        self.repository.put_blob(&bundle)?;
        self.repository.put_blob(b"{}")?;
        let bytes = json(&manifest)?;
        let digest = Digest::sha256(&bytes);
        let stored = Stored { bytes, digest: digest.clone(), media_type: MANIFEST.to_owned() };
        referrer::put(self.repository, &subject.digest, &stored)?;
        Ok(Made { manifest: digest, proof })
    }

    /// Adds a layer to the manifest under one of cosign 2's tags.
    fn append(
        &self,
        subject: &Subject,
        suffix: &str,
        media_type: &str,
        content: &[u8],
        annotations: BTreeMap<String, String>,
    ) -> Result<Digest, SignError> {
        self.repository.put_blob(content)?;
        let layer = Descriptor { annotations, ..Descriptor::of(media_type, content) };
        let mut written = None;
        let mut change = |stored: Option<&Stored>| {
            let mut layers =
                stored.map(Document::parse).transpose()?.map(|document| document.layers).unwrap_or_default();
            if layers.contains(&layer) {
                return Ok(None);
            }
            layers.push(layer.clone());
            let config = legacy_config(&layers);
            self.repository.put_blob(&config)?;
            let manifest = NewManifest {
                schema_version: 2,
                media_type: MANIFEST,
                config: Descriptor::of(CONFIG, &config),
                layers,
                annotations: BTreeMap::new(),
                subject: None,
                artifact_type: None,
            };
            let bytes = serde_json::to_vec(&manifest).map_err(|error| SourceError::Malformed {
                what: "a manifest of signatures".into(),
                detail: error.to_string(),
            })?;
            written = Some(Digest::sha256(&bytes));
            Ok(Some(bytes))
        };
        self.repository.update(&tag(&subject.digest, suffix), MANIFEST, &mut change)?;
        Ok(written.unwrap_or_else(|| Digest::sha256(content)))
    }
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, SignError> {
    serde_json::to_vec(value).map_err(SignError::json)
}

fn descriptor(subject: &Subject) -> Descriptor {
    Descriptor { digest: subject.digest.to_string(), ..Descriptor::of(&subject.media_type, &subject.bytes) }
}

/// The configuration of cosign 2's manifests: an image of nothing, with the layers' digests.
fn legacy_config(layers: &[Descriptor]) -> Vec<u8> {
    let digests: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let history = vec![json!({"created": NO_TIME}); layers.len()];
    json!({
        "architecture": "", "created": NO_TIME, "history": history, "os": "",
        "rootfs": {"type": "layers", "diff_ids": digests}, "config": {},
    })
    .to_string()
    .into_bytes()
}
