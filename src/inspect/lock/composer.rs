//! `composer.lock`: the packages of a PHP project.
//!
//! Source: Composer's `src/Composer/Package/Locker.php`.

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::{PackageFact, PackageKind};

pub(in crate::inspect) static COMPOSER: LockFile = LockFile {
    meta: &Meta {
        name: "language/composer-lock",
        summary: "packages locked by Composer",
        required: false,
        doc: "**Reads** `composer.lock`, up to 8 MiB.\n\n**Reports** every package with its licences, and whether it is only for development; packages of a `path` are the project's own.\n\n**Cannot see** extensions \
              and PHP itself, which the platform brings.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"composer.lock",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default, rename = "packages-dev")]
    development: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    license: Vec<String>,
    dist: Option<Dist>,
}

#[derive(Deserialize)]
struct Dist {
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    let all = [(lock.packages, false), (lock.development.unwrap_or_default(), true)];
    for (package, is_development) in all.into_iter().flat_map(|(list, is)| list.into_iter().map(move |one| (one, is))) {
        if package.dist.is_some_and(|dist| dist.kind.as_deref() == Some("path")) {
            continue;
        }
        let known = PackageFact::new(PackageKind::Composer, package.name, package.version);
        found.add(PackageFact { licenses: package.license, scope: scope(is_development), ..known });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn paths_are_the_projects_own() {
        let lock = r#"{"packages": [{"name": "v/a", "version": "v1.0.0", "license": ["MIT"]}, {"name": "v/own", "version": "dev-main", "dist": {"type": "path", "url": "own"}}],
            "packages-dev": [{"name": "v/b", "version": "2.0.0"}]}"#;
        assert_eq!(packages(&COMPOSER, lock), ["v/a v1.0.0", "v/b 2.0.0 dev"]);
    }
}
