//! Putting blobs and manifests into a repository.
//!
//! What a registry answers decides where the bytes go, and nothing else: an upload's `Location` may be another host (that one gets no credentials of ours, and it is never this machine unless the
//! registry is here), and a digest that the registry names is not looked at.
//!
//! Source: OCI distribution-spec, "Push".

use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::answers::refusal;
use super::session::Session;
use crate::digest::Digest;
use crate::net::{Payload, Request};
use crate::source::SourceError;

const PHASE: &str = "uploading";

/// The header by which a registry says that it lists a manifest among its subject's referrers.
const OCI_SUBJECT: &str = "oci-subject";

/// Blobs above this many bytes go in pieces, so that no second copy of them is in memory; it is also the size of a piece. Registries may ask for larger ones.
const PIECE: usize = 16 << 20;

/// The header by which a registry asks for pieces of at least so many bytes.
const MIN_PIECE: &str = "oci-chunk-min-length";

/// Stores a blob, unless it is there: a small one in one request, a large one in pieces, or else in one where the registry does not take pieces.
pub(super) async fn blob(session: &Session, digest: &Digest, bytes: &[u8]) -> Result<(), SourceError> {
    if exists(session, digest).await? {
        return Ok(());
    }
    let what = format!("blob {digest} for `{}`", session.place());
    let begun = begin(session, &what).await?;
    if bytes.len() > PIECE
        && let Some(target) = pieces(session, &begun, bytes).await?
    {
        return end(session, target, digest, Bytes::new(), &what).await;
    }
    // An upload that was refused a piece is not to be gone on with.
    let target = if bytes.len() > PIECE { begin(session, &what).await?.target } else { begun.target };
    end(session, target, digest, Bytes::copy_from_slice(bytes), &what).await
}

/// An upload that a registry waits for.
struct Begun {
    target: Url,
    piece: usize,
}

async fn begin(session: &Session, what: &str) -> Result<Begun, SourceError> {
    let url = session.url(&format!("{}/blobs/uploads/", session.repository()), PHASE).await?;
    let answer = session.send(carrying(Request::get(url.clone(), PHASE), Method::POST, Bytes::new())).await?;
    if answer.status() != StatusCode::ACCEPTED {
        return Err(refusal(answer, what, PHASE).await);
    }
    let asked = answer.headers().get(MIN_PIECE).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // What it asks for beyond this, it gets in one request.
    let piece = asked.unwrap_or(0).clamp(PIECE, 16 * PIECE);
    Ok(Begun { target: location(session, &url, answer.headers())?, piece })
}

/// Where the registry wants what comes next.
fn location(session: &Session, base: &Url, headers: &HeaderMap) -> Result<Url, SourceError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| session.protocol(PHASE, "it does not say where to"))?;
    base.join(location).map_err(|error| session.protocol(PHASE, error.to_string()))
}

/// Sends the pieces of a blob; none where the registry does not take the first.
async fn pieces(session: &Session, begun: &Begun, bytes: &[u8]) -> Result<Option<Url>, SourceError> {
    let mut target = begun.target.clone();
    for (number, piece) in bytes.chunks(begun.piece).enumerate() {
        let start = number * begun.piece;
        let mut request = carrying(Request::get(target.clone(), PHASE), Method::PATCH, Bytes::copy_from_slice(piece));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let range = HeaderValue::try_from(format!("{start}-{}", start + piece.len() - 1));
        request.headers.insert(CONTENT_RANGE, range.map_err(|error| session.protocol(PHASE, error.to_string()))?);
        let answer = session.send(request).await?;
        if answer.status() == StatusCode::ACCEPTED {
            target = location(session, &target, answer.headers())?;
        } else if number == 0 && answer.status().is_client_error() {
            return Ok(None);
        } else {
            return Err(refusal(answer, "a piece of a blob", PHASE).await);
        }
    }
    Ok(Some(target))
}

/// Closes an upload with what is left of the blob.
async fn end(session: &Session, mut target: Url, digest: &Digest, rest: Bytes, what: &str) -> Result<(), SourceError> {
    target.query_pairs_mut().append_pair("digest", digest.as_str());
    let mut request = carrying(Request::get(target, PHASE), Method::PUT, rest);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let answer = session.send(request).await?;
    if answer.status() == StatusCode::CREATED { Ok(()) } else { Err(refusal(answer, what, PHASE).await) }
}

async fn exists(session: &Session, digest: &Digest) -> Result<bool, SourceError> {
    let url = session.url(&format!("{}/blobs/{digest}", session.repository()), PHASE).await?;
    let request = Request { method: Some(Method::HEAD), ..Request::get(url, PHASE) };
    let answer = session.send(request).await?;
    match answer.status() {
        StatusCode::OK => Ok(true),
        // A redirect to where blobs are kept: it is there.
        status if status.is_redirection() => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        _ => Err(refusal(answer, &format!("blob {digest}"), PHASE).await),
    }
}

/// Stores a manifest under a tag or digest; whether the registry lists it among the referrers of its subject.
pub(super) async fn manifest(
    session: &Session,
    reference: &str,
    media_type: &str,
    bytes: Bytes,
) -> Result<bool, SourceError> {
    let url = session.url(&format!("{}/manifests/{reference}", session.repository()), PHASE).await?;
    let mut headers = HeaderMap::new();
    let media_type = HeaderValue::try_from(media_type).map_err(|error| session.protocol(PHASE, error.to_string()))?;
    headers.insert(CONTENT_TYPE, media_type);
    let request = Request { headers, ..carrying(Request::get(url, PHASE), Method::PUT, bytes) };
    let answer = session.send(request).await?;
    if answer.status() != StatusCode::CREATED {
        return Err(refusal(answer, &format!("manifest `{reference}` for `{}`", session.place()), PHASE).await);
    }
    Ok(answer.headers().contains_key(OCI_SUBJECT))
}

fn carrying(request: Request, method: Method, bytes: Bytes) -> Request {
    Request { method: Some(method), payload: Some(Payload::Bytes(bytes)), ..request }
}
