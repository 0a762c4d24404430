//! JSON Web Tokens (RFC 7519).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Verdict;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes either alphabet of base 64, padded or not.
pub(in crate::secret) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn object(part: Option<&[u8]>) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(&decode_base64(part?)?).ok()
}

/// Claims that a token which opens something has at least one of (RFC 7519, 4.1, without `sub` and `aud`, which examples have too).
const CLAIMS: [&str; 5] = ["exp", "iat", "nbf", "iss", "jti"];

/// 2026-01-01T00:00:00Z in seconds. There is no clock here, but what expired before this program was written has expired.
const SURELY_EXPIRED: f64 = 1_767_225_600.0;

/// The header must be an object with `alg`, the payload an object; a token signed by no one is worth nothing, nor is one that has surely
/// expired or that claims nothing. Nothing proves that a JWT is a credential, so a right one keeps its rule's confidence. jwt.io's example
/// (`John Doe`) is in half of all documents.
pub(super) fn jwt(token: &[u8]) -> Verdict {
    let mut parts = token.split(|byte| *byte == b'.');
    let Some(header) = object(parts.next()) else { return Verdict::Other };
    let Some(algorithm) = header.get("alg").and_then(serde_json::Value::as_str) else { return Verdict::Other };
    let Some(payload) = object(parts.next()) else { return Verdict::Other };
    let is = |claim: &str, value: &str| payload.get(claim).and_then(serde_json::Value::as_str) == Some(value);
    let public = is("role", "anon") || is("name", "John Doe") || is("sub", "1234567890");
    let idle = !CLAIMS.iter().any(|claim| payload.contains_key(*claim));
    let expiry = payload.get("exp").and_then(serde_json::Value::as_f64);
    if public || idle || expiry.is_some_and(|expiry| expiry < SURELY_EXPIRED) || algorithm.eq_ignore_ascii_case("none")
    {
        Verdict::Invalid
    } else {
        Verdict::Unknown
    }
}

/// A prefixed token whose body begins with a JSON object in base 64 (`eyJ…`).
pub(super) fn inside(token: &[u8]) -> Verdict {
    let Some(at) = memchr::memmem::find(token, b"eyJ") else { return Verdict::Unknown };
    let body = token.get(at..).unwrap_or_default();
    let body = body.split(|byte| matches!(byte, b'_' | b'.')).next().unwrap_or_default();
    // An underscore may also be part of the url-safe alphabet; what was cut off is then not looked at.
    let head = body.get(..body.len() & !3).and_then(decode_base64).unwrap_or_default();
    if head.starts_with(b"{\"") { Verdict::Valid } else { Verdict::Invalid }
}
