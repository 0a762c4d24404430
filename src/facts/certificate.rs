//! One X.509 certificate that was seen: public, and there to tell whose a private key is, and later whether it has expired.

use serde::{Deserialize, Serialize};

/// A certificate in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct CertificateFact {
    /// SHA-256 of its `SubjectPublicKeyInfo`, in hex: the fingerprint of the private key that belongs to it.
    pub key: String,
    /// Whom it names (RFC 4514), at most 256 bytes.
    pub subject: String,
    /// Who signed it, likewise.
    pub issuer: String,
    /// When its validity begins, in seconds since 1970.
    pub not_before: u64,
    /// When it ends, likewise.
    pub not_after: u64,
    /// It may sign others.
    pub is_authority: bool,
}
