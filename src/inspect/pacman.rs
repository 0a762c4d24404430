//! pacman's local database: a folder a package in `var/lib/pacman/local`, with `desc`, `files` and `mtree`.
//!
//! Source: libalpm `lib/libalpm/be_local.c` (`desc`, `files`), mtree(5) and `lib/libalpm/package.c` for `mtree`.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::control::lines;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::PathSet;
use crate::facts::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use crate::facts::{Checksums, Fact, OwnedFiles, PackageFact, PackageKind, SourcePackage};
use crate::layer::view::MEMORY_BYTES;
use crate::layer::{Entry, FileView, path};

/// Largest `mtree` after decompression. One entry has about 150 bytes, so this holds half a million files.
const MAX_MTREE_BYTES: u64 = 64 << 20;

/// `var/lib/pacman/local/NAME-VERSION/desc`.
pub(super) struct Description;

static DESCRIPTION: Meta = Meta {
    name: "os/pacman",
    summary: "installed Arch Linux packages",
    required: true,
    doc: "**Reads** `var/lib/pacman/local/*/desc`, up to 1 MiB each.\n\n**Reports** name, version, architecture, base package, licences and packager.\n\n\
          **Cannot see** packages that were unpacked without pacman.\n\n**Since** 0.2.0",
};

impl Inspector for Description {
    fn meta(&self) -> &'static Meta {
        &DESCRIPTION
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        package_folder(entry.path, b"desc").is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let mut package = PackageFact::new(PackageKind::Alpm, "", "");
        let mut base = String::new();
        for (section, value) in values(whole(file, 1 << 20)?) {
            match section {
                b"NAME" => package.name = text(value),
                b"VERSION" => package.version = text(value),
                b"BASE" => base = text(value),
                b"ARCH" => package.arch = Some(text(value)),
                b"LICENSE" => package.licenses.push(text(value)),
                b"PACKAGER" => package.vendor = Some(text(value)),
                _ => {}
            }
        }
        if package.name.is_empty() || package.version.is_empty() {
            return Err(InspectError::Malformed("it has no %NAME% or no %VERSION%"));
        }
        // Packages that are built together have one version.
        let source = (!base.is_empty() && base != package.name).then(|| package.version.clone());
        package.source = source.map(|version| SourcePackage { name: base, version });
        facts.push(Fact::Package(package));
        Ok(())
    }
}

/// `var/lib/pacman/local/NAME-VERSION/files` and `mtree`.
pub(super) struct Files;

static FILES: Meta = Meta {
    name: "os/pacman-files",
    summary: "files owned by Arch Linux packages, and their digests",
    required: false,
    doc: "**Reads** `files` (up to 8 MiB) and `mtree` (gzip, up to 64 MiB unpacked) in `var/lib/pacman/local/*`.\n\n**Reports** which package owns which path, which of them are \
          configuration, and the digests of the others.\n\n**Cannot see** files that a package's scripts made.\n\n**Since** 0.2.0",
};

impl Inspector for Files {
    fn meta(&self) -> &'static Meta {
        &FILES
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        package_folder(entry.path, b"files").or(package_folder(entry.path, b"mtree")).is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let bytes = whole(file, MEMORY_BYTES)?;
        let path = file.entry.path;
        if let Some(package) = package_folder(path, b"files").and_then(package_name) {
            let (mut owned, mut backup) = (Vec::new(), Vec::new());
            for (section, value) in values(bytes) {
                let value = value.strip_suffix(b"/").unwrap_or(value);
                match section {
                    b"FILES" if path::is_normal(value) => owned.push(value),
                    // The path, a tab and an MD5 digest.
                    b"BACKUP" => {
                        backup.extend(value.split(|b| *b == b'\t').next().filter(|path| path::is_normal(path)))
                    }
                    _ => {}
                }
            }
            facts.push(Fact::Owned(OwnedFiles { package: text(package), paths: PathSet::build(owned).0 }));
            if !backup.is_empty() {
                facts.push(Fact::Conffiles(PathSet::build(backup).0));
            }
        }
        if let Some(package) = package_folder(path, b"mtree").and_then(package_name) {
            let digests = mtree(&unpack(bytes)?);
            facts.push(Fact::Checksums(Checksums { package: text(package), digests }));
        }
        Ok(())
    }
}

/// The folder of a package of which `path` is the file `name`.
fn package_folder<'a>(path: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let folder = path.strip_suffix(name)?.strip_suffix(b"/")?;
    let at = memchr::memrchr(b'/', folder)?;
    folder.get(..at)?.ends_with(b"pacman/local").then(|| folder.get(at + 1..)).flatten()
}

/// The name in `NAME-VERSION-RELEASE`; names may have dashes, versions have none.
fn package_name(folder: &[u8]) -> Option<&[u8]> {
    let release = memchr::memrchr(b'-', folder)?;
    let version = memchr::memrchr(b'-', folder.get(..release)?)?;
    folder.get(..version).filter(|name| !name.is_empty())
}

/// Lines with the `%SECTION%` that they stand in.
fn values(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut section = &b""[..];
    lines(bytes).filter_map(move |line| match line {
        [] => None,
        [b'%', name @ .., b'%'] => {
            section = name;
            None
        }
        value => Some((section, value)),
    })
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, InspectError> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).take(MAX_MTREE_BYTES + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MAX_MTREE_BYTES {
        return Err(InspectError::TooLarge { size: plain.len() as u64, limit: MAX_MTREE_BYTES });
    }
    Ok(plain)
}

/// The SHA-256 digests of an mtree(5) file: `./usr/bin/a mode=755 size=1 sha256digest=…`.
fn mtree(bytes: &[u8]) -> FileDigests {
    let digest = |line: &[u8]| {
        let mut words = line.strip_prefix(b"./")?.split(|b| *b == b' ');
        let path = unescaped(words.next()?);
        let hex = words.find_map(|word| word.strip_prefix(b"sha256digest="))?;
        Some((PathKey::of(&path), FileDigest::from_hex(Algorithm::Sha256, hex)?))
    };
    FileDigests::build(Algorithm::Sha256, lines(bytes).filter_map(digest))
}

/// A name with its `\ooo` escapes undone (vis(3) in octal).
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(escaped) => {
                plain.push(escaped);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_their_package() {
        assert_eq!(package_folder(b"var/lib/pacman/local/a-1-1/desc", b"desc"), Some(&b"a-1-1"[..]));
        assert_eq!(package_folder(b"var/lib/pacman/sync/a-1-1/desc", b"desc"), None);
        assert_eq!(package_name(b"gtk-update-icon-cache-1:4.8.3-1"), Some(&b"gtk-update-icon-cache"[..]));
        assert_eq!(package_name(b"-1-1"), None);
    }

    #[test]
    fn names_of_an_mtree_are_escaped() {
        assert_eq!(unescaped(br"./a\040b\134c\9"), br"./a b\c\9");
    }
}
