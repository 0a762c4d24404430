//! Where the stores of Podman, Buildah and CRI-O are on this machine.
//!
//! In: the environment and `storage.conf`. Out: folders, the user's own first. Nothing here looks into a store. Source: containers-storage.conf(5); containers-transports(5), "containers-storage".

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::SourceError;
use crate::source::layout::open_regular;
use crate::source::resolve::read_bounded;

/// Largest `storage.conf`; the commented default one has 10 KB.
const MAX_CONFIGURATION_BYTES: u64 = 1 << 20;

/// Where the system's settings are, the administrator's before the distribution's.
const SYSTEM_FILES: [&str; 2] = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    storage: Settings,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    graphroot: String,
    #[serde(default)]
    rootless_storage_path: String,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
struct Options {
    #[serde(default)]
    additionalimagestores: Vec<String>,
}

/// A reference of this transport, taken apart: `[DRIVER@ROOT+RUN:OPTIONS]NAME`.
pub(super) struct Specifier<'a> {
    /// The folder of the store, where the reference names it.
    pub(super) root: Option<PathBuf>,
    pub(super) name: &'a str,
}

impl<'a> Specifier<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let Some((inside, name)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return Self { root: None, name: text };
        };
        let root = inside.split_once('@').map_or(inside, |(_driver, root)| root);
        let root = root.split(['+', ':']).next().unwrap_or_default();
        Self { root: root.starts_with('/').then(|| root.into()), name }
    }
}

/// The folders in which stores are looked for. `uid` is the effective user.
pub(super) fn stores(variables: &dyn Fn(&str) -> Option<String>, uid: u32) -> Result<Vec<PathBuf>, SourceError> {
    let home = variables("HOME").filter(|home| !home.is_empty());
    let given = |name: &str| variables(name).filter(|value| !value.is_empty());
    let expand = |text: &str| expand(text, home.as_deref(), uid);
    let mut system = Settings::default();
    let mut own = None;
    if let Some(path) = given("CONTAINERS_STORAGE_CONF") {
        own = Some(read(Path::new(&path))?);
    } else {
        system = first_of(SYSTEM_FILES.iter().map(PathBuf::from))?.unwrap_or_default();
        let folder =
            given("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(Path::new(home.as_deref()?).join(".config")));
        if uid != 0
            && let Some(folder) = folder
        {
            own = first_of(std::iter::once(folder.join("containers/storage.conf")))?;
        }
    }
    let own = own.unwrap_or_default();
    let root = if !own.graphroot.is_empty() {
        Some(expand(&own.graphroot))
    } else if uid == 0 {
        Some(if system.graphroot.is_empty() { "/var/lib/containers/storage".into() } else { expand(&system.graphroot) })
    } else if !system.rootless_storage_path.is_empty() {
        Some(expand(&system.rootless_storage_path))
    } else {
        let data = given("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(home.as_deref()?).join(".local/share")));
        data.map(|data| data.join("containers/storage"))
    };
    let additional =
        own.options.additionalimagestores.iter().chain(&system.options.additionalimagestores).map(|path| expand(path));
    let mut found: Vec<PathBuf> = root.into_iter().collect();
    found.extend(additional);
    Ok(found)
}

/// `$HOME`, `$USER` and `$UID` stand for what they say in paths of the configuration.
fn expand(text: &str, home: Option<&str>, uid: u32) -> PathBuf {
    let text = text.replace("$UID", &uid.to_string());
    PathBuf::from(match home {
        Some(home) => text.replace("$HOME", home),
        None => text,
    })
}

fn first_of(paths: impl Iterator<Item = PathBuf>) -> Result<Option<Settings>, SourceError> {
    for path in paths {
        match read(&path) {
            Err(SourceError::NotFound { .. }) => {}
            other => return other.map(Some),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Settings, SourceError> {
    let what = || format!("`{}`", path.display());
    let bytes = read_bounded(open_regular(path)?, MAX_CONFIGURATION_BYTES)
        .map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_CONFIGURATION_BYTES {
        return Err(SourceError::TooLarge { what: what(), limit: MAX_CONFIGURATION_BYTES });
    }
    let text =
        String::from_utf8(bytes).map_err(|error| SourceError::Malformed { what: what(), detail: error.to_string() })?;
    let parsed: Configuration = toml::from_str(&text)
        .map_err(|error| SourceError::Malformed { what: what(), detail: error.message().to_owned() })?;
    Ok(parsed.storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifier_names_a_store() {
        let full = Specifier::parse("[overlay@/srv/store+/run/store:overlay.mountopt=nodev]localhost/app:1");
        assert_eq!((full.root, full.name), (Some("/srv/store".into()), "localhost/app:1"));
        let short = Specifier::parse("[/srv/store]app");
        assert_eq!((short.root, short.name), (Some("/srv/store".into()), "app"));
        assert!(Specifier::parse("app:1").root.is_none());
    }

    #[test]
    fn stores_are_where_the_configuration_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("storage.conf");
        std::fs::write(&file, "[storage]\ndriver='vfs'\ngraphroot='$HOME/store/$UID'\n[storage.options]\nadditionalimagestores=['/srv/shared']\n").unwrap();
        let variables = |name: &str| match name {
            "CONTAINERS_STORAGE_CONF" => Some(file.display().to_string()),
            "HOME" => Some("/home/me".into()),
            _ => None,
        };
        assert_eq!(stores(&variables, 1000).unwrap(), [PathBuf::from("/home/me/store/1000"), "/srv/shared".into()]);
        let missing = |name: &str| (name == "CONTAINERS_STORAGE_CONF").then(|| "/nonexistent/storage.conf".into());
        assert!(matches!(stores(&missing, 0), Err(SourceError::NotFound { .. })));
    }
}
