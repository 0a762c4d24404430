//! `Cargo.lock`: the crates a Rust project is built from.

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static CARGO: LockFile = LockFile {
    meta: &Meta {
        name: "language/cargo-lock",
        summary: "crates locked by Cargo",
        required: false,
        doc: "**Reads** `Cargo.lock` (versions 1 to 4), up to 8 MiB.\n\n**Reports** every crate that comes from a registry or from git; the project's own crates have no source and are left \
              out.\n\n**Cannot see** which crates a build leaves out by its features and target, and which are only for development: the file does not tell.\n\n**Since** 0.1.0",
    },
    is_named: |entry| entry.name() == b"Cargo.lock",
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
    source: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = toml::from_str(text)?;
    for package in lock.package.iter().filter(|package| package.source.is_some()) {
        found.package(PackageKind::Cargo, &package.name, &package.version, Scope::Runtime);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn the_projects_own_crates_are_none() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\"a\"]\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    source = \"registry+https://index.example/\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"git+https://git.example/b#0badcafe\"\n";
        assert_eq!(packages(&CARGO, lock), ["a 1.0.0", "b 2.0.0"]);
    }
}
