//! Whether an image is signed, or has the attestation that is demanded: every candidate judged, the answer for the index and each platform.
//!
//! An attestation is never a signature, whoever signed it: it says something about the image, not that its signer stands for it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sigstore_types::SignatureContent;

use super::discover::{Candidate, Content, Look, Place, discover};
use super::engine::{Engine, Proof, Signed};
use super::predicate::condition::Condition;
use super::predicate::{PredicateType, SIGNATURE, Statement, VERIFICATION_SUMMARY, provenance};
use super::rejection::Rejection;
use super::{bundle, legacy};
use crate::digest::Digest;
use crate::oci::Platform;
use crate::source::SourceError;
use crate::source::repository::Repository;

/// What is demanded.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// An attestation of this type; none for a signature.
    pub predicate_type: Option<PredicateType>,
    /// Annotations that the signature must have.
    pub annotations: BTreeMap<String, String>,
    /// What SLSA provenance must say.
    pub provenance: provenance::Demand,
    /// What must be true of the predicate.
    pub condition: Option<Condition>,
}

/// How platforms of an index are covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recursive {
    /// A signature on the index covers them, since it names their digests.
    #[default]
    Index,
    /// The index and each platform need their own.
    All,
    /// The index, or else every platform.
    Any,
}

/// Something that can be signed: an index, a platform's image, or an attestation manifest.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// What it runs on; none for an index.
    pub platform: Option<Platform>,
}

/// A candidate that holds and says what is demanded.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What was proved.
    pub proof: Proof,
    /// Type of its predicate; none where it signs the manifest's bytes.
    pub predicate_type: Option<String>,
    /// What the attestation claims, to be used now that it is known who said it; none for a signature.
    pub predicate: Option<Value>,
    /// What the signer noted.
    pub annotations: BTreeMap<String, Value>,
}

/// A candidate and what came of it.
#[derive(Debug)]
pub struct Judged {
    /// Where it was found.
    pub place: Place,
    /// Its manifest.
    pub manifest: Option<Digest>,
    /// What came of it.
    pub outcome: Result<Accepted, Rejection>,
}

/// Everything that was found for one subject.
#[derive(Debug)]
pub struct Verified {
    /// The subject.
    pub digest: Digest,
    /// What it runs on; none for an index.
    pub platform: Option<Platform>,
    /// The places that were looked at.
    pub looks: Vec<Look>,
    /// What was found in them.
    pub candidates: Vec<Judged>,
}

impl Verified {
    /// Whether something is accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.outcome.is_ok())
    }

    /// Whether nothing at all was found that is of the kind demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.candidates.iter().all(|candidate| {
            matches!(
                candidate.outcome,
                Err(Rejection::NotASignature(_) | Rejection::OtherType(_) | Rejection::OtherArtifact(_))
            )
        })
    }
}

/// Checks everything that hangs on a subject.
///
/// # Errors
/// When a place could not be looked at.
pub fn verify(
    engine: &Engine,
    repository: &dyn Repository,
    subject: &Subject,
    demand: &Demand,
) -> Result<Verified, SourceError> {
    let mut candidates = Vec::new();
    let wanted = |annotated: Option<&str>| annotated.is_none_or(|found| demand.wants(found));
    let looks = discover(repository, &subject.digest, &wanted, &mut |candidate| {
        candidates.push(judge(engine, candidate, subject, demand));
    })?;
    Ok(Verified { digest: subject.digest.clone(), platform: subject.platform.clone(), looks, candidates })
}

/// Checks a bundle from a file.
#[must_use]
pub fn verify_file(engine: &Engine, bytes: Vec<u8>, subject: &Subject, demand: &Demand) -> Verified {
    let candidate =
        Candidate { place: Place::File, manifest: None, predicate_type: None, content: Content::Bundle(bytes) };
    let candidates = vec![judge(engine, candidate, subject, demand)];
    let looks = vec![Look { place: Place::File, found: Some(1) }];
    Verified { digest: subject.digest.clone(), platform: subject.platform.clone(), looks, candidates }
}

fn judge(engine: &Engine, candidate: Candidate, subject: &Subject, demand: &Demand) -> Judged {
    let Candidate { place, manifest, predicate_type, content } = candidate;
    let outcome = match content {
        Content::Bundle(bytes) => {
            bundle::parse(&bytes).and_then(|bundle| demand.accept_bundle(engine, &bundle, subject))
        }
        Content::Simple(payload, annotations) => demand.accept_simple(engine, &payload, &annotations, subject),
        Content::Envelope(bytes, annotations) => {
            legacy::envelope(&bytes, &annotations).and_then(|bundle| demand.accept_bundle(engine, &bundle, subject))
        }
        Content::NotAsked => Err(demand.not_wanted(predicate_type.unwrap_or_else(|| SIGNATURE.to_owned()))),
        Content::Other(kind) => Err(Rejection::OtherArtifact(kind)),
        Content::Unreadable(why) => Err(Rejection::Malformed(why)),
    };
    Judged { place, manifest, outcome }
}

impl Demand {
    /// Whether a predicate of this type can be what is demanded.
    fn wants(&self, found: &str) -> bool {
        match &self.predicate_type {
            Some(wanted) => wanted.matches(found),
            None => found == SIGNATURE,
        }
    }

    fn not_wanted(&self, found: String) -> Rejection {
        if self.predicate_type.is_none() { Rejection::NotASignature(found) } else { Rejection::OtherType(found) }
    }

    fn accept_bundle(
        &self,
        engine: &Engine,
        bundle: &sigstore_types::Bundle,
        subject: &Subject,
    ) -> Result<Accepted, Rejection> {
        let signed = Signed { digest: &subject.digest, bytes: Some(&subject.bytes) };
        let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
            if self.predicate_type.is_some() {
                return Err(Rejection::OtherType("none: it signs the manifest".into()));
            }
            let proof = engine.check(bundle, signed)?;
            self.check_annotations(&BTreeMap::new())?;
            return Ok(Accepted { proof, predicate_type: None, predicate: None, annotations: BTreeMap::new() });
        };
        let statement =
            Statement::parse(&envelope.payload_type, envelope.payload.as_bytes()).map_err(Rejection::Malformed)?;
        if !self.wants(&statement.predicate_type) {
            return Err(self.not_wanted(statement.predicate_type));
        }
        let proof = engine.check(bundle, signed)?;
        let about = statement.about(&subject.digest);
        let annotations = about.and_then(|about| about.annotations.clone()).unwrap_or_default();
        self.check_annotations(&annotations)?;
        if !self.provenance.is_empty() {
            self.provenance.check(&statement.predicate_type, &statement.predicate).map_err(Rejection::Claim)?;
        }
        if statement.predicate_type == VERIFICATION_SUMMARY {
            let result = statement.predicate.get("verificationResult").and_then(Value::as_str);
            if result != Some("PASSED") {
                let result = result.unwrap_or("nothing").chars().take(100).collect::<String>();
                return Err(Rejection::Claim(format!("the result of its verification is `{result}`, not `PASSED`")));
            }
        }
        if let Some(condition) = &self.condition {
            condition.check(&statement.predicate_type, &statement.predicate).map_err(Rejection::Claim)?;
        }
        let predicate = Some(statement.predicate).filter(|_| self.predicate_type.is_some());
        Ok(Accepted { proof, predicate_type: Some(statement.predicate_type), predicate, annotations })
    }

    fn accept_simple(
        &self,
        engine: &Engine,
        payload: &[u8],
        annotations: &BTreeMap<String, String>,
        subject: &Subject,
    ) -> Result<Accepted, Rejection> {
        let document = legacy::Payload::parse(payload, &subject.digest)?;
        let bundle = legacy::signature(annotations)?;
        let digest = Digest::sha256(payload);
        let proof = engine.check(&bundle, Signed { digest: &digest, bytes: Some(payload) })?;
        let annotations = document.annotations();
        self.check_annotations(&annotations)?;
        Ok(Accepted { proof, predicate_type: Some(SIGNATURE.to_owned()), predicate: None, annotations })
    }

    fn check_annotations(&self, found: &BTreeMap<String, Value>) -> Result<(), Rejection> {
        for (key, wanted) in &self.annotations {
            let value = found.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            if value.as_ref() != Some(wanted) {
                return Err(Rejection::Annotation { key: key.clone(), wanted: wanted.clone(), found: value });
            }
        }
        Ok(())
    }
}

/// Checks the subjects of a reference one after the other, as far as they can change the answer.
///
/// # Errors
/// Those of `check`.
pub fn verify_each<E>(
    recursive: Recursive,
    subjects: &[Subject],
    mut check: impl FnMut(&Subject) -> Result<Verified, E>,
) -> Result<Vec<Verified>, E> {
    let mut verified = Vec::new();
    for subject in subjects {
        verified.push(check(subject)?);
        if recursive == Recursive::Any && verified.first().is_some_and(Verified::is_accepted) {
            break;
        }
    }
    Ok(verified)
}

/// Whether the subjects, the first of which is what the reference names, are covered as demanded.
#[must_use]
pub fn is_covered(recursive: Recursive, verified: &[Verified]) -> bool {
    let Some((root, children)) = verified.split_first() else { return false };
    let all_children = children.iter().all(Verified::is_accepted);
    match recursive {
        Recursive::Index => root.is_accepted(),
        Recursive::All => root.is_accepted() && all_children,
        Recursive::Any => root.is_accepted() || (!children.is_empty() && all_children),
    }
}
