//! `renv.lock`: the packages of an R project.
//!
//! Source: renv's documentation, "`renv.lock`".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static RENV: LockFile = LockFile {
    meta: &Meta {
        name: "language/renv-lock",
        summary: "packages locked by renv",
        required: false,
        doc: "**Reads** `renv.lock`, up to 8 MiB.\n\n**Reports** every package of a repository or a remote.\n\n**Cannot see** packages of Bioconductor, which are told; R itself.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"renv.lock",
    parse,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Package {
    package: Option<String>,
    version: Option<String>,
    source: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    for (key, package) in lock.packages.iter().filter(|(_, package)| package.source.as_deref() != Some("Local")) {
        let name = package.package.as_ref().unwrap_or(key);
        match &package.version {
            Some(_) if package.source.as_deref() == Some("Bioconductor") => {
                found.open(format_args!("`{name}` of Bioconductor, whose packages are not CRAN's"));
            }
            Some(version) => found.package(PackageKind::Cran, name, version, Scope::Runtime),
            None => found.open(format_args!("`{name}`")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn sources() {
        let lock = r#"{"R": {"Version": "4.3.1"}, "Packages": {"a": {"Package": "a", "Version": "1.0-2", "Source": "Repository"}, "own": {"Package": "own", "Version": "0.1", "Source": "Local"}, "bio": {"Package": "bio", "Version": "1.0", "Source": "Bioconductor"}}}"#;
        assert_eq!(packages(&RENV, lock), ["a 1.0-2"]);
    }
}
