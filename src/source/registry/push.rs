//! Putting blobs and manifests into a repository.
//!
//! What a registry answers decides where the bytes go, and nothing else: an upload's `Location` may be another host (that one gets no credentials of ours, and it is never this machine unless the
//! registry is here), and a digest that the registry names is not looked at.
//!
//! Source: OCI distribution-spec, "Push".

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};

use super::answers::refusal;
use super::session::Session;
use crate::digest::Digest;
use crate::net::{Payload, Request};
use crate::source::SourceError;

const PHASE: &str = "uploading";

/// The header by which a registry says that it lists a manifest among its subject's referrers.
const OCI_SUBJECT: &str = "oci-subject";

/// Stores a blob in one request, unless it is there.
pub(super) async fn blob(session: &Session, digest: &Digest, bytes: Bytes) -> Result<(), SourceError> {
    if exists(session, digest).await? {
        return Ok(());
    }
    let what = format!("blob {digest} for `{}`", session.place());
    let url = session.url(&format!("{}/blobs/uploads/", session.repository()), PHASE).await?;
    let answer = session.send(carrying(Request::get(url.clone(), PHASE), Method::POST, Bytes::new())).await?;
    if answer.status() != StatusCode::ACCEPTED {
        return Err(refusal(answer, &what, PHASE).await);
    }
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| session.protocol(PHASE, "it does not say where to"))?;
    let mut target = url.join(location).map_err(|error| session.protocol(PHASE, error.to_string()))?;
    drop(answer);
    target.query_pairs_mut().append_pair("digest", digest.as_str());
    let mut request = carrying(Request::get(target, PHASE), Method::PUT, bytes);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let answer = session.send(request).await?;
    if answer.status() != StatusCode::CREATED {
        return Err(refusal(answer, &what, PHASE).await);
    }
    Ok(())
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
