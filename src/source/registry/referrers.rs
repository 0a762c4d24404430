//! The list of what refers to a manifest.
//!
//! Source: OCI distribution-spec, "Listing Referrers".

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};

use super::session::Session;
use crate::digest::Digest;
use crate::source::repository::{Document, INDEX, MAX_REFERRERS, Stored};
use crate::source::{Descriptor, SourceError};

const PHASE: &str = "listing referrers";

/// What refers to `subject`; none where the registry has no such list, which it says with 404.
pub(super) async fn list(session: &Session, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError> {
    let path = format!("{}/referrers/{subject}", session.repository());
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(INDEX))]);
    let pages = match session.pages(&path, &headers, PHASE).await {
        Err(SourceError::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let mut found = Vec::new();
    for bytes in pages {
        found.extend(page(session, bytes)?);
        if found.len() > MAX_REFERRERS {
            return Err(session.protocol(PHASE, format!("there are more than {MAX_REFERRERS}")));
        }
    }
    Ok(Some(found))
}

fn page(session: &Session, bytes: Vec<u8>) -> Result<Vec<Descriptor>, SourceError> {
    let stored = Stored { digest: Digest::sha256(&bytes), bytes, media_type: INDEX.to_owned() };
    let document = Document::parse(&stored).map_err(|error| session.protocol(PHASE, error.to_string()))?;
    // "manifests": null is what Go writes for an empty list; a page without the word is no list at all.
    let is_list = memchr::memmem::find(&stored.bytes, b"\"manifests\"").is_some();
    match document.manifests {
        Some(manifests) => Ok(manifests),
        None if is_list => Ok(Vec::new()),
        None => Err(session.protocol(PHASE, "its answer is not an index")),
    }
}
