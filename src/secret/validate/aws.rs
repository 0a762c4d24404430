//! AWS access keys.

use super::{Verdict, entropy, looks_random};

/// Key ids are a prefix of four and 16 digits of base 32 that hold the account number (since 2019); documents use ids that end in `EXAMPLE`.
pub(super) fn key_id(id: &[u8]) -> Verdict {
    let body = id.get(4..).unwrap_or_default();
    if body.ends_with(b"EXAMPLE") || entropy(body) < 2.5 {
        return Verdict::Invalid;
    }
    let base32 = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7');
    if body.len() == 16 && body.iter().all(base32) { Verdict::Unknown } else { Verdict::Invalid }
}

/// Secret keys are 30 random bytes in base 64; a path, a word list or a hash in hex is none.
pub(super) fn secret(secret: &[u8]) -> Verdict {
    if secret.iter().all(u8::is_ascii_hexdigit) {
        return Verdict::Other;
    }
    if memchr::memmem::find(secret, b"EXAMPLE").is_some() {
        return Verdict::Invalid;
    }
    if looks_random(secret) && entropy(secret) >= 4.0 { Verdict::Unknown } else { Verdict::Invalid }
}
