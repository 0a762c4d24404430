//! NuGet's `packages.lock.json`, and `packages.config` of projects in the older style.
//!
//! Source: NuGet documentation, "Enabling repeatable package restores with a lock file" and "packages.config reference".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static NUGET: LockFile = LockFile {
    meta: &Meta {
        name: "language/nuget-lock",
        summary: "packages locked by NuGet",
        required: false,
        doc: "**Reads** `packages.lock.json` and `packages.NAME.lock.json`, up to 8 MiB.\n\n**Reports** the packages of every target framework; references to projects are the project's own.\n\n**Cannot see** which are only \
              for development, and the shared framework.\n\n**Since** 0.2.0",
    },
    is_named: |entry| {
        let rest = entry.name().strip_prefix(b"packages.");
        rest.is_some_and(|rest| rest == b"lock.json" || rest.ends_with(b".lock.json"))
    },
    parse: lock,
};

pub(in crate::inspect) static NUGET_CONFIG: LockFile = LockFile {
    meta: &Meta {
        name: "language/nuget-config",
        summary: "packages of a .NET project in the older style",
        required: false,
        doc: "**Reads** `packages.config` and `packages.NAME.config`, up to 8 MiB.\n\n**Reports** every package; `developmentDependency` makes it one for development.\n\n**Cannot see** packages of `PackageReference`.\n\n\
              **Since** 0.2.0",
    },
    is_named: |entry| entry.name().starts_with(b"packages.") && entry.name().ends_with(b".config"),
    parse: config,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(rename = "type")]
    kind: String,
    resolved: Option<String>,
}

fn lock(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    for (name, locked) in lock.dependencies.values().flatten().filter(|(_, locked)| locked.kind != "Project") {
        match &locked.resolved {
            Some(version) => found.package(PackageKind::NuGet, name, version, Scope::Runtime),
            None => found.open(format_args!("`{name}`")),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    package: Vec<Configured>,
}

#[derive(Deserialize)]
struct Configured {
    #[serde(default, rename = "@id")]
    id: String,
    #[serde(default, rename = "@version")]
    version: String,
    #[serde(default, rename = "@developmentDependency")]
    is_development: bool,
}

fn config(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let config: Config = quick_xml::de::from_str(text)?;
    for package in &config.package {
        found.package(PackageKind::NuGet, &package.id, &package.version, scope(package.is_development));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn frameworks() {
        let text = r#"{"version": 1, "dependencies": {"net8.0": {"A.B": {"type": "Direct", "requested": "[1.0.0, )", "resolved": "1.0.0"}, "own": {"type": "Project"}},
            "net8.0/linux-x64": {"A.B": {"type": "Transitive", "resolved": "1.0.0"}, "C": {"type": "CentralTransitive", "resolved": "2.0.0-beta.1"}}}}"#;
        assert_eq!(packages(&NUGET, text), ["A.B 1.0.0", "C 2.0.0-beta.1"]);
    }

    #[test]
    fn the_older_style() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?><packages><package id="A" version="1.0.0" targetFramework="net472" /><package id="B" version="2.0" developmentDependency="true" /></packages>"#;
        assert_eq!(packages(&NUGET_CONFIG, text), ["A 1.0.0", "B 2.0 dev"]);
        assert_eq!(packages(&NUGET_CONFIG, "<packages />"), [""; 0]);
    }
}
