//! What stands around a bill: an in-toto statement, a DSSE envelope, a Sigstore bundle. They are opened, not verified.
//!
//! Sources: in-toto Statement v0.1 and v1; DSSE `envelope.md`; Sigstore `Bundle`; cosign's older predicates, which hold the bill in `Data`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::malformed;
use crate::source::SourceError;

/// Most wrappings of each other: a bundle, an envelope, a statement, cosign's `Data`, and one to spare.
const MAX_WRAPPINGS: usize = 5;

/// What is around a bill, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seal {
    /// Nothing: the file is the bill.
    #[default]
    None,
    /// An in-toto statement without a signature, as BuildKit attaches it.
    Statement,
    /// A DSSE envelope.
    Envelope,
    /// A Sigstore bundle.
    Bundle,
}

/// The members that tell a wrapping; a bill has none of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wrapping<'a> {
    #[serde(borrow, default)]
    dsse_envelope: Option<&'a RawValue>,
    #[serde(default)]
    payload: Option<String>,
    #[serde(borrow, default)]
    predicate: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "Data")]
    data: Option<&'a RawValue>,
}

/// The document inside of all wrappings, and the strongest of them. Of several documents in a row (`.intoto.jsonl`) the first one counts.
pub(super) fn open(text: &str) -> Result<(Cow<'_, str>, Seal), SourceError> {
    let first = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().next();
    let first = first.unwrap_or_else(|| serde_json::from_str(text)).map_err(not_json)?;
    let mut document = Cow::Borrowed(first.get());
    let mut seal = Seal::None;
    for _ in 0..MAX_WRAPPINGS {
        let Some((inner, around)) = unwrap(&document)? else { return Ok((document, seal)) };
        seal = seal.max(around);
        document = Cow::Owned(inner);
    }
    Err(malformed(format!("it is wrapped more than {MAX_WRAPPINGS} times")))
}

pub(crate) fn unwrap(document: &str) -> Result<Option<(String, Seal)>, SourceError> {
    let wrapping: Wrapping<'_> = serde_json::from_str(document).map_err(not_json)?;
    if let Some(envelope) = wrapping.dsse_envelope {
        return Ok(Some((envelope.get().to_owned(), Seal::Bundle)));
    }
    if let Some(payload) = wrapping.payload {
        // DSSE: "either standard or URL-safe encoding".
        let bytes = STANDARD.decode(&payload).or_else(|_| URL_SAFE.decode(&payload));
        let bytes = bytes.map_err(|error| malformed(format!("the envelope's payload is not base64: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| malformed("the envelope's payload is not UTF-8"))?;
        return Ok(Some((text, Seal::Envelope)));
    }
    let Some(inner) = wrapping.predicate.or(wrapping.data) else { return Ok(None) };
    // cosign wrote the bill as a text before it wrote it as an object.
    let text = serde_json::from_str::<String>(inner.get()).unwrap_or_else(|_| inner.get().to_owned());
    Ok(Some((text, Seal::Statement)))
}

fn not_json(error: serde_json::Error) -> SourceError {
    malformed(format!("it is not JSON: {error}"))
}
