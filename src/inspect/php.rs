//! Installed PHP packages: Composer's `installed.json`.
//!
//! Source: Composer's `FilesystemRepository`; a list in Composer 1, an object with `packages` in Composer 2.

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `VENDOR-DIR/composer/installed.json`.
pub(super) struct Installed;

static META: Meta = Meta {
    name: "language/php",
    summary: "installed PHP packages",
    required: false,
    doc: "**Reads** `composer/installed.json` in a `vendor` folder, of Composer 1 and 2, up to 8 MiB.\n\n**Reports** name, version and licences of every package, as `composer show` names \
          them.\n\n**Cannot see** PHP's own extensions, and code that was copied into a project.\n\n**Since** 0.2.0",
};

impl Inspector for Installed {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b"composer/installed.json")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (Record::List(packages) | Record::Object { packages }) = serde_json::from_slice(whole(file, 8 << 20)?)?;
        facts.extend(packages.into_iter().map(|package| {
            let licenses = package.license;
            let fact = PackageFact::new(PackageKind::Composer, package.name, package.version);
            Fact::Package(PackageFact { licenses, ..fact })
        }));
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Record {
    List(Vec<Package>),
    Object { packages: Vec<Package> },
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    license: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for json in [
            r#"[{"name":"a/b","version":"v1.0.0","version_normalized":"1.0.0.0","license":["MIT"]}]"#,
            r#"{"packages":[{"name":"a/b","version":"v1.0.0","license":["MIT"]}],"dev":true,"dev-package-names":[]}"#,
        ] {
            let (Record::List(packages) | Record::Object { packages }) = serde_json::from_str(json).unwrap();
            let shown: Vec<_> =
                packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.license.len())).collect();
            assert_eq!(shown, [("a/b", "v1.0.0", 1)]);
        }
    }
}
