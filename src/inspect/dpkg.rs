//! dpkg's database: `status`, the `status.d` folder of distroless images, and the file lists in `info/`.

use super::control::{Line, classify, lines};
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::file_digest::{Algorithm, FileDigest, FileDigests, PathKey};
use crate::facts::{
    Checksums, Diversion, Fact, FilePath, OwnedFiles, PackageFact, PackageKind, PathSet, SourcePackage,
};
use crate::layer::view::{MEMORY_BYTES, ReadAt as _};
use crate::layer::{Entry, FileView, path};

/// Largest status file. One of 8 MiB records about 8,000 packages; a full TeX Live image has 2 MiB.
const MAX_STATUS_BYTES: u64 = 64 << 20;

/// `var/lib/dpkg/status`.
pub(super) struct Status;

static STATUS: Meta = Meta {
    name: "os/dpkg",
    summary: "installed Debian packages",
    required: true,
    doc: "**Reads** `var/lib/dpkg/status` (deb822 paragraphs), through symlinks, up to 64 MiB.\n\n\
          **Reports** every package whose state is `installed`, `half-installed`, `half-configured`, `unpacked`, `triggers-awaited` or `triggers-pending` \
          with version, architecture, maintainer and source package, and the names of all configuration files.\n\n\
          **Cannot see** packages whose record was removed while their files stayed.\n\n**Since** 0.1.0",
};

impl Inspector for Status {
    fn meta(&self) -> &'static Meta {
        &STATUS
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b"dpkg/status")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        match file.bytes() {
            Some(bytes) => parse_status(bytes, facts),
            None if file.len() <= MAX_STATUS_BYTES => {
                let mut bytes = vec![0; usize::try_from(file.len()).unwrap_or(0)];
                file.read_exact_at(0, &mut bytes)?;
                parse_status(&bytes, facts)
            }
            None => Err(InspectError::TooLarge { size: file.len(), limit: MAX_STATUS_BYTES }),
        }
    }
}

/// Extensions of a package's other control files, which some builders lay beside its record (deb-control(5) and its relatives).
const CONTROL_FILES: &[&[u8]] = &[
    b"md5sums",
    b"list",
    b"conffiles",
    b"preinst",
    b"postinst",
    b"prerm",
    b"postrm",
    b"config",
    b"templates",
    b"triggers",
    b"shlibs",
    b"symbols",
];

/// Whether a file is such a control file, by its name.
pub(crate) fn is_control_file(name: &[u8]) -> bool {
    CONTROL_FILES.contains(&name.rsplit(|b| *b == b'.').next().unwrap_or_default())
}

/// `var/lib/dpkg/status.d/<package>`.
pub(super) struct StatusDir;

static STATUS_DIR: Meta = Meta {
    name: "os/dpkg-status.d",
    summary: "installed Debian packages of distroless images",
    required: true,
    doc: "**Reads** `var/lib/dpkg/status.d/*` but not control files such as `*.md5sums`, one control paragraph each.\n\n**Reports** the package of each file; there is no `Status` \
          field, being there means installed.\n\n**Cannot see** packages that the image builder did not record.\n\n**Since** 0.1.0",
};

impl Inspector for StatusDir {
    fn meta(&self) -> &'static Meta {
        &STATUS_DIR
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        parent(entry).ends_with(b"dpkg/status.d") && !is_control_file(entry.name())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        parse_status(whole(file, 1 << 20)?, facts)
    }
}

/// `var/lib/dpkg/info/*.list`, and `*.md5sums` of distroless images.
pub(super) struct FileList;

static FILE_LIST: Meta = Meta {
    name: "os/dpkg-files",
    summary: "files owned by Debian packages, and their checksums",
    required: false,
    doc: "**Reads** `var/lib/dpkg/info/*.list` and `*.md5sums` there and in `var/lib/dpkg/status.d`.\n\n**Reports** which package owns which path, and the checksums of its files.\n\n**Cannot see** files that \
          a package's scripts made.\n\n**Since** 0.1.0",
};

impl Inspector for FileList {
    fn meta(&self) -> &'static Meta {
        &FILE_LIST
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let (folder, name) = (parent(entry), entry.name());
        (folder.ends_with(b"dpkg/info") && (name.ends_with(b".list") || name.ends_with(b".md5sums")))
            || (folder.ends_with(b"dpkg/status.d") && name.ends_with(b".md5sums"))
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let name = file.entry.name();
        let stem = name.strip_suffix(b".list").or(name.strip_suffix(b".md5sums")).unwrap_or(name);
        let package = stem.split(|b| *b == b':').next().unwrap_or_default();
        let package = text(package);
        let bytes = whole(file, MEMORY_BYTES)?;
        let with_sums = name.ends_with(b".md5sums");
        let (mut paths, mut sums) = (Vec::new(), Vec::new());
        for line in lines(bytes) {
            // `.list` has a path a line; `.md5sums` 32 hex digits, two spaces and the path.
            let (sum, path) = if with_sums { line.split_at_checked(34).unwrap_or_default() } else { (&b""[..], line) };
            let relative = path.strip_prefix(b"/").or(path.strip_prefix(b"./")).unwrap_or(path);
            if !path::is_normal(relative) || relative.is_empty() {
                continue;
            }
            paths.push(relative);
            let digest = FileDigest::from_hex(Algorithm::Md5, sum.trim_ascii_end());
            sums.extend(digest.map(|digest| (PathKey::of(relative), digest)));
        }
        if !sums.is_empty() {
            let digests = FileDigests::build(Algorithm::Md5, sums);
            facts.push(Fact::Checksums(Checksums { package: package.clone(), digests }));
        }
        // A whole dpkg has the paths in a list of their own.
        if !with_sums || parent(&file.entry).ends_with(b"dpkg/status.d") {
            let (paths, _) = PathSet::build(paths);
            facts.push(Fact::Owned(OwnedFiles { package, paths }));
        }
        Ok(())
    }
}

/// `var/lib/dpkg/diversions`.
pub(super) struct Diversions;

static DIVERSIONS: Meta = Meta {
    name: "os/dpkg-diversions",
    summary: "files that dpkg writes under another name",
    required: false,
    doc: "**Reads** `var/lib/dpkg/diversions` (dpkg-divert(1)), three lines an entry, up to 8 MiB.\n\n**Reports** where a file is written that packages have elsewhere, and whose own \
          file stays.\n\n**Cannot see** why.\n\n**Since** 0.2.0",
};

impl Inspector for Diversions {
    fn meta(&self) -> &'static Meta {
        &DIVERSIONS
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b"dpkg/diversions")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let lines: Vec<&[u8]> = lines(whole(file, MEMORY_BYTES)?).collect();
        let path = |line: &[u8]| line.strip_prefix(b"/").filter(|path| path::is_normal(path)).map(FilePath::new);
        let mut diversions = Vec::new();
        for (number, entry) in lines.chunks(3).enumerate() {
            let broken = InspectError::Line { line: number * 3 + 1, reason: "not two paths and a package" };
            let [from, to, by] = entry else { return Err(broken) };
            let (Some(from), Some(to)) = (path(from), path(to)) else { return Err(broken) };
            diversions.push(Diversion { from, to, by: text(by) });
        }
        if !diversions.is_empty() {
            facts.push(Fact::Diversions(diversions));
        }
        Ok(())
    }
}

fn parent<'a>(entry: &Entry<'a>) -> &'a [u8] {
    entry.path.get(..entry.path.len().saturating_sub(entry.name().len() + 1)).unwrap_or_default()
}

/// Fields of the paragraph being read.
#[derive(Default)]
struct Paragraph<'a> {
    package: &'a [u8],
    version: &'a [u8],
    status: Option<&'a [u8]>,
    architecture: &'a [u8],
    source: &'a [u8],
    maintainer: &'a [u8],
    /// Whether the field that is read now is `Conffiles`.
    in_conffiles: bool,
    conffiles: Vec<&'a [u8]>,
}

fn parse_status(bytes: &[u8], facts: &mut Vec<Fact>) -> Result<(), InspectError> {
    let mut paragraph = Paragraph::default();
    let mut conffiles = Vec::new();
    let mut broken: Option<(usize, &'static str)> = None;
    let mut count = 0;
    for (number, line) in lines(bytes).chain([&b""[..]]).enumerate() {
        match classify(line) {
            Line::Field(field) => paragraph.set(field.name, field.value),
            Line::Continued(value) if paragraph.in_conffiles => paragraph.conffiles.extend(conffile(value)),
            Line::Continued(_) => {}
            Line::Broken => {
                count += 1;
                broken.get_or_insert((number + 1, "neither a field nor the continuation of one"));
            }
            Line::Blank => {
                let ended = std::mem::take(&mut paragraph);
                match ended.package() {
                    Ok(Some(package)) => {
                        facts.push(Fact::Package(package));
                        conffiles.extend(ended.conffiles);
                    }
                    Ok(None) => {}
                    Err(reason) => {
                        count += 1;
                        broken.get_or_insert((number + 1, reason));
                    }
                }
            }
        }
    }
    if !conffiles.is_empty() {
        facts.push(Fact::Conffiles(PathSet::build(conffiles).0));
    }
    match broken {
        Some((line, reason)) if count == 1 => Err(InspectError::Line { line, reason }),
        Some((line, reason)) => Err(InspectError::Records { count, first: format!("line {line}: {reason}") }),
        None => Ok(()),
    }
}

impl<'a> Paragraph<'a> {
    fn set(&mut self, name: &[u8], value: &'a [u8]) {
        self.in_conffiles = name.eq_ignore_ascii_case(b"Conffiles");
        // Field names compare without case (deb-control(5)).
        let slot = match name.len() {
            7 if name.eq_ignore_ascii_case(b"Package") => &mut self.package,
            7 if name.eq_ignore_ascii_case(b"Version") => &mut self.version,
            6 if name.eq_ignore_ascii_case(b"Source") => &mut self.source,
            6 if name.eq_ignore_ascii_case(b"Status") => {
                self.status = Some(value);
                return;
            }
            12 if name.eq_ignore_ascii_case(b"Architecture") => &mut self.architecture,
            10 if name.eq_ignore_ascii_case(b"Maintainer") => &mut self.maintainer,
            _ => return,
        };
        *slot = value;
    }

    /// The package, when it is installed; an error when a paragraph with content is not a package.
    fn package(&self) -> Result<Option<PackageFact>, &'static str> {
        let is_empty = self.package.is_empty() && self.version.is_empty() && self.status.is_none();
        if is_empty || !self.status.is_none_or(is_installed) {
            return Ok(None);
        }
        if self.package.is_empty() || self.version.is_empty() {
            return Err("the paragraph before has no Package or no Version");
        }
        let version = text(self.version);
        let source = parse_source(self.source, &version)
            .filter(|source| source.name.as_bytes() != self.package || source.version != version);
        let some = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(bytes));
        Ok(Some(PackageFact {
            arch: some(self.architecture),
            source,
            vendor: some(self.maintainer),
            ..PackageFact::new(PackageKind::Deb, text(self.package), version)
        }))
    }
}

/// The path in `/etc/path md5`, with `obsolete` or `remove-on-upgrade` behind it at times. Paths may hold spaces.
fn conffile(line: &[u8]) -> Option<&[u8]> {
    let is_flag = |word: &&[u8]| matches!(*word, b"obsolete" | b"remove-on-upgrade");
    let line = line.strip_prefix(b"/")?;
    let flags: usize = line.rsplit(|b| *b == b' ').take_while(is_flag).map(|word| word.len() + 1).sum();
    let entry = line.get(..line.len().checked_sub(flags)?)?;
    let path = entry.get(..memchr::memrchr(b' ', entry)?)?;
    path::is_normal(path).then_some(path)
}

/// Whether the third word of `Status` says that files of the package are there, if only some (`half-installed`: unpacking or removing it failed).
/// `config-files` and `not-installed` mean that it was removed. The first word is what the administrator wants, not what is.
///
/// Source: dpkg(1), "Package states".
fn is_installed(status: &[u8]) -> bool {
    let state = status.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(2);
    !matches!(state, None | Some(b"config-files" | b"not-installed"))
}

/// `Source: name` or `Source: name (version)`.
fn parse_source(field: &[u8], version: &str) -> Option<SourcePackage> {
    let field = text(field);
    let (name, rest) = field.split_once(char::is_whitespace).unwrap_or((&field, ""));
    let explicit = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map(str::trim);
    (!name.is_empty()).then(|| SourcePackage { name: name.to_owned(), version: explicit.unwrap_or(version).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<PackageFact>, Result<(), InspectError>) {
        let mut facts = Vec::new();
        let result = parse_status(text.as_bytes(), &mut facts);
        let packages =
            facts.into_iter().filter_map(|fact| if let Fact::Package(package) = fact { Some(package) } else { None });
        (packages.collect(), result)
    }

    #[test]
    fn reads_what_is_installed_with_its_source() {
        let (packages, result) = parse(
            "Package: bsdutils\nStatus: install ok installed\nArchitecture: amd64\nSource: util-linux (2.38.1-5)\nVersion: 1:2.38.1-5+b1\n\
             Description: tools\n and: a colon\n .\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
             Package: libc6\nStatus: hold ok half-configured\nsource: glibc\nversion: 2.36-9\r\n",
        );
        assert!(result.is_ok());
        let shown: Vec<_> =
            packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.source_or_self())).collect();
        assert_eq!(
            shown,
            [("bsdutils", "1:2.38.1-5+b1", ("util-linux", "2.38.1-5")), ("libc6", "2.36-9", ("glibc", "2.36-9"))]
        );
    }

    #[test]
    fn configuration_files_are_named_whatever_stands_behind_them() {
        let mut facts = Vec::new();
        let text = "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a 900150983cd24fb0d6963f7d28e17f72\n \
                    /etc/b c 900150983cd24fb0d6963f7d28e17f72 obsolete\n /etc/../d 900150983cd24fb0d6963f7d28e17f72\nDescription: x\n /usr/no 1\n";
        parse_status(text.as_bytes(), &mut facts).unwrap();
        let Some(Fact::Conffiles(paths)) = facts.last() else { panic!("{facts:?}") };
        assert_eq!(paths.iter().collect::<Vec<_>>(), [&b"etc/a"[..], b"etc/b c"]);
    }

    #[test]
    fn one_damaged_paragraph_does_not_hide_the_others() {
        let (packages, result) = parse(
            "Package: a\nStatus: install ok installed\n\nPackage: b\nVersion: 2\nStatus: install ok installed\n\ngarbage\n",
        );
        assert_eq!(packages.len(), 1);
        assert!(matches!(result, Err(InspectError::Records { count: 2, .. })));
    }
}
