//! Private keys: found by their armour, told by their structure.
//!
//! In come the bytes of a file and the place of a literal, out goes a [`Key`]. A text that is only shaped like a key (a source that prints
//! `-----BEGIN …`, a document with dots for a body) is none; one whose body does not parse is a key of low confidence.

mod der;
mod openssh;
mod pem;
mod pgp;
mod public;
mod putty;

pub(super) use public::{SOURCE as PUBLISHED, hex};

use std::ops::Range;

use crate::facts::Confidence;

/// Longest key in bytes of text: an RSA key of 16384 bits takes 13 KiB, an OpenPGP block with a few subkeys less than this.
pub(super) const MAX_KEY: usize = 64 << 10;

/// What a key's structure tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Structure {
    /// `RSA`, `EC`, `Ed25519`, …
    algorithm: &'static str,
    /// Size, where it is cheap to tell.
    bits: Option<usize>,
    /// Needs a passphrase.
    encrypted: bool,
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
    /// What identifies it, where its structure was understood and it is in clear.
    pub(super) identity: Option<Vec<u8>>,
}

/// The key whose literal (`PRIVATE KEY` or `PuTTY-User-Key-File-`) stands at `at`.
pub(super) fn at(bytes: &[u8], at: usize) -> Option<Key> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(putty::MARK) { putty::read(bytes, at) } else { pem::read(bytes, at) }
}

/// The key of this structure, which was read from the decoded body `decoded`; none was understood where `structure` is none.
fn judge(range: Range<usize>, label: &str, decoded: Vec<u8>, structure: Option<Structure>) -> Key {
    let Some(structure) = structure else {
        let shown = format!("{label}, not understood");
        return Key { range, encrypted: false, confidence: Confidence::Low, shown, identity: None };
    };
    let bits = structure.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
    let encrypted = if structure.encrypted { ", encrypted" } else { "" };
    let algorithm = if structure.algorithm.is_empty() { String::new() } else { format!("{} ", structure.algorithm) };
    let mut shown = format!("{algorithm}private key{bits}{encrypted}");
    let mut confidence = Confidence::High;
    if let Some(place) = public::published(&decoded) {
        shown = format!("{shown}; published: {place}");
        confidence = Confidence::Low;
    }
    let identity = (!structure.encrypted).then_some(decoded);
    Key { range, encrypted: structure.encrypted, confidence, shown, identity }
}
