//! in-toto statements that builders attach to images: a document to search, and the arguments that the build was given.

use std::borrow::Cow;

use serde_json::Value;

use super::parse;
use super::validate::decode_base64;

/// How BuildKit names an argument among the parameters of a build (BuildKit `docs/attestations/slsa-definitions.md`).
const ARGUMENT: &str = "build-arg:";

/// The statement in an envelope (DSSE, `envelope.md`), or in Sigstore's bundle around one; else the document itself.
pub(super) fn unwrap(document: &[u8]) -> Cow<'_, [u8]> {
    let payload = || {
        let outer: Value = serde_json::from_slice(document).ok()?;
        let envelope = outer.get("dsseEnvelope").unwrap_or(&outer);
        envelope.get("payloadType")?;
        decode_base64(envelope.get("payload")?.as_str()?.as_bytes())
    };
    payload().map_or(Cow::Borrowed(document), Cow::Owned)
}

/// The build's arguments, wherever the form of the statement has them.
pub(super) fn arguments(statement: &[u8]) -> Vec<(String, String)> {
    let Ok(document) = serde_json::from_slice(statement) else { return Vec::new() };
    let mut arguments = Vec::new();
    parse::walk_json(&document, &mut |_, name, value| {
        if let Some(name) = name.strip_prefix(ARGUMENT) {
            arguments.push((name.to_owned(), value.to_owned()));
        }
    });
    arguments
}
