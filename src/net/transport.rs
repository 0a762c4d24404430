//! Requests to answers: connections, time limits, redirects and repetitions.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::diagnostics::{Fact, tell};

use super::hosts::{MAX_REDIRECTS, authority, is_loopback, is_machine_service, same_origin};
use super::tls::Trust;
use super::upload::{Stream, Watch};
use super::{CONNECT_TIMEOUT, Cause, NetError, Settings, innermost, retry};

/// Most connections to one host at a time, as many as browsers open. More than one is faster where a single stream is held back by the distance.
const MAX_CONNECTIONS_PER_HOST: usize = 6;

/// Threads that move bytes; they wait nearly always.
const THREADS: usize = 2;

/// Most bytes that are read of an answer that is only quoted in a message.
const MAX_MESSAGE_BYTES: usize = 16 << 10;

/// One request.
#[derive(Clone)]
pub struct Request {
    /// Where to.
    pub url: Url,
    /// Headers that go to every host, also after a redirect.
    pub headers: HeaderMap,
    /// Credentials for the URL's own origin; no other gets them.
    pub authorization: Option<HeaderValue>,
    /// The method where it is none of the usual ones: GET, and POST with a payload.
    pub method: Option<Method>,
    /// What to send. Such a request is not redirected.
    pub payload: Option<Payload>,
    /// What is being done, for messages.
    pub phase: &'static str,
}

/// What a request carries. It has no `Debug`: most of it is secret.
#[derive(Clone)]
pub enum Payload {
    /// Fields of a form.
    Form(Vec<(&'static str, String)>),
    /// Bytes whose type stands in the headers.
    Bytes(Bytes),
    /// The same, read while they are sent.
    Stream(Stream),
}

impl Request {
    /// A GET without credentials.
    #[must_use]
    pub fn get(url: Url, phase: &'static str) -> Self {
        Self { url, headers: HeaderMap::new(), authorization: None, method: None, payload: None, phase }
    }
}

/// The transport of a run: all requests share its connections, certificates and deadline.
pub struct Transport {
    settings: Settings,
    /// Ends with [`Drop`]; present until then.
    runtime: Option<Runtime>,
    trust: Trust,
    limits: Limits,
    clients: Mutex<BTreeMap<ClientKey, Client>>,
    connections: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// What makes one HTTP client different from another; most hosts share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClientKey {
    certificates: Option<PathBuf>,
    check: bool,
    /// Without a proxy: servers of this machine, and those that a cloud gives it, cannot be reached through another.
    direct: bool,
}

impl Transport {
    /// Starts the transport; the time of `settings.timeout` begins.
    ///
    /// # Errors
    /// When a certificate file of the settings cannot be used, or no thread can be started.
    pub fn new(settings: Settings) -> Result<Self, NetError> {
        let trust = Trust::load(&settings.ca_files)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("imgguard-net")
            .enable_all()
            .build()
            .map_err(|error| NetError::Start(error.to_string()))?;
        let deadline = settings.timeout.map(|timeout| (Instant::now() + timeout, timeout));
        let limits = Limits { stall: settings.stall, deadline };
        let (clients, connections) = (Mutex::default(), Mutex::default());
        Ok(Self { settings, runtime: Some(runtime), trust, limits, clients, connections })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs `future` to its end on the calling thread, which must not be one of a runtime's.
    ///
    /// # Panics
    /// On a thread that belongs to an asynchronous runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => unreachable!("the runtime lives as long as the transport"),
        }
    }

    /// Sends a request, again where that may help, and follows redirects. Any status is an answer; one that says "later" only after the last repetition.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, request: &Request) -> Result<Answer, NetError> {
        let mut repetition = 0;
        loop {
            let outcome = self.follow(request).await;
            // What is read while it is sent is sent again only by whoever knows where to.
            let streams = matches!(request.payload, Some(Payload::Stream(_)));
            let last = streams || repetition + 1 >= self.settings.attempts;
            let delay = match &outcome {
                _ if last => None,
                Ok(answer) if retry::is_transient(answer.status()) => {
                    retry::delay_asked(answer.headers(), self.settings.backoff, repetition)
                }
                Err(error) if error.is_passing() => Some(retry::delay(self.settings.backoff, repetition)),
                _ => None,
            };
            let Some(delay) = delay else { return outcome };
            // The connection is free for others while we wait.
            if let Ok(mut answer) = outcome {
                answer.message().await;
            }
            self.pause(&authority(&request.url), request.phase, delay).await?;
            repetition += 1;
        }
    }

    /// Waits before repetition number `repetition` of something that failed, counted from 0.
    ///
    /// # Errors
    /// When the deadline comes first.
    pub async fn back_off(&self, host: &str, phase: &'static str, repetition: u32) -> Result<(), NetError> {
        self.pause(host, phase, retry::delay(self.settings.backoff, repetition)).await
    }

    async fn pause(&self, host: &str, phase: &'static str, delay: Duration) -> Result<(), NetError> {
        self.limits.within(host, phase, None, sleep(delay)).await
    }

    /// Sends once, and on to where redirects lead.
    async fn follow(&self, request: &Request) -> Result<Answer, NetError> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let authorization = request.authorization.clone().filter(|_| same_origin(&url, &request.url));
            let mut answer = self.exchange(request, url.clone(), authorization).await?;
            let Some(target) = redirect_target(&answer, request.payload.is_some() || request.method.is_some()) else {
                return Ok(answer);
            };
            let refused = |reason| failed(&authority(&url), request.phase, Cause::Redirect(reason));
            let next = url.join(&target).map_err(|error| refused(error.to_string()))?;
            self.settings.allows_step(&url, &next).map_err(refused)?;
            answer.message().await;
            url = next;
        }
        let cause = Cause::Redirect(format!("there are more than {MAX_REDIRECTS} in a row"));
        Err(failed(&authority(&request.url), request.phase, cause))
    }

    async fn exchange(
        &self,
        request: &Request,
        url: Url,
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, NetError> {
        let (host, phase) = (authority(&url), request.phase);
        let client = self.client(&url)?;
        let waiting = self.connections_of(&host).acquire_owned();
        let permit = self.limits.within(&host, phase, None, waiting).await?;
        let permit = permit.map_err(|error| NetError::Start(error.to_string()))?;
        let usual = if request.payload.is_some() { Method::POST } else { Method::GET };
        let method = request.method.clone().unwrap_or(usual);
        let mut builder = client.request(method, url).headers(request.headers.clone());
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        let mut streamed = None;
        builder = match &request.payload {
            Some(Payload::Form(fields)) => builder.form(fields),
            Some(Payload::Bytes(bytes)) => builder.body(bytes.clone()),
            Some(Payload::Stream(stream)) => {
                let (body, watch) = stream.start();
                streamed = Some(watch);
                builder.body(body)
            }
            None => builder,
        };
        let started = Instant::now();
        let sent = match &mut streamed {
            None => self.limits.within(&host, phase, Some(CONNECT_TIMEOUT + self.limits.stall), builder.send()).await,
            Some(watch) => self.send_stream(&host, phase, builder, watch).await,
        };
        if let Some(error) = streamed.and_then(|watch| watch.failure()) {
            return Err(NetError::Content(error));
        }
        let status = sent.iter().flatten().map(|response| response.status().as_u16()).next();
        tell_request(&host, phase, status, started.elapsed());
        let response = sent?.map_err(|error| failed(&host, phase, cause_of(&error)))?;
        Ok(Answer { limits: self.limits, response, host, phase, _permit: permit })
    }

    /// Sends what is read meanwhile: it may take as long as it goes on.
    async fn send_stream(
        &self,
        host: &str,
        phase: &'static str,
        builder: reqwest::RequestBuilder,
        watch: &mut Watch,
    ) -> Result<Result<Response, reqwest::Error>, NetError> {
        // Connecting has its own, shorter limit inside.
        let stall = CONNECT_TIMEOUT + self.limits.stall;
        let mut sent = pin!(builder.send());
        let mut stalled = pin!(watch.stalled(stall));
        let sending = poll_fn(|context| match sent.as_mut().poll(context) {
            Poll::Ready(sent) => Poll::Ready(Ok(sent)),
            Poll::Pending => {
                stalled.as_mut().poll(context).map(|()| Err(failed(host, phase, Cause::Stalled(self.limits.stall))))
            }
        });
        self.limits.within(host, phase, None, sending).await?
    }

    fn client(&self, url: &Url) -> Result<Client, NetError> {
        let host = authority(url);
        // A host's name has no slash and here no dot in front, so this names a folder directly below.
        let is_name = url.scheme() == "https" && !host.starts_with('.');
        let folders = self.settings.certificate_folders.iter().map(|folder| folder.join(&host));
        let key = ClientKey {
            certificates: folders.into_iter().find(|folder| is_name && folder.is_dir()),
            check: self.settings.checks_certificate(url),
            direct: is_loopback(url) || is_machine_service(url),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let builder = Client::builder()
            .user_agent(concat!("imgguard/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(MAX_CONNECTIONS_PER_HOST)
            .tls_backend_preconfigured(self.trust.client_config(key.certificates.as_deref(), key.check)?);
        let builder = if key.direct { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| NetError::Start(innermost(&error)))?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn connections_of(&self, host: &str) -> Arc<Semaphore> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(MAX_CONNECTIONS_PER_HOST));
        connections.entry(host.to_owned()).or_insert_with(new).clone()
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // A name lookup that hangs must not hold the process.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The limits on waiting.
#[derive(Clone, Copy)]
struct Limits {
    stall: Duration,
    /// When the time for everything together is over, and how long it was.
    deadline: Option<(Instant, Duration)>,
}

impl Limits {
    /// Waits for `future`, but not past the deadline and not longer than `stall`.
    async fn within<F: Future>(
        self,
        host: &str,
        phase: &'static str,
        stall: Option<Duration>,
        future: F,
    ) -> Result<F::Output, NetError> {
        let stalled = stall.map(|stall| (Instant::now() + stall, Cause::Stalled(self.stall)));
        let over = self.deadline.map(|(deadline, timeout)| (deadline, Cause::Deadline(timeout)));
        let Some((until, cause)) = stalled.into_iter().chain(over).min_by_key(|(until, _)| *until) else {
            return Ok(future.await);
        };
        timeout_at(until, future).await.map_err(|_| failed(host, phase, cause))
    }
}

/// Tells of a request; of one without an answer, that there was none.
fn tell_request(host: &str, phase: &'static str, status: Option<u16>, time: Duration) {
    let status = status.map_or(Fact::Word("none"), Fact::Status);
    let facts =
        [("host", Fact::Host(host)), ("for", Fact::Word(phase)), ("status", status), ("time", Fact::Time(time))];
    tell("request", &facts);
}

fn failed(host: &str, phase: &'static str, cause: Cause) -> NetError {
    NetError::Host { host: host.to_owned(), phase, cause }
}

/// Where a redirect leads. What carries something is not sent elsewhere.
fn redirect_target(answer: &Answer, carries: bool) -> Option<String> {
    let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) && !carries;
    let location = answer.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(location.to_str().ok()?.to_owned())
}

/// A failure of the HTTP client. Its URL is not told: those of storage servers hold signatures that open the blob for anybody.
fn cause_of(error: &reqwest::Error) -> Cause {
    if error.is_timeout() {
        return Cause::Connect(format!("none within {} s", CONNECT_TIMEOUT.as_secs()));
    }
    let cause = match tls_error(error) {
        // What came is not TLS at all.
        Some(rustls::Error::InvalidMessage(_)) => Cause::Connect,
        Some(_) => Cause::Tls,
        None if error.is_connect() => Cause::Connect,
        None => Cause::Broken,
    };
    cause(innermost(error))
}

/// The TLS error behind an error. It travels inside I/O errors, which do not count what they carry among their sources.
fn tls_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    carried.and_then(|carried| tls_error(carried)).or_else(|| tls_error(error.source()?))
}

/// The answer to a request. Its body comes piece by piece; dropping the answer closes the connection if there is more to come.
pub struct Answer {
    limits: Limits,
    response: Response,
    host: String,
    phase: &'static str,
    _permit: OwnedSemaphorePermit,
}

impl Answer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Host and port that answered, after redirects.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Length of the body in bytes, where the server tells it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// How long the server asks to wait before the next request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry::retry_after(self.headers())
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// When the connection breaks, the server is silent or the deadline comes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        // The limit counts from here: a reader that takes its time is not the server's silence.
        let next = self.limits.within(&self.host, self.phase, Some(self.limits.stall), self.response.chunk()).await?;
        next.map_err(|error| failed(&self.host, self.phase, Cause::Broken(innermost(&error))))
    }

    /// The body up to `limit` bytes; some more where the server sends more, so that the caller sees that.
    ///
    /// # Errors
    /// As [`Answer::chunk`].
    pub async fn body(&mut self, limit: usize) -> Result<Vec<u8>, NetError> {
        let mut body = Vec::new();
        while body.len() <= limit
            && let Some(chunk) = self.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The beginning of the body, for a message; whatever came where it broke off. A short body is read to its end, so that the connection can be used again.
    pub async fn message(&mut self) -> Vec<u8> {
        let (limits, host, phase) = (self.limits, self.host.clone(), self.phase);
        let mut body = Vec::new();
        let reading = async {
            while body.len() < MAX_MESSAGE_BYTES
                && let Ok(Some(chunk)) = self.chunk().await
            {
                body.extend_from_slice(&chunk);
            }
        };
        // Nobody waits long for a message; what came until then is enough.
        let _ = limits.within(&host, phase, Some(limits.stall), reading).await;
        body.truncate(MAX_MESSAGE_BYTES);
        body
    }
}
