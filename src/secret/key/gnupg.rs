//! GnuPG's own files of secret keys, `private-keys-v1.d/*.key` (GnuPG source, `agent/keyformat.txt`): an S-expression, canonical or readable.

use super::{Structure, spki, tlv};

/// Longest lead of the readable form: its lines of names stand before `Key:`.
const MAX_LEAD: usize = 4 << 10;

/// Whether a file begins as one.
pub(super) fn is(head: &[u8]) -> bool {
    let canonical = [&b"(11:private-key"[..], b"(21:protected-private-", b"(20:shadowed-private-k"];
    // The readable form is a list of names with values; the known first ones.
    let readable = [&b"Key: ("[..], b"Created: ", b"Use-for-ssh: ", b"OpenSSH-cert: ", b"Token: ", b"Label: "];
    canonical.iter().chain(&readable).any(|start| head.starts_with(start))
}

/// The key of a file; none for one that is on a token only.
pub(super) fn read(bytes: &[u8]) -> Option<Structure> {
    let lead = bytes.get(..bytes.len().min(MAX_LEAD))?;
    let mut words = Words(bytes.get(memchr::memchr(b'(', lead)?..)?);
    let encrypted = match words.next()?.as_slice() {
        b"private-key" => false,
        b"protected-private-key" => true,
        _ => return None,
    };
    let algorithm = words.next()?;
    let structure = |algorithm, size, public| Some(Structure { algorithm, size, encrypted, public });
    match algorithm.as_slice() {
        b"rsa" => {
            let (modulus, exponent) = (words.value(b"n")?, words.value(b"e")?);
            let (modulus, exponent) = (tlv::digits(&modulus), tlv::digits(&exponent));
            structure("RSA", format!("{} bits", tlv::bits(modulus)), spki::rsa(modulus, exponent))
        }
        b"ecc" => structure("EC", String::from_utf8_lossy(&words.value(b"curve")?).into_owned(), words.value(b"q")),
        b"dsa" => structure("DSA", format!("{} bits", tlv::bits(&words.value(b"p")?)), words.value(b"y")),
        b"elg" => structure("ElGamal", format!("{} bits", tlv::bits(&words.value(b"p")?)), words.value(b"y")),
        _ => None,
    }
}

/// The atoms of an S-expression, whatever list they are in.
struct Words<'a>(&'a [u8]);

impl Iterator for Words<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let from = self.0.iter().position(|byte| !b"() \t\r\n".contains(byte))?;
        let text = self.0.get(from..)?;
        let (word, rest) = match text.first()? {
            b'#' => {
                let end = 1 + memchr::memchr(b'#', text.get(1..)?)?;
                (unhex(text.get(1..end)?)?, text.get(end + 1..)?)
            }
            b'"' => {
                let end = 1 + memchr::memchr(b'"', text.get(1..)?)?;
                (text.get(1..end)?.to_vec(), text.get(end + 1..)?)
            }
            b'0'..=b'9' => {
                let colon = memchr::memchr(b':', text.get(..text.len().min(6))?)?;
                let length: usize = std::str::from_utf8(text.get(..colon)?).ok()?.parse().ok()?;
                let (word, rest) = text.get(colon + 1..)?.split_at_checked(length)?;
                (word.to_vec(), rest)
            }
            _ => {
                let end = text.iter().position(|byte| b"() \t\r\n".contains(byte))?;
                (text.get(..end)?.to_vec(), text.get(end..)?)
            }
        };
        self.0 = rest;
        Some(word)
    }
}

impl Words<'_> {
    /// What follows the atom `name`; the expression is read on from there.
    fn value(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        self.find(|word| word == name)?;
        self.next()
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
