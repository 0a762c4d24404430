//! `pubspec.lock`: the packages of a Dart or Flutter project.
//!
//! Source: pub's `lib/src/lock_file.dart`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Found, InspectError, LockFile, Meta, or_default, scope, yaml};
use crate::facts::PackageKind;

pub(in crate::inspect) static PUB: LockFile = LockFile {
    meta: &Meta {
        name: "language/pubspec-lock",
        summary: "packages locked by Dart's pub",
        required: false,
        doc: "**Reads** `pubspec.lock`, up to 8 MiB.\n\n**Reports** every package of a server or of git; those that the project itself needs for development are marked.\n\n**Cannot see** which of the others are only for \
              development; packages of an SDK, whose versions are the SDK's.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"pubspec.lock",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default, deserialize_with = "or_default")]
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Package {
    dependency: Option<String>,
    source: String,
    version: String,
    description: Option<Value>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for (key, package) in yaml::<Lock>(text)?.iter().flat_map(|lock| &lock.packages) {
        if matches!(package.source.as_str(), "path" | "sdk" | "root") {
            continue;
        }
        let described = package.description.as_ref().and_then(|description| description.get("name")?.as_str());
        let is_development = package.dependency.as_deref() == Some("direct dev");
        found.package(PackageKind::Pub, described.unwrap_or(key), &package.version, scope(is_development));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn sources() {
        let lock = "packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      name: a\n      sha256: \"00\"\n      url: \"https://pub.example\"\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: \"direct dev\"\n    description:\n      name: b\n      url: \"https://pub.example\"\n    source: hosted\n    version: \"2.0.0+1\"\n\
                    \x20 flutter:\n    dependency: \"direct main\"\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\n  own:\n    dependency: \"direct main\"\n    description:\n      path: own\n      relative: true\n    source: path\n    version: \"0.1.0\"\nsdks:\n  dart: \">=3.0.0 <4.0.0\"\n";
        assert_eq!(packages(&PUB, lock), ["a 1.0.0", "b 2.0.0+1 dev"]);
    }
}
