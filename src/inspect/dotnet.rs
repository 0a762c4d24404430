//! .NET packages that an application or a framework was published with: `*.deps.json`.
//!
//! Source: dotnet/sdk, "Runtime Configuration Files" (`runtime-configuration-file.md`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A `*.deps.json`.
pub(super) struct DepsJson;

static META: Meta = Meta {
    name: "language/dotnet",
    summary: ".NET packages of published applications and frameworks",
    required: false,
    doc: "**Reads** `*.deps.json` of applications, of the SDK and of shared frameworks (`shared/Microsoft.NETCore.App/VERSION`), up to 8 MiB.\n\n**Reports** packages and runtime packs that \
          brought files along; the project itself, references and packages for compiling only are left out.\n\n**Cannot see** applications published without the file (trimmed or \
          native ones, single files that hold it inside).\n\n**Since** 0.2.0",
};

impl Inspector for DepsJson {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b".deps.json")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let bytes = whole(file, 8 << 20)?;
        let document: Document = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
        facts.extend(document.packages());
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    runtime_target: Option<RuntimeTarget>,
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Assets>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct RuntimeTarget {
    name: String,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type")]
    kind: String,
}

/// The files that a library has for a target; only whether there are any is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assets {
    runtime: Option<IgnoredAny>,
    native: Option<IgnoredAny>,
    runtime_targets: Option<IgnoredAny>,
    resources: Option<IgnoredAny>,
}

impl Document {
    fn packages(&self) -> impl Iterator<Item = Fact> {
        let target = self.runtime_target.as_ref().and_then(|target| self.targets.get(&target.name));
        let has_files = move |key: &str| {
            let assets = target.and_then(|target| target.get(key));
            assets.is_none_or(|assets| {
                assets.runtime.is_some()
                    || assets.native.is_some()
                    || assets.runtime_targets.is_some()
                    || assets.resources.is_some()
            })
        };
        self.libraries.iter().filter_map(move |(key, library)| {
            let (name, version) = key.split_once('/')?;
            let name = match library.kind.as_str() {
                "package" if has_files(key) => name,
                "runtimepack" => name.strip_prefix("runtimepack.").unwrap_or(name),
                _ => return None,
            };
            let is_whole = !name.is_empty() && !version.is_empty();
            is_whole.then(|| Fact::Package(PackageFact::new(PackageKind::NuGet, name, version)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brought_no_files_is_not_there() {
        let json = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64","signature":""},"targets":{".NETCoreApp,Version=v6.0":{},
            ".NETCoreApp,Version=v6.0/linux-x64":{"App/1.0.0":{"dependencies":{"A":"1.0.0"},"runtime":{"App.dll":{}}},"A/1.0.0":{"runtime":{"lib/a.dll":{}}},"B/2.0.0":{"dependencies":{"A":"1.0.0"}},
            "C/3.0.0":{"native":{"c.so":{}}},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.5":{"runtime":{"System.dll":{}}},"R/1.0.0.0":{"runtime":{"R.dll":{}}}}},
            "libraries":{"App/1.0.0":{"type":"project"},"A/1.0.0":{"type":"package","serviceable":true},"B/2.0.0":{"type":"package"},"C/3.0.0":{"type":"package"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.5":{"type":"runtimepack"},"R/1.0.0.0":{"type":"reference"}}}"#;
        let document: Document = serde_json::from_str(json).unwrap();
        let named: Vec<_> = document.packages().map(|fact| fact.package().unwrap().name.clone()).collect();
        assert_eq!(named, ["A", "C", "Microsoft.NETCore.App.Runtime.linux-x64"]);
    }
}
