//! Where engines listen on this machine.
//!
//! In: the environment and Docker's configuration. Out: addresses, none of them tried yet. Source: Docker CLI reference, "Environment variables" and `docker context`; podman-system-service(1).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::digest::Digest;
use crate::source::SourceError;
use crate::source::layout::open_regular;
use crate::source::resolve::read_bounded;

/// Largest `config.json` or context file; they hold a few kilobytes.
const MAX_CONFIGURATION_BYTES: u64 = 4 << 20;

/// An engine's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// Host and port, without TLS.
    Tcp(String),
}

impl Endpoint {
    /// Reads an address as `DOCKER_HOST` has it.
    fn parse(text: &str, tls: bool) -> Result<Self, SourceError> {
        let refused = |detail: &str| SourceError::Protocol {
            host: text.chars().take(160).collect(),
            phase: "choosing the engine",
            detail: detail.into(),
        };
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(refused("the socket's path is not absolute"))
            };
        }
        match text.strip_prefix("tcp://").or_else(|| text.strip_prefix("http://")) {
            Some(_) if tls => Err(refused(
                "an engine behind TLS is not supported; save the image with `docker save` and scan the archive",
            )),
            Some(authority) => Ok(Self::Tcp(authority.trim_end_matches('/').to_owned())),
            None => Err(refused(
                "only unix:// and tcp:// are supported; save the image with `docker save` and scan the archive",
            )),
        }
    }

    /// For messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Unix(path) => path.display().to_string(),
            Self::Tcp(authority) => authority.clone(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    #[serde(default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    host: String,
}

/// The engines to ask, in order: the one that the user named, else the sockets that exist.
pub(super) fn endpoints(variables: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Endpoint>, SourceError> {
    let given = |name: &str| variables(name).filter(|value| !value.is_empty());
    let tls = given("DOCKER_TLS_VERIFY").is_some() || given("DOCKER_TLS").is_some();
    if let Some(host) = given("DOCKER_HOST") {
        return Ok(vec![Endpoint::parse(&host, tls)?]);
    }
    let home = given("HOME").map(PathBuf::from);
    let configuration = given("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".docker")));
    if let Some(folder) = &configuration
        && let Some(host) = context_host(folder, given("DOCKER_CONTEXT"))?
    {
        return Ok(vec![Endpoint::parse(&host, tls)?]);
    }
    let runtime = given("XDG_RUNTIME_DIR").map(PathBuf::from);
    let below = |folder: &Option<PathBuf>, name: &str| folder.as_ref().map(|folder| folder.join(name));
    let candidates = [
        Some("/var/run/docker.sock".into()),
        below(&runtime, "docker.sock"),
        below(&home, ".docker/run/docker.sock"),
        below(&home, ".docker/desktop/docker.sock"),
        below(&runtime, "podman/podman.sock"),
        Some("/run/podman/podman.sock".into()),
    ];
    Ok(candidates.into_iter().flatten().filter(|path| path.exists()).map(Endpoint::Unix).collect())
}

/// The address of the context in use; none for the default one.
fn context_host(folder: &Path, named: Option<String>) -> Result<Option<String>, SourceError> {
    let name = match named {
        Some(name) => name,
        None => match read_json::<DockerConfig>(&folder.join("config.json")) {
            Ok(config) => config.current_context,
            Err(SourceError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    if name.is_empty() || name == "default" {
        return Ok(None);
    }
    let id = Digest::sha256(name.as_bytes());
    let context: Context = read_json(&folder.join("contexts/meta").join(id.hex()).join("meta.json"))?;
    Ok(Some(context.endpoints.docker.host))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, SourceError> {
    let what = || format!("`{}`", path.display());
    let bytes = read_bounded(open_regular(path)?, MAX_CONFIGURATION_BYTES)
        .map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_CONFIGURATION_BYTES {
        return Err(SourceError::TooLarge { what: what(), limit: MAX_CONFIGURATION_BYTES });
    }
    serde_json::from_slice(&bytes).map_err(|error| SourceError::Malformed { what: what(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Result<Vec<Endpoint>, SourceError> {
        endpoints(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn docker_host_comes_first_and_alone() {
        assert_eq!(ask(&[("DOCKER_HOST", "unix:///run/x.sock")]).unwrap(), [Endpoint::Unix("/run/x.sock".into())]);
        assert_eq!(ask(&[("DOCKER_HOST", "tcp://127.0.0.1:2375/")]).unwrap(), [Endpoint::Tcp("127.0.0.1:2375".into())]);
        assert!(ask(&[("DOCKER_HOST", "ssh://me@host")]).is_err());
        assert!(ask(&[("DOCKER_HOST", "tcp://127.0.0.1:2376"), ("DOCKER_TLS_VERIFY", "1")]).is_err());
    }

    #[test]
    fn the_context_of_the_configuration_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("config.json"), r#"{"auths":{},"currentContext":"mine"}"#).unwrap();
        assert!(
            matches!(ask(&[("DOCKER_CONFIG", root)]), Err(SourceError::NotFound { .. })),
            "the context's own file is missing"
        );
        let meta = folder.path().join("contexts/meta").join(Digest::sha256(b"mine").hex());
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(meta.join("meta.json"), r#"{"Name":"mine","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/mine.sock","SkipTLSVerify":false}}}"#)
            .unwrap();
        assert_eq!(ask(&[("DOCKER_CONFIG", root)]).unwrap(), [Endpoint::Unix("/run/mine.sock".into())]);
        assert!(
            ask(&[("DOCKER_CONFIG", root), ("DOCKER_CONTEXT", "default")])
                .unwrap()
                .iter()
                .all(|e| *e != Endpoint::Unix("/run/mine.sock".into()))
        );
    }
}
