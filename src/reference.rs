//! What the user wrote to what is meant: transports as containers-transports(5) spells them, and image names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::digest::Digest;

/// Longest reference that is read: a path of `PATH_MAX` with a transport and a tag.
const MAX_REFERENCE_BYTES: usize = 8192;

/// Longest repository name with its registry (distribution-spec, "Pulling manifests").
const MAX_NAME_BYTES: usize = 255;

/// A reference to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `registry.example/app:tag`, `docker://…`: in a registry. `bare` when no registry was written, so that a local engine may be meant.
    Registry {
        /// The name.
        name: ImageName,
        /// Whether only a short name was written.
        bare: bool,
    },
    /// `oci:DIR[:ref|@digest]`.
    Layout(PathBuf, Choice),
    /// `oci-archive:FILE[:ref]`.
    OciArchive(PathBuf, Choice),
    /// `docker-archive:FILE[:ref]`.
    DockerArchive(PathBuf, Choice),
    /// `dir:PATH`.
    Directory(PathBuf),
    /// `docker-daemon:IMAGE`.
    DockerDaemon(String),
    /// `containers-storage:IMAGE`.
    ContainersStorage(String),
    /// `sbom:FILE`: a bill of materials; `-` is standard input.
    Sbom(PathBuf),
    /// `-`: an archive on standard input.
    StandardInput,
}

/// Which image of a layout or archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The only one.
    Only,
    /// By name.
    Name(String),
    /// By digest.
    Digest(Digest),
}

/// The name of an image in a registry, with Docker Hub's short forms spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// Host, with the port where one was written.
    pub registry: String,
    /// Repository, `library/alpine`.
    pub repository: String,
    /// Tag; none when a digest stands alone.
    pub tag: Option<String>,
    /// Digest.
    pub digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing was written.
    #[error("the reference is empty")]
    Empty,
    /// Longer than any.
    #[error("the reference is longer than {MAX_REFERENCE_BYTES} bytes")]
    TooLong,
    /// A transport that is not known or not supported yet.
    #[error(
        "the transport `{0}` is not supported; there are docker, oci, oci-archive, docker-archive, docker-daemon, containers-storage, dir and sbom"
    )]
    Transport(String),
    /// A path or name is missing after the transport.
    #[error("`{0}` needs something after the colon")]
    Missing(&'static str),
    /// Not the name of an image.
    #[error("`{text}` is not an image name: {reason}")]
    Name {
        /// What was written, shortened.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Transports of containers-transports(5) that we do not read.
const OTHER_TRANSPORTS: &[&str] = &["ostree", "sif", "podman", "containerd", "tarball", "http", "https", "atomic"];

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        match text {
            "" => return Err(ReferenceError::Empty),
            "-" => return Ok(Self::StandardInput),
            _ if text.len() > MAX_REFERENCE_BYTES => return Err(ReferenceError::TooLong),
            _ => {}
        }
        if let Some(name) = text.strip_prefix("docker://") {
            return Ok(Self::Registry { name: name.parse()?, bare: false });
        }
        let Some((transport, rest)) = text.split_once(':') else {
            return Ok(Self::Registry { name: text.parse()?, bare: is_bare(text) });
        };
        let needed = |name: &'static str| if rest.is_empty() { Err(ReferenceError::Missing(name)) } else { Ok(rest) };
        Ok(match transport {
            "oci" => with_choice(needed("oci:")?, Self::Layout)?,
            "oci-archive" => with_choice(needed("oci-archive:")?, Self::OciArchive)?,
            "docker-archive" => with_choice(needed("docker-archive:")?, Self::DockerArchive)?,
            "dir" => Self::Directory(needed("dir:")?.into()),
            "sbom" => Self::Sbom(needed("sbom:")?.into()),
            "docker-daemon" => Self::DockerDaemon(needed("docker-daemon:")?.to_owned()),
            "containers-storage" => Self::ContainersStorage(needed("containers-storage:")?.to_owned()),
            other if OTHER_TRANSPORTS.contains(&other) => return Err(ReferenceError::Transport(other.to_owned())),
            _ => Self::Registry { name: text.parse()?, bare: is_bare(text) },
        })
    }
}

/// `PATH[:ref]` or `PATH@digest`. Skopeo takes the first colon; so do we, but a path that exists as a whole wins.
fn with_choice(rest: &str, make: fn(PathBuf, Choice) -> Reference) -> Result<Reference, ReferenceError> {
    if std::path::Path::new(rest).exists() {
        return Ok(make(rest.into(), Choice::Only));
    }
    if let Some((path, digest)) = rest.rsplit_once('@') {
        let digest = digest
            .parse()
            .map_err(|_| ReferenceError::Name { text: shorten(digest), reason: "the part after @ is not a digest" })?;
        return Ok(make(path.into(), Choice::Digest(digest)));
    }
    Ok(match rest.split_once(':') {
        Some((path, "")) => make(path.into(), Choice::Only),
        Some((path, name)) => make(path.into(), Choice::Name(name.to_owned())),
        None => make(rest.into(), Choice::Only),
    })
}

/// Whether no registry is written, so that a name may be one of a local engine.
fn is_bare(text: &str) -> bool {
    text.split_once('/').is_none_or(|(first, _)| !is_host(first))
}

/// Docker's rule: the first part is a registry when it has a dot or a colon or is `localhost`.
fn is_host(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost" || part.chars().any(|c| c.is_ascii_uppercase())
}

impl FromStr for ImageName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let bad = |reason| ReferenceError::Name { text: shorten(text), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(digest.parse::<Digest>().map_err(|_| bad("the part after @ is not a sha256 or sha512 digest"))?),
            ),
            None => (text, None),
        };
        let (registry, rest) = match rest.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest),
            _ => ("docker.io", rest),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if !is_valid_host(registry) {
            return Err(bad("the registry is not a host name"));
        }
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        if !repository.split('/').all(is_valid_part) || registry.len() + repository.len() > MAX_NAME_BYTES {
            return Err(bad("a repository is lower-case letters, digits and single . _ - between slashes"));
        }
        if tag.as_deref().is_some_and(|tag| !is_valid_tag(tag)) {
            return Err(bad("a tag is up to 128 letters, digits, _ . and -"));
        }
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }
}

/// Host name, IPv4 address or `[IPv6]`, with an optional port.
fn is_valid_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", port.strip_prefix(':').or(if port.is_empty() { None } else { Some("bad") }))
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let is_ipv6 = host.starts_with('[');
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (is_ipv6 || name.split('.').all(label)) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution-spec).
fn is_valid_part(part: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().copied().is_some_and(alphanumeric) && bytes.last().copied().is_some_and(alphanumeric);
    let separators =
        part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|separator| !separator.is_empty());
    ends && separators
        .into_iter()
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

fn is_valid_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<String, ReferenceError> {
        text.parse::<ImageName>().map(|name| name.to_string())
    }

    #[test]
    fn short_names_are_spelled_out() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (written, meant) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3.20", "docker.io/library/alpine:3.20"),
            ("user/app", "docker.io/user/app:latest"),
            ("index.docker.io/library/alpine", "docker.io/library/alpine:latest"),
            ("registry.example/app", "registry.example/app:latest"),
            ("localhost/app:1", "localhost/app:1"),
            ("registry.example:5000/a/b__c-d.e:V1_x", "registry.example:5000/a/b__c-d.e:V1_x"),
            ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ] {
            assert_eq!(name(written).as_deref(), Ok(meant));
        }
        assert_eq!(
            name(&format!("registry.example/app:1@{digest}")).unwrap(),
            format!("registry.example/app:1@{digest}")
        );
        assert_eq!(name(&format!("registry.example/app@{digest}")).unwrap(), format!("registry.example/app@{digest}"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in [
            "UPPER/case:x y",
            "a//b",
            "a/-b",
            "registry.example/../x",
            "a:tag:tag",
            "a@sha256:xyz",
            "registry.example:99999/a",
            "[::zz]:1/x",
            "a b",
            "registry.example/",
            "a..b",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn transports() {
        let parse = |text: &str| text.parse::<Reference>();
        assert_eq!(parse("oci:/no/such:v1"), Ok(Reference::Layout("/no/such".into(), Choice::Name("v1".into()))));
        assert_eq!(parse("oci:/no/such"), Ok(Reference::Layout("/no/such".into(), Choice::Only)));
        assert!(matches!(
            parse(&format!("oci:/no/such@sha256:{}", "b".repeat(64))),
            Ok(Reference::Layout(_, Choice::Digest(_)))
        ));
        assert_eq!(parse("docker-daemon:app:dev"), Ok(Reference::DockerDaemon("app:dev".into())));
        assert_eq!(parse("dir:/"), Ok(Reference::Directory("/".into())));
        assert_eq!(parse("-"), Ok(Reference::StandardInput));
        assert!(matches!(parse("app:dev"), Ok(Reference::Registry { bare: true, .. })));
        assert!(matches!(parse("localhost:5000/app"), Ok(Reference::Registry { bare: false, .. })));
        assert!(matches!(parse("docker://app"), Ok(Reference::Registry { bare: false, .. })));
        assert_eq!(parse("oci:"), Err(ReferenceError::Missing("oci:")));
        assert_eq!(parse("sbom:x"), Ok(Reference::Sbom("x".into())));
        assert!(matches!(parse("sif:x"), Err(ReferenceError::Transport(_))));
        assert_eq!(parse(""), Err(ReferenceError::Empty));
    }
}
