//! Java archives: jars, web and enterprise archives, executable jars with their libraries inside, and shaded jars.
//!
//! `crate::nested::zip` reads directory and entries, `manifest` the texts in them, `identity` decides what an archive is; here is the walk through archives in archives.

mod identity;
mod known;
mod manifest;
mod version;

use std::collections::BTreeSet;

use identity::{Archive, Named, Roots};
use manifest::{Manifest, Pom};

use super::{InspectError, Inspector, Meta};
use crate::facts::{Fact, FilePath, PackageFact};
use crate::layer::view::MAX_FILE_BYTES;
use crate::layer::{Entry, FileView, Gather, ReadAt as _, Slice};
use crate::nested::zip::{Item, Zip, ZipError};

/// A Java archive.
pub(super) struct JavaArchive;

static META: Meta = Meta {
    name: "language/java-archive",
    summary: "Java libraries in jar, war and ear files",
    required: false,
    doc: "**Reads** `.jar`, `.war`, `.ear`, `.par`, `.sar`, `.nar`, `.rar`, `.kar`, `.hpi`, `.jpi` and `.lpkg` files of up to 2 GiB and the archives inside them, up to six deep.\n\n\
          **Reports** each archive by its `pom.properties`, else by its manifest; in a shaded jar every library whose `pom.properties` was kept. An artifact whose group nothing tells is \
          listed without one, and no advisory is matched to it.\n\n**Cannot see** libraries that were copied into a jar without their `pom.properties`. A file name alone is no evidence: a library \
          whose name has a version, but in which nothing says what it is, is told as unreadable.\n\n**Since** 0.2.0",
};

/// Names of archives end so.
const EXTENSIONS: &[&[u8]] = &[b"jar", b"war", b"ear", b"par", b"sar", b"nar", b"rar", b"kar", b"hpi", b"jpi", b"lpkg"];

/// Archives in archives that are read: a library in a bundle in a web archive in an enterprise archive is the fourth.
const MAX_DEPTH: usize = 6;

/// What one file may hold, so that no small file takes hours or gigabytes.
#[derive(Clone, Copy)]
struct Limits {
    /// Entries of all archives. The largest jars seen, with everything shaded into them, have 300,000.
    entries: u64,
    /// Bytes that are inflated.
    inflated: u64,
    /// Packages.
    packages: u64,
}

const LIMITS: Limits = Limits { entries: 4_000_000, inflated: MAX_FILE_BYTES, packages: 50_000 };

/// Length of all names in one archive that are kept until it is read.
const MAX_NAMES_BYTES: usize = 16 << 20;

/// How much of a manifest is read. Its main section has a few KiB; digests of a signed jar's entries follow and may have megabytes.
const MAX_MANIFEST_BYTES: usize = 256 << 10;

/// Longest `pom.properties`; Maven writes three lines and a date.
const MAX_POM_BYTES: usize = 16 << 10;

impl Inspector for JavaArchive {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        // Outside of archives, the name is also that of RAR's files.
        is_archive(entry.name()) && !head.starts_with(b"Rar!")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        // Placeholders for classes that a build leaves out.
        if file.is_empty() {
            return Ok(());
        }
        let mut walk = Walk::new(file.entry, LIMITS);
        let outcome = walk.archive(Slice::whole(file), file.entry.name(), b"", 1);
        facts.extend(walk.packages.into_iter().map(Fact::Package));
        outcome?;
        match walk.first_problem {
            Some(first) => Err(InspectError::Records { count: walk.problems, first }),
            None => Ok(()),
        }
    }
}

/// Whether a file of this name is an archive.
fn is_archive(name: &[u8]) -> bool {
    let extension = memchr::memrchr(b'.', name).and_then(|dot| name.get(dot + 1..)).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Why an archive, or one in it, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum JavaError {
    /// It is damaged, or compressed in a way that Java cannot read.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// A library by its file's name, which is no evidence.
    #[error("neither a pom.properties nor the manifest says which library it is")]
    Nameless,
    /// An archive in an archive, deeper than is looked.
    #[error("archives are nested more than {0} deep; deeper ones are not read")]
    Depth(usize),
    /// More than a file may hold of something, so that no small file takes hours or gigabytes.
    #[error("it holds more than {limit} {what}; the rest is not read")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

/// The way through an archive and those in it.
struct Walk<'f> {
    /// The file, whose metadata the temporary copies of archives in it have, too.
    entry: Entry<'f>,
    limits: Limits,
    packages: BTreeSet<PackageFact>,
    entries: u64,
    inflated: u64,
    problems: usize,
    first_problem: Option<String>,
}

/// The entries of one archive that are looked into.
#[derive(Default)]
struct Listing {
    manifest: Option<Item>,
    poms: Vec<(Vec<u8>, Item)>,
    archives: Vec<(Vec<u8>, Item)>,
    roots: Roots,
    names_bytes: usize,
}

impl<'f> Walk<'f> {
    fn new(entry: Entry<'f>, limits: Limits) -> Self {
        Self { entry, limits, packages: BTreeSet::new(), entries: 0, inflated: 0, problems: 0, first_problem: None }
    }

    /// Reads the archive `name`, which is at `inside` in the file.
    fn archive(&mut self, source: Slice<'_>, name: &[u8], inside: &[u8], depth: usize) -> Result<(), JavaError> {
        if depth > MAX_DEPTH {
            return Err(JavaError::Depth(MAX_DEPTH));
        }
        let zip = Zip::open(source)?;
        let listing = self.list(&zip)?;
        let manifest = match listing.manifest {
            Some(item) => Manifest::parse(&self.content(&zip, item, MAX_MANIFEST_BYTES)?),
            None => Manifest::default(),
        };
        let mut poms = Vec::new();
        for (path, item) in &listing.poms {
            match self.content(&zip, *item, MAX_POM_BYTES) {
                Ok(bytes) => poms.extend(Pom::parse(&bytes).map(|pom| (path.as_slice(), pom))),
                Err(error) => self.problem(&join(inside, path), &error),
            }
        }
        let archive = Archive { name, manifest: &manifest, poms: &poms, roots: &listing.roots };
        let packages = archive.packages();
        let is_nameless = packages.is_empty() && listing.archives.is_empty() && archive.is_nameless_library();
        for Named { mut package, record } in packages {
            let place = record.map_or_else(|| inside.to_vec(), |record| join(inside, record));
            package.inside = (!place.is_empty()).then(|| FilePath::new(&place));
            self.packages.insert(package);
        }
        for (path, item) in &listing.archives {
            let place = join(inside, path);
            if let Err(error) = self.nested(&zip, *item, path, &place, depth + 1) {
                self.problem(&place, &error);
            }
        }
        if is_nameless { Err(JavaError::Nameless) } else { Ok(()) }
    }

    fn list(&mut self, zip: &Zip<'_>) -> Result<Listing, JavaError> {
        let mut listing = Listing::default();
        zip.entries(|name, item| {
            self.entries = within(self.entries + 1, self.limits.entries, "entries")?;
            listing.take(name, item)
        })?;
        Ok(listing)
    }

    /// The first `limit` bytes of an entry.
    fn content(&mut self, zip: &Zip<'_>, item: Item, limit: usize) -> Result<Vec<u8>, JavaError> {
        let mut content = Vec::new();
        zip.inflate::<JavaError>(item, &mut |piece| {
            self.inflated = within(self.inflated + piece.len() as u64, self.limits.inflated, "bytes when inflated")?;
            content.extend_from_slice(piece);
            Ok(content.len() <= limit)
        })?;
        content.truncate(limit);
        Ok(content)
    }

    /// Reads an archive in an archive. Of those on the way down, each that was compressed is held as an inflated copy: in memory up to 8 MiB, above that in a file.
    fn nested(&mut self, zip: &Zip<'_>, item: Item, path: &[u8], inside: &[u8], depth: usize) -> Result<(), JavaError> {
        within(self.packages.len() as u64, self.limits.packages, "packages")?;
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if let Some(part) = zip.stored(item)? {
            return self.archive(part, name, inside, depth);
        }
        within(self.inflated.saturating_add(item.size), self.limits.inflated, "bytes when inflated")?;
        let mut gather = Gather::default();
        gather.start(item.size);
        zip.inflate::<JavaError>(item, &mut |piece| {
            self.inflated = within(self.inflated + piece.len() as u64, self.limits.inflated, "bytes when inflated")?;
            gather.push(piece);
            Ok(true)
        })?;
        let view = gather.view(self.entry).map_err(ZipError::from)?;
        self.archive(Slice::whole(&view), name, inside, depth)
    }

    fn problem(&mut self, place: &[u8], error: &JavaError) {
        self.problems += 1;
        self.first_problem.get_or_insert_with(|| format!("of {}: {error}", FilePath::new(place)));
    }
}

impl Listing {
    fn take(&mut self, path: &[u8], item: Item) -> Result<(), JavaError> {
        if path.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") {
            self.manifest.get_or_insert(item);
        } else if is_pom(path) || is_archive(path) {
            self.names_bytes += path.len();
            within(self.names_bytes as u64, MAX_NAMES_BYTES as u64, "bytes of names")?;
            let kept = if is_archive(path) { &mut self.archives } else { &mut self.poms };
            kept.push((path.to_vec(), item));
        } else if !path.starts_with(b"META-INF/") {
            self.roots.add(path);
        }
        Ok(())
    }
}

/// Whether `path` ends with `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
fn is_pom(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    parts.next() == Some(b"pom.properties")
        && parts.by_ref().nth(1).is_some()
        && parts.next() == Some(b"maven")
        && parts.next() == Some(b"META-INF")
}

/// `count`, where it is no more than `limit`.
fn within(count: u64, limit: u64, what: &'static str) -> Result<u64, JavaError> {
    if count > limit { Err(JavaError::TooMuch { what, limit }) } else { Ok(count) }
}

/// The place of an entry, as Java writes it.
fn join(inside: &[u8], path: &[u8]) -> Vec<u8> {
    if inside.is_empty() { path.to_vec() } else { [inside, b"!/", path].concat() }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::*;
    use crate::layer::EntryKind;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// An archive of two archives, each with a library's record and as many bytes of something else.
    fn nested() -> Vec<u8> {
        let zeros = vec![0; 100_000];
        let library = |name: &str| {
            let path = format!("META-INF/maven/g/{name}/pom.properties");
            let pom = format!("groupId=g\nartifactId={name}\nversion=1\n");
            archive(&[(path.as_str(), pom.as_bytes()), ("x", &zeros), ("y", &zeros)])
        };
        archive(&[("a.jar", &library("a")), ("b.jar", &library("b"))])
    }

    /// How many packages were read, and the first problem.
    fn read(limits: Limits) -> (usize, String) {
        let (bytes, kind) = (nested(), EntryKind::File);
        let entry = Entry { path: b"n.jar", kind, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };
        let source = &bytes.as_slice();
        let mut walk = Walk::new(entry, limits);
        let outcome = walk.archive(Slice::whole(source), b"n.jar", b"", 1);
        (walk.packages.len(), outcome.err().map(|error| error.to_string()).or(walk.first_problem).unwrap_or_default())
    }

    #[test]
    fn limits_are_told_and_what_came_before_counts() {
        assert_eq!(read(LIMITS), (2, String::new()));
        assert_eq!(
            read(Limits { entries: 1, ..LIMITS }),
            (0, "it holds more than 1 entries; the rest is not read".into())
        );
        let few = Limits { entries: 5, ..LIMITS };
        assert_eq!(read(few), (1, "of /b.jar: it holds more than 5 entries; the rest is not read".into()));
        let (found, problem) = read(Limits { inflated: 500, ..LIMITS });
        assert_eq!(
            (found, problem.as_str()),
            (0, "of /a.jar: it holds more than 500 bytes when inflated; the rest is not read")
        );
        assert_eq!(read(Limits { packages: 0, ..LIMITS }).0, 1, "archives after the limit are not opened");
    }

    #[test]
    fn only_mavens_own_folder_has_its_records() {
        for (path, expected) in [
            ("META-INF/maven/g/a/pom.properties", true),
            ("BOOT-INF/classes/META-INF/maven/g/a/pom.properties", true),
            ("META-INF/maven/pom.properties", false),
            ("META-INF/maven/g/a/b/pom.properties", false),
            ("pom.properties", false),
            ("META-INF/maven/g/a/pom.xml", false),
        ] {
            assert_eq!(is_pom(path.as_bytes()), expected, "{path}");
        }
    }
}
