//! `deno.lock`: the npm packages of a Deno project.
//!
//! Source: Deno's `deno_lockfile` crate (versions 2 to 5).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::yarn::name_and_range;
use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static DENO: LockFile = LockFile {
    meta: &Meta {
        name: "language/deno-lock",
        summary: "npm packages locked by Deno",
        required: false,
        doc: "**Reads** `deno.lock` (versions 2 to 5), up to 8 MiB.\n\n**Reports** every npm package.\n\n**Cannot see** packages of JSR and modules of addresses, for which no advisories are published; the first are told.\n\n\
              **Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"deno.lock",
    parse,
};

/// Where the packages stand: at the top since version 4, in `packages` in version 3, in `npm.packages` in version 2.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Places,
    #[serde(flatten)]
    top: Places,
}

#[derive(Deserialize, Default)]
struct Places {
    #[serde(default)]
    npm: BTreeMap<String, Value>,
    #[serde(default)]
    jsr: BTreeMap<String, Value>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    for places in [&lock.packages, &lock.top] {
        let older = places.npm.get("packages").and_then(Value::as_object);
        match older {
            Some(packages) => packages.keys().for_each(|key| package(key, found)),
            None => places.npm.keys().for_each(|key| package(key, found)),
        }
        places.jsr.keys().for_each(|key| found.open(format_args!("`jsr:{key}`")));
    }
    Ok(())
}

/// `name@1.0.0_peer@2.0.0`.
fn package(key: &str, found: &mut Found) {
    match name_and_range(key) {
        Some((name, version)) => {
            let version = version.split('_').next().unwrap_or(version);
            found.package(PackageKind::Npm, name, version, Scope::Runtime);
        }
        None => found.open(format_args!("`{key}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn versions_of_the_file() {
        for lock in [
            r#"{"version": "2", "remote": {}, "npm": {"specifiers": {"a@^1": "a@1.0.0"}, "packages": {"a@1.0.0": {}, "@s/b@2.0.0_a@1.0.0": {}}}}"#,
            r#"{"version": "3", "packages": {"specifiers": {"npm:a@^1": "npm:a@1.0.0"}, "npm": {"a@1.0.0": {}, "@s/b@2.0.0_a@1.0.0": {}}}}"#,
            r#"{"version": "5", "specifiers": {"npm:a@^1": "1.0.0"}, "npm": {"a@1.0.0": {}, "@s/b@2.0.0_a@1.0.0": {}}}"#,
        ] {
            assert_eq!(packages(&DENO, lock), ["@s/b 2.0.0", "a 1.0.0"], "{lock}");
        }
        assert_eq!(
            open(&DENO, r#"{"version": "5", "jsr": {"@std/path@1.0.0": {}}}"#),
            ["an entry is left open: `jsr:@std/path@1.0.0`"]
        );
    }
}
