//! PyPI's tokens.

use super::{Verdict, decode_base64};

/// The body is a macaroon of version 2 (libmacaroons, `doc/format.txt`) whose location is an index of the Python Package Authority.
pub(super) fn pypi(token: &[u8]) -> Verdict {
    let Some(bytes) = token.strip_prefix(b"pypi-").and_then(decode_base64) else { return Verdict::Invalid };
    let located = |location: &[u8]| {
        let length = u8::try_from(location.len()).unwrap_or_default();
        bytes.starts_with(&[&[2, 1, length][..], location, &[2]].concat())
    };
    Verdict::of(located(b"pypi.org") || located(b"test.pypi.org"))
}
