//! Bills of materials that lie in an image, where builders are known to leave them.
//!
//! Only what has a package URL is taken. That a bill lists a package is its author's word: the merge prefers every record of a package manager.
//!
//! Source: PEP 770 for `sboms/` of Python distributions. The formats are read in [`crate::source::sbom`].

use super::{InspectError, Inspector, Meta};
use crate::facts::{Evidence, Fact, PackageFact, PackageKind, listed};
use crate::layer::view::ReadAt as _;
use crate::layer::{Entry, FileView};
use crate::source::sbom;

/// Largest bill. One with a thousand packages and their files has about 10 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Folders for bills: Wolfi's and apko's, and those where other builders put them.
const FOLDERS: &[&[u8]] = &[b"var/lib/db/sbom/", b"usr/lib/sbom/", b"usr/share/sbom/", b"usr/local/share/sbom/"];

/// A bill of materials.
pub(super) struct Sbom;

static META: Meta = Meta {
    name: "sbom/in-image",
    summary: "packages that a bill of materials in the image lists",
    required: false,
    doc: "**Reads** SPDX and CycloneDX JSON in `var/lib/db/sbom`, `usr/lib/sbom`, `usr/share/sbom`, `usr/local/share/sbom`, `*.dist-info/sboms`, and `.spdx-*.spdx` in \
          `opt/bitnami`; up to 64 MiB.\n\n**Reports** what has a package URL and a version, unless a package manager's record names it too. Bitnami's own bills are the records of its \
          components.\n\n**Cannot see** components without a package URL; OS packages that only a bill lists, since it does not say that they are installed; bills elsewhere, which are \
          mostly those of sources.\n\n**Since** 0.2.0",
};

impl Inspector for Sbom {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let (path, name) = (entry.path, entry.name());
        let is_bitnami = path.starts_with(b"opt/bitnami/") && name.starts_with(b".spdx-") && name.ends_with(b".spdx");
        let of_python = || {
            let mut above = path.rsplit(|b| *b == b'/').skip(1);
            above.next() == Some(b"sboms") && above.next().is_some_and(|folder| folder.ends_with(b".dist-info"))
        };
        let is_known = || FOLDERS.iter().any(|folder| path.starts_with(folder)) || of_python();
        is_bitnami || (name.ends_with(b".json") && is_known())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        if file.len() > MAX_BYTES {
            return Err(InspectError::TooLarge { size: file.len(), limit: MAX_BYTES });
        }
        let mut spooled = Vec::new();
        let bytes = match file.bytes() {
            Some(bytes) => bytes,
            None => {
                spooled.resize(usize::try_from(file.len()).unwrap_or(0), 0);
                file.read_exact_at(0, &mut spooled)?;
                &spooled
            }
        };
        let bill = sbom::parse(bytes).map_err(|error| InspectError::Bill(Box::new(error)))?;
        let of_bitnami = file.entry.path.starts_with(b"opt/bitnami/");
        let packages = bill.components.iter().filter_map(listed::package).filter(|package| !package.version.is_empty());
        facts.extend(packages.map(|package| {
            let is_record = of_bitnami && package.kind == PackageKind::Bitnami;
            let evidence = if is_record { Evidence::Record } else { package.evidence };
            Fact::Package(PackageFact { evidence, ..package })
        }));
        match bill.malformed {
            0 => Ok(()),
            count => Err(InspectError::Records { count, first: "it is no component of that format".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    fn entry(path: &str) -> Entry<'_> {
        let path = path.as_bytes();
        Entry { path, kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None }
    }

    fn read(path: &str, text: &str) -> Result<Vec<PackageFact>, InspectError> {
        let mut facts = Vec::new();
        Sbom.inspect(&FileView::in_memory(entry(path), text.as_bytes()), &mut facts)?;
        Ok(facts.iter().filter_map(Fact::package).cloned().collect())
    }

    #[test]
    fn bills_count_where_builders_leave_them() {
        for (path, wanted) in [
            ("opt/bitnami/python/.spdx-python.spdx", true),
            ("var/lib/db/sbom/busybox-1.36.1-r5.spdx.json", true),
            ("usr/lib/python3.12/site-packages/a-1.dist-info/sboms/auditwheel.cdx.json", true),
            ("usr/share/sbom/app/bom.json", true),
            ("root/go/pkg/mod/a.example/b@v1.0.0/sbom.spdx.json", false),
            ("srv/app/bom.json", false),
        ] {
            assert_eq!(Sbom.wants(&entry(path), b"{"), wanted, "{path}");
        }
    }

    #[test]
    fn spdx_packages_are_known_by_their_purl() {
        let bill = r#"{"spdxVersion": "SPDX-2.3", "packages": [
            {"name": "python", "versionInfo": "3.11.5", "licenseDeclared": "PSF-2.0", "externalRefs": [
                {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:*:python"},
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:bitnami/python@3.11.5-1?arch=amd64"}]},
            {"name": "wheel", "versionInfo": "0.41", "licenseDeclared": "NOASSERTION", "externalRefs": [
                {"referenceType": "purl", "referenceLocator": "pkg:pypi/wheel"}]},
            {"name": "src", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:github/a/b@1"}]},
            {"name": "none"}]}"#;
        let packages = read("opt/bitnami/python/.spdx-python.spdx", bill).unwrap();
        let shown: Vec<_> = packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.evidence)).collect();
        assert_eq!(shown, [("python", "3.11.5-1", Evidence::Record), ("wheel", "0.41", Evidence::Listed)]);
        assert_eq!(packages.iter().map(|p| p.licenses.len()).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn cyclonedx_components_are_nested() {
        let bill = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
            {"type": "library", "name": "a", "purl": "pkg:npm/%40s/a@1.0.0", "licenses": [{"license": {"id": "MIT"}}, {"expression": "A OR B"}],
             "components": [{"type": "library", "name": "b", "version": "2", "purl": "pkg:cargo/b"}]}]}"#;
        let packages = read("usr/share/sbom/a.json", bill).unwrap();
        let shown: Vec<_> = packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.licenses.len())).collect();
        assert_eq!(shown, [("@s/a", "1.0.0", 2), ("b", "2", 0)]);
    }

    #[test]
    fn other_documents_are_told() {
        for other in ["{}", "[", "{\"a\": 1}"] {
            assert!(matches!(read("usr/share/sbom/a.json", other), Err(InspectError::Bill(_))), "{other}");
        }
    }
}
