//! Names of images, as `FROM`, `--from`, Compose and Kubernetes take them.

/// The parts of an image's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) struct ImageName<'a> {
    /// Host of the registry; none of Docker Hub's short names.
    pub(in crate::lint) registry: Option<&'a str>,
    /// Repository, without `library/`.
    pub(in crate::lint) repository: &'a str,
    /// Tag.
    pub(in crate::lint) tag: Option<&'a str>,
    /// Digest.
    pub(in crate::lint) digest: Option<&'a str>,
}

impl<'a> ImageName<'a> {
    /// Splits a name as the distribution reference does; it may be no valid one.
    pub(in crate::lint) fn parse(name: &'a str) -> Self {
        let (rest, digest) = name.split_once('@').map_or((name, None), |(rest, digest)| (rest, Some(digest)));
        let last_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let tag_at = rest.get(last_slash..).and_then(|last| last.find(':')).map(|at| last_slash + at);
        let (rest, tag) = match tag_at {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
            None => (rest, None),
        };
        let is_host = |host: &str| host.contains(['.', ':']) || host == "localhost";
        let (registry, repository) = match rest.split_once('/') {
            Some((host, repository)) if is_host(host) => (Some(host), repository),
            _ => (None, rest),
        };
        let is_hub = registry.is_none() || registry == Some("docker.io");
        let repository = if is_hub { repository.strip_prefix("library/").unwrap_or(repository) } else { repository };
        Self { registry, repository, tag, digest }
    }

    /// Whether it is one of Docker's official images.
    pub(in crate::lint) fn is_official(&self) -> bool {
        matches!(self.registry, None | Some("docker.io")) && !self.repository.contains('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_references_do() {
        let parts = |name| {
            let ImageName { registry, repository, tag, digest } = ImageName::parse(name);
            (registry, repository, tag, digest.is_some())
        };
        assert_eq!(parts("alpine"), (None, "alpine", None, false));
        assert_eq!(parts("docker.io/library/alpine:3"), (Some("docker.io"), "alpine", Some("3"), false));
        assert_eq!(parts("localhost:5000/a/b@sha256:00"), (Some("localhost:5000"), "a/b", None, true));
        assert_eq!(parts("a/b:1@sha256:00"), (None, "a/b", Some("1"), true));
        assert!(ImageName::parse("node:20").is_official() && !ImageName::parse("a/node:20").is_official());
    }
}
