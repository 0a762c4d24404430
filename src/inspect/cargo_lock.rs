//! `Cargo.lock`: the crates a Rust project is built from.

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `Cargo.lock`.
pub(super) struct CargoLock;

static META: Meta = Meta {
    name: "language/cargo-lock",
    summary: "crates locked by Cargo",
    required: false,
    doc: "**Reads** `Cargo.lock` (versions 1 to 4) in a source tree (`dir:`), up to 8 MiB.\n\n**Reports** every crate that comes from a registry or from git; the project's own crates \
          have no source and are left out.\n\n**Cannot see** which crates a build leaves out by its features; lock files inside an image, where they do not say what was \
          installed.\n\n**Since** 0.1.0",
};

impl Inspector for CargoLock {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"Cargo.lock"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let lock = std::str::from_utf8(whole(file, 8 << 20)?).map_err(|_| InspectError::Malformed("not UTF-8"))?;
        let lock: Lock = toml::from_str(lock)?;
        let foreign = lock.package.into_iter().filter(|package| package.source.is_some());
        facts.extend(
            foreign.map(|package| Fact::Locked(PackageFact::new(PackageKind::Cargo, package.name, package.version))),
        );
        Ok(())
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}
