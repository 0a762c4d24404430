//! The one HTTP transport: every byte that comes from or goes to a network passes here.
//!
//! In: a [`Request`] and the user's [`Settings`]. Out: an [`Answer`] whose body is read piece by piece, or a [`NetError`] that names the host and what was being done.
//! Here are the proxies, the trusted certificates, the time limits, the retries, the redirects and the number of connections. What an answer means is the caller's
//! business: every HTTP status is an answer.
//!
//! A redirect is followed here and not by the HTTP client, since each host has its own certificates and credentials must stay where they belong: an `Authorization` header never reaches
//! another origin, and a redirect never leads from TLS to plain HTTP.

mod download;
mod hosts;
mod retry;
mod tls;
mod transport;
mod upload;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
pub use download::{Download, DownloadError, Downloaded, Validators};
pub use hosts::{authority, is_loopback, is_machine_service};
pub use transport::{Answer, Payload, Request, Transport};
pub use upload::Stream;

/// How long a connection may take, with name lookup and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may be silent, before its answer or in the middle of it.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Delay before the first repetition; it doubles with each one.
const BACKOFF: Duration = Duration::from_millis(500);

/// Most letters of a server's message that are shown.
const MAX_EXCERPT: usize = 300;

/// How the network may be used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time for everything together, counted from the transport's start; none for no limit but those on connecting and on silence.
    pub timeout: Option<Duration>,
    /// PEM files of certificates that are trusted too.
    pub ca_files: Vec<PathBuf>,
    /// Hosts, with or without port, that may be spoken to without TLS; loopback always may.
    pub plain_http: Vec<String>,
    /// Hosts, with or without port, whose certificate is not checked.
    pub insecure_tls: Vec<String>,
    /// `certs.d` folders, the first that knows a host wins. Below are folders named `HOST[:PORT]` with `*.crt`, `*.cert` and `*.key` (containers-certs.d(5)).
    pub certificate_folders: Vec<PathBuf>,
    /// How often one request is sent at most: fewer where another place can be asked instead.
    pub attempts: u32,
    /// Delay before the first repetition.
    pub backoff: Duration,
    /// How long a server may be silent.
    pub stall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: None,
            ca_files: Vec::new(),
            plain_http: Vec::new(),
            insecure_tls: Vec::new(),
            certificate_folders: Vec::new(),
            attempts: retry::MAX_ATTEMPTS,
            backoff: BACKOFF,
            stall: STALL_TIMEOUT,
        }
    }
}

/// Why there is no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A host did not do what it was asked for.
    #[error("`{host}` failed while {phase}: {cause}")]
    Host {
        /// Host and port.
        host: String,
        /// What was being done.
        phase: &'static str,
        /// What happened.
        cause: Cause,
    },
    /// A file of certificates or keys cannot be used.
    #[error("the certificates in `{}` cannot be used: {detail}", path.display())]
    Certificates {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// What was to be sent could not be read.
    #[error("what was to be sent could not be read")]
    Content(#[source] std::io::Error),
    /// The HTTP client or its threads could not be started.
    #[error("the network could not be started: {0}")]
    Start(String),
}

impl NetError {
    /// Whether the same request may succeed at once: a connection broke, or a server fell silent.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Host { cause: Cause::Broken(_) | Cause::Stalled(_), .. })
    }
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No connection: the name is not known, nobody listens, or who does speaks something else.
    #[error("no connection: {0}")]
    Connect(String),
    /// One side does not accept the other's certificate, or the two find no common TLS.
    #[error("no trusted connection: {0}")]
    Tls(String),
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server was silent for this long.
    #[error("it was silent for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// The time for everything together is over.
    #[error("the {} s of --timeout are over", .0.as_secs_f32())]
    Deadline(Duration),
    /// A redirect that is not followed.
    #[error("its redirect is not followed: {0}")]
    Redirect(String),
}

/// Moves the front of a piece of a body to `buffer`; how many bytes that were.
pub fn take(chunk: &mut Bytes, buffer: &mut [u8]) -> usize {
    let part = chunk.split_to(chunk.len().min(buffer.len()));
    buffer.get_mut(..part.len()).unwrap_or_default().copy_from_slice(&part);
    part.len()
}

/// The innermost cause says what happened; the outer ones only where.
#[must_use]
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The beginning of a server's message, as one line of at most 300 letters without control characters.
#[must_use]
pub fn excerpt(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message.get(..message.len().min(4 * MAX_EXCERPT)).unwrap_or_default());
    let line = text.chars().take(MAX_EXCERPT).map(|letter| if letter.is_control() { ' ' } else { letter });
    line.collect::<String>().trim().to_owned()
}
