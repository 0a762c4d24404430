//! Snaps: `meta/snap.yaml` of an unpacked or mounted snap.
//!
//! Source: the snap format's documentation, "snap.yaml".

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `snap/NAME/REVISION/meta/snap.yaml`.
pub(super) struct SnapYaml;

static META: Meta = Meta {
    name: "os/snap",
    summary: "unpacked snaps",
    required: false,
    doc: "**Reads** `snap/*/*/meta/snap.yaml`, up to 1 MiB.\n\n**Reports** name, version, architecture and licence.\n\n**Cannot see** snaps that are still packed \
          (`var/lib/snapd/snaps/*.snap`), which are file systems of their own.\n\n**Since** 0.2.0",
};

#[derive(Deserialize)]
struct Snap {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    architectures: Vec<String>,
    license: Option<String>,
}

impl Inspector for SnapYaml {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let parts: Vec<&[u8]> = entry.path.rsplitn(6, |b| *b == b'/').collect();
        matches!(parts.as_slice(), [b"snap.yaml", b"meta", _, _, b"snap", ..])
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let yaml = std::str::from_utf8(whole(file, 1 << 20)?).map_err(|_| InspectError::Malformed("not UTF-8"))?;
        let snap: Snap = serde_saphyr::from_str(yaml).map_err(|error| super::yaml_error(&error))?;
        let arch = match snap.architectures.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let licenses = snap.license.into_iter().collect();
        facts.push(Fact::Package(PackageFact {
            arch,
            licenses,
            ..PackageFact::new(PackageKind::Snap, snap.name, snap.version)
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    #[test]
    fn a_version_stays_as_it_is_written() {
        let path = b"snap/core22/1033/meta/snap.yaml";
        let entry =
            Entry { path, kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };
        assert!(SnapYaml.wants(&entry, b""));
        for (version, expected) in [("2.10", "2.10"), ("'20231123'", "20231123"), ("1.0-rc1", "1.0-rc1")] {
            let yaml = format!("name: core22\nversion: {version}\ntype: base\narchitectures: [amd64]\n");
            let mut facts = Vec::new();
            SnapYaml.inspect(&FileView::in_memory(entry, yaml.as_bytes()), &mut facts).unwrap();
            let Some(Fact::Package(package)) = facts.first() else { panic!("{facts:?}") };
            assert_eq!((package.name.as_str(), package.version.as_str()), ("core22", expected));
        }
        let elsewhere = Entry { path: b"srv/project/meta/snap.yaml", ..entry };
        assert!(!SnapYaml.wants(&elsewhere, b""));
    }
}
