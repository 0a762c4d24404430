//! Where an image really is: mirrors, rewritten and blocked registries of the machine's `registries.conf`.
//!
//! Source: containers-registries.conf(5), version 2, and containers-registries.conf.d(5). Short names and search lists have no meaning here: a name without registry is Docker Hub's.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::read_configuration;
use crate::reference::ImageName;
use crate::source::SourceError;

/// Largest configuration file.
const MAX_CONFIGURATION_BYTES: u64 = 1 << 20;

/// Most drop-in files of one folder that are read.
const MAX_DROP_INS: usize = 256;

/// A repository on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Host, with the port where one is written; `docker.io` for Docker Hub.
    pub(super) host: String,
    /// Repository.
    pub(super) repository: String,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (host, repository) = text.split_once('/')?;
        // The rules of names hold for what a mirror makes of them, too: this becomes a URL.
        let name = format!("{host}/{repository}").parse::<ImageName>().ok()?;
        Some(Self { host: host.to_owned(), repository: name.repository })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)
    }
}

/// The configuration of registries.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    registries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    registry: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Entry {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<Mirror>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    pull_from_mirror: Use,
}

/// For which names a mirror is asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Use {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl Mirrors {
    /// Reads the file that `CONTAINERS_REGISTRIES_CONF` names, else the user's, else the machine's, and the drop-in folders beside the latter two; of two entries for one prefix the later counts.
    ///
    /// # Errors
    /// When a file is there but cannot be read or understood.
    pub(super) fn load(variables: &dyn Fn(&str) -> Option<String>) -> Result<Self, SourceError> {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = set("XDG_CONFIG_HOME")
            .or_else(|| Some(set("HOME")?.join(".config")))
            .map(|folder| folder.join("containers"));
        let folders: Vec<PathBuf> = [PathBuf::from("/etc/containers")].into_iter().chain(own).collect();
        let mut mirrors = Self::default();
        if let Some(named) = set("CONTAINERS_REGISTRIES_CONF") {
            mirrors.read(&named)?;
            return Ok(mirrors);
        }
        let main = folders.iter().rev().map(|folder| folder.join("registries.conf")).find(|file| file.exists());
        if let Some(main) = main {
            mirrors.read(&main)?;
        }
        for file in folders.iter().flat_map(|folder| drop_ins(&folder.join("registries.conf.d"))) {
            mirrors.read(&file)?;
        }
        Ok(mirrors)
    }

    fn read(&mut self, path: &Path) -> Result<(), SourceError> {
        let unusable = |detail: String| SourceError::Configuration { place: path.display().to_string(), detail };
        let bytes = read_configuration(path, MAX_CONFIGURATION_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8".into()))?;
        let file: File = toml::from_str(&text).map_err(|error| unusable(error.message().to_owned()))?;
        for mut entry in file.registry {
            if entry.prefix.is_empty() {
                entry.prefix.clone_from(&entry.location);
            }
            self.registries.retain(|known| known.prefix != entry.prefix);
            self.registries.push(entry);
        }
        Ok(())
    }

    /// Hosts that may be spoken to without TLS or with any certificate.
    pub(super) fn insecure_hosts(&self) -> impl Iterator<Item = &str> {
        let host = |location: &'_ str| location.split('/').next().unwrap_or_default().len();
        self.registries
            .iter()
            .flat_map(|entry| {
                let own = if entry.location.is_empty() { &entry.prefix } else { &entry.location };
                let mirrors = entry.mirror.iter().filter(|mirror| mirror.insecure).map(|mirror| &mirror.location);
                Some(own).filter(|_| entry.insecure).into_iter().chain(mirrors)
            })
            .map(move |location| location.get(..host(location)).unwrap_or_default())
    }

    /// Where to look for an image, in this order.
    ///
    /// # Errors
    /// When the image is blocked, or the configuration makes no name of it.
    pub(super) fn places(&self, name: &ImageName) -> Result<Vec<Place>, SourceError> {
        let own = Place { host: name.registry.clone(), repository: name.repository.clone() };
        let full = own.to_string();
        let matching = self.registries.iter().filter_map(|entry| Some((entry, rest_after(&full, &entry.prefix)?)));
        let Some((entry, rest)) = matching.max_by_key(|(entry, _)| entry.prefix.len()) else { return Ok(vec![own]) };
        if entry.blocked {
            let detail = format!("registries.conf blocks `{}`", entry.prefix);
            return Err(SourceError::Forbidden { host: own.host, what: own.repository, detail });
        }
        let place = |location: &str| {
            let unusable = |text: &str| SourceError::Configuration {
                place: "registries.conf".into(),
                detail: format!("its entry for `{}` leads to `{text}`, which is no image name", entry.prefix),
            };
            let text = format!("{location}{rest}");
            Place::parse(&text).ok_or_else(|| unusable(&text))
        };
        let by_digest = name.digest.is_some();
        let wanted = |mirror: &&Mirror| match mirror.pull_from_mirror {
            Use::All => by_digest || !entry.mirror_by_digest_only,
            Use::DigestOnly => by_digest,
            Use::TagOnly => !by_digest,
        };
        let mirrors = entry.mirror.iter().filter(wanted).map(|mirror| place(&mirror.location));
        let last = if entry.location.is_empty() { Ok(own.clone()) } else { place(&entry.location) };
        mirrors.chain([last]).collect()
    }
}

/// What follows `prefix` in a name, when it ends where a part of the name ends. `*.example.com` stands for every host below.
fn rest_after<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    if let Some(domain) = prefix.strip_prefix('*') {
        let end = name.find('/').unwrap_or(name.len());
        let (host, rest) = name.split_at(end);
        return (domain.starts_with('.') && host.ends_with(domain)).then_some(rest);
    }
    let rest = name.strip_prefix(prefix)?;
    (!prefix.is_empty() && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// The `*.conf` files of a folder in alphabetic order; none where there is no such folder.
fn drop_ins(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .take(MAX_DROP_INS)
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(text: &str) -> Mirrors {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("registries.conf");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap().to_owned();
        Mirrors::load(&|name| (name == "CONTAINERS_REGISTRIES_CONF").then(|| file.clone())).unwrap()
    }

    fn places(mirrors: &Mirrors, name: &str) -> Vec<String> {
        mirrors.places(&name.parse().unwrap()).unwrap().iter().map(Place::to_string).collect()
    }

    #[test]
    fn the_longest_prefix_counts_and_mirrors_come_first() {
        let mirrors = mirrors(
            r#"
            unqualified-search-registries = ["example.com"]
            [[registry]]
            prefix = "example.com/foo"
            location = "internal.example/bar"
            [[registry.mirror]]
            location = "mirror-0.local/mirror-for-foo"
            [[registry.mirror]]
            location = "mirror-1.local:5000/mirrors/foo"
            insecure = true
            [[registry]]
            location = "docker.io"
            [[registry.mirror]]
            location = "hub.local"
            pull-from-mirror = "digest-only"
            [[registry]]
            prefix = "*.blocked.example"
            blocked = true
            "#,
        );
        assert_eq!(
            places(&mirrors, "example.com/foo/image:1"),
            [
                "mirror-0.local/mirror-for-foo/image",
                "mirror-1.local:5000/mirrors/foo/image",
                "internal.example/bar/image"
            ]
        );
        assert_eq!(places(&mirrors, "example.com/foobar"), ["example.com/foobar"], "a prefix ends at a slash");
        assert_eq!(places(&mirrors, "alpine"), ["docker.io/library/alpine"]);
        let digest = format!("alpine@sha256:{}", "a".repeat(64));
        assert_eq!(places(&mirrors, &digest), ["hub.local/library/alpine", "docker.io/library/alpine"]);
        assert_eq!(mirrors.insecure_hosts().collect::<Vec<_>>(), ["mirror-1.local:5000"]);
        let blocked = mirrors.places(&"a.blocked.example/x".parse().unwrap());
        assert!(matches!(blocked, Err(SourceError::Forbidden { .. })), "{blocked:?}");
    }

    #[test]
    fn a_location_that_is_no_name_is_refused() {
        let mirrors = mirrors("[[registry]]\nprefix = \"example.com\"\nlocation = \"other.example/../..\"\n");
        let wrong = mirrors.places(&"example.com/x".parse().unwrap());
        assert!(matches!(wrong, Err(SourceError::Configuration { .. })), "{wrong:?}");
    }

    #[test]
    fn no_configuration_is_fine_and_a_broken_one_is_told() {
        let none = Mirrors::load(&|name| (name == "HOME").then(|| "/nonexistent".to_owned())).unwrap();
        assert_eq!(places(&none, "quay.io/a/b"), ["quay.io/a/b"]);
        let missing = Mirrors::load(&|name| (name == "CONTAINERS_REGISTRIES_CONF").then(|| "/nonexistent".to_owned()));
        assert!(matches!(missing, Err(SourceError::Configuration { .. })));
    }
}
