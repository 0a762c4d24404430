//! Private keys in memory, and the trait of whatever signs.
//!
//! Source: RFC 5208 and RFC 5958 (PKCS#8), RFC 8017 (PKCS#1), RFC 5915 (SEC1).

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use pkcs8::PrivateKeyInfo;
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::spki::{AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

use super::{KeyError, PublicKey};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Whoever signs: a key in a file, a token, a service. It gives signatures, never its key.
pub trait Signer {
    /// The key that its signatures are checked with.
    fn public_key(&self) -> &PublicKey;

    /// A signature over `message`, in the form that [`PublicKey::verifies`] takes. ECDSA is over the hash of the curve's own size, RSA with PKCS#1 v1.5 over SHA-256, and Ed25519
    /// over the message itself.
    ///
    /// # Errors
    /// When no signature could be made.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// A private key in memory.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.public)
    }
}

/// A new ECDSA P-256 key in PKCS#8, the kind that every tool of Sigstore reads.
///
/// # Errors
/// When the library makes none.
pub fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let failed = |_| KeyError::Library("making a key");
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
    let der = pair.to_pkcs8v1().map_err(failed)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

/// An unencrypted PEM private key as PKCS#8: `PRIVATE KEY`, `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1).
///
/// # Errors
/// When it is something else.
pub fn import(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    const WANTED: &str = "PEM private key";
    let malformed = |detail: String| KeyError::Format { wanted: WANTED, detail };
    let (label, der) = pem_rfc7468::decode_vec(pem).map_err(|error| malformed(error.to_string()))?;
    let der = Zeroizing::new(der);
    let wrapped = match label {
        "PRIVATE KEY" => der,
        "RSA PRIVATE KEY" => {
            let null = pkcs8::der::asn1::AnyRef::NULL;
            wrap(AlgorithmIdentifierRef { oid: RSA, parameters: Some(null) }, &der)?
        }
        "EC PRIVATE KEY" => {
            let key = sec1::EcPrivateKey::from_der(&der).map_err(|error| malformed(error.to_string()))?;
            let curve = key.parameters.and_then(sec1::EcParameters::named_curve);
            let curve = curve.ok_or_else(|| malformed("it does not name its curve".into()))?;
            wrap(AlgorithmIdentifierRef { oid: EC, parameters: Some((&curve).into()) }, &der)?
        }
        "ENCRYPTED PRIVATE KEY" => return Err(malformed("it is encrypted; decrypt it first (openssl pkcs8)".into())),
        label if label.starts_with("ENCRYPTED ") => return Err(malformed("it is a cosign key already".into())),
        _ => return Err(malformed("it is PEM of something else".into())),
    };
    // Whatever was read must be a key that signs.
    PrivateKey::from_pkcs8(&wrapped)?;
    Ok(wrapped)
}

fn wrap(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = PrivateKeyInfo { algorithm, private_key: key, public_key: None };
    let der = info.to_der().map_err(|_| KeyError::Library("writing a key"))?;
    Ok(Zeroizing::new(der))
}

impl PrivateKey {
    /// Reads a PKCS#8 private key.
    ///
    /// # Errors
    /// When it is something else, or of a kind that is not supported.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |detail: &str| KeyError::Format { wanted: "PKCS#8 private key", detail: detail.into() };
        let info = PrivateKeyInfo::from_der(der).map_err(|error| malformed(&error.kind().to_string()))?;
        let refused = |_| malformed("its content is not a valid key");
        let failed = |_| KeyError::Library("reading a key");
        if info.algorithm.oid == RSA {
            let pair = RsaKeyPair::from_pkcs8(der).map_err(refused)?;
            let public = PublicKey::from_spki(pair.public_key().as_der().map_err(failed)?.as_ref())?;
            return Ok(Self { pair: Pair::Rsa(pair), public });
        }
        if info.algorithm.oid == EC {
            let pair = ecdsa(der).ok_or_else(|| malformed("its curve is not supported, or the key is not valid"))?;
            let public = PublicKey::from_spki(pair.public_key().as_der().map_err(failed)?.as_ref())?;
            return Ok(Self { pair: Pair::Ecdsa(pair), public });
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map_err(|_| KeyError::Unsupported(format!("algorithm {}", info.algorithm.oid)))?;
        let public = PublicKey::from_spki(pair.public_key().as_der().map_err(failed)?.as_ref())?;
        Ok(Self { pair: Pair::Ed25519(pair), public })
    }
}

/// The key pair of whichever curve the key names.
fn ecdsa(der: &[u8]) -> Option<EcdsaKeyPair> {
    const CURVES: [&EcdsaSigningAlgorithm; 3] = [
        &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    CURVES.iter().find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, der).ok())
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Library("signing");
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
