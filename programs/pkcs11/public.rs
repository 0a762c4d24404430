//! Public keys and signatures of tokens in the forms that everybody else has.
//!
//! Source: PKCS #11 v2.40, "Elliptic curve", "RSA"; v3.0, "Edwards"; RFC 3279 (ECDSA-Sig-Value), RFC 5480, RFC 8410.

use anyhow::{Context as _, bail, ensure};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectHandle};
use cryptoki::session::Session;
use imgguard::sign::keys::PublicKey;
use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key object.
pub(crate) fn read(session: &Session, object: ObjectHandle) -> anyhow::Result<PublicKey> {
    let attributes = |wanted: &[AttributeType]| {
        session.get_attributes(object, wanted).context("the public key says nothing of itself")
    };
    let kind = attributes(&[AttributeType::KeyType])?;
    let der = match kind.first() {
        Some(Attribute::KeyType(KeyType::RSA)) => {
            rsa(&attributes(&[AttributeType::Modulus, AttributeType::PublicExponent])?)?
        }
        Some(Attribute::KeyType(KeyType::EC)) => {
            let (curve, point) = curve(&attributes(&[AttributeType::EcParams, AttributeType::EcPoint])?)?;
            let parameters = AnyRef::from_der(&curve).context("its curve has no name")?;
            info(EC, Some(parameters), &point)?
        }
        Some(Attribute::KeyType(KeyType::EC_EDWARDS)) => {
            let (_, point) = curve(&attributes(&[AttributeType::EcParams, AttributeType::EcPoint])?)?;
            info(ED25519, None, &point)?
        }
        _ => bail!("keys of this kind are not supported; there are ECDSA, RSA and Ed25519"),
    };
    PublicKey::from_spki(&der).context("the token's public key cannot be used")
}

fn info(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> anyhow::Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    let subject_public_key = BitStringRef::from_bytes(key).map_err(anyhow::Error::msg)?;
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().map_err(anyhow::Error::msg)
}

fn rsa(attributes: &[Attribute]) -> anyhow::Result<Vec<u8>> {
    let mut parts = (None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Modulus(value) => parts.0 = Some(value),
            Attribute::PublicExponent(value) => parts.1 = Some(value),
            _ => {}
        }
    }
    let (Some(modulus), Some(exponent)) = parts else { bail!("the public key has no modulus or exponent") };
    let number = |bytes| UintRef::new(bytes).map_err(anyhow::Error::msg);
    let key = pkcs1::RsaPublicKey { modulus: number(modulus)?, public_exponent: number(exponent)? };
    let der = key.to_der().map_err(anyhow::Error::msg)?;
    info(RSA, Some(AnyRef::NULL), &der)
}

/// The curve and the point. The point stands in an OCTET STRING, which some tokens leave out.
fn curve(attributes: &[Attribute]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut parts = (None, None);
    for attribute in attributes {
        match attribute {
            Attribute::EcParams(value) => parts.0 = Some(value.clone()),
            Attribute::EcPoint(value) => parts.1 = Some(value),
            _ => {}
        }
    }
    let (Some(curve), Some(point)) = parts else { bail!("the public key has no curve or point") };
    let inner = OctetStringRef::from_der(point).map(|inner| inner.as_bytes().to_vec());
    Ok((curve, inner.unwrap_or_else(|_| point.clone())))
}

/// The two numbers of a signature, which tokens put side by side, as DER.
pub(crate) fn ecdsa(raw: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(!raw.is_empty() && raw.len().is_multiple_of(2), "the token's signature has an odd length");
    let (r, s) = raw.split_at(raw.len() / 2);
    let number = |bytes| UintRef::new(bytes).map_err(anyhow::Error::msg);
    [number(r)?, number(s)?].to_vec().to_der().map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_side_by_side_become_der() {
        assert_eq!(ecdsa(&[0, 1, 0x80, 2]).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2]);
        assert!(ecdsa(&[1]).is_err() && ecdsa(&[]).is_err());
    }
}
