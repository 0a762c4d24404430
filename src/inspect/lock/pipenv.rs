//! `Pipfile.lock`.
//!
//! Source: the Pipfile specification (`pypa/pipfile`), and Pipenv's documentation, "Package categories".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static PIPENV: LockFile = LockFile {
    meta: &Meta {
        name: "language/pipfile-lock",
        summary: "distributions locked by Pipenv",
        required: false,
        doc: "**Reads** `Pipfile.lock`, up to 8 MiB.\n\n**Reports** the distributions of every category; those of `develop` are for development.\n\n**Cannot see** the version of what comes from git or an \
              address, which is told.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"Pipfile.lock",
    parse,
};

#[derive(Deserialize)]
struct Package {
    version: Option<String>,
    path: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: BTreeMap<String, Value> = serde_json::from_str(text)?;
    for (category, packages) in lock.iter().filter(|(category, _)| *category != "_meta") {
        let packages = BTreeMap::<String, Package>::deserialize(packages)?;
        for (name, package) in &packages {
            match (package.version.as_deref().map(|version| version.trim_start_matches('=')), &package.path) {
                (Some(version), _) => found.package(PackageKind::PyPi, name, version, scope(category == "develop")),
                // A folder of the project.
                (None, Some(_)) => {}
                (None, None) => found.open(format_args!("`{name}`")),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn categories() {
        let lock = r#"{"_meta": {"hash": {"sha256": "00"}, "pipfile-spec": 6}, "default": {"a": {"version": "==1.0", "hashes": []}, "own": {"path": ".", "editable": true},
            "g": {"git": "https://git.example/g", "ref": "0badcafe"}}, "develop": {"a": {"version": "==1.0"}, "b": {"version": "==2.0"}}, "docs": {"c": {"version": "===3.0"}}}"#;
        assert_eq!(packages(&PIPENV, lock), ["a 1.0", "b 2.0 dev", "c 3.0"]);
        assert_eq!(open(&PIPENV, lock), ["an entry is left open: `g`"]);
    }
}
