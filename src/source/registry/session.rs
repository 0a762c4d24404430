//! A repository on one host: how it is reached, who we are to it, and its manifests.

use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use tokio::sync::{Mutex, OnceCell};

use super::answers::refusal;
use super::credentials::{Credentials, Login};
use super::mirrors::Place;
use super::token::{self, Challenge, Ticket};
use crate::digest::Digest;
use crate::net::{Answer, Cause, NetError, Request, Transport};
use crate::reference::ImageName;
use crate::source::resolve::{Root, check_digest};
use crate::source::{MAX_MANIFEST_BYTES, SourceError};

/// What we can read, the registry's own choice where it has several forms.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// How often a manifest's body is asked for again when it breaks off.
const MAX_BROKEN_MANIFESTS: u32 = 2;

/// A repository on one host.
pub(super) struct Session {
    transport: Arc<Transport>,
    place: Place,
    credentials: Arc<Credentials>,
    right: Right,
    /// The URL of `/v2/`, once the host answered there.
    base: OnceCell<Url>,
    access: Mutex<Access>,
}

/// What tokens are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// To read.
    Pull,
    /// To read and to write, and to read other repositories of the host.
    Push {
        /// Those.
        from: Vec<String>,
    },
}

/// What the host demands and what we hold.
#[derive(Default)]
struct Access {
    challenge: Option<Challenge>,
    /// Looked up when the host first asks.
    login: Option<Login>,
    ticket: Option<Ticket>,
}

impl Session {
    /// Nothing is sent yet.
    pub(super) fn new(transport: Arc<Transport>, place: Place, credentials: Arc<Credentials>, right: Right) -> Self {
        Self { transport, place, credentials, right, base: OnceCell::new(), access: Mutex::default() }
    }

    /// The transport.
    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Host and port, as the user or a mirror's configuration names it.
    pub(super) fn host(&self) -> &str {
        &self.place.host
    }

    /// The repository's name on this host.
    pub(super) fn repository(&self) -> &str {
        &self.place.repository
    }

    /// The other repositories of the host from which blobs may be taken.
    pub(super) fn readable(&self) -> &[String] {
        match &self.right {
            Right::Push { from } => from,
            Right::Pull => &[],
        }
    }

    /// Host and repository.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The index or manifest that a name means; by its digest where it has one, whatever its tag is.
    pub(super) async fn root(&self, name: &ImageName) -> Result<Root, SourceError> {
        let Some(expected) = &name.digest else {
            let tag = name.tag.as_deref().unwrap_or("latest");
            return self.manifest(tag, MAX_MANIFEST_BYTES).await;
        };
        let root = self.manifest(expected.as_str(), MAX_MANIFEST_BYTES).await?;
        check_digest(&format!("manifest {expected}"), expected, &root.bytes)?;
        Ok(Root { digest: expected.clone(), ..root })
    }

    /// A manifest by tag or digest, with the digest of what came: at most `limit` bytes and a few more, which the caller must notice.
    pub(super) async fn manifest(&self, reference: &str, limit: u64) -> Result<Root, SourceError> {
        const PHASE: &str = "reading a manifest";
        let what = format!("manifest `{reference}` of `{}`", self.place);
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]);
        let path = format!("{}/manifests/{reference}", self.place.repository);
        let mut broken = 0;
        loop {
            let mut answer = self.get(&path, &headers, PHASE).await?;
            if answer.status() != StatusCode::OK {
                return Err(refusal(answer, &what, PHASE).await);
            }
            let too_large = |length: u64| length > MAX_MANIFEST_BYTES;
            if answer.content_length().is_some_and(too_large) {
                return Err(SourceError::TooLarge { what, limit: MAX_MANIFEST_BYTES });
            }
            match answer.body(usize::try_from(limit).unwrap_or(usize::MAX)).await {
                Ok(bytes) if too_large(bytes.len() as u64) => {
                    return Err(SourceError::TooLarge { what, limit: MAX_MANIFEST_BYTES });
                }
                Ok(bytes) => {
                    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                    let media_type = media_type.unwrap_or_default().to_owned();
                    return Ok(Root { digest: Digest::sha256(&bytes), bytes, media_type });
                }
                Err(error) if broken >= MAX_BROKEN_MANIFESTS || !error.is_passing() => return Err(error.into()),
                Err(_) => {
                    drop(answer);
                    self.transport.back_off(self.host(), PHASE, broken).await?;
                    broken += 1;
                }
            }
        }
    }

    /// Asks for something below `/v2/`, with a token if need be. An answer of 401 is an error here, any other is given back.
    pub(super) async fn get(
        &self,
        path: &str,
        headers: &HeaderMap,
        phase: &'static str,
    ) -> Result<Answer, SourceError> {
        let url = self.url(path, phase).await?;
        self.send(Request { headers: headers.clone(), ..Request::get(url, phase) }).await
    }

    /// The URL of something below `/v2/`, or of what the host calls by another name (`Location`, `Link`).
    pub(super) async fn url(&self, path: &str, phase: &'static str) -> Result<Url, SourceError> {
        let base = self.base().await?;
        base.join(path).map_err(|error| self.protocol(phase, error.to_string()))
    }

    /// An answer that the protocol does not allow.
    pub(super) fn protocol(&self, phase: &'static str, detail: impl Into<String>) -> SourceError {
        SourceError::Protocol { host: self.host().to_owned(), phase, detail: detail.into() }
    }

    /// Sends a request, with a token if need be and if it stays at the host. An answer of 401 is an error here, any other is given back.
    pub(super) async fn send(&self, mut request: Request) -> Result<Answer, SourceError> {
        let phase = request.phase;
        let base = self.base().await?;
        if request.url.origin() != base.origin() {
            // Where uploads go is the host's choice, but neither this machine's services nor our credentials are for it to give away.
            self.transport.settings().allows_step(base, &request.url).map_err(|why| self.protocol(phase, why))?;
            return Ok(self.transport.send(&request).await?);
        }
        let used = self.ticket(base).await?;
        request.authorization = used.clone().map(|ticket| ticket.header);
        let answer = self.transport.send(&request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        // A refused answer is let go before anything is waited for: its connection may be the one that the token server needs.
        let challenge = Challenge::read(answer.headers());
        let refused = refusal(answer, &self.place.to_string(), phase).await;
        let Some(ticket) = self.renew(base, used, challenge).await? else {
            return Err(self.unauthorized(refused).await);
        };
        request.authorization = Some(ticket.header);
        let answer = self.transport.send(&request).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let refused = refusal(answer, &self.place.to_string(), phase).await;
            return Err(self.unauthorized(refused).await);
        }
        Ok(answer)
    }

    /// The URL of `/v2/`.
    pub(super) async fn base(&self) -> Result<&Url, SourceError> {
        self.base.get_or_try_init(|| self.greet()).await
    }

    /// Finds out how the host is spoken to and what it demands (distribution-spec, "Determining Support").
    async fn greet(&self) -> Result<Url, SourceError> {
        const PHASE: &str = "connecting";
        let mut failed = None;
        for base in self.bases()? {
            match self.transport.send(&Request::get(base.clone(), PHASE)).await {
                // 404 and the like: a host without this page may still have the image; what it says to that counts.
                Ok(answer) if answer.status().is_server_error() || answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                    return Err(refusal(answer, &self.place.to_string(), PHASE).await);
                }
                Ok(mut answer) => {
                    let is_closed = answer.status() == StatusCode::UNAUTHORIZED;
                    let challenge = Challenge::read(answer.headers()).filter(|_| is_closed);
                    answer.message().await;
                    drop(answer);
                    self.access.lock().await.challenge = challenge;
                    return Ok(base);
                }
                // The error over TLS is the one to tell: plain HTTP is only a guess.
                Err(error @ NetError::Host { cause: Cause::Connect(_), .. }) => failed = failed.or(Some(error)),
                Err(error) => return Err(error.into()),
            }
        }
        let unreachable = || SourceError::Unreachable {
            host: self.host().to_owned(),
            phase: PHASE,
            detail: "there is no way to speak to it".into(),
        };
        Err(failed.map_or_else(unreachable, SourceError::from))
    }

    /// The URLs under which the host may answer, best first: TLS; plain HTTP on loopback and where the user allows it. A host that is listed for plain HTTP alone is not tried with TLS.
    fn bases(&self) -> Result<Vec<Url>, SourceError> {
        let host = if self.host() == "docker.io" { "registry-1.docker.io" } else { self.host() };
        let base = |scheme: &str| {
            let detail = "it is not a host name".to_owned();
            let malformed = |_| SourceError::Protocol { host: host.to_owned(), phase: "connecting", detail };
            format!("{scheme}://{host}/v2/").parse::<Url>().map_err(malformed)
        };
        let (tls, plain) = (base("https")?, base("http")?);
        let settings = self.transport.settings();
        if !settings.allows_plain_http(&plain) {
            return Ok(vec![tls]);
        }
        let only_plain = settings.is_listed_for_plain_http(&plain) && settings.checks_certificate(&tls);
        Ok(if only_plain { vec![plain] } else { vec![tls, plain] })
    }

    /// What we hold, renewed if it is about to expire; none while the host demands nothing.
    async fn ticket(&self, base: &Url) -> Result<Option<Ticket>, SourceError> {
        let mut access = self.access.lock().await;
        if let Some(ticket) = access.ticket.as_ref().filter(|ticket| ticket.is_fresh()) {
            return Ok(Some(ticket.clone()));
        }
        match access.challenge.clone() {
            Some(challenge) => self.obtain(base, &mut access, &challenge).await.map(Some),
            None => Ok(None),
        }
    }

    /// Something else than `used`, which was answered with 401: what another request obtained meanwhile, or a new token. None when there is nothing else to send.
    async fn renew(
        &self,
        base: &Url,
        used: Option<Ticket>,
        challenge: Option<Challenge>,
    ) -> Result<Option<Ticket>, SourceError> {
        let mut access = self.access.lock().await;
        if challenge.is_some() {
            access.challenge = challenge;
        }
        if let Some(ticket) =
            access.ticket.as_ref().filter(|ticket| used.as_ref().is_none_or(|used| used.header != ticket.header))
        {
            return Ok(Some(ticket.clone()));
        }
        let is_final = used.is_some_and(|used| used.renew_at.is_none());
        match access.challenge.clone().filter(|_| !is_final) {
            Some(challenge) => self.obtain(base, &mut access, &challenge).await.map(Some),
            None => Ok(None),
        }
    }

    /// Answers a challenge. Only one request at a time does, the others wait for its result.
    async fn obtain(&self, base: &Url, access: &mut Access, challenge: &Challenge) -> Result<Ticket, SourceError> {
        let login = match &access.login {
            Some(login) => login.clone(),
            None => access.login.insert(self.credentials.find(&self.transport, base, &self.place).await?).clone(),
        };
        let ticket = token::obtain(&self.transport, base, &self.place, &self.right, challenge, &login).await?;
        access.ticket = Some(ticket.clone());
        Ok(ticket)
    }

    /// Adds to a refusal which credentials were tried.
    async fn unauthorized(&self, refused: SourceError) -> SourceError {
        let SourceError::Unauthorized { host, detail } = refused else { return refused };
        let tried = self.access.lock().await.login.as_ref().map_or("none were asked for".into(), Login::described);
        SourceError::Unauthorized { host, detail: format!("{tried}; it says: {detail}") }
    }
}
