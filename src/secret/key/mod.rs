//! Private keys: found by their armour or their file's structure, and told by what they are.
//!
//! Two ways lead here. A literal of a rule stands in a text: [`at`] reads the key around it (PEM, OpenPGP armour, PuTTY, JWK). Or a whole file is
//! of a format of keys: [`file`] lists what it holds (DER, OpenPGP packets, GnuPG, PKCS #12, Java keystores, Kerberos keytabs).
//! A text that is only shaped like a key (a source that prints `-----BEGIN …`, a document with dots for a body) is none; one whose body does
//! not parse is a key of low confidence.
//!
//! Keys are identified by the SHA-256 of their public half ([`spki`]): it is the same in every format, a certificate has it, too, and it tells
//! nothing of the private half.

mod der;
pub(super) mod file;
mod gnupg;
mod jks;
mod jwk;
mod keytab;
mod openssh;
mod pem;
mod pgp;
mod pkcs12;
mod public;
mod putty;
mod spki;
mod tlv;

pub(super) use public::{SOURCE as PUBLISHED, hex, published};

use std::ops::Range;

use crate::facts::Confidence;

/// Longest key in bytes of text: an RSA key of 16384 bits takes 13 KiB, an OpenPGP block with a few subkeys less than this.
pub(super) const MAX_KEY: usize = 64 << 10;

/// Passwords that tools set or documents use, so that everybody has them: Java's for its keystores, Google's for its P12 keys, and those of the
/// field's tutorials. What they lock is open. Each is tried, so the list stays short.
const KNOWN_PASSWORDS: &[&str] =
    &["changeit", "", "notasecret", "password", "changeme", "secret", "123456", "test", "keystore"];

/// What a key's structure tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Structure {
    /// `RSA`, `EC`, `Ed25519`, …; empty where it is not told.
    algorithm: &'static str,
    /// Its size or curve, where it has several; else empty.
    size: String,
    /// Needs a passphrase.
    encrypted: bool,
    /// What identifies it: its public half as `SubjectPublicKeyInfo`, or in its own format where it has no such form.
    public: Option<Vec<u8>>,
}

impl Structure {
    fn clear(algorithm: &'static str, size: String, public: Option<Vec<u8>>) -> Self {
        Self { algorithm, size, encrypted: false, public }
    }

    /// Ciphertext that does not tell what is in it.
    fn sealed() -> Self {
        Self { encrypted: true, ..Self::default() }
    }

    /// In words: `RSA private key, 2048 bits, encrypted`.
    fn words(&self) -> String {
        let (space, comma) =
            (if self.algorithm.is_empty() { "" } else { " " }, if self.size.is_empty() { "" } else { ", " });
        let encrypted = if self.encrypted { ", encrypted" } else { "" };
        format!("{}{space}private key{comma}{}{encrypted}", self.algorithm, self.size)
    }
}

/// A private key in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// Needs a passphrase.
    pub(super) encrypted: bool,
    /// How sure.
    pub(super) confidence: Confidence,
    /// What may be shown.
    pub(super) shown: String,
    /// What identifies it, where its structure was understood and it is in clear or tells its public half.
    pub(super) identity: Option<Vec<u8>>,
}

/// The key whose literal (`PRIVATE KEY`, `PuTTY-User-Key-File-` or `"kty"`) stands at `at`.
pub(super) fn at(bytes: &[u8], at: usize) -> Option<Key> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(putty::MARK) {
        putty::read(bytes, at)
    } else if rest.starts_with(jwk::MARK) {
        jwk::read(bytes, at)
    } else {
        pem::read(bytes, at)
    }
}

/// The key of this structure, which was read from the decoded body `decoded`; none was understood where `structure` is none.
fn judge(range: Range<usize>, label: &str, decoded: Vec<u8>, structure: Option<Structure>) -> Key {
    let Some(structure) = structure else {
        let shown = format!("{label}, not understood");
        return Key { range, encrypted: false, confidence: Confidence::Low, shown, identity: None };
    };
    let (confidence, shown) = told(structure.words(), structure.public.as_deref(), &decoded);
    let encrypted = structure.encrypted;
    let identity = structure.public.or_else(|| (!encrypted).then_some(decoded));
    Key { range, encrypted, confidence, shown, identity }
}

/// How sure a key is that was understood, and its words with where it is published, if it is.
fn told(words: String, public: Option<&[u8]>, decoded: &[u8]) -> (Confidence, String) {
    let place = public.and_then(published).or_else(|| published(decoded));
    match place {
        Some(place) => (Confidence::Low, format!("{words}; published: {place}")),
        None => (Confidence::High, words),
    }
}
