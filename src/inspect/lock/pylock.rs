//! `pylock.toml`.
//!
//! Source: the PyPA specification "`pylock.toml`" (PEP 751).

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static PYLOCK: LockFile = LockFile {
    meta: &Meta {
        name: "language/pylock",
        summary: "distributions of a standard Python lock file",
        required: false,
        doc: "**Reads** `pylock.toml` and `pylock.NAME.toml`, up to 8 MiB.\n\n**Reports** every distribution but folders of the project.\n\n**Cannot see** the version of what is built from git or an archive \
              and has none in the file, which is told; groups, which stand in markers.\n\n**Since** 0.2.0",
    },
    is_named: |entry| is_pylock(entry.name()),
    parse,
};

/// `pylock.toml`, or one name between the two parts.
fn is_pylock(name: &[u8]) -> bool {
    let between = name.strip_prefix(b"pylock.").and_then(|rest| rest.strip_suffix(b".toml"));
    name == b"pylock.toml" || between.is_some_and(|between| !between.is_empty() && !between.contains(&b'.'))
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    directory: Option<toml::Table>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = toml::from_str(text)?;
    for package in lock.packages.iter().filter(|package| package.directory.is_none()) {
        match &package.version {
            Some(version) => found.package(PackageKind::PyPi, &package.name, version, Scope::Runtime),
            None => found.open(format_args!("`{}`", package.name)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn folders_are_the_projects_own() {
        let lock = "lock-version = \"1.0\"\n\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\n\n[[packages]]\nname = \"g\"\nvcs = { type = \"git\", commit-id = \"0badcafe\" }\n\n[[packages]]\nname = \"own\"\ndirectory = { path = \".\", editable = true }\n";
        assert_eq!(packages(&PYLOCK, lock), ["a 1.0"]);
        assert_eq!(open(&PYLOCK, lock), ["an entry is left open: `g`"]);
        assert!(
            is_pylock(b"pylock.toml")
                && is_pylock(b"pylock.dev.toml")
                && !is_pylock(b"pylock.a.b.toml")
                && !is_pylock(b"pylock..toml")
        );
    }
}
