//! `package-lock.json` and `npm-shrinkwrap.json`: the tree that npm installs.
//!
//! Source: npm's documentation, "package-lock.json"; `@npmcli/arborist` (`lib/shrinkwrap.js`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::{PackageFact, PackageKind};

pub(in crate::inspect) static NPM: LockFile = LockFile {
    meta: &Meta {
        name: "language/npm-lock",
        summary: "packages locked by npm",
        required: false,
        doc: "**Reads** `package-lock.json` and `npm-shrinkwrap.json` (lock file versions 1 to 3), up to 8 MiB.\n\n**Reports** every package that is installed from elsewhere, an alias under \
              the package's own name, with its licence where the file tells it and whether it is only for development.\n\n**Cannot see** the version of a git or URL dependency in version 1 of the format, \
              which is told.\n\n**Since** 0.2.0",
    },
    is_named: |entry| matches!(entry.name(), b"package-lock.json" | b"npm-shrinkwrap.json"),
    parse,
};

#[derive(Deserialize)]
struct Lock {
    /// Versions 2 and 3: by place in the tree.
    packages: Option<BTreeMap<String, Package>>,
    /// Version 1: by name, nested.
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Deserialize)]
struct Package {
    /// Only where it is not the name of its folder: an alias.
    name: Option<String>,
    version: Option<String>,
    license: Option<serde_json::Value>,
    #[serde(default)]
    dev: bool,
    /// A link to a folder of the project.
    #[serde(default)]
    link: bool,
}

#[derive(Deserialize)]
struct Dependency {
    version: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, Self>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    match &lock.packages {
        Some(packages) => packages.iter().for_each(|(place, package)| by_place(place, package, found)),
        None => nested(&lock.dependencies, found),
    }
    Ok(())
}

/// Places without `node_modules` are the project itself and its workspaces.
fn by_place(place: &str, package: &Package, found: &mut Found) {
    let folder = match place.rsplit_once("node_modules/") {
        Some((_, folder)) if !package.link => folder,
        _ => return,
    };
    let name = package.name.as_deref().unwrap_or(folder);
    let Some(version) = &package.version else { return found.open(format_args!("`{name}`")) };
    let licenses = package.license.iter().filter_map(|license| license.as_str()).map(str::to_owned).collect();
    found.add(PackageFact { licenses, scope: scope(package.dev), ..PackageFact::new(PackageKind::Npm, name, version) });
}

fn nested(dependencies: &BTreeMap<String, Dependency>, found: &mut Found) {
    for (name, dependency) in dependencies {
        match dependency.version.as_deref() {
            // A folder of the project.
            Some(version) if version.starts_with("file:") && !is_archive(version) => {}
            Some(version) => {
                let (name, version) = alias(version).unwrap_or((name, version));
                match is_version(version) {
                    true => found.package(PackageKind::Npm, name, version, scope(dependency.dev)),
                    false => found.open(format_args!("`{name}` comes from `{version}`")),
                }
            }
            None => found.open(format_args!("`{name}`")),
        }
        nested(&dependency.dependencies, found);
    }
}

fn is_archive(version: &str) -> bool {
    version.ends_with(".tgz") || version.ends_with(".tar.gz") || version.ends_with(".tar")
}

/// `npm:NAME@VERSION`.
fn alias(version: &str) -> Option<(&str, &str)> {
    version.strip_prefix("npm:")?.rsplit_once('@')
}

/// Whether it is a version and not an address.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains([':', '/'])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn places_of_a_tree() {
        let lock = r#"{"lockfileVersion": 3, "packages": {
            "": {"name": "app", "version": "1.0.0"},
            "packages/own": {"name": "@app/own", "version": "1.0.0"},
            "node_modules/@app/own": {"resolved": "packages/own", "link": true},
            "node_modules/a": {"version": "1.2.3", "license": "MIT"},
            "node_modules/@s/b": {"version": "2.0.0", "dev": true},
            "node_modules/a/node_modules/@s/b": {"version": "1.0.0", "devOptional": true},
            "packages/own/node_modules/a": {"version": "1.2.3", "dev": true},
            "node_modules/other": {"name": "real", "version": "3.0.0"},
            "node_modules/odd": {"resolved": "https://files.example/odd.tgz"}}}"#;
        assert_eq!(packages(&NPM, lock), ["@s/b 1.0.0", "@s/b 2.0.0 dev", "a 1.2.3", "real 3.0.0"]);
        assert_eq!(open(&NPM, lock), ["an entry is left open: `odd`"]);
    }

    #[test]
    fn the_first_version_nests_by_name() {
        let lock = r#"{"lockfileVersion": 1, "dependencies": {
            "a": {"version": "1.2.3", "dependencies": {"b": {"version": "1.0.0", "dev": true}}},
            "own": {"version": "file:own"},
            "other": {"version": "npm:@s/real@3.0.0"},
            "g": {"version": "git+https://git.example/g.git#0badcafe"}}}"#;
        assert_eq!(packages(&NPM, lock), ["@s/real 3.0.0", "a 1.2.3", "b 1.0.0 dev"]);
        assert!(open(&NPM, lock)[0].contains("`g` comes from `git+https://"));
    }
}
