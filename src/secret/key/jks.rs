//! Java's keystores, JKS and JCEKS (OpenJDK `sun.security.provider.JavaKeyStore`, `com.sun.crypto.provider.JceKeyStore`).
//!
//! Entries stand in clear with the certificates of each key, so a key is told without opening it. The last 20 bytes are a SHA-1 under the store's
//! password, which tells whether a well-known one opens it.

use sha1::{Digest, Sha1};

use super::file::Held;
use super::{KNOWN_PASSWORDS, Structure, spki, tlv};

/// Most entries that are read; a truststore has 150.
const MAX_ENTRIES: u32 = 10_000;

/// Bytes of the SHA-1 at the end.
const DIGEST: usize = 20;

/// What the digest has between password and content, in Java's own words.
const WHITENER: &[u8] = b"Mighty Aphrodite";

const PRIVATE_KEY: u32 = 1;
const CERTIFICATE: u32 = 2;

/// The private keys of a keystore.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Held>> {
    let content = bytes.get(..bytes.len().checked_sub(DIGEST)?)?;
    let mut reader = Reader(content.get(4..)?);
    let version = reader.number()?;
    let count = reader.number()?.min(MAX_ENTRIES);
    let mut keys = Vec::new();
    for _ in 0..count {
        let kind = reader.number()?;
        let alias = String::from_utf8_lossy(reader.text()?).into_owned();
        reader.take(8)?;
        match kind {
            PRIVATE_KEY => {
                let sealed = reader.block()?;
                let chain = reader.number()?;
                let mut own = None;
                for _ in 0..chain {
                    let certificate = reader.certificate(version)?;
                    own.get_or_insert(certificate);
                }
                keys.push((alias, own.and_then(public_half).unwrap_or_else(Structure::sealed), sealed));
            }
            CERTIFICATE => drop(reader.certificate(version)?),
            // JCEKS: a secret key as a serialized Java object, whose length is nowhere; what follows is not read.
            _ => break,
        }
    }
    let password = (!keys.is_empty()).then(|| password(bytes, content)).flatten();
    let held = |(alias, structure, sealed)| Held::stored(alias, structure, sealed, "a Java keystore", password);
    Some(keys.into_iter().map(held).collect())
}

/// The well-known password that the store's digest is right for.
fn password(bytes: &[u8], content: &[u8]) -> Option<&'static str> {
    let digest = bytes.get(content.len()..)?;
    let opens = |password: &&&str| {
        let mut hash = Sha1::new();
        password.encode_utf16().for_each(|unit| hash.update(unit.to_be_bytes()));
        hash.update(WHITENER);
        hash.update(content);
        hash.finalize().as_slice() == digest
    };
    KNOWN_PASSWORDS.iter().find(opens).copied()
}

/// What a certificate (RFC 5280) tells of its key.
fn public_half(certificate: &[u8]) -> Option<Structure> {
    let mut fields = tlv::sequence(certificate)?.inside(tlv::SEQUENCE)?;
    fields.of(tlv::CONTEXT_0);
    // Serial number, signature, issuer, validity, subject.
    for _ in 0..5 {
        fields.next()?;
    }
    spki::describe(fields.encoded()?)
}

/// Java's `DataInputStream`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        self.take(usize::from(u16::from_be_bytes(*length)))
    }

    fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn certificate(&mut self, version: u32) -> Option<&'a [u8]> {
        if version == 2 {
            self.text()?;
        }
        self.block()
    }
}
