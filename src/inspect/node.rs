//! Installed Node packages: `package.json` in `node_modules`, and of application roots.

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A `package.json`.
pub(super) struct PackageJson;

static META: Meta = Meta {
    name: "language/node",
    summary: "installed Node packages",
    required: false,
    doc: "**Reads** `package.json` directly in `node_modules/<name>` or `node_modules/@<scope>/<name>`, and outside of any `node_modules` where such a folder \
          stands beside it (an application root), up to 4 MiB.\n\n**Reports** name, version and licence.\n\n**Cannot see** packages that a bundler folded into one file; \
          `package.json` files inside a package (tests, `dist/esm` markers) are not installed packages and are left out.\n\n**Since** 0.1.0",
};

impl Inspector for PackageJson {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"package.json" && place(entry.path) != Place::Inside
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let state = if place(file.entry.path) == Place::Root { Fact::ApplicationRoot } else { Fact::Package };
        facts.extend(parse(whole(file, 4 << 20)?)?.map(state));
        Ok(())
    }
}

/// Where a `package.json` stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Directly in a package folder of `node_modules`.
    Installed,
    /// Outside of any `node_modules`: an application root, if there is a `node_modules` beside it.
    Root,
    /// Somewhere inside a package.
    Inside,
}

/// Where the `package.json` at `path` stands.
fn place(path: &[u8]) -> Place {
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    parts.pop();
    match parts.as_slice() {
        [.., modules, scope, _] if *modules == b"node_modules" && scope.starts_with(b"@") => Place::Installed,
        [.., modules, name] if *modules == b"node_modules" && !name.starts_with(b"@") && !name.starts_with(b".") => {
            Place::Installed
        }
        parts if parts.iter().any(|part| *part == b"node_modules") => Place::Inside,
        _ => Place::Root,
    }
}

/// The fields that are read. npm writes `license` as text, or in old packages as an object.
#[derive(Deserialize)]
struct Manifest {
    name: Option<serde_json::Value>,
    version: Option<serde_json::Value>,
    license: Option<serde_json::Value>,
}

fn parse(bytes: &[u8]) -> Result<Option<PackageFact>, InspectError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let manifest: Manifest = serde_json::from_slice(bytes)?;
    let text = |value: &Option<serde_json::Value>| {
        value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().trim().to_owned()
    };
    let (name, version) = (text(&manifest.name), text(&manifest.version));
    // A private package or a module-type marker without name and version is not a published package.
    if name.is_empty() || version.is_empty() {
        return Ok(None);
    }
    let license = match &manifest.license {
        Some(serde_json::Value::Object(object)) => {
            object.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned()
        }
        _ => text(&manifest.license),
    };
    let licenses = if license.is_empty() { Vec::new() } else { vec![license] };
    Ok(Some(PackageFact { licenses, ..PackageFact::new(PackageKind::Npm, name, version) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_installed_packages_from_files_inside_them() {
        for (path, expected) in [
            ("app/node_modules/a/package.json", Place::Installed),
            ("app/node_modules/@s/a/package.json", Place::Installed),
            ("app/node_modules/a/node_modules/b/package.json", Place::Installed),
            ("app/node_modules/.pnpm/b@1.0.0/node_modules/b/package.json", Place::Installed),
            ("app/node_modules/a/dist/esm/package.json", Place::Inside),
            ("app/node_modules/@s/package.json", Place::Inside),
            ("app/node_modules/package.json", Place::Inside),
            ("app/package.json", Place::Root),
            ("package.json", Place::Root),
        ] {
            assert_eq!(place(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn old_and_odd_manifests() {
        let parsed = |text: &str| parse(text.as_bytes());
        let package =
            parsed("\u{feff}{\"name\":\"a\",\"version\":\"1.0.0\",\"license\":{\"type\":\"MIT\"}}").unwrap().unwrap();
        assert_eq!(package.licenses, ["MIT"]);
        assert_eq!(parsed(r#"{"type":"module"}"#).unwrap(), None);
        assert_eq!(parsed(r#"{"name":"a","version":1}"#).unwrap(), None);
        assert!(parsed("{").is_err());
    }
}
