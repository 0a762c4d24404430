//! Bundles as bytes: the signature, and what vouches for it, in one JSON document.
//!
//! Source: `sigstore/protobuf-specs`, `sigstore_bundle.proto`; cosign `specs/BUNDLE_SPEC.md`.

use sigstore_types::Bundle;

use super::engine::MAX_BUNDLE_BYTES;
use super::rejection::Rejection;

/// Media types of bundles begin so, in all versions.
pub const MEDIA_TYPE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";

/// The media type that is written.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Reads a bundle of version 0.1, 0.2 or 0.3.
///
/// # Errors
/// When it is larger than [`MAX_BUNDLE_BYTES`], or not a bundle.
pub fn parse(bytes: &[u8]) -> Result<Bundle, Rejection> {
    if bytes.len() as u64 > MAX_BUNDLE_BYTES {
        return Err(Rejection::Malformed(format!("it is larger than {MAX_BUNDLE_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Rejection::Malformed("it is not UTF-8".into()))?;
    Bundle::from_json(text).map_err(|error| Rejection::Malformed(error.to_string()))
}
