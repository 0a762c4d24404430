//! Public keys and the check of signatures with them.
//!
//! Source: RFC 5280 §4.1.2.7 (`SubjectPublicKeyInfo`), RFC 5480 (EC), RFC 8017 (RSA), RFC 8410 (Ed25519).

use std::fmt;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pkcs1::der::Decode as _;
use pkcs8::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use sha2::Digest as _;

use super::KeyError;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Lengths of RSA moduli that are accepted, in bits: shorter ones can be factored, longer ones cost a verifier time at the signer's will.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// RSA with PKCS#1 v1.5 padding.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// The name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
            Self::Rsa => "RSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The signature algorithms of this key, the usual one first. cosign signed with SHA-256 whatever the curve until its version 3, so that is accepted, too; no weaker
    /// hash is.
    fn algorithms(self) -> &'static [&'static dyn VerificationAlgorithm] {
        match self {
            Self::P256 => &[&signature::ECDSA_P256_SHA256_ASN1],
            Self::P384 => &[&signature::ECDSA_P384_SHA384_ASN1, &signature::ECDSA_P384_SHA256_ASN1],
            Self::P521 => &[&signature::ECDSA_P521_SHA512_ASN1, &signature::ECDSA_P521_SHA256_ASN1],
            Self::Rsa => &[&signature::RSA_PKCS1_2048_8192_SHA256],
            Self::Ed25519 => &[&signature::ED25519],
        }
    }
}

/// A public key that is known to be well-formed and of a supported kind.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    /// The `SubjectPublicKeyInfo`, DER.
    spki: Vec<u8>,
    /// What is inside it, as the library takes it.
    raw: Vec<u8>,
}

impl PublicKey {
    /// Reads a PEM public key (`-----BEGIN PUBLIC KEY-----`), as `cosign.pub` is.
    ///
    /// # Errors
    /// When it is something else, or a key of a kind that is not supported.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let (label, der) = pem_rfc7468::decode_vec(pem)
            .map_err(|error| KeyError::Format { wanted: "PEM public key", detail: error.to_string() })?;
        if label != "PUBLIC KEY" {
            let detail = match label {
                "CERTIFICATE" => "it is a certificate; use --identity and --issuer",
                label if label.contains("PRIVATE KEY") => "it is a private key",
                _ => "it is PEM of something else",
            };
            return Err(KeyError::Format { wanted: "PEM public key", detail: detail.into() });
        }
        Self::from_spki(&der)
    }

    /// Reads a `SubjectPublicKeyInfo` in DER.
    ///
    /// # Errors
    /// As [`Self::from_pem`].
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |detail: String| KeyError::Format { wanted: "public key", detail };
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| malformed(error.to_string()))?;
        let raw = info.subject_public_key.as_bytes().ok_or_else(|| malformed("it has stray bits".into()))?;
        let kind = match info.algorithm.oid {
            EC => match info.algorithm.parameters_oid() {
                Ok(P256) => KeyKind::P256,
                Ok(P384) => KeyKind::P384,
                Ok(P521) => KeyKind::P521,
                _ => return Err(KeyError::Unsupported("another curve".into())),
            },
            RSA => KeyKind::Rsa,
            ED25519 if info.algorithm.parameters.is_none() => KeyKind::Ed25519,
            other => return Err(KeyError::Unsupported(format!("algorithm {other}"))),
        };
        match kind {
            KeyKind::Rsa => check_rsa(raw)?,
            // A point is written out, not compressed (RFC 5480 §2.2): one key has one form.
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 if raw.first() != Some(&4) => {
                return Err(malformed("its point is not uncompressed".into()));
            }
            KeyKind::Ed25519 if raw.len() != 32 => return Err(malformed("it has not 32 bytes".into())),
            _ => {}
        }
        Ok(Self { kind, spki: der.to_vec(), raw: raw.to_vec() })
    }

    /// What it is of.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem_rfc7468::encode_string("PUBLIC KEY", pem_rfc7468::LineEnding::LF, &self.spki).unwrap_or_default()
    }

    /// The hint by which bundles name the key they were signed with: base64 of the SHA-256 of the key's DER. It proves nothing.
    #[must_use]
    pub fn hint(&self) -> String {
        BASE64.encode(sha2::Sha256::digest(&self.spki))
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let with = |algorithm: &&'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(*algorithm, &self.raw).verify(message, signature).is_ok()
        };
        self.kind.algorithms().iter().any(with) || self.verifies_prehashed(message, signature)
    }

    /// Ed25519ph, over the SHA-512 of the message: what cosign makes with a key of this kind (RFC 8032 §5.1; the algorithm registry of Sigstore calls it `PKIX_ED25519_PH`).
    fn verifies_prehashed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(raw) = <&[u8; 32]>::try_from(self.raw.as_slice()) else { return false };
        let (Ok(key), Ok(signature)) =
            (ed25519_dalek::VerifyingKey::from_bytes(raw), ed25519_dalek::Signature::from_slice(signature))
        else {
            return false;
        };
        let hash = sha2::Sha512::new_with_prefix(message);
        self.kind == KeyKind::Ed25519 && key.verify_prehashed_strict(hash, None, &signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.kind.name(), self.hint())
    }
}

fn check_rsa(raw: &[u8]) -> Result<(), KeyError> {
    let key = pkcs1::RsaPublicKey::from_der(raw)
        .map_err(|error| KeyError::Format { wanted: "RSA public key", detail: error.to_string() })?;
    let modulus = key.modulus.as_bytes();
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - unused;
    if RSA_BITS.contains(&bits) { Ok(()) } else { Err(KeyError::Unsupported(format!("RSA of {bits} bits"))) }
}
