//! What a cloud gives its own machines and jobs for its own registry.
//!
//! In: a registry's host name, which says whose it is, and the ambient credentials of that cloud. Out: a [`Login`], or none where there are no such credentials. Nobody is asked for a registry of
//! another. Addresses that the environment overrides must be of TLS, or stay on the machine.

mod amazon;
mod azure;
mod google;

use std::path::Path;

use reqwest::Url;

use super::super::{answers, read_configuration};
use super::{Login, Secret};
use crate::net::{self, Request, Transport};
use crate::source::SourceError;

/// What is done here, for messages.
const PHASE: &str = "asking the cloud for a login";

/// Largest file of a token or key.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// The ambient credentials of each cloud.
pub(super) struct Cloud {
    amazon: Option<amazon::Ambient>,
    azure: Option<azure::Ambient>,
    google: Option<google::Ambient>,
}

impl Cloud {
    /// Looks into the environment; nobody is asked yet.
    pub(super) fn new(variables: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        Self {
            amazon: amazon::Ambient::new(&set),
            azure: azure::Ambient::new(&set),
            google: google::Ambient::new(&set),
        }
    }

    /// The login for the registry `host`, whose address is `base`.
    ///
    /// # Errors
    /// When there are credentials of its cloud, but they do not lead to a login.
    pub(super) async fn find(
        &self,
        transport: &Transport,
        base: &Url,
        host: &str,
    ) -> Result<Option<Login>, SourceError> {
        if let (Some(ambient), Some(registry)) = (&self.amazon, amazon::Registry::parse(host)) {
            return ambient.login(transport, &registry).await.map(Some);
        }
        match (&self.azure, &self.google) {
            (Some(ambient), _) if azure::is_registry(host) => ambient.login(transport, base).await.map(Some),
            (_, Some(ambient)) if google::is_registry(host) => ambient.login(transport).await.map(Some),
            _ => Ok(None),
        }
    }
}

/// The address that `place`, a variable or file, names.
fn address(place: &str, text: &str) -> Result<Url, SourceError> {
    let unusable = || SourceError::Configuration {
        place: place.to_owned(),
        detail: "it is no address of TLS or of this machine".into(),
    };
    let url: Url = text.parse().map_err(|_| unusable())?;
    let stays_here = net::is_loopback(&url) || net::is_machine_service(&url);
    if url.scheme() == "https" || (url.scheme() == "http" && stays_here) { Ok(url) } else { Err(unusable()) }
}

/// The content of a file of one secret.
fn secret_file(path: &Path) -> Result<Secret, SourceError> {
    let unusable =
        |_| SourceError::Configuration { place: path.display().to_string(), detail: "it is not UTF-8".into() };
    let text = String::from_utf8(read_configuration(path, MAX_SECRET_BYTES)?).map_err(unusable)?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// Sends a request and takes the text at `pointer` (RFC 6901) of its JSON answer.
async fn issued(transport: &Transport, request: &Request, what: &str, pointer: &str) -> Result<Secret, SourceError> {
    let (body, host) = answers::issued(transport, request, what).await?;
    field(&body, pointer).ok_or_else(|| incomplete(host, what))
}

fn field(body: &[u8], pointer: &str) -> Option<Secret> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = document.pointer(pointer)?.as_str().filter(|text| !text.is_empty())?;
    Some(Secret::new(text.to_owned()))
}

fn incomplete(host: String, what: &str) -> SourceError {
    SourceError::Protocol { host, phase: PHASE, detail: format!("its answer holds no {what}") }
}
