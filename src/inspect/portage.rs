//! Portage's database: a folder a package in `var/db/pkg/CATEGORY`, with a small file for each variable of its build.
//!
//! Source: portage(5), "/var/db/pkg"; the Package Manager Specification, section 3.1.2 (package names) and 3.2 (versions).

use super::control::lines;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::PathSet;
use crate::facts::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use crate::facts::{Checksums, Fact, OwnedFiles, PackageFact, PackageKind};
use crate::layer::view::MEMORY_BYTES;
use crate::layer::{Entry, FileView, path};

/// What is configuration unless a system says otherwise: `CONFIG_PROTECT` of Portage's `make.globals`.
const PROTECTED: &[u8] = b"etc/";

/// `var/db/pkg/CATEGORY/NAME-VERSION/PF`.
pub(super) struct Package;

static PACKAGE: Meta = Meta {
    name: "os/portage",
    summary: "installed Gentoo packages",
    required: true,
    doc: "**Reads** `var/db/pkg/*/*/PF`.\n\n**Reports** category, name and version with revision.\n\n**Cannot see** slots and licences, which stand in files of their own, and what `USE` flags \
          left out.\n\n**Since** 0.2.0",
};

impl Inspector for Package {
    fn meta(&self) -> &'static Meta {
        &PACKAGE
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        package_of(entry.path, b"PF").is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (category, _) = package_of(file.entry.path, b"PF").unwrap_or_default();
        let full = text(whole(file, 4 << 10)?.trim_ascii());
        let (name, version) = split(&full).ok_or(InspectError::Malformed("not a name and a version"))?;
        facts.push(Fact::Package(PackageFact::new(
            PackageKind::Portage,
            format!("{}/{name}", text(category)),
            version,
        )));
        Ok(())
    }
}

/// `var/db/pkg/CATEGORY/NAME-VERSION/CONTENTS`.
pub(super) struct Contents;

static CONTENTS: Meta = Meta {
    name: "os/portage-files",
    summary: "files owned by Gentoo packages, and their checksums",
    required: false,
    doc: "**Reads** `var/db/pkg/*/*/CONTENTS`, up to 8 MiB.\n\n**Reports** which package owns which path, and the checksums of its files but those in `etc/`.\n\n**Cannot see** files that a \
          package's scripts made.\n\n**Since** 0.2.0",
};

impl Inspector for Contents {
    fn meta(&self) -> &'static Meta {
        &CONTENTS
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        package_of(entry.path, b"CONTENTS").is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (category, folder) = package_of(file.entry.path, b"CONTENTS").unwrap_or_default();
        let folder = text(folder);
        let (name, _) = split(&folder).ok_or(InspectError::Malformed("its folder is not a name and a version"))?;
        let package = format!("{}/{name}", text(category));
        let (mut paths, mut sums) = (Vec::new(), Vec::new());
        for line in lines(whole(file, MEMORY_BYTES)?) {
            let Some((path, sum)) = owned(line).filter(|(path, _)| path::is_normal(path)) else { continue };
            paths.push(path);
            let sum = sum.filter(|_| !path.starts_with(PROTECTED));
            sums.extend(sum.map(|digest| (PathKey::of(path), digest)));
        }
        if !sums.is_empty() {
            let digests = FileDigests::build(Algorithm::Md5, sums);
            facts.push(Fact::Checksums(Checksums { package: package.clone(), digests }));
        }
        if !paths.is_empty() {
            facts.push(Fact::Owned(OwnedFiles { package, paths: PathSet::build(paths).0 }));
        }
        Ok(())
    }
}

/// The category and the folder of the package of which `path` is the file `name`.
fn package_of<'a>(path: &'a [u8], name: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut parts = path.strip_suffix(name)?.strip_suffix(b"/")?.rsplitn(3, |b| *b == b'/');
    let (folder, category, above) = (parts.next()?, parts.next()?, parts.next()?);
    above.ends_with(b"db/pkg").then_some((category, folder))
}

/// Name and version of `NAME-VERSION[-rREVISION]`. Names may have dashes, but no part that looks like a version.
fn split(full: &str) -> Option<(&str, &str)> {
    let is_version = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let is_revision = |text: &str| {
        text.strip_prefix('r').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let (head, tail) = full.rsplit_once('-')?;
    let name = match head.rsplit_once('-') {
        Some((name, version)) if is_revision(tail) && is_version(version) => name,
        _ if is_version(tail) => head,
        _ => return None,
    };
    Some((name, full.get(name.len() + 1..)?)).filter(|_| !name.is_empty())
}

/// The path of a line, and the digest of a file: `obj /path md5 mtime`, `sym /path -> target mtime`, `dir /path`. Paths may hold spaces.
fn owned(line: &[u8]) -> Option<(&[u8], Option<FileDigest>)> {
    if let Some(rest) = line.strip_prefix(b"obj /") {
        let mut words = rest.rsplitn(3, |b| *b == b' ');
        let (_, sum, path) = (words.next()?, words.next()?, words.next()?);
        return Some((path, FileDigest::from_hex(Algorithm::Md5, sum)));
    }
    if let Some(rest) = line.strip_prefix(b"sym /") {
        let end = memchr::memmem::find(rest, b" -> ")?;
        return Some((rest.get(..end)?, None));
    }
    line.strip_prefix(b"dir /").map(|path| (path, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and versions of the Gentoo repository.
    #[test]
    fn versions_are_split_off() {
        for (full, expected) in [
            ("openssl-3.0.9-r1", Some(("openssl", "3.0.9-r1"))),
            ("gtk+-3.24.38", Some(("gtk+", "3.24.38"))),
            ("font-adobe-100dpi-1.0.4", Some(("font-adobe-100dpi", "1.0.4"))),
            ("libX11-1.8.6", Some(("libX11", "1.8.6"))),
            ("python-3.11.6_p1-r2", Some(("python", "3.11.6_p1-r2"))),
            ("dbus-glib-0.112", Some(("dbus-glib", "0.112"))),
            ("tzdata-2023c", Some(("tzdata", "2023c"))),
            ("sys-devel", None),
            ("-1", None),
        ] {
            assert_eq!(split(full), expected, "{full}");
        }
    }

    #[test]
    fn lines_name_paths_and_digests() {
        let abc = Algorithm::Md5.digest(b"abc");
        let line = b"obj /usr/share/a b 900150983cd24fb0d6963f7d28e17f72 1690000000";
        assert_eq!(owned(line), Some((&b"usr/share/a b"[..], Some(abc))));
        assert_eq!(owned(b"sym /usr/bin/x -> y z 1690000000"), Some((&b"usr/bin/x"[..], None)));
        assert_eq!(owned(b"dir /usr"), Some((&b"usr"[..], None)));
        assert_eq!(owned(b"fif /run/x"), None);
        let folder = package_of(b"var/db/pkg/dev-libs/openssl-3.0.9/PF", b"PF");
        assert_eq!(folder, Some((&b"dev-libs"[..], &b"openssl-3.0.9"[..])));
        assert_eq!(package_of(b"var/db/repos/dev-libs/openssl/PF", b"PF"), None);
    }
}
