//! Kerberos keytabs (MIT krb5 documentation, "Keytab file format", version 2): long-term keys of principals.

use super::file::{Held, KERBEROS};
use crate::facts::Confidence;

/// Most entries that are told; a busy host has some dozens.
const MAX_ENTRIES: usize = 200;

/// The entries of a keytab. A file that only begins like one has none.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Held>> {
    let mut rest = bytes.get(2..)?;
    let mut held: Vec<Held> = Vec::new();
    while held.len() < MAX_ENTRIES {
        let Some((size, after)) = rest.split_first_chunk() else { break };
        let size = i32::from_be_bytes(*size);
        // Zero ends the file, a negative size is a hole that an entry left.
        if size == 0 {
            break;
        }
        let (entry, after) = after.split_at_checked(usize::try_from(size.unsigned_abs()).ok()?)?;
        rest = after;
        if size > 0 {
            held.push(read_entry(entry)?);
        }
    }
    Some(held)
}

fn read_entry(mut entry: &[u8]) -> Option<Held> {
    let components = number(&mut entry)?;
    let realm = counted(&mut entry)?;
    let mut name = Vec::new();
    for index in 0..components {
        if index > 0 {
            name.push(b'/');
        }
        name.extend_from_slice(counted(&mut entry)?);
    }
    // Name type, time and a key version of one byte.
    entry = entry.get(9..)?;
    let kind = number(&mut entry)?;
    let key = counted(&mut entry)?;
    let known = encryption(kind);
    if key.is_empty() || name.is_empty() || known.is_empty() {
        return None;
    }
    let principal = format!("{}@{}", String::from_utf8_lossy(&name), String::from_utf8_lossy(realm));
    Some(Held {
        rule: KERBEROS,
        name: principal,
        confidence: Confidence::High,
        shown: format!("Kerberos key, {known}"),
        identity: None,
    })
}

/// Names of encryption types (IANA, "Kerberos Encryption Type Numbers").
fn encryption(kind: u16) -> &'static str {
    match kind {
        1 => "des-cbc-crc",
        3 => "des-cbc-md5",
        16 => "des3-cbc-sha1",
        17 => "aes128-cts-hmac-sha1-96",
        18 => "aes256-cts-hmac-sha1-96",
        19 => "aes128-cts-hmac-sha256-128",
        20 => "aes256-cts-hmac-sha384-192",
        23 => "rc4-hmac",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        _ => "",
    }
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}

fn counted<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(bytes)?;
    let (content, rest) = bytes.split_at_checked(usize::from(length))?;
    *bytes = rest;
    Some(content)
}
