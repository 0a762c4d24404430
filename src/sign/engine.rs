//! Whether a bundle holds: the signature, and everything that vouches for it.
//!
//! In: a bundle, what it must be about, and whom to trust. Out: a [`Proof`], which only this module can make, or a [`Rejection`]. Certificates, logs and timestamps are
//! checked by `sigstore-verify`; bundles of a key alone, which that cannot check, by us. No network and no clock but the machine's, which tells times of the future apart.
//!
//! Source: Sigstore client specification, "Verification"; `sigstore/protobuf-specs`, `sigstore_bundle.proto`.

use sigstore_trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{Artifact, ArtifactDigest, Bundle, DerPublicKey, HashAlgorithm, SignatureContent};
use sigstore_verify::{Error, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};

use super::identity::{Identity, Workflow};
use super::keys::PublicKey;
use super::predicate::Statement;
use super::rejection::Rejection;
use crate::digest::Digest;

/// Largest bundle that is read, in bytes. An SBOM of a large image has some megabytes, and base64 makes a third more of it.
pub const MAX_BUNDLE_BYTES: u64 = 32 << 20;

/// Largest trusted root that is read, in bytes; the public one has 8 KiB.
pub const MAX_ROOT_BYTES: u64 = 1 << 20;

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Public keys with the names under which they are told.
    pub keys: Vec<(String, PublicKey)>,
    /// Identities.
    pub identities: Vec<Identity>,
    /// Accept what no transparency log has seen. Then a key's signature counts alone, and its log entries and timestamps are not looked at; a certificate still needs a timestamp
    /// that proves that it signed while it was valid, and what log entries say must still fit.
    pub allow_no_log: bool,
}

/// What a signature must be over.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Its digest.
    pub digest: &'a Digest,
    /// Its bytes, where they are at hand: some signatures cannot be checked without.
    pub bytes: Option<&'a [u8]>,
}

/// Who signed, as far as that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The owner of a trusted key, by its name.
    Key(String),
    /// Whom a certificate names.
    Identity {
        /// Subject alternative name.
        name: String,
        /// OpenID Connect issuer.
        issuer: String,
        /// What the certificate says of the workflow, by the names of Fulcio's claims.
        claims: Vec<(&'static str, String)>,
    },
}

impl std::fmt::Display for Signer {
    /// `key cosign.pub`, or the identity with who vouches for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(name) => write!(f, "key {name}"),
            Self::Identity { name, issuer, .. } => write!(f, "{name} of {issuer}"),
        }
    }
}

/// What was proved of a bundle.
#[derive(Clone, Debug)]
pub struct Proof {
    signer: Signer,
    logged: bool,
    times: Vec<String>,
}

impl Proof {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether a trusted log has the signature.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.logged
    }

    /// When it was signed at the latest, in RFC 3339: each time that a log or timestamp authority vouches for.
    #[must_use]
    pub fn times(&self) -> &[String] {
        &self.times
    }
}

/// Checks bundles against one set of trust.
pub struct Engine {
    trust: Trust,
    verifier: Verifier,
}

impl Engine {
    /// With a trusted root in Sigstore's JSON (`trusted_root.json`), or else that of the public-good instance, which is built in.
    ///
    /// # Errors
    /// What is wrong with the root.
    pub fn new(trust: Trust, root: Option<&str>) -> Result<Self, String> {
        let root = root.unwrap_or(SIGSTORE_PRODUCTION_TRUSTED_ROOT);
        let root = TrustedRoot::from_json(root).map_err(|error| error.to_string())?;
        let verifier = Verifier::new(&root).map_err(|error| error.to_string())?;
        Ok(Self { trust, verifier })
    }

    /// Checks a bundle:
    /// 1. somebody who is trusted made the signature;
    /// 2. it is over `signed`: its bytes, or a statement that names its digest as a subject;
    /// 3. its certificate, if it has one, chains to the root and was valid at every proved time, and a log of certificates knows it;
    /// 4. its log entry is this signature's and in the log, unless the trust says otherwise.
    ///
    /// What the statement claims is the caller's business.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn check(&self, bundle: &Bundle, signed: Signed<'_>) -> Result<Proof, Rejection> {
        // The statement is read by us in any case: the two readings must agree on what it is about.
        if let SignatureContent::DsseEnvelope(envelope) = &bundle.content {
            let statement =
                Statement::parse(&envelope.payload_type, envelope.payload.as_bytes()).map_err(Rejection::Malformed)?;
            if statement.about(signed.digest).is_none() {
                return Err(Rejection::OtherSubject { found: subjects(&statement) });
            }
        }
        match &bundle.verification_material.content {
            VerificationMaterialContent::PublicKey(key) => self.check_key(bundle, &key.hint, signed),
            _ => self.check_certificate(bundle, signed),
        }
    }

    fn check_key(&self, bundle: &Bundle, hint: &str, signed: Signed<'_>) -> Result<Proof, Rejection> {
        if self.trust.keys.is_empty() {
            return Err(Rejection::KeyNotTrusted);
        }
        let hint = Some(hint).filter(|hint| !hint.is_empty()).map(|hint| hint.chars().take(64).collect());
        let (message, signature) = match &bundle.content {
            SignatureContent::DsseEnvelope(envelope) => (Some(envelope.pae()), envelope.signature.sig.as_bytes()),
            SignatureContent::MessageSignature(message) => {
                check_message_digest(message, signed)?;
                (signed.bytes.map(<[u8]>::to_vec), message.signature.as_bytes())
            }
            _ => {
                return Err(Rejection::Unsupported(
                    "its content is neither an envelope nor a message signature".into(),
                ));
            }
        };
        let Some(message) = message else { return self.check_key_by_digest(bundle, hint, signed) };
        let owner = self.trust.keys.iter().find(|(_, key)| key.verifies(&message, signature));
        let Some((name, key)) = owner else { return Err(Rejection::WrongKey { hint }) };
        if self.trust.allow_no_log {
            return Ok(Proof { signer: Signer::Key(name.clone()), logged: false, times: Vec::new() });
        }
        if bundle.verification_material.tlog_entries.is_empty() {
            return Err(Rejection::NoLog);
        }
        let result = self.verify_key(bundle, key, signed).map_err(Box::new)?;
        Ok(Proof { signer: Signer::Key(name.clone()), logged: result.tlog_verified(), times: times(&result) })
    }

    /// Without the signed bytes: the library can check most signatures over their digest alone, but wants a log entry or a timestamp.
    fn check_key_by_digest(
        &self,
        bundle: &Bundle,
        hint: Option<String>,
        signed: Signed<'_>,
    ) -> Result<Proof, Rejection> {
        let mut last = Rejection::WrongKey { hint };
        for (name, key) in &self.trust.keys {
            match self.verify_key(bundle, key, signed) {
                Ok(result) => {
                    let signer = Signer::Key(name.clone());
                    return Ok(Proof { signer, logged: result.tlog_verified(), times: times(&result) });
                }
                Err(error @ Error::SignatureInvalid(_)) => drop(error),
                Err(error) => last = Box::new(error).into(),
            }
        }
        Err(last)
    }

    fn verify_key(&self, bundle: &Bundle, key: &PublicKey, signed: Signed<'_>) -> Result<VerificationResult, Error> {
        let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_bytes(key.spki()));
        let policy = if self.trust.allow_no_log { policy.skip_tlog_unsafe() } else { policy };
        self.verifier.verify(artifact(signed)?, bundle, &policy)
    }

    fn check_certificate(&self, bundle: &Bundle, signed: Signed<'_>) -> Result<Proof, Rejection> {
        let policy = VerificationPolicy::any_identity();
        let policy = if self.trust.allow_no_log { policy.skip_tlog_unsafe() } else { policy };
        if !self.trust.allow_no_log && bundle.verification_material.tlog_entries.is_empty() {
            return Err(Rejection::NoLog);
        }
        let artifact = artifact(signed).map_err(Box::new)?;
        let result = self.verifier.verify(artifact, bundle, &policy).map_err(Box::new)?;
        let identity = result.identity().map(|name| name.as_str().to_owned());
        let issuer = result.issuer().map(str::to_owned);
        let (Some(name), Some(issuer)) = (&identity, &issuer) else {
            return Err(Rejection::WrongIdentity { identity, issuer });
        };
        if self.trust.identities.is_empty() {
            return Err(Rejection::CertificateNotTrusted {
                identity: Some(name.clone()),
                issuer: Some(issuer.clone()),
            });
        }
        let is_named = |trusted: &&Identity| trusted.name.matches(name) && trusted.issuer.matches(issuer);
        let found = workflow(&result);
        let mut named = self.trust.identities.iter().filter(is_named).map(|trusted| trusted.workflow.differs(&found));
        match named.next() {
            None => {
                return Err(Rejection::WrongIdentity { identity: Some(name.clone()), issuer: Some(issuer.clone()) });
            }
            Some(Some((part, wanted, found))) if named.all(|other| other.is_some()) => {
                let (wanted, found) = (wanted.to_owned(), found.map(str::to_owned));
                return Err(Rejection::WrongWorkflow { part, wanted, found });
            }
            Some(_) => {}
        }
        let signer = Signer::Identity { name: name.clone(), issuer: issuer.clone(), claims: claims(&result) };
        Ok(Proof { signer, logged: result.tlog_verified(), times: times(&result) })
    }
}

/// The digest that a message signature states is no more than a statement, but it must be right.
fn check_message_digest(
    message: &sigstore_types::bundle::MessageSignature,
    signed: Signed<'_>,
) -> Result<(), Rejection> {
    let Some(stated) = &message.message_digest else { return Ok(()) };
    let same = match stated.algorithm {
        HashAlgorithm::Sha2256 if signed.digest.algorithm() == "sha256" => {
            stated.digest.to_hex() == signed.digest.hex()
        }
        HashAlgorithm::Sha2512 if signed.digest.algorithm() == "sha512" => {
            stated.digest.to_hex() == signed.digest.hex()
        }
        // Another algorithm than the image's: the signature itself, over the bytes, decides.
        _ => signed.bytes.is_some(),
    };
    if same { Ok(()) } else { Err(Rejection::OtherSubject { found: "other bytes".into() }) }
}

fn artifact(signed: Signed<'_>) -> Result<Artifact<'_>, Error> {
    if let Some(bytes) = signed.bytes {
        return Ok(Artifact::Blob(bytes));
    }
    let algorithm = if signed.digest.algorithm() == "sha512" { HashAlgorithm::Sha2512 } else { HashAlgorithm::Sha2256 };
    let value = sigstore_types::DigestBytes::from_hex(signed.digest.hex())?;
    Ok(Artifact::Digest(ArtifactDigest::new(algorithm, value)?))
}

fn times(result: &VerificationResult) -> Vec<String> {
    let mut times: Vec<String> = result.verified_timestamps().iter().map(ToString::to_string).collect();
    times.sort();
    times.dedup();
    times
}

/// The workflow of GitHub Actions that a certificate names: in the extensions of old, or in those that have followed them.
fn workflow(result: &VerificationResult) -> Workflow {
    let Some(certificate) = result.certificate() else { return Workflow::default() };
    let (ci, old) = (&certificate.ci_claims, &certificate.ci_claims.deprecated_github);
    let repository = || ci.source_repository_uri.as_deref()?.strip_prefix("https://github.com/").map(str::to_owned);
    Workflow {
        trigger: old.workflow_trigger.clone().or_else(|| ci.build_trigger.clone()),
        sha: old.workflow_sha.clone().or_else(|| ci.source_repository_digest.clone()),
        name: old.workflow_name.clone(),
        repository: old.workflow_repository.clone().or_else(repository),
        reference: old.workflow_ref.clone().or_else(|| ci.source_repository_ref.clone()),
    }
}

/// What the certificate says of the workflow, in the order of Fulcio's documentation.
fn claims(result: &VerificationResult) -> Vec<(&'static str, String)> {
    let Some(certificate) = result.certificate() else { return Vec::new() };
    let ci = &certificate.ci_claims;
    let known = [
        ("source_repository", &ci.source_repository_uri),
        ("source_ref", &ci.source_repository_ref),
        ("source_digest", &ci.source_repository_digest),
        ("build_signer", &ci.build_signer_uri),
        ("build_config", &ci.build_config_uri),
        ("build_trigger", &ci.build_trigger),
        ("runner", &ci.runner_environment),
        ("run", &ci.run_invocation_uri),
        ("workflow", &ci.deprecated_github.workflow_name),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// The subjects of a statement, for a message.
fn subjects(statement: &Statement) -> String {
    const SHOWN: usize = 3;
    let one = |subject: &super::predicate::Subject| {
        let digest = subject.digest.iter().next();
        digest.map_or_else(|| "nothing".to_owned(), |(algorithm, hex)| format!("{algorithm}:{hex}"))
    };
    let shown: Vec<String> = statement.subject.iter().take(SHOWN).map(one).collect();
    let text: String = shown.join(", ").chars().take(300).collect();
    let more = statement.subject.len().saturating_sub(SHOWN);
    match (text.is_empty(), more) {
        (true, _) => "nothing".into(),
        (false, 0) => text,
        (false, more) => format!("{text} and {more} more"),
    }
}
