//! Why something that was found is not accepted.

use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

/// Why a signature or attestation is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// Not what its media type says.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// Well-formed, but of a kind that we cannot check.
    #[error("it is of a kind that is not supported: {0}")]
    Unsupported(String),
    /// Signed with a key, and none of those that are trusted verifies it.
    #[error("none of the trusted keys verifies it{}", hint.as_ref().map(|hint| format!(" (it names the key {hint})")).unwrap_or_default())]
    WrongKey {
        /// The key it names.
        hint: Option<String>,
    },
    /// Signed with a key, but only identities are trusted.
    #[error("it is signed with a key, and only identities are trusted")]
    KeyNotTrusted,
    /// Signed with a certificate, but only keys are trusted.
    #[error("it is signed by {}, and only keys are trusted", signer(identity.as_ref(), issuer.as_ref()))]
    CertificateNotTrusted {
        /// The certificate's identity.
        identity: Option<String>,
        /// The certificate's issuer.
        issuer: Option<String>,
    },
    /// A valid signature of somebody else.
    #[error("it is signed by {}", signer(identity.as_ref(), issuer.as_ref()))]
    WrongIdentity {
        /// The certificate's identity.
        identity: Option<String>,
        /// The certificate's issuer.
        issuer: Option<String>,
    },
    /// Of the right identity, in another workflow.
    #[error("the {part} of its workflow is {}, not `{wanted}`", found.as_ref().map_or("not told".to_owned(), |found| format!("`{found}`")))]
    WrongWorkflow {
        /// Which part of it differs.
        part: &'static str,
        /// What is demanded.
        wanted: String,
        /// What the certificate says.
        found: Option<String>,
    },
    /// No entry of a transparency log, and one is demanded.
    #[error("it has no entry of a transparency log")]
    NoLog,
    /// About something else.
    #[error("it is about {found}, not about this image")]
    OtherSubject {
        /// What it is about.
        found: String,
    },
    /// An attestation where a signature is demanded.
    #[error("it is an attestation (`{0}`), not a signature")]
    NotASignature(String),
    /// A signature, or an attestation of another type, where an attestation is demanded.
    #[error("its predicate type is `{0}`")]
    OtherType(String),
    /// Neither signature nor attestation, or of a kind that we do not know.
    #[error("it is neither a signature nor an attestation that is known here (`{0}`)")]
    OtherArtifact(String),
    /// Without an annotation that is demanded.
    #[error("its annotation `{key}` is {}, not `{wanted}`", found.as_ref().map_or("absent".to_owned(), |found| format!("`{found}`")))]
    Annotation {
        /// Which.
        key: String,
        /// What is demanded.
        wanted: String,
        /// What it has.
        found: Option<String>,
    },
    /// What it claims is not what is demanded.
    #[error("{0}")]
    Claim(String),
    /// The signature, certificate, log entry or timestamp does not hold.
    #[error("{0}")]
    Untrusted(#[from] Box<Error>),
}

fn signer(identity: Option<&String>, issuer: Option<&String>) -> String {
    let named = |text: Option<&String>, none: &str| text.map_or_else(|| none.to_owned(), |text| format!("`{text}`"));
    format!("{} of {}", named(identity, "nobody"), named(issuer, "no issuer"))
}

impl Rejection {
    /// What to do next, for people; none when the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::WrongKey { .. } => "check that --key is the signer's public key; a key may have been replaced",
            Self::KeyNotTrusted => "give the signer's public key with --key",
            Self::CertificateNotTrusted { .. } => "give the signer with --identity and --issuer",
            Self::WrongIdentity { .. } => "if this is the signer you trust, name it with --identity and --issuer",
            Self::NoLog => "pass --allow-no-log if your policy accepts signatures that no log has seen",
            Self::NotASignature(_) => {
                "name the attestation's type with --type to check it; it says nothing of whether the image was signed"
            }
            Self::Untrusted(error) => return untrusted(error),
            _ => return None,
        })
    }
}

fn untrusted(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => {
            "its certificate lived for minutes, and nothing proves that it signed in that time; sign again with a log or a timestamp authority"
        }
        Error::Certificate(CertificateError::Expired { .. }) => {
            "it was signed after its certificate had expired, or its timestamp is of another signing; sign again"
        }
        Error::Timestamp(TimestampError::Invalid(_))
        | Error::Certificate(CertificateError::ChainInvalid(_) | CertificateError::NoValidAuthority { .. })
        | Error::TransparencyLog(TransparencyLogError::UnknownLog { .. } | TransparencyLogError::InclusionPromise(_)) => {
            "if it comes from another Sigstore instance, name that one's root with --trusted-root"
        }
        _ => return None,
    })
}
