//! A file ▸ the documents in it: plain, compressed (gzip, bzip2, xz, zstd), in a tar archive, or in a zip file.
//!
//! What a name or an archive says about kind and size is not believed: kinds are told by the first bytes, and everything is bounded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek as _};
use std::ops::ControlFlow;
use std::path::Path;

use zip::ZipArchive;

use super::inputs::{Input, MAX_FILES};
use crate::advisory::error::{AdvisoryError, RecordError};
use crate::advisory::feed::document::HEAD_BYTES;
use crate::digest::{Digest, Hasher};
use crate::layer::tar::{EntryKind, Header, Parser, Sink};
use crate::nested::stream::{self, Compression};

/// Most inflated bytes of one file. The largest feed known, Ubuntu's, is reported to unpack to 17 GB.
const MAX_INFLATED_BYTES: u64 = 64 << 30;

/// Largest document in an archive, in bytes. The largest in the data we tested with has 13 MB; Red Hat's are "up to tens of MB".
pub(super) const MAX_ENTRY_BYTES: u64 = 64 << 20;

/// Where a tar archive's first header has its magic (POSIX.1-1988).
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Takes documents: name, and the content or why there is none. The content's buffer begins with the document's whole head.
pub(super) type Take<'a> = dyn FnMut(&str, Result<&mut dyn BufRead, RecordError>) -> Result<(), AdvisoryError> + 'a;

/// Hands each document of a file to `take`, and returns the file's digest.
pub(super) fn each_document(input: &Input, take: &mut Take<'_>) -> Result<Digest, AdvisoryError> {
    let path = &input.path;
    let read_error = |source| AdvisoryError::Read { path: path.clone(), source };
    let mut file = BufReader::with_capacity(256 << 10, Hashing::open(path).map_err(read_error)?);
    let magic = file.fill_buf().map_err(read_error)?;
    if magic.starts_with(b"PK") || has_suffix(&input.name, "zip") {
        return each_zipped(path, take);
    }
    let name = printable(&input.name);
    let mut inflated = BufReader::with_capacity(64 << 10, Limited::new(inflate(&mut file).map_err(read_error)?));
    let mut head = Vec::with_capacity(HEAD_BYTES);
    match (&mut inflated).take(HEAD_BYTES as u64).read_to_end(&mut head) {
        Err(error) => take(&name, Err(RecordError::Entry(error)))?,
        Ok(_) => {
            let is_tar = head.get(TAR_MAGIC) == Some(b"ustar".as_slice());
            let mut whole = Cursor::new(head).chain(&mut inflated);
            if is_tar { each_in_tar(path, &name, &mut whole, take)? } else { take(&name, Ok(&mut whole))? }
        }
    }
    drop(inflated);
    io::copy(&mut file, &mut io::sink()).map_err(read_error)?; // what a document's reader left
    Ok(file.into_inner().hasher.finish())
}

fn has_suffix(name: &str, suffix: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(suffix))
}

/// A file whose bytes are hashed as they are read.
struct Hashing {
    file: File,
    hasher: Hasher,
}

impl Hashing {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, hasher: Hasher::sha256() })
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// Inflates by the first bytes.
fn inflate<'a>(file: &'a mut BufReader<Hashing>) -> io::Result<Box<dyn Read + 'a>> {
    match Compression::detect(file.fill_buf()?) {
        Some(compression) => stream::open(compression, file),
        None => Ok(Box::new(file)),
    }
}

/// A stream that ends with an error at [`MAX_INFLATED_BYTES`].
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: MAX_INFLATED_BYTES }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left =
            self.left.checked_sub(length as u64).ok_or_else(|| io::Error::other("more than 64 GiB inflated"))?;
        Ok(length)
    }
}

fn each_in_tar(path: &Path, name: &str, stream: &mut dyn BufRead, take: &mut Take<'_>) -> Result<(), AdvisoryError> {
    let broken = |source| AdvisoryError::Read { path: path.to_owned(), source };
    let mut entries = Entries { take, current: None, entries: 0, failed: None };
    let mut parser = Parser::new();
    loop {
        let window = stream.fill_buf().map_err(broken)?;
        if window.is_empty() {
            break;
        }
        let length = window.len();
        let pushed = parser.push(window, &mut entries);
        stream.consume(length);
        if let Some(error) = entries.failed.take() {
            return Err(error);
        }
        pushed.map_err(|error| broken(io::Error::other(error)))?;
    }
    let end = parser.finish().map_err(|error| broken(io::Error::other(error)))?;
    if end.marked {
        Ok(())
    } else {
        Err(broken(io::Error::other(format!("the archive `{name}` ends without its end mark"))))
    }
}

/// Gathers one entry after the other.
struct Entries<'a, 'b> {
    take: &'a mut Take<'b>,
    current: Option<(String, Vec<u8>, bool)>,
    entries: usize,
    failed: Option<AdvisoryError>,
}

impl Sink for Entries<'_, '_> {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        self.entries += 1;
        if self.failed.is_some() || self.entries > MAX_FILES {
            let limit = AdvisoryError::Limit { path: "archive".into(), what: "entries", limit: MAX_FILES as u64 };
            self.failed.get_or_insert(limit);
            return ControlFlow::Break(());
        }
        self.current = (header.kind == EntryKind::Regular)
            .then(|| (printable(&String::from_utf8_lossy(header.path)), Vec::new(), false));
        ControlFlow::Continue(())
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some((_, content, too_large)) = &mut self.current {
            *too_large |= content.len() as u64 + bytes.len() as u64 > MAX_ENTRY_BYTES;
            if !*too_large {
                content.extend_from_slice(bytes);
            }
        }
    }

    fn hole(&mut self, _: u64) {
        // No record is sparse.
        if let Some((_, _, too_large)) = &mut self.current {
            *too_large = true;
        }
    }

    fn end_entry(&mut self) {
        let Some((name, content, too_large)) = self.current.take() else { return };
        let mut content = Cursor::new(content);
        let document: Result<&mut dyn BufRead, RecordError> =
            if too_large { Err(RecordError::TooLarge(MAX_ENTRY_BYTES)) } else { Ok(&mut content) };
        if let Err(error) = (self.take)(&name, document) {
            self.failed.get_or_insert(error);
        }
    }
}

fn each_zipped(path: &Path, take: &mut Take<'_>) -> Result<Digest, AdvisoryError> {
    let read_error = |source| AdvisoryError::Read { path: path.to_owned(), source };
    let limit = |what, limit| AdvisoryError::Limit { path: path.to_owned(), what, limit };
    let mut file = Hashing::open(path).map_err(read_error)?;
    io::copy(&mut file, &mut io::sink()).map_err(read_error)?;
    let Hashing { mut file, hasher } = file;
    file.rewind().map_err(read_error)?;
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|source| AdvisoryError::Zip { path: path.to_owned(), source })?;
    if archive.len() > MAX_FILES {
        return Err(limit("entries", MAX_FILES as u64));
    }
    let mut inflated: u64 = 0;
    for number in 0..archive.len() {
        let unnamed = || format!("entry {number}.json");
        let mut entry = match archive.by_index(number) {
            Ok(entry) => entry,
            Err(error) => {
                take(&unnamed(), Err(RecordError::Entry(error.into())))?;
                continue;
            }
        };
        let name = entry.name().map_or_else(|_| unnamed(), |name| printable(&name));
        if entry.is_dir() {
            continue;
        }
        let mut content = Vec::new();
        let whole = (&mut entry).take(MAX_ENTRY_BYTES + 1).read_to_end(&mut content);
        inflated += content.len() as u64;
        if inflated > MAX_INFLATED_BYTES {
            return Err(limit("inflated bytes", MAX_INFLATED_BYTES));
        }
        let mut content = Cursor::new(content);
        match whole {
            Err(error) => take(&name, Err(RecordError::Entry(error)))?,
            Ok(length) if length as u64 > MAX_ENTRY_BYTES => take(&name, Err(RecordError::TooLarge(MAX_ENTRY_BYTES)))?,
            Ok(_) => take(&name, Ok(&mut content))?,
        }
    }
    Ok(hasher.finish())
}

/// The names of a zip file's entries, without folders.
pub(super) fn file_names(path: &Path) -> Result<BTreeSet<String>, AdvisoryError> {
    let file = File::open(path).map_err(|source| AdvisoryError::Read { path: path.to_owned(), source })?;
    let archive =
        ZipArchive::new(BufReader::new(file)).map_err(|source| AdvisoryError::Zip { path: path.to_owned(), source })?;
    let names = archive.file_names().filter_map(Result::ok);
    Ok(names.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect())
}

/// Names go into reports: control characters are escaped, long ones cut.
fn printable(name: &str) -> String {
    name.chars()
        .take(256)
        .flat_map(
            |character| {
                if character.is_control() { character.escape_default().collect::<Vec<_>>() } else { vec![character] }
            },
        )
        .collect()
}
