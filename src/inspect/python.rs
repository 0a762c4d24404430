//! Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO`, single `*.egg-info` files and `*.egg-link`.
//!
//! Source: the PyPA specifications "Recording installed projects" and "Core metadata"; what `pip list` names (pip's `metadata` package).

use super::control::{Line, classify, lines};
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, FilePath, PackageFact, PackageKind};
use crate::layer::{Entry, FileView, path};

/// The metadata file of a distribution.
pub(super) struct Metadata;

static META: Meta = Meta {
    name: "language/python",
    summary: "installed Python distributions",
    required: false,
    doc: "**Reads** `*.dist-info/METADATA`, `*.egg-info/PKG-INFO`, `*.egg/EGG-INFO/PKG-INFO`, `*.egg-info` files and `*.egg-link`, up to 4 MiB.\n\n**Reports** name, version and licence \
          as core metadata names them. Metadata in a project's sources counts where an `egg-link` leads to it.\n\n**Cannot see** packages without metadata. What `pip list` does not name \
          is left out: copies that a distribution brings along (`_vendor`, or anywhere deeper in `site-packages`), remains of broken installations (`~name`), uv's cache, \
          Python itself.\n\n**Since** 0.1.0",
};

/// Names that Python's own library had metadata for; pip leaves them out (`pip._internal.utils.compat.stdlib_pkgs`).
const OWN_LIBRARY: &[&str] = &["python", "wsgiref", "argparse"];

impl Inspector for Metadata {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        Place::of(entry.path).is_some_and(|place| place.is_installed())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let Some(place) = Place::of(file.entry.path) else { return Ok(()) };
        let bytes = whole(file, 4 << 20)?;
        if place.kind == Kind::Link {
            facts.extend(linked(bytes).map(Fact::DevelopLink));
            return Ok(());
        }
        let package = parse(bytes, place.info)?;
        if OWN_LIBRARY.contains(&package.name.to_ascii_lowercase().as_str()) {
            return Ok(());
        }
        facts.push(if place.may_be_source() { Fact::SourceMetadata(package) } else { Fact::Package(package) });
        Ok(())
    }
}

/// What kind of record a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// In a folder `NAME-VERSION.dist-info`.
    DistInfo,
    /// In a folder `NAME.egg-info`.
    EggInfo,
    /// A file `NAME.egg-info`, as distutils wrote it.
    EggInfoFile,
    /// In the folder `EGG-INFO` of an unpacked egg.
    Egg,
    /// An `egg-link`.
    Link,
}

/// A record and the folder that Python would have to search to find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place<'a> {
    kind: Kind,
    /// Name of the file or folder that stands for the distribution.
    info: &'a [u8],
    /// The folder that holds it; the root is the empty path.
    site: &'a [u8],
}

impl<'a> Place<'a> {
    fn of(path: &'a [u8]) -> Option<Self> {
        let (folder, name) = split(path);
        let (site, info) = split(folder);
        match name {
            b"METADATA" if info.ends_with(b".dist-info") => Some(Self { kind: Kind::DistInfo, info, site }),
            b"PKG-INFO" if info.ends_with(b".egg-info") => Some(Self { kind: Kind::EggInfo, info, site }),
            b"PKG-INFO" if info == b"EGG-INFO" => {
                let (site, info) = split(site);
                Some(Self { kind: Kind::Egg, info, site })
            }
            name if name.ends_with(b".egg-info") => Some(Self { kind: Kind::EggInfoFile, info: name, site: folder }),
            name if name.ends_with(b".egg-link") => Some(Self { kind: Kind::Link, info: name, site: folder }),
            _ => None,
        }
    }

    /// Whether Python could find it: not below a folder that itself is installed, nor in a cache.
    fn is_installed(&self) -> bool {
        let mut parts = self.site.split(|b| *b == b'/').rev();
        let is_vendored = parts.clone().next() == Some(b"_vendor");
        let depth = parts.position(is_site);
        let in_cache = self.site.split(|b| *b == b'/').any(is_cache_of_uv);
        !self.info.starts_with(b"~") && !is_vendored && !in_cache && depth.unwrap_or(0) == 0
    }

    /// Whether it may be what a build left in a project's sources.
    fn may_be_source(&self) -> bool {
        self.kind == Kind::EggInfo && !is_site(split(self.site).1)
    }
}

/// Whether Python searches a folder of this name by itself (the second is Debian's).
fn is_site(name: &[u8]) -> bool {
    matches!(name, b"site-packages" | b"dist-packages")
}

/// Whether uv keeps unpacked wheels in a folder of this name (`archive-v0`), from where it links them into environments.
fn is_cache_of_uv(name: &[u8]) -> bool {
    name.strip_prefix(b"archive-v").is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
}

/// Folder and last part.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default()),
        None => (b"", path),
    }
}

/// The first line of an `egg-link`: the folder that holds the project's `egg-info`.
fn linked(bytes: &[u8]) -> Option<FilePath> {
    let mut normal = Vec::new();
    path::normalise(lines(bytes).next()?.trim_ascii(), &mut normal).ok()?;
    Some(FilePath::new(&normal))
}

/// Name and version that `NAME-VERSION.dist-info` or `NAME-VERSION-pyX.Y.egg-info` tell; setuptools and pip go by them where the metadata says nothing.
fn told_by_name(info: &[u8]) -> (String, String) {
    let info = text(info);
    let stem = info.rsplit_once('.').map_or(info.as_str(), |(stem, _)| stem);
    let mut parts = stem.split('-');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    (next(), next())
}

fn parse(bytes: &[u8], info: &[u8]) -> Result<PackageFact, InspectError> {
    let (mut name, mut version, mut license) = (String::new(), String::new(), String::new());
    for line in lines(bytes) {
        match classify(line) {
            // The headers end at the first empty line; the description follows.
            Line::Blank => break,
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"Name") => name = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"Version") => version = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"License-Expression") => license = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"License") && license.is_empty() => {
                license = text(field.value)
            }
            _ => {}
        }
    }
    let (named, versioned) = told_by_name(info);
    let name = if name.is_empty() { named } else { name };
    let version = if version.is_empty() { versioned } else { version };
    if name.is_empty() || version.is_empty() {
        return Err(InspectError::Malformed("no Name or no Version"));
    }
    let declared = !license.is_empty() && !license.eq_ignore_ascii_case("unknown") && license.len() <= 200;
    let licenses = if declared { vec![license] } else { Vec::new() };
    Ok(PackageFact { licenses, ..PackageFact::new(PackageKind::PyPi, name, version) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_where_the_description_begins() {
        let parsed = |text: &[u8], info: &str| parse(text, info.as_bytes());
        let package = parsed(
            b"Metadata-Version: 2.1\nName: Django\nVersion: 4.2.7\nLicense: BSD-3-Clause\n\nVersion: 9.9\n",
            "Django-4.2.7.dist-info",
        )
        .unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("Django", "4.2.7"));
        assert!(parsed(b"Name: x\n\nVersion: 1\n", "x.egg-info").is_err());
        let package = parsed(b"Name: x\n\nVersion: 1\n", "x-2.0-py3.9.egg-info").unwrap();
        assert_eq!(package.version, "2.0");
    }

    #[test]
    fn what_python_finds_is_installed() {
        let installed = |path: &str| Place::of(path.as_bytes()).is_some_and(|place| place.is_installed());
        for path in [
            "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
            "usr/lib/python3/dist-packages/wheel-0.38.4.egg-info/PKG-INFO",
            "usr/local/lib/python3.11/site-packages/a-1.dist-info/METADATA",
            "usr/local/lib/python3.11/site-packages/a-1-py3.9.egg/EGG-INFO/PKG-INFO",
            "usr/local/lib/python3.11/site-packages/a.egg-link",
            "var/task/a-1.dist-info/METADATA",
            "opt/_vendor/lib/python3/site-packages/a-1.dist-info/METADATA",
            "a-1.dist-info/METADATA",
            "srv/archive-viewer/a-1.dist-info/METADATA",
        ] {
            assert!(installed(path), "{path}");
        }
        for path in [
            "usr/lib/python3/dist-packages/~ix-1.16.0.dist-info/METADATA",
            "usr/lib/python3/dist-packages/setuptools/_vendor/a-1.dist-info/METADATA",
            "deps/setuptools/_vendor/a-1.dist-info/METADATA",
            "x/site-packages/pkg_resources/tests/data/b-egg/b-1.0-py3.7.egg/EGG-INFO/PKG-INFO",
            "root/.cache/uv/archive-v0/Xq1/a-1.dist-info/METADATA",
            "x/site-packages/a-1.dist-info/RECORD",
            "x/site-packages/METADATA",
        ] {
            assert!(!installed(path), "{path}");
        }
    }

    #[test]
    fn only_metadata_outside_of_sites_may_be_sources() {
        let source = |path: &str| Place::of(path.as_bytes()).unwrap().may_be_source();
        assert!(source("app/a.egg-info/PKG-INFO") && source("a.egg-info/PKG-INFO"));
        assert!(!source("app/a-1.dist-info/METADATA") && !source("x/site-packages/a.egg-info/PKG-INFO"));
        assert_eq!(linked(b"/app/src\n../\n"), Some(FilePath::new(b"app/src")));
    }
}
