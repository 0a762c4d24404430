//! The format that Docker's `config.json` and Podman's `auth.json` share.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::super::read_configuration;
use super::{Login, Place, Secret, helper};
use crate::source::SourceError;

/// Largest file of credentials.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// How Docker's own tools name Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A file of credentials. It has no `Debug`: it is full of secrets.
pub(super) struct AuthFile {
    from: String,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Content {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl AuthFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub(super) fn read(path: &Path) -> Result<Self, SourceError> {
        Self::parse(&path.display().to_string(), &read_configuration(path, MAX_FILE_BYTES)?)
    }

    /// Understands the content of `place`, which is a file or variable. An empty one is `podman login`'s way to say nothing.
    ///
    /// # Errors
    /// When it is not the JSON that is meant.
    pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Self, SourceError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self { from: place.to_owned(), content: Content::default() });
        }
        // The parser's words may quote what it read.
        let unusable = |error: serde_json::Error| SourceError::Configuration {
            place: place.to_owned(),
            detail: format!("line {}, column {} is not what a file of credentials holds", error.line(), error.column()),
        };
        let content = serde_json::from_slice(bytes).map_err(unusable)?;
        Ok(Self { from: format!("`{place}`"), content })
    }

    /// The login that this file knows for a repository. A helper for exactly this host comes first, then the entry with the longest path, then the store for all hosts.
    ///
    /// # Errors
    /// When an entry is not what it should be, or a helper fails.
    pub(super) async fn find(&self, place: &Place) -> Result<Option<Login>, SourceError> {
        let server = if place.host == "docker.io" { DOCKER_HUB } else { &place.host };
        let special = self.content.cred_helpers.iter().find(|(key, _)| normalised(key) == place.host);
        if let Some((_, name)) = special
            && let Some(login) = helper::ask(name, server).await?
        {
            return Ok(Some(login));
        }
        for key in keys(place) {
            let entry = self.content.auths.iter().find(|(known, _)| normalised(known) == key);
            if let Some(login) = entry.map(|(_, entry)| self.login(&key, entry)).transpose()?.flatten() {
                return Ok(Some(login));
            }
        }
        match self.content.creds_store.as_str() {
            "" => Ok(None),
            store => helper::ask(store, server).await,
        }
    }

    /// What an entry says; nothing where it is empty, which Docker writes beside a store.
    fn login(&self, key: &str, entry: &Entry) -> Result<Option<Login>, SourceError> {
        let from = self.from.clone();
        if !entry.registrytoken.is_empty() {
            return Ok(Some(Login::Token { token: Secret::new(entry.registrytoken.clone()), from }));
        }
        if !entry.identitytoken.is_empty() {
            return Ok(Some(Login::Identity { token: Secret::new(entry.identitytoken.clone()), from }));
        }
        let (user, password) = if entry.auth.is_empty() {
            (entry.username.clone(), entry.password.clone())
        } else {
            decode(&entry.auth).ok_or_else(|| SourceError::Configuration {
                place: from.trim_matches('`').to_owned(),
                detail: format!("`auth` of `{key}` is not the base64 of a user, a colon and a password"),
            })?
        };
        Ok(if user.is_empty() { None } else { Some(Login::Password { user, password: Secret::new(password), from }) })
    }
}

fn decode(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Docker once padded what it encoded with zero bytes.
    Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// The keys under which a repository's credentials may stand, the most exact one first.
fn keys(place: &Place) -> Vec<String> {
    let full = place.to_string();
    let ends = full.match_indices('/').map(|(end, _)| end).chain([full.len()]);
    let mut keys: Vec<String> = ends.filter_map(|end| full.get(..end)).map(str::to_owned).collect();
    keys.reverse();
    keys
}

/// A key as a host or a host with a path: older tools wrote URLs, and Docker Hub has several names.
fn normalised(key: &str) -> String {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    match key.split_once('/').unwrap_or((key, "")) {
        ("index.docker.io" | "registry-1.docker.io", "") => "docker.io".to_owned(),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(json: &str, host: &str, repository: &str) -> Result<Option<Login>, SourceError> {
        let place = Place { host: host.into(), repository: repository.into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(AuthFile::parse("test", json.as_bytes())?.find(&place))
    }

    fn user(json: &str, host: &str, repository: &str) -> Option<String> {
        match find(json, host, repository).unwrap() {
            Some(Login::Password { user, .. }) => Some(user),
            other => other.map(|login| login.described()),
        }
    }

    #[test]
    fn the_longest_path_counts() {
        let entry = |user: &str| format!(r#"{{"auth":"{}"}}"#, BASE64.encode(format!("{user}:pass:word")));
        let json = format!(
            r#"{{"auths":{{"r.example:5000":{},"r.example:5000/a":{},"r.example:5000/a/b/c":{},"https://index.docker.io/v1/":{},"https://old.example/v2/":{},"empty.example":{{}}}}}}"#,
            entry("host"),
            entry("a"),
            entry("abc"),
            entry("hub"),
            entry("old")
        );
        assert_eq!(user(&json, "r.example:5000", "a/b/c").as_deref(), Some("abc"));
        assert_eq!(user(&json, "r.example:5000", "a/b").as_deref(), Some("a"));
        assert_eq!(user(&json, "r.example:5000", "ab").as_deref(), Some("host"));
        assert_eq!(user(&json, "r.example", "a"), None, "another port is another registry");
        assert_eq!(user(&json, "docker.io", "library/alpine").as_deref(), Some("hub"));
        assert_eq!(user(&json, "old.example", "x").as_deref(), Some("old"));
        assert_eq!(user(&json, "empty.example", "x"), None);
        let Some(Login::Password { password, .. }) = find(&json, "docker.io", "x").unwrap() else {
            panic!("no password")
        };
        assert_eq!(password.reveal(), "pass:word", "a password may hold colons");
    }

    #[test]
    fn tokens_come_before_passwords() {
        let json = r#"{"auths":{"a":{"auth":"eDp5","identitytoken":"i"},"b":{"auth":"eDp5","registrytoken":"r"},"c":{"username":"u","password":"p"}}}"#;
        assert_eq!(user(json, "a", "x").as_deref(), Some("the identity token of `test` was tried"));
        assert_eq!(user(json, "b", "x").as_deref(), Some("the registry token of `test` was tried"));
        assert_eq!(user(json, "c", "x").as_deref(), Some("u"));
    }

    #[test]
    fn what_cannot_be_understood_is_told_without_quoting_it() {
        for json in [r#"{"auths":{"a":{"auth":"s3cr3t!"}}}"#, r#"{"auths":{"a":{"auth":["s3cr3t"]}}}"#, "s3cr3t"] {
            let error = find(json, "a", "x").unwrap_err();
            assert!(matches!(error, SourceError::Configuration { .. }), "{error:?}");
            assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        }
        assert_eq!(find("", "a", "x").unwrap(), None);
    }
}
