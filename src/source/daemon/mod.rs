//! `docker-daemon:IMAGE`: an image of a running engine (Docker, Podman's service), as it exports it.
//!
//! In: a name or ID. Out: the [`Image`] of the archive that the engine streams, put aside in a file since it cannot be read in one direction. Two requests: one asks whether the image is there, one
//! exports it. `reqwest` speaks HTTP over the socket, on a thread and runtime of their own, so that this can be called from anywhere. Nothing is pulled or changed.
//!
//! Source: Docker Engine API, `ImageInspect` and `ImageGet`.

mod endpoint;

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use endpoint::Endpoint;
use reqwest::{Client, Response, StatusCode};
use tokio::runtime::Runtime;

use super::archive::{self, Format};
use super::layout::Selection;
use super::{Image, PlatformChoice, SourceError, spool};
use crate::net;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the engine may be silent. Docker writes the whole image to its own disk before the first byte of an export: for 50 GB this takes minutes.
const STALL_TIMEOUT: Duration = Duration::from_secs(600);

/// Opens an image of the first engine that has it. `offline` forbids engines that are reached over the network; a local socket is none. `variables` are the environment.
///
/// # Errors
/// When no engine can be reached or has the image, or what it exports is damaged.
pub fn open(
    name: &str,
    choice: &PlatformChoice,
    reference: &str,
    offline: bool,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Image, SourceError> {
    let encoded = encode(name)
        .ok_or_else(|| SourceError::NotFound { what: format!("image `{name}`"), place: "the engine".into() })?;
    let endpoints = endpoint::endpoints(variables)?;
    let mut last = SourceError::Unreachable {
        host: "the engine".into(),
        phase: "connecting",
        detail: "no socket of Docker or Podman was found; DOCKER_HOST names one".into(),
    };
    for endpoint in &endpoints {
        if offline && matches!(endpoint, Endpoint::Tcp(_)) {
            return Err(SourceError::Offline(reference.to_owned()));
        }
        match export(endpoint, name, &encoded) {
            Ok(file) => {
                let place = format!("{} of {}", name, endpoint.shown());
                let image = archive::open(file, &place, Format::Docker, &Selection::Only, choice, reference)?;
                return Ok(Image { transport: "docker-daemon", ..image });
            }
            // Another engine may have it; what the first ones said is not lost when there is no other.
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The name as a part of a URL's path; none where it could be read as another request.
fn encode(name: &str) -> Option<String> {
    let is_odd = |part: &str| matches!(part, "" | "." | "..");
    if name.split('/').any(is_odd) {
        return None;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/:@".contains(byte);
    name.bytes().all(|byte| plain(&byte)).then(|| name.to_owned())
}

/// The engine's archive of an image, in a file.
fn export(endpoint: &Endpoint, name: &str, encoded: &str) -> Result<File, SourceError> {
    // A runtime must not be waited for on a thread that another runtime has; a thread of its own has none.
    std::thread::scope(|scope| {
        let engine = scope.spawn(|| Engine::new(endpoint)?.export(name, encoded));
        engine.join().unwrap_or_else(|_| {
            Err(SourceError::Unreachable {
                host: endpoint.shown(),
                phase: "exporting the image",
                detail: "the connection's thread failed".into(),
            })
        })
    })
}

struct Engine {
    runtime: Runtime,
    client: Client,
    base: String,
    shown: String,
}

impl Engine {
    fn new(endpoint: &Endpoint) -> Result<Self, SourceError> {
        let shown = endpoint.shown();
        let unreachable =
            |detail: String| SourceError::Unreachable { host: shown.clone(), phase: "connecting", detail };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unreachable(error.to_string()))?;
        // No connection here is encrypted; without this the client wants the system's certificates and fails where there are none.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unreachable(error.to_string()))?;
        let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(STALL_TIMEOUT);
        let builder = builder.http1_only().tls_backend_preconfigured(tls);
        let (builder, base) = match endpoint {
            Endpoint::Unix(path) => (builder.unix_socket(path.as_path()), "http://localhost".to_owned()),
            Endpoint::Tcp(authority) => (builder, format!("http://{authority}")),
        };
        let client = builder.build().map_err(|error| unreachable(net::innermost(&error)))?;
        Ok(Self { runtime, client, base, shown })
    }

    fn export(self, name: &str, encoded: &str) -> Result<File, SourceError> {
        drop(self.get(name, &format!("images/{encoded}/json"), "looking for the image")?);
        let response = self.get(name, &format!("images/{encoded}/get"), "exporting the image")?;
        let what = format!("{name} of {}", self.shown);
        let body = Body { runtime: self.runtime, response, chunk: bytes::Bytes::new(), shown: self.shown };
        spool::spool(Box::new(body), &what)
    }

    fn get(&self, name: &str, path: &str, phase: &'static str) -> Result<Response, SourceError> {
        // The client starts its timers when the request is made, which needs the runtime's context.
        let request = async { self.client.get(format!("{}/{path}", self.base)).send().await };
        let mut response = self.runtime.block_on(request).map_err(|error| self.unreachable(phase, &error))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => {
                Err(SourceError::NotFound { what: format!("image `{name}`"), place: self.shown.clone() })
            }
            status if status.is_server_error() => {
                Err(SourceError::Server { host: self.shown.clone(), status: status.as_u16(), phase })
            }
            status => {
                let message = self.runtime.block_on(response.chunk()).ok().flatten().unwrap_or_default();
                let message = net::excerpt(&message);
                Err(SourceError::Protocol {
                    host: self.shown.clone(),
                    phase,
                    detail: format!("status {}: {message}", status.as_u16()),
                })
            }
        }
    }

    fn unreachable(&self, phase: &'static str, error: &reqwest::Error) -> SourceError {
        SourceError::Unreachable { host: self.shown.clone(), phase, detail: net::innermost(error) }
    }
}

/// The body of an export as a reader.
struct Body {
    runtime: Runtime,
    response: Response,
    chunk: bytes::Bytes,
    shown: String,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next = self.runtime.block_on(self.response.chunk());
            let failed = |error: reqwest::Error| {
                let (host, detail) = (self.shown.clone(), net::innermost(&error));
                io::Error::other(SourceError::Unreachable { host, phase: "exporting the image", detail })
            };
            match next.map_err(failed)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        Ok(net::take(&mut self.chunk, buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_another_request() {
        assert_eq!(
            encode("localhost:5000/team/app:1@sha256:00").as_deref(),
            Some("localhost:5000/team/app:1@sha256:00")
        );
        for bad in ["", "../containers", "app/../../x", "app?x=1", "app#x", "app%2f..", "a b", "/app"] {
            assert_eq!(encode(bad), None, "{bad}");
        }
    }
}
