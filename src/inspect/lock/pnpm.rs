//! `pnpm-lock.yaml`: the packages of a project or workspace of pnpm.
//!
//! Source: pnpm's lock file types (`lockfile/types`) and its dependency path (`deps/path`). Keys of a package changed twice: `/name/1.0.0_peer` (version 5),
//! `/name@1.0.0(peer)` (6), `name@1.0.0` with the peers in `snapshots` (9).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::reach::reach;
use super::yarn::name_and_range;
use super::{Found, InspectError, LockFile, Meta, or_default, scope, yaml};
use crate::facts::PackageKind;

pub(in crate::inspect) static PNPM: LockFile = LockFile {
    meta: &Meta {
        name: "language/pnpm-lock",
        summary: "packages locked by pnpm",
        required: false,
        doc: "**Reads** `pnpm-lock.yaml` (lock file versions 5, 6 and 9), up to 8 MiB.\n\n**Reports** every package that comes from elsewhere, an alias under the package's own name, and whether it is only for \
              development; workspace packages and folders are the project's own.\n\n**Cannot see** packages of `.pnpmfile.cjs`.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"pnpm-lock.yaml",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default, deserialize_with = "or_default")]
    importers: BTreeMap<String, Importer>,
    #[serde(default, deserialize_with = "or_default")]
    packages: BTreeMap<String, Option<Package>>,
    #[serde(default, deserialize_with = "or_default")]
    snapshots: BTreeMap<String, Snapshot>,
}

#[derive(Deserialize)]
struct Importer {
    #[serde(default, deserialize_with = "or_default")]
    dependencies: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default", rename = "optionalDependencies")]
    optional: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
struct Package {
    /// Where the key does not tell: of archives and git.
    name: Option<String>,
    version: Option<Value>,
    dev: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    resolution: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Snapshot {
    #[serde(default, deserialize_with = "or_default")]
    dependencies: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default", rename = "optionalDependencies")]
    optional: BTreeMap<String, String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for lock in yaml::<Lock>(text)? {
        let needed = needed(&lock);
        let empty = Package::default();
        for (key, package) in lock.packages.iter().map(|(key, package)| (key, package.as_ref().unwrap_or(&empty))) {
            if package.resolution.get("type").and_then(Value::as_str) == Some("directory") {
                continue;
            }
            let is_development = package.dev.unwrap_or(!lock.snapshots.is_empty() && !needed.contains(key.as_str()));
            let told = split(key);
            let name = package.name.as_deref().or(told.map(|(name, _)| name));
            let version = package.version.as_ref().and_then(Value::as_str).or(told.map(|(_, version)| version));
            match (name, version) {
                (Some(name), Some(version)) if !version.contains([':', '/']) => {
                    found.package(PackageKind::Npm, name, version, scope(is_development));
                }
                _ => found.open(format_args!("`{key}`")),
            }
        }
    }
    Ok(())
}

/// The keys of packages that some importer needs at run time; only version 9 has to ask.
fn needed(lock: &Lock) -> BTreeSet<&str> {
    let importers = lock.importers.values().flat_map(|importer| importer.dependencies.iter().chain(&importer.optional));
    let roots = importers.filter_map(|(name, told)| snapshot_key(lock, name, told.get("version")?.as_str()?));
    let next = |key: &&str| {
        let snapshot = lock.snapshots.get(*key);
        let all = snapshot.into_iter().flat_map(|snapshot| snapshot.dependencies.iter().chain(&snapshot.optional));
        all.filter_map(|(name, version)| snapshot_key(lock, name, version)).collect()
    };
    reach(roots, next).into_iter().map(without_peers).collect()
}

/// The key of a snapshot that a dependency leads to: `NAME@VERSION`, or, for an alias, the version alone.
fn snapshot_key<'l>(lock: &'l Lock, name: &str, version: &str) -> Option<&'l str> {
    let by_name = || lock.snapshots.get_key_value(format!("{name}@{version}").as_str());
    by_name().or_else(|| lock.snapshots.get_key_value(version)).map(|(key, _)| key.as_str())
}

fn without_peers(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// Name and version of a key, where it tells them.
fn split(key: &str) -> Option<(&str, &str)> {
    let key = without_peers(key);
    // Of another registry than the usual one, version 5 names the host.
    let is_host = |part: &&str| part.contains('.') && !part.contains('@');
    let below_host = || key.split_once('/').filter(|(host, _)| is_host(host)).map(|(_, rest)| rest);
    match key.strip_prefix('/').or_else(below_host) {
        None => name_and_range(key),
        Some(key) => of_version_five(key).or_else(|| name_and_range(key)),
    }
}

/// `name/1.0.0_peer` or `@scope/name/1.0.0`: one part more than a name has. A peer's name may hold `@` and `+`, a version no `_`.
fn of_version_five(key: &str) -> Option<(&str, &str)> {
    let (slash, _) = key.match_indices('/').nth(usize::from(key.starts_with('@')))?;
    let version = key.get(slash + 1..)?;
    let version = version.split('_').next().unwrap_or(version);
    version.starts_with(|first: char| first.is_ascii_digit()).then_some((key.get(..slash)?, version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn keys_of_every_version() {
        for (key, expected) in [
            ("/a/1.0.0", Some(("a", "1.0.0"))),
            ("/@s/a/1.0.0", Some(("@s/a", "1.0.0"))),
            ("/a/1.0.0_react@17.0.2", Some(("a", "1.0.0"))),
            ("/@s/a/1.0.0_@t+b@1.0.0+c@2.0.0", Some(("@s/a", "1.0.0"))),
            ("/a_b/1.0.0", Some(("a_b", "1.0.0"))),
            ("/a@1.0.0", Some(("a", "1.0.0"))),
            ("/@s/a@1.0.0(react@17.0.2)(b@1.0.0)", Some(("@s/a", "1.0.0"))),
            ("/a_b@1.0.0-beta_1", Some(("a_b", "1.0.0-beta_1"))),
            ("a@1.0.0", Some(("a", "1.0.0"))),
            ("@s/a@1.0.0(react@17.0.2)", Some(("@s/a", "1.0.0"))),
            ("registry.example/@s/a/1.0.0_b@2.0.0", Some(("@s/a", "1.0.0"))),
            ("github.com/user/repository/0badcafe", None),
        ] {
            assert_eq!(split(key), expected, "{key}");
        }
    }

    #[test]
    fn version_five_and_six_tell_development() {
        let five = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1.0.0\npackages:\n\n  /a/1.0.0_b@2.0.0:\n    resolution: {integrity: sha512-00==}\n    dev: false\n\n  /c/3.0.0:\n    resolution: {integrity: sha512-00==}\n    dev: true\n\n\
                    \x20 github.com/u/g/0badcafe:\n    resolution: {tarball: 'https://t.example/g'}\n    name: g\n    version: 4.0.0\n    dev: false\n\n  file:own:\n    resolution: {directory: own, type: directory}\n    name: own\n    dev: false\n";
        assert_eq!(packages(&PNPM, five), ["a 1.0.0", "c 3.0.0 dev", "g 4.0.0"]);
        let six = "lockfileVersion: '6.0'\n\npackages:\n\n  /@s/a@1.0.0(b@2.0.0):\n    resolution: {integrity: sha512-00==}\n    dev: true\n";
        assert_eq!(packages(&PNPM, six), ["@s/a 1.0.0 dev"]);
    }

    #[test]
    fn version_nine_is_asked_for_what_is_needed() {
        let nine = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      alias:\n        specifier: npm:real@^1\n        version: real@1.0.0(b@2.0.0)\n      own:\n        specifier: workspace:*\n        version: link:own\n    devDependencies:\n      d:\n        specifier: ^1\n        version: 1.0.0\n\n\
                    packages:\n\n  real@1.0.0:\n    resolution: {integrity: sha512-00==}\n\n  b@2.0.0:\n    resolution: {integrity: sha512-00==}\n\n  d@1.0.0:\n    resolution: {integrity: sha512-00==}\n\n  t@https://t.example/t.tgz:\n    resolution: {tarball: 'https://t.example/t.tgz'}\n\n\
                    snapshots:\n\n  real@1.0.0(b@2.0.0):\n    dependencies:\n      b: 2.0.0\n\n  b@2.0.0: {}\n\n  d@1.0.0:\n    dependencies:\n      b: 2.0.0\n\n  t@https://t.example/t.tgz: {}\n";
        assert_eq!(packages(&PNPM, nine), ["b 2.0.0", "d 1.0.0 dev", "real 1.0.0"]);
        assert_eq!(open(&PNPM, nine), ["an entry is left open: `t@https://t.example/t.tgz`"]);
    }
}
