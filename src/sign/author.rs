//! Who signs, and what vouches for it: a key, or a certificate of the moment; a log and a timestamp where there are such services.
//!
//! Whatever is made is verified here, as a stranger would, before anybody may store it: a signature that nobody can verify is worse than none, and a service may answer anything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sigstore_types::TransparencyLogEntry;

use super::engine::{Engine, Proof, Signed, Trust};
use super::identity::{Identity, Matcher, Workflow};
use super::keys::{PublicKey, Signer};
use super::make::SignError;
use super::predicate::PAYLOAD_TYPE;
use super::services::certificate::Certified;
use super::services::log::{self, Entry, Verifier};
use super::services::{Services, timestamp};
use super::verify::Subject;
use super::{bundle, legacy};
use crate::digest::Digest;
use crate::net::Transport;

/// Who signs.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// The owner of a key.
    Key(&'a dyn Signer),
    /// Whom a certificate of the moment names.
    Certificate(&'a Certified),
}

/// Who signs, what vouches for it, and what checks that.
pub struct Author<'a> {
    by: By<'a>,
    /// Services, and how they are reached.
    services: Option<(&'a Transport, &'a Services)>,
    engine: Engine,
}

/// An attestation in cosign 2's form.
pub struct Attested {
    /// The envelope, which is the layer.
    pub envelope: Vec<u8>,
    /// The layer's annotations.
    pub annotations: BTreeMap<String, String>,
    /// What a verifier will find.
    pub proof: Proof,
}

/// What vouches for one signature.
struct Vouched {
    entry: Option<TransparencyLogEntry>,
    timestamp: Option<Vec<u8>>,
}

impl<'a> Author<'a> {
    /// With the trusted root that the services are of (Sigstore's JSON), or else that of the public-good instance.
    ///
    /// # Errors
    /// What is wrong with the root.
    pub fn new(
        by: By<'a>,
        services: Option<(&'a Transport, &'a Services)>,
        root: Option<&str>,
    ) -> Result<Self, String> {
        let allow_no_log = services.is_none_or(|(_, services)| services.log.is_none());
        let mut trust = Trust { allow_no_log, ..Trust::default() };
        match by {
            By::Key(signer) => trust.keys.push(("the signing key".to_owned(), signer.public_key().clone())),
            // Whoever it names: that is told, and the token decided it.
            By::Certificate(_) => {
                let anybody = || Matcher::pattern("(?s).+");
                trust.identities.push(Identity { name: anybody()?, issuer: anybody()?, workflow: Workflow::default() });
            }
        }
        Ok(Self { by, services, engine: Engine::new(trust, root)? })
    }

    fn signer(&self) -> &dyn Signer {
        match self.by {
            By::Key(signer) => signer,
            By::Certificate(certified) => &certified.key,
        }
    }

    fn public_key(&self) -> &PublicKey {
        self.signer().public_key()
    }

    /// A statement (JSON) as an envelope (JSON) alone.
    fn envelope(&self, statement: &[u8]) -> Result<(String, Vec<u8>, Vec<u8>), SignError> {
        let message = pre_authentication_encoding(statement);
        let signature = self.signer().sign(&message)?;
        let envelope = json!({
            "payload": BASE64.encode(statement), "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": BASE64.encode(&signature)}],
        });
        Ok((envelope.to_string(), message, signature))
    }

    /// A statement (JSON) as a bundle that is known to hold for the subject.
    ///
    /// # Errors
    /// When no signature was made, a service did not vouch for it, or what came of it does not verify.
    pub fn bundle(&self, statement: &[u8], subject: &Subject) -> Result<(Vec<u8>, Proof), SignError> {
        let (envelope, message, signature) = self.envelope(statement)?;
        let vouched = self.vouch(&message, &signature, Some(&envelope))?;
        let mut material = match self.by {
            By::Key(signer) => json!({"publicKey": {"hint": signer.public_key().hint()}}),
            By::Certificate(certified) => json!({"certificate": {"rawBytes": BASE64.encode(&certified.certificate)}}),
        };
        if let Some(entry) = &vouched.entry {
            material["tlogEntries"] = json!([entry]);
        }
        if let Some(timestamp) = &vouched.timestamp {
            material["timestampVerificationData"] =
                json!({"rfc3161Timestamps": [{"signedTimestamp": BASE64.encode(timestamp)}]});
        }
        // The envelope stands in it as it was signed and logged.
        let envelope: Value = serde_json::from_str(&envelope).map_err(SignError::json)?;
        let bundle = json!({
            "mediaType": bundle::MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope,
        });
        let bytes = serde_json::to_vec(&bundle).map_err(SignError::json)?;
        let signed = Signed { digest: &subject.digest, bytes: Some(&subject.bytes) };
        let proof = bundle::parse(&bytes).and_then(|bundle| self.engine.check(&bundle, signed))?;
        Ok((bytes, proof))
    }

    /// A payload of cosign 2 as the annotations of its layer, known to hold.
    ///
    /// # Errors
    /// As [`Self::bundle`].
    pub fn payload(&self, payload: &[u8]) -> Result<(BTreeMap<String, String>, Proof), SignError> {
        let signature = self.signer().sign(payload)?;
        let vouched = self.vouch(payload, &signature, None)?;
        let mut annotations = self.annotations(&vouched)?;
        annotations.insert(legacy::SIGNATURE.to_owned(), BASE64.encode(signature));
        let digest = Digest::sha256(payload);
        let signed = Signed { digest: &digest, bytes: Some(payload) };
        let proof = legacy::signature(&annotations).and_then(|bundle| self.engine.check(&bundle, signed))?;
        Ok((annotations, proof))
    }

    /// A statement (JSON) as an envelope of cosign 2 and the annotations of its layer, known to hold for the subject.
    ///
    /// # Errors
    /// As [`Self::bundle`].
    pub fn attestation(&self, statement: &[u8], subject: &Subject) -> Result<Attested, SignError> {
        let (envelope, message, signature) = self.envelope(statement)?;
        let vouched = self.vouch(&message, &signature, Some(&envelope))?;
        let mut annotations = self.annotations(&vouched)?;
        annotations.insert(legacy::SIGNATURE.to_owned(), String::new());
        let envelope = envelope.into_bytes();
        let signed = Signed { digest: &subject.digest, bytes: Some(&subject.bytes) };
        let proof = legacy::envelope(&envelope, &annotations).and_then(|bundle| self.engine.check(&bundle, signed))?;
        Ok(Attested { envelope, annotations, proof })
    }

    fn vouch(&self, message: &[u8], signature: &[u8], envelope: Option<&str>) -> Result<Vouched, SignError> {
        let Some((transport, services)) = self.services else { return Ok(Vouched { entry: None, timestamp: None }) };
        let certificate = match self.by {
            By::Key(_) => None,
            By::Certificate(certified) => Some(certified.certificate.as_slice()),
        };
        // The time first: the log then has the signature within the certificate's life.
        let timestamp = services.timestamps.as_ref().map(|url| timestamp::request(transport, url, signature));
        let verifier = Verifier { key: self.public_key(), certificate };
        let entry = Entry { message, signature, envelope, verifier };
        let entry = services.log.as_ref().map(|log| log::enter(transport, log, entry));
        Ok(Vouched { timestamp: timestamp.transpose()?, entry: entry.transpose()? })
    }

    /// What vouches for a signature in cosign 2's annotations.
    fn annotations(&self, vouched: &Vouched) -> Result<BTreeMap<String, String>, SignError> {
        let certified = match self.by {
            By::Key(_) => None,
            By::Certificate(certified) => Some((certified.certificate.as_slice(), certified.chain.as_slice())),
        };
        let entry = vouched.entry.as_ref().map(serde_json::to_value).transpose().map_err(SignError::json)?;
        Ok(legacy::vouched(certified, entry.as_ref(), vouched.timestamp.as_deref())?)
    }
}

/// What a DSSE signature is over.
fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}
