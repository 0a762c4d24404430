//! `pdm.lock`.
//!
//! Source: PDM's documentation, "Lock file", and its `formats`/`models` (`pdm/models/repositories/lock.py`).

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static PDM: LockFile = LockFile {
    meta: &Meta {
        name: "language/pdm-lock",
        summary: "distributions locked by PDM",
        required: false,
        doc: "**Reads** `pdm.lock`, up to 8 MiB.\n\n**Reports** every distribution but folders of the project; those of the group `dev` alone are for development.\n\n**Cannot see** whether another group is for \
              development or an extra: the file does not tell.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"pdm.lock",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

/// One with `extras` repeats the package with what the extras need.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    /// A folder or archive of the project.
    path: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = toml::from_str(text)?;
    for package in &lock.package {
        let is_archive = |path: &String| path.ends_with(".whl") || path.ends_with(".tar.gz") || path.ends_with(".zip");
        if package.path.as_ref().is_some_and(|path| !is_archive(path)) {
            continue;
        }
        let is_development = !package.groups.is_empty() && package.groups.iter().all(|group| group == "dev");
        match &package.version {
            Some(version) => found.package(PackageKind::PyPi, &package.name, version, scope(is_development)),
            None => found.open(format_args!("`{}`", package.name)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn extras_repeat_a_package() {
        let lock = "[metadata]\ngroups = [\"default\", \"dev\"]\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"dev\"]\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nextras = [\"x\"]\ngroups = [\"default\"]\n\n\
                    [[package]]\nname = \"b\"\nversion = \"2.0\"\ngroups = [\"dev\"]\n\n[[package]]\nname = \"own\"\nversion = \"0.1\"\npath = \"./own\"\ngroups = [\"default\"]\n";
        assert_eq!(packages(&PDM, lock), ["a 1.0", "b 2.0 dev"]);
    }
}
