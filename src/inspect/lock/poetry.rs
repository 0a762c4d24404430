//! `poetry.lock`.
//!
//! Source: Poetry's `packages/locker.py`. Development dependencies are told by `category` until lock version 2.0, by `groups` since 2.1, and not in between.

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static POETRY: LockFile = LockFile {
    meta: &Meta {
        name: "language/poetry-lock",
        summary: "distributions locked by Poetry",
        required: false,
        doc: "**Reads** `poetry.lock` (all versions), up to 8 MiB.\n\n**Reports** every distribution but folders of the project, and whether it is only for development where the file tells.\n\n\
              **Cannot see** which of them an environment needs: a lock file is for every Python and platform.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"poetry.lock",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    category: Option<String>,
    groups: Option<Vec<String>>,
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = toml::from_str(text)?;
    for package in &lock.package {
        let source = package.source.as_ref().and_then(|source| source.kind.as_deref());
        if source == Some("directory") {
            continue;
        }
        let is_main = match (&package.groups, &package.category) {
            (Some(groups), _) => groups.iter().any(|group| group == "main"),
            (None, category) => category.as_deref() != Some("dev"),
        };
        found.package(PackageKind::PyPi, &package.name, &package.version, scope(!is_main));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn groups_of_every_version() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"dev\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0\"\ncategory = \"main\"\n\n[[package]]\nname = \"c\"\nversion = \"3.0\"\n\
                    groups = [\"dev\", \"main\"]\n\n[[package]]\nname = \"d\"\nversion = \"4.0\"\ngroups = [\"docs\"]\n\n[[package]]\nname = \"own\"\nversion = \"0.1\"\n\n[package.source]\ntype = \"directory\"\nurl = \"own\"\n";
        assert_eq!(packages(&POETRY, lock), ["a 1.0 dev", "b 2.0", "c 3.0", "d 4.0 dev"]);
    }
}
