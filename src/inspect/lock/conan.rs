//! `conan.lock`, of Conan 1 and 2.
//!
//! Source: Conan's `conan/internal/model/lockfile` (2.x) and `conans/model/graph_lock.py` (1.x).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Found, InspectError, LockFile, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static CONAN: LockFile = LockFile {
    meta: &Meta {
        name: "language/conan-lock",
        summary: "packages locked by Conan",
        required: false,
        doc: "**Reads** `conan.lock` of Conan 1 and 2, up to 8 MiB.\n\n**Reports** every package; tools that only a build needs are for development.\n\n**Cannot see** which of them a configuration leaves out.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"conan.lock",
    parse,
};

#[derive(Deserialize)]
struct Lock {
    /// Conan 1.
    graph_lock: Option<Graph>,
    #[serde(default)]
    requires: Vec<Value>,
    #[serde(default)]
    build_requires: Vec<Value>,
    #[serde(default)]
    python_requires: Vec<Value>,
}

#[derive(Deserialize)]
struct Graph {
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "ref", alias = "pref")]
    reference: Option<String>,
    /// The recipe of the project itself.
    path: Option<String>,
    context: Option<String>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let lock: Lock = serde_json::from_str(text)?;
    for node in lock.graph_lock.iter().flat_map(|graph| graph.nodes.values()).filter(|node| node.path.is_none()) {
        if let Some(reference) = &node.reference {
            package(reference, node.context.as_deref() == Some("build"), found);
        }
    }
    for (references, is_development) in
        [(lock.requires, false), (lock.build_requires, true), (lock.python_requires, true)]
    {
        for reference in &references {
            // Some come as a list with what Conan knows of them behind it.
            match reference.as_str().or_else(|| reference.get(0)?.as_str()) {
                Some(reference) => package(reference, is_development, found),
                None => found.open("a reference that is no text"),
            }
        }
    }
    Ok(())
}

/// `name/version[@user/channel][#revision][%timestamp]`; before Conan 1.16 `:` and a package id behind it.
fn package(reference: &str, is_development: bool, found: &mut Found) {
    let end = reference.find(['@', '#', '%', ':']).unwrap_or(reference.len());
    match reference.get(..end).unwrap_or_default().split_once('/') {
        Some((name, version)) => found.package(PackageKind::Conan, name, version, scope(is_development)),
        None => found.open(format_args!("`{reference}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn conan_one_and_two() {
        let one = r#"{"graph_lock": {"nodes": {"0": {"ref": "app/1.0", "path": "conanfile.py", "requires": ["1"]}, "1": {"ref": "zlib/1.2.11#00", "context": "host"}, "2": {"ref": "cmake/3.22.0@u/c", "context": "build"}}}, "version": "0.4"}"#;
        assert_eq!(packages(&CONAN, one), ["cmake 3.22.0 dev", "zlib 1.2.11"]);
        let two = r#"{"version": "0.5", "requires": ["zlib/1.3.1#00%1700000000.0", ["b/2.0#00", {"x": 1}]], "build_requires": ["cmake/3.22.0#00"], "python_requires": []}"#;
        assert_eq!(packages(&CONAN, two), ["b 2.0", "cmake 3.22.0 dev", "zlib 1.3.1"]);
    }
}
