//! Putting blobs and manifests into a repository.
//!
//! What a registry answers decides where the bytes go, and nothing else: an upload's `Location` may be another host (that one gets no credentials of ours, and it is never this machine unless the
//! registry is here), and a digest that the registry names is not looked at.
//!
//! Source: OCI distribution-spec, "Push".

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::answers::refusal;
use super::session::Session;
use crate::digest::Digest;
use crate::net::{Payload, Request};
use crate::source::SourceError;
use crate::source::repository::Put;

const PHASE: &str = "uploading";

/// The header by which a registry says that it lists a manifest among its subject's referrers.
const OCI_SUBJECT: &str = "oci-subject";

/// Stores a blob, unless it is there: taken over from the repository that the session may read too, else in one request. Pieces are not used, since some registries refuse
/// the second one. An upload that breaks off is begun again; the client's own repetition would go on with one that the registry may have given up.
pub(super) async fn blob(session: &Session, digest: &Digest, content: &Payload) -> Result<Put, SourceError> {
    if exists(session, digest).await? {
        return Ok(Put::Present);
    }
    let what = format!("blob {digest} for `{}`", session.place());
    let attempts = if matches!(content, Payload::Stream(_)) { session.transport().settings().attempts } else { 1 };
    let mut repetition = 0;
    loop {
        let Some(target) = begin(session, digest, &what).await? else { return Ok(Put::Mounted) };
        match send(session, target, digest, content, &what).await {
            Err(error) if repetition + 1 < attempts && is_passing(&error) => {
                session.transport().back_off(session.host(), PHASE, repetition).await?;
                repetition += 1;
            }
            outcome => return outcome.map(|()| Put::Sent),
        }
    }
}

fn is_passing(error: &SourceError) -> bool {
    matches!(error, SourceError::Server { .. } | SourceError::Unreachable { .. } | SourceError::TimedOut { .. })
}

/// Begins an upload; none where the registry has the blob elsewhere and took it from there.
async fn begin(session: &Session, digest: &Digest, what: &str) -> Result<Option<Url>, SourceError> {
    let url = session.url(&format!("{}/blobs/uploads/", session.repository()), PHASE).await?;
    let mut begun = None;
    for from in session.readable() {
        let mut mount = url.clone();
        mount.query_pairs_mut().extend_pairs([("mount", digest.as_str()), ("from", from)]);
        let request = carrying(Request::get(mount, PHASE), Method::POST, Payload::Bytes(Bytes::new()));
        match session.send(request).await {
            Ok(answer) if answer.status() == StatusCode::CREATED => return Ok(None),
            // It has begun an upload instead; another repository may still have the blob.
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                begun = Some(location(session, &url, answer.headers())?);
            }
            // Whatever else it says, and whoever may not read there: the blob can still be sent.
            Ok(_) | Err(SourceError::Unauthorized { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if begun.is_some() {
        return Ok(begun);
    }
    let request = carrying(Request::get(url.clone(), PHASE), Method::POST, Payload::Bytes(Bytes::new()));
    let answer = session.send(request).await?;
    if answer.status() != StatusCode::ACCEPTED {
        return Err(refusal(answer, what, PHASE).await);
    }
    location(session, &url, answer.headers()).map(Some)
}

/// Where the registry wants what comes next.
fn location(session: &Session, base: &Url, headers: &HeaderMap) -> Result<Url, SourceError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| session.protocol(PHASE, "it does not say where to"))?;
    base.join(location).map_err(|error| session.protocol(PHASE, error.to_string()))
}

/// Sends a blob whole (distribution-spec, "POST then PUT").
async fn send(
    session: &Session,
    mut target: Url,
    digest: &Digest,
    content: &Payload,
    what: &str,
) -> Result<(), SourceError> {
    target.query_pairs_mut().append_pair("digest", digest.as_str());
    let mut request = carrying(Request::get(target, PHASE), Method::PUT, content.clone());
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
    let request = Request { headers, ..carrying(Request::get(url, PHASE), Method::PUT, Payload::Bytes(bytes)) };
    let answer = session.send(request).await?;
    if answer.status() != StatusCode::CREATED {
        return Err(refusal(answer, &format!("manifest `{reference}` for `{}`", session.place()), PHASE).await);
    }
    Ok(answer.headers().contains_key(OCI_SUBJECT))
}

fn carrying(request: Request, method: Method, payload: Payload) -> Request {
    Request { method: Some(method), payload: Some(payload), ..request }
}
