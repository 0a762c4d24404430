//! Private keys in DER: PKCS #1 (RFC 8017 A.1.2), PKCS #8 (RFC 5958), SEC 1 (RFC 5915), OpenSSL's DSA. Reads only what tells kind and size.

use super::Structure;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// The values of one constructed DER value, front to back.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    /// The next value's tag and content; none at the end or where the length is wrong.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // Keys need at most three bytes of length.
            let (digits, rest) = rest
                .split_at_checked(usize::from(first & 0x7f))
                .filter(|(digits, _)| (1..=3).contains(&digits.len()))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn of(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

fn sequence(bytes: &[u8]) -> Option<Values<'_>> {
    Values(bytes).of(SEQUENCE).map(Values)
}

/// Bits of a positive INTEGER.
fn bits(integer: &[u8]) -> usize {
    let digits = integer.iter().position(|byte| *byte != 0).and_then(|from| integer.get(from..)).unwrap_or_default();
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}

/// `RSA PRIVATE KEY`.
pub(super) fn rsa(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let modulus = bits(values.of(INTEGER)?);
    // The exponents and the first prime must be there, or it is a fragment.
    for _ in 0..3 {
        values.of(INTEGER)?;
    }
    (modulus >= 256).then_some(Structure { algorithm: "RSA", bits: Some(modulus), encrypted: false })
}

/// `DSA PRIVATE KEY`: version, p, q, g, y, x.
pub(super) fn dsa(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let modulus = bits(values.of(INTEGER)?);
    for _ in 0..4 {
        values.of(INTEGER)?;
    }
    (modulus >= 256).then_some(Structure { algorithm: "DSA", bits: Some(modulus), encrypted: false })
}

/// `EC PRIVATE KEY`: version, scalar, then the curve in a context-specific tag 0.
pub(super) fn ec(bytes: &[u8]) -> Option<Structure> {
    const PARAMETERS: u8 = 0xa0;
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let scalar = values.of(OCTET_STRING)?;
    let curve = values.of(PARAMETERS).and_then(|parameters| Values(parameters).of(OBJECT_ID));
    ec_key(scalar, curve)
}

fn ec_key(scalar: &[u8], curve: Option<&[u8]>) -> Option<Structure> {
    let bits = curve.and_then(curve_bits).or_else(|| scalar_bits(scalar.len()));
    (scalar.len() >= 14).then_some(Structure { algorithm: "EC", bits, encrypted: false })
}

/// Field sizes of the named curves in use (RFC 5480, 2.1.1.1; SEC 2 for secp256k1).
fn curve_bits(id: &[u8]) -> Option<usize> {
    match id {
        // 1.2.840.10045.3.1: prime192v1 is 1, prime256v1 is 7.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1] => Some(192),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] => Some(256),
        // 1.3.132.0: secp256k1, secp224r1, secp384r1, secp521r1.
        [0x2b, 0x81, 4, 0, 10] => Some(256),
        [0x2b, 0x81, 4, 0, 33] => Some(224),
        [0x2b, 0x81, 4, 0, 34] => Some(384),
        [0x2b, 0x81, 4, 0, 35] => Some(521),
        _ => None,
    }
}

/// Without a curve: from the scalar, which some write without its leading zeros.
fn scalar_bits(bytes: usize) -> Option<usize> {
    match bytes {
        28 => Some(224),
        31 | 32 => Some(256),
        47 | 48 => Some(384),
        64 => Some(512),
        65 | 66 => Some(521),
        _ => None,
    }
}

/// `PRIVATE KEY` (PKCS #8).
pub(super) fn pkcs8(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    values.of(INTEGER)?;
    let mut algorithm = Values(values.of(SEQUENCE)?);
    let id = algorithm.of(OBJECT_ID)?;
    let key = values.of(OCTET_STRING)?;
    let named = |algorithm, bits| Some(Structure { algorithm, bits, encrypted: false });
    match id {
        // 1.2.840.113549.1.1: rsaEncryption is 1, RSASSA-PSS is 10.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] => rsa(key),
        // 1.2.840.10045.2.1: id-ecPublicKey.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => {
            let curve = algorithm.of(OBJECT_ID).and_then(curve_bits);
            ec(key).map(|structure| Structure { bits: curve.or(structure.bits), ..structure })
        }
        // 1.2.840.10040.4.1: id-dsa; the parameters begin with p.
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => {
            named("DSA", algorithm.of(SEQUENCE).and_then(|p| Values(p).of(INTEGER)).map(bits))
        }
        // 1.3.101.110 to 113 (RFC 8410).
        [0x2b, 0x65, 0x6e] => named("X25519", None),
        [0x2b, 0x65, 0x6f] => named("X448", None),
        [0x2b, 0x65, 0x70] => named("Ed25519", None),
        [0x2b, 0x65, 0x71] => named("Ed448", None),
        // 2.16.840.1.101.3.4.4.1 to 3 (FIPS 203), 2.16.840.1.101.3.4.3.17 to 19 (FIPS 204).
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 1..=3] => named("ML-KEM", None),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19] => named("ML-DSA", None),
        _ if key.len() >= 16 => named("", None),
        _ => None,
    }
}

/// `ENCRYPTED PRIVATE KEY` (PKCS #8, `EncryptedPrivateKeyInfo`).
pub(super) fn encrypted_pkcs8(bytes: &[u8]) -> Option<Structure> {
    let mut values = sequence(bytes)?;
    Values(values.of(SEQUENCE)?).of(OBJECT_ID)?;
    let key = values.of(OCTET_STRING)?;
    (key.len() >= 16).then_some(Structure { algorithm: "", bits: None, encrypted: true })
}
