//! apk-tools' database of installed packages: `lib/apk/db/installed`.
//!
//! Source: apk-tools `apk-package(5)`, and the field letters in its `src/package.c`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::control::lines;
use super::{InspectError, Inspector, Meta, text};
use crate::facts::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use crate::facts::{Checksums, Fact, OwnedFiles, PackageFact, PackageKind, PathSet, SourcePackage};
use crate::layer::view::ReadAt as _;
use crate::layer::{Entry, FileView, path};

/// Largest database. One of 64 MiB lists about a million files.
const MAX_BYTES: u64 = 64 << 20;

/// Folder of files that apk never overwrites: its built-in `protected_paths` (apk-audit(8)).
const PROTECTED: &[u8] = b"etc/";

/// `lib/apk/db/installed`.
pub(super) struct Installed;

static META: Meta = Meta {
    name: "os/apk",
    summary: "installed Alpine and Wolfi packages",
    required: true,
    doc: "**Reads** `lib/apk/db/installed` and `usr/lib/apk/db/installed` (apk-tools 3), up to 64 MiB.\n\n**Reports** every package with version, architecture, origin, licence, \
          and the files it owns with their checksums, but not those of `etc/`, which apk takes for configuration.\n\n**Cannot see** virtual packages' contents (they have none).\n\n**Since** 0.1.0",
};

impl Inspector for Installed {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b"apk/db/installed")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        if file.len() > MAX_BYTES {
            return Err(InspectError::TooLarge { size: file.len(), limit: MAX_BYTES });
        }
        match file.bytes() {
            Some(bytes) => parse(bytes, facts),
            None => {
                let mut bytes = vec![0; usize::try_from(file.len()).unwrap_or(0)];
                file.read_exact_at(0, &mut bytes)?;
                parse(&bytes, facts)
            }
        }
    }
}

/// Fields of the record being read.
#[derive(Default)]
struct Record<'a> {
    name: &'a [u8],
    version: &'a [u8],
    arch: &'a [u8],
    origin: &'a [u8],
    license: &'a [u8],
    maintainer: &'a [u8],
    folder: &'a [u8],
    files: Vec<Vec<u8>>,
    /// Whether the last file line named the last of `files`.
    file_is_read: bool,
    algorithm: Option<Algorithm>,
    checksums: Vec<(PathKey, FileDigest)>,
}

fn parse(bytes: &[u8], facts: &mut Vec<Fact>) -> Result<(), InspectError> {
    let mut record = Record::default();
    let mut broken: Option<String> = None;
    let mut count = 0;
    for (number, line) in lines(bytes).chain([&b""[..]]).enumerate() {
        let problem = match line {
            [] => std::mem::take(&mut record).push(facts).err(),
            [letter, b':', value @ ..] => {
                record.set(*letter, value);
                None
            }
            _ => Some("the line is not `letter:value`"),
        };
        if let Some(problem) = problem {
            count += 1;
            broken.get_or_insert_with(|| format!("line {}: {problem}", number + 1));
        }
    }
    broken.map_or(Ok(()), |first| Err(InspectError::Records { count, first }))
}

impl<'a> Record<'a> {
    fn set(&mut self, letter: u8, value: &'a [u8]) {
        match letter {
            b'P' => self.name = value,
            b'V' => self.version = value,
            b'A' => self.arch = value,
            b'o' => self.origin = value,
            b'L' => self.license = value,
            b'm' => self.maintainer = value,
            b'F' => self.folder = value,
            b'R' => {
                let file = if self.folder.is_empty() { value.to_vec() } else { [self.folder, b"/", value].concat() };
                self.file_is_read = path::is_normal(&file);
                if self.file_is_read {
                    self.files.push(file);
                }
            }
            b'Z' => self.add_checksum(value),
            _ => {}
        }
    }

    /// `Q1` and base64 of SHA-1, or `Q2` and base64 of SHA-256, of the file before; of a symlink's target. One package has one kind.
    fn add_checksum(&mut self, value: &[u8]) {
        let (algorithm, encoded) = match value {
            [b'Q', b'1', encoded @ ..] => (Algorithm::Sha1, encoded),
            [b'Q', b'2', encoded @ ..] => (Algorithm::Sha256, encoded),
            _ => return,
        };
        let Some(file) = self.files.last().filter(|file| self.file_is_read && !file.starts_with(PROTECTED)) else {
            return;
        };
        let digest = STANDARD.decode(encoded).ok().and_then(|digest| FileDigest::from_bytes(&digest));
        if let Some(digest) = digest.filter(|_| *self.algorithm.get_or_insert(algorithm) == algorithm) {
            self.checksums.push((PathKey::of(file), digest));
        }
    }

    fn push(self, facts: &mut Vec<Fact>) -> Result<(), &'static str> {
        if self.name.is_empty() && self.version.is_empty() {
            return Ok(());
        }
        if self.name.is_empty() || self.version.is_empty() {
            return Err("the record before has no name or no version");
        }
        let some = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(bytes));
        let (name, version) = (text(self.name), text(self.version));
        // The origin is built together with its subpackages and has their version.
        let source = some(self.origin)
            .filter(|origin| *origin != name)
            .map(|origin| SourcePackage { name: origin, version: version.clone() });
        let licenses = some(self.license).into_iter().collect();
        let (arch, vendor) = (some(self.arch), some(self.maintainer));
        if !self.files.is_empty() {
            let (paths, _) = PathSet::build(self.files.iter().map(Vec::as_slice).collect());
            facts.push(Fact::Owned(OwnedFiles { package: name.clone(), paths }));
        }
        if let Some(algorithm) = self.algorithm {
            let digests = FileDigests::build(algorithm, self.checksums);
            facts.push(Fact::Checksums(Checksums { package: name.clone(), digests }));
        }
        facts.push(Fact::Package(PackageFact {
            arch,
            source,
            licenses,
            vendor,
            ..PackageFact::new(PackageKind::Apk, name, version)
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_packages_origins_and_files() {
        let mut facts = Vec::new();
        let text = b"C:Q1abc=\nP:ssl_client\nV:1.36.1-r5\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:usr/bin\nR:ssl_client\na:0:0:755\n\nP:musl\nV:1.2.4-r2\no:musl\n";
        parse(text, &mut facts).unwrap();
        let Some(Fact::Owned(owned)) = facts.first() else { panic!("{facts:?}") };
        assert_eq!((owned.package.as_str(), owned.paths.get(0)), ("ssl_client", &b"usr/bin/ssl_client"[..]));
        let Some(Fact::Package(package)) = facts.get(1) else { panic!("{facts:?}") };
        assert_eq!(package.source_or_self(), ("busybox", "1.36.1-r5"));
        let Some(Fact::Package(package)) = facts.get(2) else { panic!("{facts:?}") };
        assert_eq!(package.source, None);
    }

    #[test]
    fn checksums_belong_to_the_file_before_them() {
        let mut facts = Vec::new();
        let hello = "Z:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=";
        let text = format!(
            "P:a\nV:1\nF:bin\nR:hello\na:0:0:755\n{hello}\nR:../x\n{hello}\nF:etc\nR:hello\n{hello}\n\nP:b\nV:1\n"
        );
        parse(text.as_bytes(), &mut facts).unwrap();
        let checksums: Vec<_> =
            facts.iter().filter_map(|fact| if let Fact::Checksums(sums) = fact { Some(sums) } else { None }).collect();
        assert_eq!(checksums.len(), 1);
        assert_eq!(checksums[0].digests.len(), 1);
        let digest = checksums[0].digests.get(PathKey::of(b"bin/hello"));
        assert_eq!(digest, Some(Algorithm::Sha1.digest(b"hello")));
    }

    #[test]
    fn damage_is_told_and_the_rest_is_read() {
        let mut facts = Vec::new();
        assert!(matches!(parse(b"P:a\n\nP:b\nV:1\n\nxx\n", &mut facts), Err(InspectError::Records { count: 2, .. })));
        assert_eq!(facts.len(), 1);
    }
}
