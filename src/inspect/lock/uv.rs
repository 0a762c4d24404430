//! `uv.lock`.
//!
//! Source: uv's documentation, "Structure and files", and its `uv-resolver` (`lock/mod.rs`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::reach::reach;
use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static UV: LockFile = LockFile {
    meta: &Meta {
        name: "language/uv-lock",
        summary: "distributions locked by uv",
        required: false,
        doc: "**Reads** `uv.lock`, up to 8 MiB.\n\n**Reports** every distribution that comes from elsewhere, and whether it is only for development; the project, workspace members and folders have sources of \
              their own kind and are left out.\n\n**Cannot see** which of them an environment needs: a lock file is for every Python and platform.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"uv.lock",
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
    /// Absent where the build tells it.
    version: Option<String>,
    #[serde(default)]
    source: BTreeMap<String, toml::Value>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default, rename = "optional-dependencies")]
    optional: BTreeMap<String, Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Only where several versions are locked.
    version: Option<String>,
}

impl Package {
    /// Whether it is the project itself, a member of its workspace, or a folder.
    fn is_own(&self) -> bool {
        ["editable", "virtual", "directory"].iter().any(|kind| self.source.contains_key(*kind))
    }
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = toml::from_str(text)?;
    let needed = needed(&lock.package);
    for (index, package) in lock.package.iter().enumerate().filter(|(_, package)| !package.is_own()) {
        match &package.version {
            Some(version) => found.package(PackageKind::PyPi, &package.name, version, scope(!needed.contains(&index))),
            None => found.open(format_args!("`{}`", package.name)),
        }
    }
    Ok(())
}

/// Indexes of what the project's own packages need at run time, extras included.
fn needed(packages: &[Package]) -> BTreeSet<usize> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, package) in packages.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(index);
    }
    let is_meant = |index: usize, wanted: &Dependency| {
        let version = packages.get(index).and_then(|package| package.version.as_ref());
        wanted.version.is_none() || version == wanted.version.as_ref()
    };
    let next = |index: &usize| {
        let all =
            packages.get(*index).into_iter().flat_map(|p| p.dependencies.iter().chain(p.optional.values().flatten()));
        let with_name = all.filter_map(|wanted| Some((wanted, by_name.get(wanted.name.as_str())?)));
        with_name
            .flat_map(|(wanted, indexes)| indexes.iter().copied().filter(move |index| is_meant(*index, wanted)))
            .collect()
    };
    reach(packages.iter().enumerate().filter(|(_, package)| package.is_own()).map(|(index, _)| index), next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn tells_what_is_for_development() {
        let lock = r#"version = 1
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "a", extra = ["x"] }, { name = "own" }]
[package.dev-dependencies]
dev = [{ name = "d" }]
[[package]]
name = "own"
version = "0.1.0"
source = { editable = "own" }
dependencies = [{ name = "b", version = "2.0" }]
[[package]]
name = "a"
version = "1.0"
source = { registry = "https://index.example/simple" }
[package.optional-dependencies]
x = [{ name = "c" }]
[[package]]
name = "b"
version = "1.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "b"
version = "2.0"
source = { git = "https://git.example/b#0badcafe" }
[[package]]
name = "c"
version = "1.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "d"
version = "1.0"
source = { path = "d-1.0-py3-none-any.whl" }
dependencies = [{ name = "b", version = "1.0" }]
"#;
        assert_eq!(packages(&UV, lock), ["a 1.0", "b 1.0 dev", "b 2.0", "c 1.0", "d 1.0 dev"]);
    }
}
