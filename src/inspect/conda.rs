//! Installed conda packages: `conda-meta/*.json` of an environment.
//!
//! Source: conda's `PrefixRecord`.

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A file of `conda-meta`.
pub(super) struct CondaMeta;

static META: Meta = Meta {
    name: "language/conda",
    summary: "installed conda packages",
    required: false,
    doc: "**Reads** `conda-meta/*.json`, up to 8 MiB (a package lists its files there).\n\n**Reports** name, version and licence, as `conda list` names them.\n\n**Cannot see** what pip \
          installed into the environment, which is listed as Python's.\n\n**Since** 0.2.0",
};

impl Inspector for CondaMeta {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let folder = entry.path.strip_suffix(entry.name()).unwrap_or_default();
        entry.path.ends_with(b".json") && (folder == b"conda-meta/" || folder.ends_with(b"/conda-meta/"))
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let record: Record = serde_json::from_slice(whole(file, 8 << 20)?)?;
        // Newer versions keep their settings there, too, which name no package.
        if let (Some(name), Some(version)) = (record.name, record.version) {
            let licenses = record.license.into_iter().filter(|license| !license.is_empty()).collect();
            facts.push(Fact::Package(PackageFact { licenses, ..PackageFact::new(PackageKind::Conda, name, version) }));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Record {
    name: Option<String>,
    version: Option<String>,
    license: Option<String>,
}
