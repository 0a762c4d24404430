//! The services of a Sigstore instance that vouch for a signature: who signed (Fulcio), that it was made in public (Rekor), and when (a timestamp authority).
//!
//! In: what was signed and the signature. Out: what a bundle carries of it. Nothing of an answer is believed here: [`super::author`] has the whole bundle verified before anybody stores it.
//!
//! | member | what it does |
//! |---|---|
//! | [`config`] | which services there are: Sigstore's signing configuration |
//! | [`token`] | who runs this, as an OpenID Connect provider says |
//! | [`certificate`] | a token and a key of the moment ▸ a certificate |
//! | [`log`] | a signature ▸ its entry in a transparency log |
//! | [`timestamp`] | a signature ▸ when it existed |
//!
//! Source: Sigstore client specification, "Signing"; `sigstore/fulcio` `docs/certificate-specification.md`; `sigstore/rekor` and `rekor-tiles` OpenAPI; RFC 3161.

pub mod certificate;
pub mod config;
pub mod log;
pub mod timestamp;
pub mod token;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use crate::net::{NetError, Payload, Request, Transport, authority, excerpt};

pub use config::{Log, LogVersion, Services};
pub use token::Token;

/// Largest answer of a service, in bytes. A log repeats the entry, which has the envelope in it.
const MAX_ANSWER_BYTES: usize = 32 << 20;

const JSON: &str = "application/json";

/// Why a service did not vouch for a signature. No message has the token in it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It was not reached.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its address may not be spoken to without TLS.
    #[error("the {service} `{host}` cannot be used without TLS")]
    Plain {
        /// Which.
        service: &'static str,
        /// Host and port.
        host: String,
    },
    /// It said no.
    #[error("the {service} `{host}` refused with status {status}: {message}")]
    Refused {
        /// Which.
        service: &'static str,
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
        /// The beginning of its answer.
        message: String,
    },
    /// Its answer is not what its interface promises.
    #[error("the {service} gave an answer that is not understood: {detail}")]
    Answer {
        /// Which.
        service: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The identity token cannot be used.
    #[error("the identity token cannot be used: {0}")]
    Token(String),
    /// The signing configuration cannot be used.
    #[error("the signing configuration cannot be used: {0}")]
    Config(String),
    /// The key of the moment could not be made or used.
    #[error(transparent)]
    Key(#[from] super::keys::KeyError),
}

impl ServiceError {
    fn answer(service: &'static str, detail: impl ToString) -> Self {
        Self::Answer { service, detail: detail.to_string() }
    }
}

/// What is sent to a service.
struct Message<'a> {
    service: &'static str,
    url: Url,
    /// Media types of what is sent and wanted; nothing is sent without the first.
    body: Option<(&'static str, Vec<u8>)>,
    accept: &'static str,
    bearer: Option<&'a str>,
}

/// Sends a message; the body of the answer, if it is one of success.
fn send(transport: &Transport, message: Message<'_>) -> Result<Vec<u8>, ServiceError> {
    let Message { service, url, body, accept, bearer } = message;
    let host = authority(&url);
    if url.scheme() != "https" && !transport.settings().allows_plain_http(&url) {
        return Err(ServiceError::Plain { service, host });
    }
    let mut request = Request::get(url, "signing");
    request.headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    if let Some((media_type, bytes)) = body {
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        request.method = Some(Method::POST);
        request.payload = Some(Payload::Bytes(Bytes::from(bytes)));
    }
    if let Some(bearer) = bearer {
        let value = HeaderValue::try_from(format!("Bearer {bearer}"));
        let mut value = value.map_err(|_| ServiceError::Token("it has letters that no token has".into()))?;
        value.set_sensitive(true);
        request.authorization = Some(value);
    }
    transport.block_on(async {
        let mut answer = transport.send(&request).await?;
        let status = answer.status();
        if !status.is_success() {
            let message = excerpt(&answer.message().await);
            return Err(ServiceError::Refused { service, host, status: status.as_u16(), message });
        }
        let bytes = answer.body(MAX_ANSWER_BYTES).await?;
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(ServiceError::answer(service, format!("it has more than {MAX_ANSWER_BYTES} bytes")));
        }
        Ok(bytes)
    })
}

/// An endpoint below a service's address, which may end with a slash or not.
fn endpoint(base: &Url, path: &str) -> Result<Url, ServiceError> {
    let text = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    text.parse().map_err(|_| ServiceError::Config(format!("`{base}` is no address of a service")))
}
