//! One secret that was seen, already masked: the value itself is kept only in a run that was asked for it, and never written anywhere.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

/// How sure a rule is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Looks like one; a placeholder or a failed checksum is likely.
    Low,
    /// The form fits, nothing proves it.
    Medium,
    /// The form is unmistakable, or a checksum or a parser confirms it.
    High,
}

/// What a secret was encoded with where it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// base64, of either alphabet (RFC 4648).
    Base64,
    /// Two hex digits a byte.
    Hex,
    /// Percent (RFC 3986) or `\u` (RFC 8259) before some characters.
    Escapes,
}

impl Encoding {
    /// The field's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Escapes => "escapes",
        }
    }
}

/// A secret in a file or in the image configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SecretFact {
    /// Id of the rule that found it (`github-pat`, `private-key`); severity, title and remediation are the rule's.
    pub rule: String,
    /// How sure.
    pub confidence: Confidence,
    /// What may be shown: a token's public prefix with the rest masked, a key's kind and bits; never the whole value, nothing at all of a password.
    pub masked: String,
    /// Name of the key, variable or section that held it (`AWS_SECRET_ACCESS_KEY`, `registry.example`), where there is one.
    pub key: Option<String>,
    /// Line in the file, from 1; none in binaries.
    pub line: Option<u32>,
    /// Offset of the match in the file, in bytes.
    pub offset: u64,
    /// SHA-256 of the value, in hex, only where the rule's format guarantees at least 80 bits of entropy (a hash of a password would hand it to a dictionary).
    pub fingerprint: Option<String>,
    /// What it had to be decoded from; its place is that of the encoded characters.
    pub encoding: Option<Encoding>,
    /// Its line says `gitleaks:allow` or `imgguard:allow`. That is a fact and no judgement: whoever made the image may have written it.
    pub allowed_inline: bool,
    /// The value in clear, only in a run that was asked for it; never serialised, so a cache cannot hold it.
    #[serde(skip)]
    pub value: Option<SecretValue>,
}

/// A secret in clear. It has no `Debug` that shows it, is not serialised, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Keeps a copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The value. Whoever asks must not log, cache or hash it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(********)")
    }
}

impl Drop for SecretValue {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
