//! Identity tokens: who runs this, as an OpenID Connect provider says.
//!
//! A token is a password for as long as it lives: it is zeroized, and nothing shows it. What is read of it here is for messages only; the certificate authority checks it.
//!
//! Source: RFC 7519 (JWT); OpenID Connect Core 1.0 §2; GitHub, "OpenID Connect reference" (`ACTIONS_ID_TOKEN_REQUEST_URL`); GitLab, "ID token authentication" (`SIGSTORE_ID_TOKEN`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use reqwest::Url;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{JSON, Message, ServiceError, send};
use crate::net::Transport;

/// Largest token that is read, in bytes. GitHub's have 2 KiB.
pub const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// Whom the token must be for: what every Fulcio asks for.
const AUDIENCE: &str = "sigstore";

const SERVICE: &str = "token service";

/// An identity token.
pub struct Token {
    text: Zeroizing<String>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    aud: Option<Audience>,
    #[serde(default)]
    exp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(of {})", self.claims.iss)
    }
}

impl Token {
    /// Reads a token that is valid at `now` (seconds since 1970). A line end after it, as files have, does not belong to it.
    ///
    /// # Errors
    /// When it is no token, has expired, or is for another audience, which the authority would answer less clearly.
    pub fn parse(text: &[u8], now: i64) -> Result<Self, ServiceError> {
        let wrong = |what: &str| ServiceError::Token(what.to_owned());
        let text = std::str::from_utf8(text).map_err(|_| wrong("it is no text"))?.trim();
        let text = Zeroizing::new(text.to_owned());
        let mut parts = text.split('.');
        let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it is no JSON Web Token"));
        };
        let payload = BASE64URL.decode(payload).map(Zeroizing::new).map_err(|_| wrong("it is no JSON Web Token"))?;
        // serde's message may quote what it read.
        let claims: Claims = serde_json::from_slice(&payload)
            .map_err(|_| wrong("it does not say who issued it, as OpenID Connect has it"))?;
        if claims.exp.is_some_and(|end| end <= now) {
            return Err(wrong("it has expired"));
        }
        let is_ours = match &claims.aud {
            Some(Audience::One(one)) => one == AUDIENCE,
            Some(Audience::Several(several)) => several.iter().any(|one| one == AUDIENCE),
            None => true,
        };
        if !is_ours {
            return Err(wrong("it is for another audience than `sigstore`"));
        }
        drop(payload);
        Ok(Self { text, claims })
    }

    /// Who issued it, as it says.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// The token itself, for the one request that it is for.
    pub(super) fn secret(&self) -> &str {
        &self.text
    }
}

/// Where the token of a job on GitHub Actions comes from: the variables that a job with `id-token: write` has. None outside such a job.
#[must_use]
pub fn github(variables: &dyn Fn(&str) -> Option<String>) -> Option<(String, Zeroizing<String>)> {
    let url = variables("ACTIONS_ID_TOKEN_REQUEST_URL").filter(|url| !url.is_empty())?;
    let bearer = variables("ACTIONS_ID_TOKEN_REQUEST_TOKEN").filter(|bearer| !bearer.is_empty())?;
    Some((url, Zeroizing::new(bearer)))
}

/// Asks GitHub for the job's token.
///
/// # Errors
/// When it gives none.
pub fn from_github(transport: &Transport, url: &str, bearer: &str, now: i64) -> Result<Token, ServiceError> {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let mut url: Url =
        url.parse().map_err(|_| ServiceError::Token("ACTIONS_ID_TOKEN_REQUEST_URL is no URL".to_owned()))?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let message = Message { service: SERVICE, url, body: None, accept: JSON, bearer: Some(bearer) };
    let bytes = Zeroizing::new(send(transport, message)?);
    let answer: Answer =
        serde_json::from_slice(&bytes).map_err(|_| ServiceError::answer(SERVICE, "it has no `value`"))?;
    Token::parse(Zeroizing::new(answer.value).as_bytes(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64URL.encode(claims))
    }

    #[test]
    fn what_is_no_token_for_sigstore_is_refused_and_never_shown() {
        let good = token(r#"{"iss":"https://issuer.example","aud":"sigstore","exp":100,"sub":"me"}"#);
        let parsed = Token::parse(format!("{good}\n").as_bytes(), 99).unwrap();
        assert_eq!((parsed.issuer(), parsed.secret()), ("https://issuer.example", good.as_str()));
        assert!(!format!("{parsed:?}").contains(&good), "a token is not shown");
        assert!(Token::parse(token(r#"{"iss":"i","aud":["x","sigstore"]}"#).as_bytes(), 0).is_ok());
        for (wrong, now) in [
            (good.clone(), 100),
            ("secret-text".to_owned(), 0),
            ("a.b.c.d".to_owned(), 0),
            (token(r#"{"iss":"i","aud":"other"}"#), 0),
            (token(r#"{"aud":"sigstore"}"#), 0),
            (token("secret-text"), 0),
        ] {
            let error = Token::parse(wrong.as_bytes(), now).unwrap_err().to_string();
            assert!(!error.contains("secret-text") && !error.contains(&wrong), "{error}");
        }
    }
}
