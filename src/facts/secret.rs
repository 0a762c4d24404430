//! One secret that was seen, already masked: the value itself is never kept.

use serde::{Deserialize, Serialize};

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
}

impl Encoding {
    /// The field's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
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
}
