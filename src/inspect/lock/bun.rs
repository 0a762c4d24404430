//! `bun.lock`, and the binary `bun.lockb` that came before it.
//!
//! Source: Bun's documentation, "Lockfile", and the types of `bun.lock` (`packages/bun-types`, `BunLockFile`). The file is JSON with commas behind last elements, which
//! YAML allows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::super::Inspector;
use super::reach::reach;
use super::yarn::name_and_range;
use super::{Found, InspectError, LockFile, Meta, is_foreign, scope, yaml};
use crate::facts::{Fact, PackageKind};
use crate::layer::{Entry, FileView};

pub(in crate::inspect) static BUN: LockFile = LockFile {
    meta: &Meta {
        name: "language/bun-lock",
        summary: "packages locked by Bun",
        required: false,
        doc: "**Reads** `bun.lock`, up to 8 MiB.\n\n**Reports** every package of a registry, an alias under the package's own name, and whether it is only for development; workspaces and folders are the \
              project's own.\n\n**Cannot see** the version of a git, GitHub or URL dependency, which is told.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"bun.lock",
    parse,
};

/// `bun.lockb`: its layout is Bun's memory, and changed from release to release.
pub(in crate::inspect) struct BunBinary;

impl Inspector for BunBinary {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "language/bun-binary-lock",
            summary: "Bun's binary lock file, which is told and not read",
            required: false,
            doc: "**Reads** nothing of `bun.lockb`.\n\n**Reports** that it is there.\n\n**Cannot see** its packages: `bun install --save-text-lockfile` writes them to `bun.lock`.\n\n**Since** 0.2.0",
        }
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"bun.lockb" && !is_foreign(entry.path)
    }

    fn inspect(&self, _file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let reason = "Bun's binary lock file is not read; `bun install --save-text-lockfile` writes a `bun.lock`";
        facts.push(Fact::Unpinned(reason.to_owned()));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    workspaces: BTreeMap<String, Workspace>,
    #[serde(default)]
    packages: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    needs: Needs,
}

/// What is needed at run time; the values are ranges.
#[derive(Deserialize, Default)]
struct Needs {
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
    #[serde(default, rename = "optionalDependencies")]
    optional: BTreeMap<String, Value>,
    #[serde(default, rename = "peerDependencies")]
    peers: BTreeMap<String, Value>,
    #[serde(default, rename = "optionalPeers")]
    optional_peers: BTreeSet<String>,
}

impl Needs {
    fn names(&self) -> impl Iterator<Item = &str> {
        let peers = self.peers.keys().filter(|name| !self.optional_peers.contains(*name));
        self.dependencies.keys().chain(self.optional.keys()).chain(peers).map(String::as_str)
    }
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for lock in yaml::<Lock>(text)? {
        let needed = needed(&lock.workspaces, &lock.packages);
        for (key, package) in &lock.packages {
            let Some((name, range)) = package.first().and_then(Value::as_str).and_then(name_and_range) else {
                found.open(format_args!("`{key}`"));
                continue;
            };
            match range.split_once(':').map(|(protocol, _)| protocol) {
                None if !range.contains('/') => {
                    found.package(PackageKind::Npm, name, range, scope(!needed.contains(key.as_str())));
                }
                Some("workspace" | "link" | "root") => {}
                Some("file") if !range.ends_with(".tgz") => {}
                _ => found.open(format_args!("`{name}` comes from `{range}`")),
            }
        }
    }
    Ok(())
}

/// The keys of packages that a workspace needs at run time.
fn needed<'l>(
    workspaces: &'l BTreeMap<String, Workspace>,
    packages: &'l BTreeMap<String, Vec<Value>>,
) -> BTreeSet<&'l str> {
    let from = |workspace: &'l Workspace| {
        workspace.needs.names().filter_map(|name| resolve(packages, &workspace.name, name)).collect::<Vec<_>>()
    };
    let next = |key: &&'l str| {
        let info = packages.get(*key).into_iter().flatten().find(|part| part.is_object());
        let needs = info.and_then(|info| Needs::deserialize(info).ok()).unwrap_or_default();
        needs.names().filter_map(|name| resolve(packages, key, name)).collect()
    };
    reach(workspaces.values().flat_map(from), next)
}

/// The key of `name` as seen from the package at `from`: of the nearest place above it, as in `node_modules`.
fn resolve<'l>(packages: &'l BTreeMap<String, Vec<Value>>, from: &str, name: &str) -> Option<&'l str> {
    let mut place = from;
    loop {
        let key = if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
        if let Some((key, _)) = packages.get_key_value(&key) {
            return Some(key);
        }
        if place.is_empty() {
            return None;
        }
        place = above(place);
    }
}

/// A place without its last package, whose name has two parts where it has a scope.
fn above(place: &str) -> &str {
    let without_last = |place: &str| place.rfind('/').unwrap_or(0);
    let mut end = without_last(place);
    let before = place.get(..end).unwrap_or_default();
    if before.get(without_last(before)..).unwrap_or_default().trim_start_matches('/').starts_with('@') {
        end = without_last(before);
    }
    place.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn places_above() {
        for (place, expected) in [("a", ""), ("a/b", "a"), ("@s/a", ""), ("@s/a/b", "@s/a"), ("a/@s/b", "a"), ("", "")]
        {
            assert_eq!(above(place), expected, "{place}");
        }
    }

    #[test]
    fn tells_what_is_for_development() {
        let lock = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": { "name": "app", "dependencies": { "a": "^1", "alias": "npm:real@^1" }, "devDependencies": { "d": "^1", }, },
    "packages/own": { "name": "own", "dependencies": { "b": "^2", }, },
  },
  "packages": {
    "a": ["a@1.0.0", "", { "dependencies": { "b": "^1" } }, "sha512-00=="],
    "a/b": ["b@1.0.0", "", {}, "sha512-00=="],
    "alias": ["real@1.5.0", "", {}, "sha512-00=="],
    "b": ["b@2.0.0", "", {}, "sha512-00=="],
    "d": ["d@1.0.0", "", { "dependencies": { "@s/e": "*" } }, "sha512-00=="],
    "@s/e": ["@s/e@1.0.0", "", {}, "sha512-00=="],
    "g": ["g@github:u/g#0badcafe", {}, "u-g-0badcafe"],
    "own": ["own@workspace:packages/own"],
  }
}"#;
        assert_eq!(
            packages(&BUN, lock),
            ["@s/e 1.0.0 dev", "a 1.0.0", "b 1.0.0", "b 2.0.0", "d 1.0.0 dev", "real 1.5.0"]
        );
        assert_eq!(open(&BUN, lock), ["an entry is left open: `g` comes from `github:u/g#0badcafe`"]);
    }
}
