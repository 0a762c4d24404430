//! Private keys in DER: PKCS #1 (RFC 8017 A.1.2), PKCS #8 (RFC 5958), SEC 1 (RFC 5915), OpenSSL's DSA. Reads only what tells kind, size and the
//! public half.

use super::Structure;
use super::spki::{self, Curve};
use super::tlv::{BIT_STRING, CONTEXT_0, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, Values, bits, digits, sequence};

/// Smallest modulus, in bits: less is no key but a fragment.
const MIN_MODULUS: usize = 256;

/// `RSA PRIVATE KEY`.
pub(super) fn rsa(bytes: &[u8]) -> Option<Structure> {
    rsa_key(bytes, None)
}

/// An RSA key; `algorithm` is the PKCS #8 algorithm around it, encoded.
fn rsa_key(bytes: &[u8], algorithm: Option<&[u8]>) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let (modulus, exponent) = (values.of(INTEGER)?, values.of(INTEGER)?);
    // The private exponent and the first prime must be there, or it is a fragment.
    values.of(INTEGER)?;
    values.of(INTEGER)?;
    if bits(modulus) < MIN_MODULUS {
        return None;
    }
    let (modulus, exponent) = (digits(modulus), digits(exponent));
    let public = match algorithm {
        None => spki::rsa(modulus, exponent),
        Some(algorithm) => spki::rsa_as(algorithm, modulus, exponent),
    };
    Some(Structure::clear("RSA", format!("{} bits", bits(modulus)), public))
}

/// `DSA PRIVATE KEY`: version, p, q, g, y, x.
pub(super) fn dsa(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let modulus = bits(values.of(INTEGER)?);
    for _ in 0..4 {
        values.of(INTEGER)?;
    }
    (modulus >= MIN_MODULUS).then(|| Structure::clear("DSA", format!("{modulus} bits"), None))
}

/// `EC PRIVATE KEY`: version, scalar, then the curve in tag 0 and the point in tag 1.
pub(super) fn ec(bytes: &[u8]) -> Option<Structure> {
    ec_key(bytes, None)
}

fn ec_key(bytes: &[u8], curve: Option<Curve>) -> Option<Structure> {
    const POINT: u8 = 0xa1;
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let scalar = values.of(OCTET_STRING)?;
    if scalar.len() < 14 {
        return None;
    }
    let own = values.inside(CONTEXT_0).and_then(|mut parameters| parameters.of(OBJECT_ID)).and_then(Curve::of);
    let curve = curve.or(own);
    let point = values.inside(POINT).and_then(|mut point| point.of(BIT_STRING)).and_then(|bits| bits.get(1..));
    let public = curve.and_then(|curve| {
        let point = point.map(<[u8]>::to_vec).or_else(|| curve.point(bytes))?;
        spki::ec(curve, &point)
    });
    Some(Structure::clear("EC", curve.map_or("", Curve::name).to_owned(), public))
}

/// `PRIVATE KEY` (PKCS #8).
pub(super) fn pkcs8(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let encoded = values.clone().encoded()?;
    let mut algorithm = values.inside(SEQUENCE)?;
    let id = algorithm.of(OBJECT_ID)?;
    let key = values.of(OCTET_STRING)?;
    let named = |algorithm, public| Some(Structure::clear(algorithm, String::new(), public));
    // RFC 8410: the key is an OCTET STRING in the OCTET STRING.
    let seed = || Values(key).of(OCTET_STRING);
    match id {
        // 1.2.840.113549.1.1: rsaEncryption is 1, RSASSA-PSS is 10.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] => rsa_key(key, Some(encoded)),
        // 1.2.840.10045.2.1: id-ecPublicKey.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => ec_key(key, algorithm.of(OBJECT_ID).and_then(Curve::of)),
        // 1.2.840.10040.4.1: id-dsa; the parameters begin with p.
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => {
            let modulus = algorithm.inside(SEQUENCE).and_then(|mut parameters| parameters.of(INTEGER)).map(bits);
            Some(Structure::clear("DSA", modulus.map(|bits| format!("{bits} bits")).unwrap_or_default(), None))
        }
        // 1.2.840.113549.1.3.1: Diffie-Hellman of PKCS #3.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1] => named("DH", None),
        // 1.3.101.110 to 113.
        [0x2b, 0x65, 0x6e] => named("X25519", seed().and_then(spki::x25519_of_private)),
        [0x2b, 0x65, 0x6f] => named("X448", None),
        [0x2b, 0x65, 0x70] => named("Ed25519", seed().and_then(spki::ed25519_of_seed)),
        [0x2b, 0x65, 0x71] => named("Ed448", None),
        // 2.16.840.1.101.3.4.4.1 to 3 (FIPS 203), 2.16.840.1.101.3.4.3.17 to 31 (FIPS 204 and 205).
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 1..=3] => named("ML-KEM", None),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19] => named("ML-DSA", None),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 20..=31] => named("SLH-DSA", None),
        _ if key.len() >= 16 => named("", None),
        _ => None,
    }
}

/// `ENCRYPTED PRIVATE KEY` (PKCS #8, `EncryptedPrivateKeyInfo`).
pub(super) fn encrypted_pkcs8(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.inside(SEQUENCE)?.of(OBJECT_ID)?;
    let key = values.of(OCTET_STRING)?;
    (key.len() >= 16).then(Structure::sealed)
}

/// A file that is one of these. Kinds are told by their first values, so nothing is tried that cannot be.
pub(super) fn file(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    let whole = bytes.len() - Values(bytes).encoded().map_or(0, <[u8]>::len);
    // A line end behind it is all that editors add.
    if whole > 2 {
        return None;
    }
    let Some(version) = values.of(INTEGER) else {
        let mut algorithm = values.inside(SEQUENCE)?;
        // 1.2.840.113549.1.5 (PKCS #5) and 1.2.840.113549.1.12.1 (PKCS #12): an encryption under a password.
        let id = algorithm.of(OBJECT_ID)?;
        let under_password = id.starts_with(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5])
            || id.starts_with(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1]);
        return under_password.then(|| encrypted_pkcs8(bytes)).flatten();
    };
    match (version, values.next()?.0) {
        ([0 | 1], SEQUENCE) => pkcs8(bytes),
        ([0 | 1], INTEGER) => rsa(bytes).or_else(|| dsa(bytes)),
        ([1], OCTET_STRING) => ec(bytes),
        _ => None,
    }
}
