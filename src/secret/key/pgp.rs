//! OpenPGP secret keys (RFC 9580, 5.5.3): the first packet of an armoured block.

use super::Structure;

/// `PGP PRIVATE KEY BLOCK`.
pub(super) fn read(bytes: &[u8]) -> Option<Structure> {
    let body = secret_key_packet(bytes)?;
    let (&version, rest) = body.split_first()?;
    // Creation time; version 3 also has two bytes of validity, versions 5 and 6 the length of the public material.
    let skip = match version {
        4 => 4,
        3 => 6,
        5 | 6 => 8,
        _ => return None,
    };
    // In version 5 and 6 the length stands behind the algorithm.
    let (&algorithm, rest) = rest.get(if skip == 8 { 4 } else { skip }..)?.split_first()?;
    let mut material = if skip == 8 { rest.get(4..)? } else { rest };
    let (name, bits) = match algorithm {
        1..=3 => {
            let bits = integer(&mut material)?;
            integer(&mut material)?;
            ("OpenPGP RSA", Some(bits))
        }
        17 => {
            let bits = integer(&mut material)?;
            for _ in 0..3 {
                integer(&mut material)?;
            }
            ("OpenPGP DSA", Some(bits))
        }
        19 | 22 => {
            let (&length, rest) = material.split_first()?;
            material = rest.get(usize::from(length)..)?;
            integer(&mut material)?;
            (if algorithm == 22 { "OpenPGP EdDSA" } else { "OpenPGP EC" }, None)
        }
        25 | 27 => {
            material = material.get(32..)?;
            ("OpenPGP Ed25519", None)
        }
        _ => return None,
    };
    // String-to-key usage: 0 is in clear.
    let usage = *material.first()?;
    Some(Structure { algorithm: name, bits, encrypted: usage != 0 })
}

/// A multiprecision integer's bits.
fn integer(bytes: &mut &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let bits = usize::from(u16::from_be_bytes(*length));
    *bytes = rest.get(bits.div_ceil(8)..)?;
    Some(bits)
}

/// The body of the first packet, if that is a secret key (tag 5); both header formats.
fn secret_key_packet(bytes: &[u8]) -> Option<&[u8]> {
    let (&header, rest) = bytes.split_first()?;
    let (tag, length_type) = if header & 0x40 == 0 { ((header >> 2) & 15, header & 3) } else { (header & 63, 4) };
    if header & 0x80 == 0 || tag != 5 {
        return None;
    }
    let (length, rest) = match (length_type, rest) {
        (0, [a, rest @ ..]) => (usize::from(*a), rest),
        (1, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        (4, [a @ 0..=191, rest @ ..]) => (usize::from(*a), rest),
        (4, [a @ 192..=223, b, rest @ ..]) => (((usize::from(*a) - 192) << 8) + usize::from(*b) + 192, rest),
        (2, [a, b, c, d, rest @ ..]) | (4, [255, a, b, c, d, rest @ ..]) => {
            (usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?, rest)
        }
        _ => return None,
    };
    rest.get(..length)
}
