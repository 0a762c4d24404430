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
    doc: "**Reads** `package.json` of packages in `node_modules`, in the stores of pnpm, Yarn and npm's linked layout there, and outside of any `node_modules` where such a \
          folder stands beside it (an application root) or a symlink in one leads to it (a workspace); up to 4 MiB.\n\n**Reports** name, version and licence.\n\n\
          **Cannot see** packages that a bundler folded into one file, and Yarn's Plug'n'Play archives; `package.json` files inside a package (`dist/esm` markers, \
          packages in its tests and examples) are not installed packages and are left out.\n\n**Since** 0.1.0",
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

/// Folders in `node_modules` that hold a folder for each version of each package: pnpm's, and that of Yarn's and npm's linked layouts.
const STORES: &[&[u8]] = &[b".pnpm", b".store"];

/// Folders inside a package whose `node_modules` are there to be tested with or looked at, not to be used.
const NOT_USED: &[&[u8]] = &[
    b"test",
    b"tests",
    b"__tests__",
    b"spec",
    b"fixtures",
    b"fixture",
    b"__fixtures__",
    b"testdata",
    b"example",
    b"examples",
    b"mocks",
    b"__mocks__",
    b"benchmark",
    b"benchmarks",
];

/// Where the `package.json` at `path` stands.
fn place(path: &[u8]) -> Place {
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    parts.pop();
    let mut rest = match parts.iter().position(|part| *part == b"node_modules") {
        Some(at) => parts.get(at + 1..).unwrap_or_default(),
        None => return Place::Root,
    };
    loop {
        rest = match rest {
            [store, _, b"package"] if *store == b".store" => return Place::Installed,
            [store, _, rest @ ..] if STORES.contains(store) && !rest.is_empty() => rest,
            [scope, _, rest @ ..] if scope.starts_with(b"@") => rest,
            [name, rest @ ..] if !name.starts_with(b"@") && !name.starts_with(b".") => rest,
            _ => return Place::Inside,
        };
        if rest.is_empty() {
            return Place::Installed;
        }
        // Packages that a package brings along: npm nests them right below it, some have them in a folder of their own.
        let Some(nested) = rest.iter().position(|part| *part == b"node_modules") else { return Place::Inside };
        if rest.iter().take(nested).any(|part| NOT_USED.contains(part)) {
            return Place::Inside;
        }
        rest = rest.get(nested + 1..).unwrap_or_default();
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
            ("app/node_modules/.pnpm/b@1.0.0/node_modules/@s/b/package.json", Place::Installed),
            ("app/node_modules/.store/b-npm-1.0.0-0badcafe/package/package.json", Place::Installed),
            ("app/node_modules/.store/b@1.0.0/node_modules/b/package.json", Place::Installed),
            ("lib/node_modules/npm/node_modules/@npmcli/arborist/package.json", Place::Installed),
            ("lib/node_modules/editor/lib/core/node_modules/b/package.json", Place::Installed),
            ("test/app/node_modules/a/package.json", Place::Installed),
            ("app/node_modules/resolve/test/module_dir/node_modules/b/package.json", Place::Inside),
            ("app/node_modules/a/example/node_modules/@s/b/package.json", Place::Inside),
            ("app/node_modules/.vite/deps/package.json", Place::Inside),
            ("app/node_modules/.pnpm/package.json", Place::Inside),
            ("app/node_modules/.pnpm/b@1.0.0/package.json", Place::Inside),
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
