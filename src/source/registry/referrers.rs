//! The list of what refers to a manifest, page by page.
//!
//! Source: OCI distribution-spec, "Listing Referrers"; RFC 8288 (`Link`).

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LINK};
use reqwest::{StatusCode, Url};

use super::answers::refusal;
use super::session::Session;
use crate::digest::Digest;
use crate::net::Answer;
use crate::source::repository::{Document, INDEX, MAX_REFERRERS, Stored};
use crate::source::{Descriptor, MAX_MANIFEST_BYTES, SourceError};

const PHASE: &str = "listing referrers";

/// Most pages of one list.
const MAX_PAGES: usize = 32;

/// What refers to `subject`; none where the registry has no such list.
pub(super) async fn list(session: &Session, subject: &Digest) -> Result<Option<Vec<Descriptor>>, SourceError> {
    let mut path = format!("{}/referrers/{subject}", session.repository());
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(INDEX))]);
        let answer = session.get(&path, &headers, PHASE).await?;
        match answer.status() {
            StatusCode::OK => {}
            // Registries without the API answer so (distribution-spec); on a later page it is a broken promise.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if found.is_empty() => return Ok(None),
            _ => return Err(refusal(answer, &format!("the referrers of `{subject}`"), PHASE).await),
        }
        let next = next_page(session, &answer).await?;
        found.extend(page(session, answer).await?);
        if found.len() > MAX_REFERRERS {
            return Err(session.protocol(PHASE, format!("there are more than {MAX_REFERRERS}")));
        }
        let Some(next) = next else { return Ok(Some(found)) };
        path = next;
    }
    Err(session.protocol(PHASE, format!("there are more than {MAX_PAGES} pages")))
}

async fn page(session: &Session, mut answer: Answer) -> Result<Vec<Descriptor>, SourceError> {
    let bytes = answer.body(usize::try_from(MAX_MANIFEST_BYTES).unwrap_or(usize::MAX)).await?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(session.protocol(PHASE, "a page is larger than 4 MiB"));
    }
    let stored = Stored { digest: Digest::sha256(&bytes), bytes, media_type: INDEX.to_owned() };
    let document = Document::parse(&stored).map_err(|error| session.protocol(PHASE, error.to_string()))?;
    // "manifests": null is what Go writes for an empty list; a page without the word is no list at all.
    let is_list = stored.bytes.windows(11).any(|window| window == b"\"manifests\"");
    match document.manifests {
        Some(manifests) => Ok(manifests),
        None if is_list => Ok(Vec::new()),
        None => Err(session.protocol(PHASE, "its answer is not an index")),
    }
}

/// The path of the next page, which must be of the same host.
async fn next_page(session: &Session, answer: &Answer) -> Result<Option<String>, SourceError> {
    let links = answer.headers().get_all(LINK).into_iter().filter_map(|link| link.to_str().ok());
    let Some(target) = links.flat_map(|links| links.split(',')).find_map(next) else { return Ok(None) };
    let base = session.url("", PHASE).await?;
    let url: Url = session.url(&target, PHASE).await?;
    if url.origin() != base.origin() {
        return Err(session.protocol(PHASE, "its next page is at another host"));
    }
    Ok(Some(url.to_string()))
}

/// The target of a `Link` that is the next page.
fn next(link: &str) -> Option<String> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|parameter| {
        parameter.trim().split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("rel") && value.trim_matches('"').eq_ignore_ascii_case("next")
        })
    });
    is_next.then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        assert_eq!(next(r#"</v2/a/referrers/x?n=2>; rel="next""#).as_deref(), Some("/v2/a/referrers/x?n=2"));
        assert_eq!(next("<x>; title=y; REL=next").as_deref(), Some("x"));
        for other in ["", "<x", "<x>", r#"<x>; rel="prev""#, "x; rel=next"] {
            assert_eq!(next(other), None, "{other}");
        }
    }
}
