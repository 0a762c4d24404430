//! `Package.resolved`: the packages of a Swift project.
//!
//! Source: SwiftPM's `Sources/PackageGraph/ResolvedPackagesStore.swift` (versions 1 to 3).

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static SWIFT: LockFile = LockFile {
    meta: &Meta {
        name: "language/swift-resolved",
        summary: "packages resolved by SwiftPM",
        required: false,
        doc: "**Reads** `Package.resolved` (versions 1 to 3), up to 8 MiB.\n\n**Reports** every package that is pinned to a version, named by its repository as advisories name it (`github.com/apple/swift-nio`).\n\n\
              **Cannot see** the version of what is pinned to a branch or revision, which is told.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"Package.resolved",
    parse,
};

#[derive(Deserialize)]
struct Resolved {
    /// Version 1.
    object: Option<Pins>,
    /// Later versions.
    #[serde(default)]
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pins {
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    kind: Option<String>,
    #[serde(alias = "repositoryURL")]
    location: Option<String>,
    #[serde(default, alias = "package")]
    identity: String,
    state: State,
}

#[derive(Deserialize)]
struct State {
    version: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let resolved: Resolved = serde_json::from_str(text)?;
    let pins = resolved.object.map_or(resolved.pins, |object| object.pins);
    for pin in pins.iter().filter(|pin| pin.kind.as_deref() != Some("localSourceControl")) {
        let location = pin.location.as_deref().unwrap_or_default();
        let name = if pin.kind.as_deref() == Some("registry") { pin.identity.clone() } else { repository(location) };
        match &pin.state.version {
            Some(version) => found.package(PackageKind::Swift, &name, version, Scope::Runtime),
            None => found.open(format_args!("`{name}`")),
        }
    }
    Ok(())
}

/// `https://github.com/apple/swift-nio.git` and `git@github.com:apple/swift-nio` are `github.com/apple/swift-nio`.
fn repository(location: &str) -> String {
    let without_user = |rest: &str| {
        rest.split_once('@')
            .filter(|(user, _)| !user.contains('/'))
            .map_or(rest.to_owned(), |(_, rest)| rest.to_owned())
    };
    let name = match location.split_once("://") {
        Some((_, rest)) => without_user(rest),
        None => without_user(location).replacen(':', "/", 1),
    };
    let name = name.trim_end_matches('/');
    name.strip_suffix(".git").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn versions_of_the_file() {
        let one = r#"{"object": {"pins": [{"package": "A", "repositoryURL": "https://github.com/o/A.git", "state": {"branch": null, "revision": "00", "version": "1.0.0"}},
            {"package": "B", "repositoryURL": "https://github.com/o/B", "state": {"branch": "main", "revision": "00", "version": null}}]}, "version": 1}"#;
        assert_eq!(packages(&SWIFT, one), ["github.com/o/A 1.0.0"]);
        assert_eq!(open(&SWIFT, one), ["an entry is left open: `github.com/o/B`"]);
        let two = r#"{"originHash": "00", "pins": [{"identity": "a", "kind": "remoteSourceControl", "location": "git@github.com:o/a.git", "state": {"revision": "00", "version": "2.0.0"}},
            {"identity": "own", "kind": "localSourceControl", "location": "/src/own", "state": {"revision": "00", "version": "1.0.0"}},
            {"identity": "s.b", "kind": "registry", "location": "", "state": {"version": "3.0.0"}}], "version": 3}"#;
        assert_eq!(packages(&SWIFT, two), ["github.com/o/a 2.0.0", "s.b 3.0.0"]);
    }
}
