//! Who we are to a registry: what the user's other tools left behind when they logged in.
//!
//! In: the environment and the files that it names. Out: one [`Login`] for a repository. Files are read and helpers started when a registry first asks. The order:
//! `DOCKER_AUTH_CONFIG`, the file of `REGISTRY_AUTH_FILE`, `config.json` of `DOCKER_CONFIG`, Podman's files, `~/.docker/config.json`, and at last what a cloud gives its own machines
//! and jobs for its own registry. The first that knows the repository counts.
//!
//! Source: containers-auth.json(5); Docker CLI reference, "Credential stores" and "Credential helpers".

mod cloud;
mod file;
mod helper;

use std::fmt;
use std::path::PathBuf;

use cloud::Cloud;
use file::AuthFile;
use reqwest::Url;

use super::mirrors::Place;
use crate::net::Transport;
use crate::source::SourceError;

/// A secret that shows itself only when asked to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed by accident.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, to be sent and nothing else.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who we are to a registry. `from` says where that was found, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// Nobody.
    Anonymous,
    /// User and password.
    Password { user: String, password: Secret, from: String },
    /// An OAuth2 refresh token, to be exchanged for tokens.
    Identity { token: Secret, from: String },
    /// A token to be sent as it is (`registrytoken`).
    Token { token: Secret, from: String },
}

impl Login {
    /// Which credentials were tried, for messages.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Anonymous => "no credentials were found for it".into(),
            Self::Password { user, from, .. } => format!("user `{user}` of {from} was tried"),
            Self::Identity { from, .. } => format!("the identity token of {from} was tried"),
            Self::Token { from, .. } => format!("the registry token of {from} was tried"),
        }
    }
}

/// The places that may hold credentials.
pub(super) struct Credentials {
    /// The JSON of `DOCKER_AUTH_CONFIG`.
    variable: Option<Secret>,
    /// A file that the user named: it must be there.
    named: Option<PathBuf>,
    /// Files that may be there.
    usual: Vec<PathBuf>,
    cloud: Cloud,
}

impl Credentials {
    /// Nothing is read yet. `variables` are the environment.
    pub(super) fn new(variables: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let folder = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = folder("HOME");
        let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let runtime = folder("XDG_RUNTIME_DIR")
            .unwrap_or_else(|| format!("/run/containers/{}", rustix::process::getuid().as_raw()).into());
        let runtime = if folder("XDG_RUNTIME_DIR").is_some() { runtime.join("containers") } else { runtime };
        let usual = [
            set("DOCKER_CONFIG").map(|folder| PathBuf::from(folder).join("config.json")),
            Some(runtime.join("auth.json")),
            folder("XDG_CONFIG_HOME")
                .or_else(|| below_home(".config"))
                .map(|folder| folder.join("containers/auth.json")),
            below_home(".docker/config.json"),
        ];
        Self {
            variable: set("DOCKER_AUTH_CONFIG").map(Secret::new),
            named: set("REGISTRY_AUTH_FILE").map(PathBuf::from),
            usual: usual.into_iter().flatten().collect(),
            cloud: Cloud::new(variables),
        }
    }

    /// The login for a repository of the registry at `base`, [`Login::Anonymous`] where nobody knows one.
    ///
    /// # Errors
    /// When a file cannot be understood or a helper fails: whoever has credentials there does not want to be anonymous.
    pub(super) async fn find(&self, transport: &Transport, base: &Url, place: &Place) -> Result<Login, SourceError> {
        let variable = self.variable.iter().map(|text| AuthFile::parse("DOCKER_AUTH_CONFIG", text.reveal().as_bytes()));
        let named = self.named.iter().map(|path| AuthFile::read(path));
        let usual = self.usual.iter().filter(|path| path.exists()).map(|path| AuthFile::read(path));
        for file in variable.chain(named).chain(usual) {
            if let Some(login) = file?.find(place).await? {
                return Ok(login);
            }
        }
        Ok(self.cloud.find(transport, base, &place.host).await?.unwrap_or(Login::Anonymous))
    }
}
