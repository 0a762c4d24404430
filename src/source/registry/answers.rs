//! What a registry's refusals mean.

use reqwest::StatusCode;
use serde::Deserialize;

use crate::net::{self, Answer, Cause, NetError, Request, Transport};
use crate::source::SourceError;

impl From<NetError> for SourceError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Host { host, phase, cause: Cause::Redirect(reason) } => {
                Self::Protocol { host, phase, detail: Cause::Redirect(reason).to_string() }
            }
            NetError::Host { host, phase, cause: cause @ (Cause::Stalled(_) | Cause::Deadline(_)) } => {
                Self::TimedOut { host, phase, detail: cause.to_string() }
            }
            NetError::Host { host, phase, cause } => Self::Unreachable { host, phase, detail: cause.to_string() },
            NetError::Certificates { path, detail } => {
                Self::Configuration { place: path.display().to_string(), detail }
            }
            NetError::Content(source) => {
                source.downcast().unwrap_or_else(|source| Self::Io { path: "what was to be sent".into(), source })
            }
            NetError::Start(detail) => Self::Unreachable { host: "the network".into(), phase: "starting", detail },
        }
    }
}

/// Largest answer of a server that issues tokens. Those with many claims have a few kilobytes.
const MAX_TOKEN_BYTES: usize = 256 << 10;

/// The answer of a server that issues `what`, and its name.
pub(super) async fn issued(
    transport: &Transport,
    request: &Request,
    what: &str,
) -> Result<(Vec<u8>, String), SourceError> {
    let mut answer = transport.send(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer, what, request.phase).await);
    }
    let host = answer.host().to_owned();
    Ok((answer.body(MAX_TOKEN_BYTES).await?, host))
}

/// The error that an answer other than success is. `what` was asked for.
pub(super) async fn refusal(mut answer: Answer, what: &str, phase: &'static str) -> SourceError {
    let (host, status) = (answer.host().to_owned(), answer.status());
    let message = message(&answer.message().await);
    match status {
        StatusCode::UNAUTHORIZED => SourceError::Unauthorized { host, detail: message },
        StatusCode::FORBIDDEN => SourceError::Forbidden { host, what: what.to_owned(), detail: message },
        StatusCode::NOT_FOUND => SourceError::NotFound { what: what.to_owned(), place: host },
        StatusCode::TOO_MANY_REQUESTS => {
            SourceError::RateLimited { host, retry_after: answer.retry_after().map(|delay| delay.as_secs()) }
        }
        status if status.is_server_error() => SourceError::Server { host, status: status.as_u16(), phase },
        status => SourceError::Protocol { host, phase, detail: format!("status {}: {message}", status.as_u16()) },
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What a registry says went wrong: the first entry of its error document (distribution-spec, "Error Codes"), else the body's beginning.
pub(super) fn message(body: &[u8]) -> String {
    let first = serde_json::from_slice::<Errors>(body).ok().and_then(|document| document.errors.into_iter().next());
    let text = match first {
        Some(Entry { code, message }) if message.is_empty() => code,
        Some(Entry { message, .. }) => message,
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let text = net::excerpt(text.as_bytes());
    if text.is_empty() { "no reason given".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_short_and_printable() {
        assert_eq!(message(br#"{"errors":[{"code":"DENIED","message":"not\u001b[31m yours"}]}"#), "not [31m yours");
        assert_eq!(message(br#"{"errors":[{"code":"DENIED"}]}"#), "DENIED");
        assert_eq!(message(b"<html>\nno"), "<html> no");
        assert_eq!(message(b""), "no reason given");
        assert_eq!(message(&[b'x'; 100_000]).len(), 300);
    }
}
