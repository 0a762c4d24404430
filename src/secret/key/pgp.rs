//! OpenPGP secret keys (RFC 9580, 5.5.3): the first packet of an armoured block or of a binary file.

use sha1::{Digest, Sha1};

use super::Structure;

/// `PGP PRIVATE KEY BLOCK`, or a file of packets.
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
    let (name, mut size) = public_material(algorithm, &mut material)?;
    // String-to-key usage: 0 is in clear.
    let usage = *material.first()?;
    let public = body.get(..body.len() - material.len())?;
    if version == 4 {
        let comma = if size.is_empty() { "" } else { ", " };
        size = format!("{size}{comma}key id {:016X}", key_id(public));
    }
    Some(Structure { algorithm: name, size, encrypted: usage != 0, public: Some(public.to_vec()) })
}

/// Kind and size; `material` is moved behind the public numbers.
fn public_material(algorithm: u8, material: &mut &[u8]) -> Option<(&'static str, String)> {
    let sized = |bits: usize| format!("{bits} bits");
    Some(match algorithm {
        1..=3 => {
            let bits = integer(material)?;
            integer(material)?;
            ("OpenPGP RSA", sized(bits))
        }
        16 | 17 => {
            let bits = integer(material)?;
            for _ in 0..if algorithm == 17 { 3 } else { 2 } {
                integer(material)?;
            }
            (if algorithm == 17 { "OpenPGP DSA" } else { "OpenPGP ElGamal" }, sized(bits))
        }
        19 | 22 => {
            let (&length, rest) = material.split_first()?;
            *material = rest.get(usize::from(length)..)?;
            integer(material)?;
            (if algorithm == 22 { "OpenPGP EdDSA" } else { "OpenPGP EC" }, String::new())
        }
        25 | 27 => {
            *material = material.get(32..)?;
            (if algorithm == 25 { "OpenPGP X25519" } else { "OpenPGP Ed25519" }, String::new())
        }
        26 | 28 => {
            *material = material.get(if algorithm == 26 { 56 } else { 57 }..)?;
            (if algorithm == 26 { "OpenPGP X448" } else { "OpenPGP Ed448" }, String::new())
        }
        _ => return None,
    })
}

/// The last eight bytes of a version 4 fingerprint (RFC 9580, 5.5.4.2).
fn key_id(public: &[u8]) -> u64 {
    let length = u16::try_from(public.len()).unwrap_or_default();
    let fingerprint =
        Sha1::new().chain_update([0x99]).chain_update(length.to_be_bytes()).chain_update(public).finalize();
    fingerprint.iter().rev().take(8).rev().fold(0, |id, byte| id << 8 | u64::from(*byte))
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
