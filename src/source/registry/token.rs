//! From a challenge to what is sent with each request.
//!
//! Source: RFC 9110 §11; RFC 6750; Docker's "Token Authentication Specification" and "OAuth2 Token Authentication".

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::time::Instant;

use super::answers;
use super::credentials::{Login, Secret};
use super::mirrors::Place;
use super::session::Right;
use crate::net::{Payload, Request, Transport, authority};
use crate::source::SourceError;

/// Shortest life of a token; the specification promises as much even where the server says less.
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// How long before its end a token is renewed, so that it does not expire on the way.
const MARGIN: Duration = Duration::from_secs(10);

const PHASE: &str = "asking for a token";

/// What a host demands with 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token that `realm` issues.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
    /// User and password.
    Basic,
}

impl Challenge {
    /// The challenge that we can answer best; none where there is no such.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<Self> = texts.flat_map(Self::parse).collect();
        let bearer = challenges.iter().find(|challenge| **challenge != Self::Basic);
        bearer.or_else(|| challenges.first()).cloned()
    }

    fn parse(text: &str) -> Vec<Self> {
        let parse = |challenge: http_auth::ChallengeRef<'_>| {
            let parameter = |wanted: &str| {
                let found = challenge.params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                return Some(Self::Basic);
            }
            let realm = parameter("realm").filter(|_| challenge.scheme.eq_ignore_ascii_case("bearer"))?;
            Some(Self::Bearer { realm, service: parameter("service"), scope: parameter("scope") })
        };
        http_auth::parse_challenges(text).unwrap_or_default().into_iter().filter_map(parse).collect()
    }
}

/// What is sent with each request.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The value of `Authorization`, marked as sensitive.
    pub(super) header: HeaderValue,
    /// When a new one is needed; none for what cannot be renewed.
    pub(super) renew_at: Option<Instant>,
}

impl Ticket {
    /// Whether it will still hold for the next request.
    pub(super) fn is_fresh(&self) -> bool {
        self.renew_at.is_none_or(|renew_at| Instant::now() < renew_at)
    }

    fn new(scheme: &str, secret: &str, renew_at: Option<Instant>, host: &str) -> Result<Self, SourceError> {
        let unusable = |_| SourceError::Protocol {
            host: host.to_owned(),
            phase: PHASE,
            detail: "the token or password cannot be sent in a header".into(),
        };
        let mut header = HeaderValue::try_from(format!("{scheme} {secret}")).map_err(unusable)?;
        header.set_sensitive(true);
        Ok(Self { header, renew_at })
    }
}

/// Answers a challenge of the host at `base` with `login`.
///
/// # Errors
/// When the login is not of the kind that is demanded, or the token server refuses it. It is never replaced by none.
pub(super) async fn obtain(
    transport: &Transport,
    base: &Url,
    place: &Place,
    right: &Right,
    challenge: &Challenge,
    login: &Login,
) -> Result<Ticket, SourceError> {
    let unauthorized = |why: &str| SourceError::Unauthorized {
        host: place.host.clone(),
        detail: format!("{}; {why}", login.described()),
    };
    match (challenge, login) {
        (_, Login::Token { token, .. }) => Ticket::new("Bearer", token.reveal(), None, &place.host),
        (Challenge::Basic, Login::Password { user, password, .. }) => {
            Ticket::new("Basic", &basic(user, password), None, &place.host)
        }
        (Challenge::Basic, Login::Anonymous) => Err(unauthorized("it asks for a password")),
        (Challenge::Basic, Login::Identity { .. }) => Err(unauthorized("it asks for a password and not for a token")),
        (Challenge::Bearer { realm, service, scope }, _) => {
            let scopes = wanted_scopes(place, right, scope.as_deref());
            let request = request(transport, base, place, realm, service.as_deref(), scopes, login)?;
            let what = format!("a token for `{}`", place.repository);
            let (body, host) = answers::issued(transport, &request, &what).await.map_err(|error| match error {
                SourceError::Unauthorized { host, detail } => SourceError::Unauthorized {
                    host,
                    detail: format!("{}; its token server says: {detail}", login.described()),
                },
                other => other,
            })?;
            let (token, lifetime) = issued(&body, &host)?;
            let renew_at = Instant::now() + lifetime.max(MIN_LIFETIME) - MARGIN;
            Ticket::new("Bearer", token.reveal(), Some(renew_at), &host)
        }
    }
}

fn basic(user: &str, password: &Secret) -> String {
    BASE64.encode(format!("{user}:{}", password.reveal()))
}

/// The request for a token: GET with the password, or POST with the identity token.
fn request(
    transport: &Transport,
    base: &Url,
    place: &Place,
    realm: &str,
    service: Option<&str>,
    scopes: Vec<String>,
    login: &Login,
) -> Result<Request, SourceError> {
    let refused = |detail: String| SourceError::Protocol { host: authority(base), phase: PHASE, detail };
    let mut url: Url = realm.parse().map_err(|_| refused("its token server has no valid address".into()))?;
    transport
        .settings()
        .allows_step(base, &url)
        .map_err(|reason| refused(format!("its token server is not asked: {reason}")))?;
    let service = service.map(|service| ("service", service.to_owned()));
    if let Login::Identity { token, .. } = login {
        // In a form the scopes are one field.
        let grant = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "imgguard".to_owned()),
            ("refresh_token", token.reveal().to_owned()),
        ];
        let fields = std::iter::once(("scope", scopes.join(" "))).chain(service).chain(grant).collect();
        return Ok(Request { payload: Some(Payload::Form(fields)), ..Request::get(url, PHASE) });
    }
    url.query_pairs_mut().extend_pairs(scopes.into_iter().map(|scope| ("scope", scope)).chain(service));
    let authorization = match login {
        Login::Password { user, password, .. } => {
            Some(Ticket::new("Basic", &basic(user, password), None, &place.host)?.header)
        }
        _ => None,
    };
    Ok(Request { authorization, ..Request::get(url, PHASE) })
}

/// The scopes of a token: to read, the host's own word where that asks for no more; to write, always our own, whatever the host says it wants.
fn wanted_scopes(place: &Place, right: &Right, scope: Option<&str>) -> Vec<String> {
    let pull = |repository: &str| format!("repository:{repository}:pull");
    match (right, scope) {
        (Right::Pull, Some(scope)) if is_pull(scope) => vec![scope.to_owned()],
        (Right::Pull, _) => vec![pull(&place.repository)],
        (Right::Push { from }, _) => {
            let own = format!("repository:{}:pull,push", place.repository);
            std::iter::once(own).chain(from.iter().map(|from| pull(from))).collect()
        }
    }
}

/// Whether a scope asks for no more than reading one repository; a host that demands more does not get it.
fn is_pull(scope: &str) -> bool {
    scope.starts_with("repository:") && scope.ends_with(":pull") && !scope.contains(' ')
}

#[derive(Deserialize)]
struct Issued {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

fn issued(body: &[u8], host: &str) -> Result<(Secret, Duration), SourceError> {
    // The parser's own words are not told: they quote what they read.
    let malformed =
        || SourceError::Protocol { host: host.to_owned(), phase: PHASE, detail: "its answer holds no token".into() };
    let Issued { token, access_token, expires_in } = serde_json::from_slice(body).map_err(|_| malformed())?;
    let token = if token.is_empty() { access_token } else { token };
    if token.is_empty() {
        return Err(malformed());
    }
    // No token lives longer than a day; an absurd number must not overflow the clock.
    let lifetime = Duration::from_secs(expires_in.unwrap_or(0).min(86_400));
    Ok((Secret::new(token), lifetime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Challenge> {
        Challenge::read(&values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().unwrap())).collect())
    }

    #[test]
    fn challenges() {
        let bearer = Challenge::Bearer {
            realm: "https://auth.example/token".into(),
            service: Some("registry.example".into()),
            scope: Some("repository:a/b:pull".into()),
        };
        let text =
            r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull""#;
        assert_eq!(read(&[text]), Some(bearer.clone()));
        assert_eq!(read(&["Basic realm=\"x\"", text]), Some(bearer.clone()), "a token is better than a password");
        assert_eq!(read(&[&format!("Basic realm=\"x\", {text}")]), Some(bearer));
        assert_eq!(read(&["BASIC realm=\"x\""]), Some(Challenge::Basic));
        assert_eq!(read(&["Negotiate"]), None);
        assert_eq!(read(&["Bearer service=\"no realm\""]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn only_reading_is_asked_for() {
        assert!(is_pull("repository:a/b:pull"));
        for more in [
            "repository:a/b:pull,push",
            "repository:a:push",
            "registry:catalog:*",
            "repository:a:push repository:b:pull",
        ] {
            assert!(!is_pull(more), "{more}");
        }
    }

    #[test]
    fn tokens_are_never_quoted() {
        let (token, lifetime) = issued(br#"{"access_token":"s3cr3t","expires_in":300}"#, "h").unwrap();
        assert_eq!((token.reveal(), lifetime.as_secs()), ("s3cr3t", 300));
        assert_eq!(format!("{token:?}"), "Secret(…)");
        assert!(!format!("{:?}", Ticket::new("Bearer", token.reveal(), None, "h").unwrap()).contains("s3cr3t"));
        for body in [&b"{}"[..], b"", br#"{"token":"s3cr3t","expires_in":"soon"}"#] {
            let error = issued(body, "h").unwrap_err().to_string();
            assert!(error.contains("holds no token") && !error.contains("s3cr3t"), "{error}");
        }
    }
}
