//! rpm's database in an image: which file it is and what its packages mean here. The formats are read in [`super::rpm`].

use super::{InspectError, Inspector, Meta, rpm};
use crate::facts::file_digest::{FileDigests, PathKey};
use crate::facts::{Checksums, Fact, OwnedFiles, PackageFact, PackageKind, PathSet, SourcePackage};
use crate::layer::{Entry, FileView};

/// `rpmdb.sqlite`, `Packages.db` or `Packages`.
pub(super) struct RpmDatabase;

static META: Meta = Meta {
    name: "os/rpm",
    summary: "installed RPM packages",
    required: true,
    doc: "**Reads** `rpmdb.sqlite`, `Packages.db` (NDB) and `Packages` (Berkeley DB, both byte orders) in a folder named `rpm`, of any size up to 2 GiB.\n\n**Reports** every package with epoch, version, release, \
          architecture, source package, licence, vendor and module, and the files it owns with their digests, but not those of configuration files. Imported public keys are no packages.\n\n**Cannot see** a transaction that is only in SQLite's `-wal` file, which is told by `os/rpm-log`.\n\n**Since** 0.1.0",
};

impl Inspector for RpmDatabase {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        let is_named = [&b"rpm/rpmdb.sqlite"[..], b"rpm/Packages.db", b"rpm/Packages"]
            .iter()
            .any(|name| entry.path.ends_with(name));
        // An empty file is what an image without packages has.
        is_named && (head.is_empty() || rpm::detect(head).is_some())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        use crate::layer::ReadAt as _;
        if file.is_empty() {
            return Ok(());
        }
        let summary = rpm::read(file, &mut |entry| {
            let name = entry.package.name.clone();
            let algorithm = entry.files.algorithm();
            let files: Vec<rpm::RpmFile> = entry.files.collect();
            let digests: Vec<_> =
                files.iter().filter_map(|file| Some((PathKey::of(&file.path), file.digest?))).collect();
            if let Some(algorithm) = algorithm.filter(|_| !digests.is_empty()) {
                let digests = FileDigests::build(algorithm, digests);
                facts.push(Fact::Checksums(Checksums { package: name.clone(), digests }));
            }
            if !files.is_empty() {
                let (paths, _) = PathSet::build(files.iter().map(|file| file.path.as_slice()).collect());
                facts.push(Fact::Owned(OwnedFiles { package: name, paths }));
            }
            facts.push(Fact::Package(fact(&entry.package)));
        })?;
        match summary.first_damage {
            Some(damage) => Err(InspectError::Records {
                count: usize::try_from(summary.damaged).unwrap_or(usize::MAX),
                first: damage.to_string(),
            }),
            None => Ok(()),
        }
    }
}

/// `rpmdb.sqlite-wal`.
pub(super) struct WriteAheadLog;

static LOG: Meta = Meta {
    name: "os/rpm-log",
    summary: "changes that an rpm database lacks",
    required: true,
    doc: "**Reads** `rpmdb.sqlite-wal` in a folder named `rpm`, its length only.\n\n**Reports** nothing; a log with content is told as unreadable, since rpm leaves an empty one and what is in it \
          may not be in the database yet.\n\n**Cannot see** what the log changes.\n\n**Since** 0.1.0",
};

impl Inspector for WriteAheadLog {
    fn meta(&self) -> &'static Meta {
        &LOG
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b"rpm/rpmdb.sqlite-wal")
    }

    fn inspect(&self, file: &FileView<'_>, _facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        use crate::layer::ReadAt as _;
        if file.is_empty() {
            return Ok(());
        }
        Err(InspectError::Malformed(
            "the package database was not closed: run any rpm query in the image, which writes its log into it",
        ))
    }
}

fn fact(package: &rpm::RpmPackage) -> PackageFact {
    let version = package.evr();
    let source =
        package.source().map(|(name, version)| SourcePackage { name: name.to_owned(), version: version.to_owned() });
    PackageFact {
        arch: package.arch.clone(),
        source,
        licenses: package.license.clone().into_iter().collect(),
        vendor: package.vendor.clone(),
        module: package.modularity_label.clone().filter(|label| !label.is_empty()),
        ..PackageFact::new(PackageKind::Rpm, package.name.clone(), version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    #[test]
    fn a_log_with_content_is_told() {
        let path = b"usr/lib/sysimage/rpm/rpmdb.sqlite-wal";
        let entry =
            Entry { path, kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };
        assert!(WriteAheadLog.wants(&entry, b""));
        assert!(!RpmDatabase.wants(&entry, b""));
        let read = |bytes| WriteAheadLog.inspect(&FileView::in_memory(entry, bytes), &mut Vec::new());
        assert!(read(b"").is_ok());
        assert!(read(&[0x37, 0x7f, 0x06, 0x82]).is_err());
    }
}
