//! OpenSSH's own format of private keys (`PROTOCOL.key` in its source), and public keys in wire format (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4).

use super::spki::{self, Curve};
use super::{Structure, tlv};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// A string of the SSH wire format (RFC 4251, 5): length in four bytes, then the bytes.
pub(super) fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(content)
}

/// `OPENSSH PRIVATE KEY`. The public half is in clear even where the private one is encrypted.
pub(super) fn read(bytes: &[u8]) -> Option<Structure> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let cipher = string(&mut rest)?;
    string(&mut rest)?;
    string(&mut rest)?;
    let (_, mut rest) = rest.split_first_chunk::<4>()?;
    let public = string(&mut rest)?;
    let private = string(&mut rest)?;
    if private.len() < 32 {
        return None;
    }
    // A kind of key that is not known is one all the same.
    let structure = public_key(public).unwrap_or_else(|| Structure::clear("", String::new(), Some(public.to_vec())));
    Some(Structure { encrypted: cipher != b"none", ..structure })
}

/// A private key in clear whose public half is this, in wire format.
pub(super) fn public_key(mut blob: &[u8]) -> Option<Structure> {
    let whole = blob;
    let curve = |name: &str, blob: &mut &[u8]| {
        let curve = Curve::named(name)?;
        string(blob)?;
        let public = spki::ec(curve, string(blob)?);
        Some(Structure::clear("EC", name.to_owned(), public))
    };
    match string(&mut blob)? {
        b"ssh-rsa" => {
            let (exponent, modulus) = (tlv::digits(string(&mut blob)?), tlv::digits(string(&mut blob)?));
            Some(Structure::clear("RSA", format!("{} bits", tlv::bits(modulus)), spki::rsa(modulus, exponent)))
        }
        b"ssh-dss" => Some(Structure::clear("DSA", String::new(), Some(whole.to_vec()))),
        b"ssh-ed25519" => Some(Structure::clear("Ed25519", String::new(), spki::ed25519(string(&mut blob)?))),
        b"ecdsa-sha2-nistp256" => curve("P-256", &mut blob),
        b"ecdsa-sha2-nistp384" => curve("P-384", &mut blob),
        b"ecdsa-sha2-nistp521" => curve("P-521", &mut blob),
        // Handles of keys that are on a token; without it they open nothing, but they are not meant to be public either.
        b"sk-ssh-ed25519@openssh.com" => {
            Some(Structure::clear("Ed25519 (on a token)", String::new(), Some(whole.to_vec())))
        }
        b"sk-ecdsa-sha2-nistp256@openssh.com" => {
            Some(Structure::clear("EC (on a token)", "P-256".to_owned(), Some(whole.to_vec())))
        }
        _ => None,
    }
}
