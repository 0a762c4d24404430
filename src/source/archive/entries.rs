//! The outer tar of an archive: which name stands at which bytes.
//!
//! One scan over the headers; contents are sought over, not read. Names, links and sizes are what [`crate::layer::tar`] makes of them. Source: containers-transports(5);
//! moby `image/tarexport`, which writes a repeated layer as a symbolic link to its first place.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::layer::tar::{EntryKind, Header, Parser, Sink};
use crate::source::SourceError;
use crate::source::spool::Section;

/// Length of a tar block.
const BLOCK: u64 = 512;

/// Most entries of an archive. One of 512 images with 128 layers each in Docker's oldest form (a folder and three files a layer) has this many.
const MAX_ENTRIES: usize = 1 << 18;

/// Longest name that is kept: no writer of archives comes near it.
const MAX_NAME_BYTES: usize = 1024;

/// Most links from name to name. Writers make one.
const MAX_LINKS: usize = 8;

/// Begins the PAX records of sparse entries.
const SPARSE_KEY: &[u8] = b"GNU.sparse.";

/// Names that say what the archive holds. Readers differ over which of two counts (skopeo takes the first, Docker the last), so that two are refused.
const ONCE: &[&str] = &["oci-layout", "index.json", "manifest.json", "repositories"];

/// Where a file's bytes are in the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// First byte.
    pub(super) offset: u64,
    /// Length in bytes.
    pub(super) length: u64,
}

#[derive(Clone, Debug)]
enum Place {
    File(Span),
    /// A symbolic link, its target made relative to the archive's root.
    Link(String),
}

/// An archive whose headers were read.
pub(super) struct Entries {
    file: Arc<File>,
    /// The archive, for messages.
    place: String,
    names: BTreeMap<String, Place>,
}

impl Entries {
    /// Reads the headers of `file`; `place` names it in messages.
    pub(super) fn scan(file: File, place: &str) -> Result<Self, SourceError> {
        let io = |source| SourceError::Io { path: place.into(), source };
        let length = file.metadata().map_err(io)?.len();
        let mut entries = Self { file: Arc::new(file), place: place.to_owned(), names: BTreeMap::new() };
        let mut at = 0;
        let mut count = 0;
        while let Some((header, next)) = entries.read_header(at, length)? {
            count += 1;
            if count > MAX_ENTRIES {
                return Err(entries.malformed(format!("it has more than {MAX_ENTRIES} entries")));
            }
            entries.add(header)?;
            at = next;
        }
        Ok(entries)
    }

    pub(super) fn malformed(&self, detail: String) -> SourceError {
        SourceError::Malformed { what: format!("archive `{}`", self.place), detail }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The next entry and where the one after it begins; none at the end of the archive.
    fn read_header(&self, start: u64, length: u64) -> Result<Option<(Found, u64)>, SourceError> {
        let tar = |error: crate::layer::tar::TarError| self.malformed(format!("entry at byte {start}: {error}"));
        let mut parser = Parser::new();
        let mut catch = Catch::default();
        let mut at = start;
        let mut block = [0; BLOCK as usize];
        let mut seen = Vec::with_capacity(2 * BLOCK as usize);
        while catch.found.is_none() {
            if !self.read_block(at, &mut block)? {
                parser.finish().map_err(tar)?;
                return Ok(None);
            }
            at += BLOCK;
            // A record's key may be split over two blocks.
            seen.drain(..seen.len().saturating_sub(SPARSE_KEY.len()));
            seen.extend_from_slice(&block);
            parser.push(&block, &mut catch).map_err(tar)?;
            let is_folder = catch.found.as_ref().is_some_and(|found| found.kind == EntryKind::Directory);
            let kind = block.get(156).copied().unwrap_or(0);
            // The length of these in the archive is not their size, and no writer of archives makes them.
            if memchr::memmem::find(&seen, SPARSE_KEY).is_some()
                || (catch.found.is_some() && kind == b'S')
                || (is_folder && kind != b'5')
            {
                return Err(self.malformed(format!(
                    "entry at byte {start}: sparse entries and folders with content are not read"
                )));
            }
            // Only the end mark leaves the parser at an end that is marked.
            if catch.found.is_none() && parser.finish().is_ok_and(|end| end.marked) {
                return Ok(None);
            }
        }
        let Some(mut found) = catch.found else { return Ok(None) };
        found.span.offset = at;
        let end = at.checked_add(found.span.length).filter(|end| *end <= length);
        let end = end.ok_or_else(|| self.malformed(format!("`{}` is cut short", found.shown())))?;
        Ok(Some((found, end.next_multiple_of(BLOCK))))
    }

    /// Fills `block` from `at`; false where the file ends before it is full.
    fn read_block(&self, at: u64, block: &mut [u8; BLOCK as usize]) -> Result<bool, SourceError> {
        match self.file.read_exact_at(block, at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(source) => Err(SourceError::Io { path: self.place.clone().into(), source }),
        }
    }

    fn add(&mut self, found: Found) -> Result<(), SourceError> {
        let refused = || self.malformed(format!("the name `{}` leaves the archive or is too long", found.shown()));
        let name = resolve(&[], &found.name).ok_or_else(refused)?;
        let place = match found.kind {
            EntryKind::Regular => Place::File(found.span),
            EntryKind::HardLink => {
                let target = resolve(&[], &found.link).ok_or_else(refused)?;
                // A hard link names what was there before it.
                let Some(place) = self.names.get(&target) else {
                    return Err(self.malformed(format!("`{name}` is a link to `{target}`, which is not there")));
                };
                place.clone()
            }
            EntryKind::Symlink => {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                Place::Link(resolve(folder.as_bytes(), &found.link).ok_or_else(refused)?)
            }
            _ => return Ok(()),
        };
        if ONCE.contains(&name.as_str()) && self.names.contains_key(&name) {
            return Err(self.malformed(format!("it has two `{name}`, and readers do not agree which of them counts")));
        }
        self.names.insert(name, place);
        Ok(())
    }

    /// The names of all files, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Whether the archive has a file of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// The file of that name, through the archive's own links.
    pub(super) fn find(&self, name: &str) -> Result<Span, SourceError> {
        let mut name = name.strip_prefix("./").unwrap_or(name);
        for _ in 0..=MAX_LINKS {
            match self.names.get(name) {
                Some(Place::File(span)) => return Ok(*span),
                Some(Place::Link(target)) => name = target,
                None => return Err(SourceError::NotFound { what: format!("`{name}`"), place: self.place.clone() }),
            }
        }
        Err(self.malformed(format!("the links at `{name}` lead nowhere")))
    }

    /// The bytes of a small file.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let span = self.find(name)?;
        if span.length > limit {
            return Err(SourceError::TooLarge { what: format!("`{name}` of `{}`", self.place), limit });
        }
        self.read_span(span, limit)
    }

    /// At most one byte more than `limit` of a file.
    pub(super) fn read_span(&self, span: Span, limit: u64) -> Result<Vec<u8>, SourceError> {
        let section = Section::new(self.file.clone(), span.offset, span.length);
        super::super::resolve::read_bounded(section, limit)
            .map_err(|source| SourceError::Io { path: self.place.clone().into(), source })
    }

    /// A reader of a file's bytes.
    pub(super) fn section(&self, span: Span) -> Section {
        Section::new(self.file.clone(), span.offset, span.length)
    }
}

/// One entry, its content not looked at.
struct Found {
    name: Vec<u8>,
    link: Vec<u8>,
    kind: EntryKind,
    span: Span,
}

impl Found {
    fn shown(&self) -> String {
        String::from_utf8_lossy(self.name.get(..self.name.len().min(160)).unwrap_or_default()).into_owned()
    }
}

/// Stops the parser at the first entry.
#[derive(Default)]
struct Catch {
    found: Option<Found>,
}

impl Sink for Catch {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        let span = Span { offset: 0, length: header.size };
        self.found =
            Some(Found { name: header.path.to_vec(), link: header.link_target.to_vec(), kind: header.kind, span });
        ControlFlow::Break(())
    }

    fn data(&mut self, _bytes: &[u8]) {}

    fn hole(&mut self, _length: u64) {}

    fn end_entry(&mut self) {}
}

/// `name` seen from `folder`, relative to the archive's root; none when it leaves the archive, is not UTF-8 or too long.
fn resolve(folder: &[u8], name: &[u8]) -> Option<String> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let absolute = name.first() == Some(&b'/');
    let from = if absolute { &[][..] } else { folder };
    for part in from.split(|byte| *byte == b'/').chain(name.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    let name = String::from_utf8(parts.join(&b'/')).ok()?;
    (name.len() <= MAX_NAME_BYTES).then_some(name)
}
