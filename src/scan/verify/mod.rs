//! `--verify-secrets`: asks providers whether the tokens that were found work.
//!
//! In: findings with their secrets in clear. Out: each finding's [`Activity`]. One read-only call a secret and provider, to the hosts of `policies/secrets/verify.toml` alone
//! ([`hosts`] lists them), one after the other and with a pause between. No redirect is followed, so that a token goes to no other host. Whatever goes wrong
//! makes the answer "unknown", never "inactive".

mod providers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;

use crate::facts::{Confidence, SecretValue};
use crate::finding::{Activity, Finding, Kind};
use crate::net::{NetError, Request, Settings, Transport};
pub use providers::ProviderError;
use providers::{Provider, Providers};

/// Pause between two calls: providers lock out who asks much at a time.
const PAUSE: Duration = Duration::from_millis(250);

/// Most calls of a run; an image with more tokens is an incident whatever the providers say.
const MAX_CALLS: usize = 200;

/// Most bytes of an answer that are looked at.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Every host that may be asked.
///
/// # Errors
/// When the shipped file is broken, which a test rules out.
pub fn hosts() -> Result<BTreeSet<String>, ProviderError> {
    Ok(Providers::builtin()?.hosts())
}

/// Asks providers. It starts the network when the first secret is to be verified.
pub struct Verifier {
    providers: Providers,
    transport: Transport,
    pause: Duration,
}

/// Why no provider can be asked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The shipped file is broken.
    #[error(transparent)]
    Providers(#[from] ProviderError),
    /// The network could not be started.
    #[error(transparent)]
    Net(#[from] NetError),
}

impl Verifier {
    /// One that asks the shipped providers.
    ///
    /// # Errors
    /// When the network cannot be started with these settings.
    pub fn new(settings: Settings) -> Result<Self, VerifyError> {
        Ok(Self { providers: Providers::builtin()?, transport: Transport::new(settings)?, pause: PAUSE })
    }

    /// Asks about every secret that counts, each once. Secrets of low confidence are most likely none, and are told to nobody.
    pub(super) fn verify(&self, findings: &mut [(String, Finding)]) {
        let mut known: BTreeMap<(SecretValue, String), Activity> = BTreeMap::new();
        for (_, finding) in findings.iter_mut() {
            let counts =
                finding.kind == Kind::Secret && finding.confidence > Confidence::Low && finding.set_aside.is_none();
            let Some(provider) = self.providers.of_rule(&finding.rule).filter(|_| counts) else { continue };
            let mut activity = None;
            for value in &finding.values {
                let key = (value.clone(), finding.rule.clone());
                let answer = match known.get(&key) {
                    Some(answer) => *answer,
                    None if known.len() >= MAX_CALLS => Activity::Unknown,
                    None => self.ask(provider, value),
                };
                known.insert(key, answer);
                activity = activity.max(Some(answer));
            }
            finding.activity = activity;
        }
    }

    fn ask(&self, provider: &Provider, value: &SecretValue) -> Activity {
        let Some((name, secret)) = provider.authorization(value.expose()) else { return Activity::Unknown };
        let mut headers = provider.headers.clone();
        headers.insert(name, secret);
        // With a method of its own a request is not redirected.
        let request = Request {
            headers,
            method: Some(Method::GET),
            ..Request::get(provider.url.clone(), "asking whether a secret works")
        };
        self.transport.block_on(async {
            let answer = match self.transport.send(&request).await {
                Ok(mut answer) => {
                    let status = answer.status().as_u16();
                    answer.body(MAX_ANSWER_BYTES).await.map(|body| provider.reads(status, &body))
                }
                Err(error) => Err(error),
            };
            tokio::time::sleep(self.pause).await;
            answer.unwrap_or(Activity::Unknown)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::advisory::model::Severity;

    /// A server that gives these answers, one a connection, and what it was sent.
    fn server(answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut request, mut chunk) = (Vec::new(), [0; 1024]);
                while memchr::memmem::find(&request, b"\r\n\r\n").is_none() {
                    let n = stream.read(&mut chunk).unwrap();
                    assert!(n > 0, "a whole request");
                    request.extend_from_slice(&chunk[..n]);
                }
                send.send(String::from_utf8(request).unwrap()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (origin, receive)
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn verifier(origin: &str) -> Verifier {
        let settings = Settings { backoff: Duration::ZERO, ..Settings::default() };
        let (providers, transport) = (Providers::builtin().unwrap().at(origin), Transport::new(settings).unwrap());
        Verifier { providers, transport, pause: Duration::ZERO }
    }

    fn secret(rule: &str, value: &str) -> (String, Finding) {
        let mut finding = Finding::new(Kind::Secret, rule, Severity::High, "", value);
        finding.values.insert(SecretValue::new(value.as_bytes()));
        (finding.id(), finding)
    }

    fn activity(rule: &str, answers: Vec<String>) -> (Option<Activity>, Vec<String>) {
        let (origin, requests) = server(answers);
        let mut findings = [secret(rule, "the-token")];
        verifier(&origin).verify(&mut findings);
        (findings[0].1.activity, requests.try_iter().collect())
    }

    #[test]
    fn a_status_says_whether_it_works() {
        for (status, expected) in [
            ("200 OK", Activity::Active),
            ("401 Unauthorized", Activity::Inactive),
            ("403 Forbidden", Activity::Unknown),
            ("404 Not Found", Activity::Unknown),
        ] {
            let (found, requests) = activity("github-pat", vec![answer(status, "{}")]);
            assert_eq!(found, Some(expected), "{status}");
            let [request] = requests.as_slice() else { panic!("one call: {requests:?}") };
            assert!(request.starts_with("GET /user HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("authorization: Bearer the-token\r\n"), "{request}");
        }
        let (found, _) = activity("gitlab-pat", vec![answer("401 Unauthorized", "")]);
        assert_eq!(found, Some(Activity::Unknown), "another GitLab may know it");
    }

    #[test]
    fn slack_says_no_with_200() {
        for (body, expected) in [
            (r#"{"ok": true, "team": "t"}"#, Activity::Active),
            (r#"{"ok": false, "error": "token_revoked"}"#, Activity::Inactive),
            (r#"{"ok": false, "error": "fatal_error"}"#, Activity::Unknown),
            (r#"{"ok": false, "error": "invalid_auth"}"#, Activity::Unknown),
            ("<html>", Activity::Unknown),
        ] {
            assert_eq!(activity("slack-bot-token", vec![answer("200 OK", body)]).0, Some(expected), "{body}");
        }
    }

    #[test]
    fn a_401_for_another_reason_says_nothing() {
        for (code, expected) in [("invalid_api_key", Activity::Inactive), ("ip_not_authorized", Activity::Unknown)] {
            let body = format!(r#"{{"error": {{"code": "{code}"}}}}"#);
            assert_eq!(activity("openai-api-key", vec![answer("401 Unauthorized", &body)]).0, Some(expected), "{code}");
        }
        assert_eq!(activity("openai-api-key", vec![answer("200 OK", r#"{"data": []}"#)]).0, Some(Activity::Active));
    }

    #[test]
    fn a_redirect_gets_no_token() {
        let (elsewhere, there) = server(vec![answer("200 OK", "{}")]);
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nlocation: {elsewhere}/user\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        for rule in ["github-pat", "gitlab-pat", "anthropic-api-key"] {
            let (found, requests) = activity(rule, vec![redirect.clone()]);
            assert_eq!((found, requests.len()), (Some(Activity::Unknown), 1), "{rule}");
        }
        assert_eq!(there.try_iter().count(), 0, "nobody called there");
    }

    #[test]
    fn each_secret_is_asked_about_once_and_doubtful_ones_never() {
        let (origin, requests) = server(vec![answer("200 OK", "{}")]);
        let mut findings =
            [secret("github-pat", "a"), secret("github-pat", "a"), secret("github-pat", "b"), secret("jwt", "c")];
        findings[2].1.confidence = Confidence::Low;
        verifier(&origin).verify(&mut findings);
        let found: Vec<Option<Activity>> = findings.iter().map(|(_, finding)| finding.activity).collect();
        assert_eq!(found, [Some(Activity::Active), Some(Activity::Active), None, None]);
        assert_eq!(requests.try_iter().count(), 1);
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let origin = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
        let mut findings = [secret("npm-token", "a")];
        verifier(&origin).verify(&mut findings);
        assert_eq!(findings[0].1.activity, Some(Activity::Unknown));
    }
}
