//! OpenSSH's own format of private keys (`PROTOCOL.key` in its source).

use super::Structure;

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// A string of the SSH wire format (RFC 4251, 5): length in four bytes, then the bytes.
pub(super) fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(content)
}

/// `OPENSSH PRIVATE KEY`.
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
    let (algorithm, bits) = public_key(public)?;
    Some(Structure { algorithm, bits, encrypted: cipher != b"none" })
}

/// Kind and size of a public key in wire format.
pub(super) fn public_key(mut blob: &[u8]) -> Option<(&'static str, Option<usize>)> {
    Some(match string(&mut blob)? {
        b"ssh-rsa" => {
            string(&mut blob)?;
            let modulus = string(&mut blob)?;
            ("RSA", Some(modulus.len().saturating_sub(usize::from(modulus.first() == Some(&0))) * 8))
        }
        b"ssh-dss" => ("DSA", None),
        b"ssh-ed25519" | b"sk-ssh-ed25519@openssh.com" => ("Ed25519", None),
        b"ecdsa-sha2-nistp256" | b"sk-ecdsa-sha2-nistp256@openssh.com" => ("EC", Some(256)),
        b"ecdsa-sha2-nistp384" => ("EC", Some(384)),
        b"ecdsa-sha2-nistp521" => ("EC", Some(521)),
        _ => return None,
    })
}
