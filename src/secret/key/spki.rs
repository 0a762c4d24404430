//! The public half of a key as `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7): the same for every format that a key is kept in, and what a certificate
//! has, too. Its SHA-256 is the key's fingerprint, as `openssl pkey -pubout -outform DER | sha256sum` prints it.

use aws_lc_rs::agreement;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _};
use pkcs1::der::Encode as _;
use pkcs1::{RsaPublicKey, UintRef};
use pkcs8::der::asn1::{AnyRef, BitStringRef};
use pkcs8::spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::Structure;
use super::tlv::{self, BIT_STRING, OBJECT_ID, SEQUENCE, Values};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Named curves in use (RFC 5480, 2.1.1.1; SEC 2; RFC 5639): object identifier as in DER, and name.
const CURVES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "P-192"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P-256"),
    (&[0x2b, 0x81, 4, 0, 10], "secp256k1"),
    (&[0x2b, 0x81, 4, 0, 33], "P-224"),
    (&[0x2b, 0x81, 4, 0, 34], "P-384"),
    (&[0x2b, 0x81, 4, 0, 35], "P-521"),
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d], "SM2"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], "brainpoolP384r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], "brainpoolP512r1"),
];

/// A named curve.
#[derive(Clone, Copy)]
pub(super) struct Curve(usize);

impl Curve {
    /// The curve with this object identifier.
    pub(super) fn of(id: &[u8]) -> Option<Self> {
        CURVES.iter().position(|(known, _)| *known == id).map(Self)
    }

    /// The curve of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        CURVES.iter().position(|(_, known)| *known == name).map(Self)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        CURVES.get(self.0).map_or("", |(_, name)| name)
    }

    fn id(self) -> Option<ObjectIdentifier> {
        CURVES.get(self.0).and_then(|(id, _)| ObjectIdentifier::from_bytes(id).ok())
    }

    /// The point (SEC 1, 2.3.3, uncompressed) of a private scalar, on the curves that the library has.
    pub(super) fn point(self, key: &[u8]) -> Option<Vec<u8>> {
        let algorithm: &EcdsaSigningAlgorithm = match self.name() {
            "P-256" => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            "P-521" => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            "secp256k1" => &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            _ => return None,
        };
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, key).ok()?;
        Some(pair.public_key().as_ref().to_vec())
    }
}

fn write(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Option<Vec<u8>> {
    let subject_public_key = BitStringRef::from_bytes(key).ok()?;
    SubjectPublicKeyInfoRef { algorithm: AlgorithmIdentifierRef { oid, parameters }, subject_public_key }.to_der().ok()
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let (modulus, public_exponent) = (UintRef::new(modulus).ok()?, UintRef::new(exponent).ok()?);
    RsaPublicKey { modulus, public_exponent }.to_der().ok()
}

/// An RSA key, both numbers big-endian.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    write(RSA, Some(AnyRef::NULL), &rsa_key(modulus, exponent)?)
}

/// The same under the algorithm that a PKCS #8 key names (RSASSA-PSS with its parameters).
pub(super) fn rsa_as(algorithm: &[u8], modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let key = rsa_key(modulus, exponent)?;
    let bits = [&[0][..], &key].concat();
    Some(encode(SEQUENCE, &[algorithm, &encode(BIT_STRING, &bits)].concat()))
}

/// An elliptic curve's point.
pub(super) fn ec(curve: Curve, point: &[u8]) -> Option<Vec<u8>> {
    let curve = curve.id()?;
    write(EC, Some((&curve).into()), point)
}

/// Ed25519, from its seed (RFC 8410).
pub(super) fn ed25519_of_seed(seed: &[u8]) -> Option<Vec<u8>> {
    ed25519(Ed25519KeyPair::from_seed_unchecked(seed).ok()?.public_key().as_ref())
}

/// Ed25519.
pub(super) fn ed25519(public: &[u8]) -> Option<Vec<u8>> {
    write(ED25519, None, public)
}

/// X25519, from its private half.
pub(super) fn x25519_of_private(private: &[u8]) -> Option<Vec<u8>> {
    let private = agreement::PrivateKey::from_private_key(&agreement::X25519, private).ok()?;
    x25519(private.compute_public_key().ok()?.as_ref())
}

/// X25519.
pub(super) fn x25519(public: &[u8]) -> Option<Vec<u8>> {
    write(X25519, None, public)
}

/// One value with its tag and length.
fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = tlv::digits(&length);
    let mut bytes = vec![tag];
    if content.len() < 0x80 {
        bytes.push(digits.first().copied().unwrap_or_default());
    } else {
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        bytes.extend_from_slice(digits);
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Kind and size of a private key whose public half is this; it is said to be encrypted.
pub(super) fn describe(spki: &[u8]) -> Option<Structure> {
    let mut values = tlv::sequence(spki)?;
    let mut algorithm = values.inside(SEQUENCE)?;
    let id = algorithm.of(OBJECT_ID)?;
    let key = values.of(BIT_STRING)?.get(1..)?;
    let named = |algorithm, size: String| Structure { algorithm, size, encrypted: true, public: Some(spki.to_vec()) };
    Some(match id {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] => {
            let modulus = tlv::sequence(key).and_then(|mut key: Values<'_>| key.of(tlv::INTEGER))?;
            named("RSA", format!("{} bits", tlv::bits(modulus)))
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => {
            named("EC", algorithm.of(OBJECT_ID).and_then(Curve::of).map_or("", Curve::name).to_owned())
        }
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => named("DSA", String::new()),
        [0x2b, 0x65, 0x70] => named("Ed25519", String::new()),
        _ => named("", String::new()),
    })
}
