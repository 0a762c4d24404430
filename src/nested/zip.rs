//! A zip file's directory and the content of single entries, with every length bounded.
//!
//! Source: PKWARE's APPNOTE.TXT. As the JVM does, the central directory at the file's end is believed and local headers only say where content begins; a
//! script or program before the archive (an executable jar) is skipped.

use std::io::{self, Read};

use rawzip::{CompressionMethod, ZipArchiveEntryWayfinder, ZipEntry, ZipLocator};

use crate::layer::{ReadAt as _, Slice};

/// Longest name of an entry, as of a path of the image.
const MAX_NAME_BYTES: usize = 4096;

/// Why an archive or an entry of it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The file is no zip archive, or its directory or an entry is damaged.
    #[error("the zip archive is damaged: {0}")]
    Damaged(#[from] rawzip::Error),
    /// Fewer entries than the archive says it has.
    #[error("the zip archive is damaged: it ends after {read} of {said} entries")]
    Cut {
        /// How many were read.
        read: u64,
        /// How many it says.
        said: u64,
    },
    /// The content does not inflate, or the temporary copy could not be read.
    #[error("its content could not be read")]
    Content(#[from] io::Error),
    /// Encrypted, or compressed by something else than deflate.
    #[error("it is encrypted or compressed in another way than deflate")]
    Method,
}

/// Bytes as `rawzip` reads them.
#[derive(Clone, Copy)]
struct Source<'s>(Slice<'s>);

impl rawzip::ReaderAt for Source<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}

/// An open archive.
pub(crate) struct Zip<'s> {
    archive: rawzip::ZipArchive<Source<'s>>,
    source: Slice<'s>,
}

/// Where an entry's content is.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
    /// Length when inflated, as the directory says it.
    pub(crate) size: u64,
}

impl<'s> Zip<'s> {
    /// Finds the directory.
    pub(crate) fn open(source: Slice<'s>) -> Result<Self, ZipError> {
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        let located = ZipLocator::new().locate_in_reader(Source(source), &mut buffer, source.len());
        Ok(Self { archive: located.map_err(|(_, error)| error)?, source })
    }

    /// Shows every entry with its name to `visit`, in the order of the directory; folders and entries with longer names than any path has are passed over.
    pub(crate) fn entries<E: From<ZipError>>(
        &self,
        mut visit: impl FnMut(&[u8], Item) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut entries = self.archive.entries(&mut buffer);
        let mut count = 0;
        while let Some(entry) = entries.next_entry().map_err(ZipError::from)? {
            count += 1;
            let path = entry.file_path();
            let name = path.as_ref();
            if entry.is_dir() || name.len() > MAX_NAME_BYTES {
                continue;
            }
            let item = Item {
                place: entry.wayfinder(),
                method: entry.compression_method(),
                is_encrypted: entry.flags().is_encrypted(),
                size: entry.uncompressed_size_hint(),
            };
            visit(name, item)?;
        }
        // Archives with more entries than the field can count say so modulo 2^16.
        let said = self.archive.entries_hint();
        if count < said { Err(ZipError::Cut { read: count, said }.into()) } else { Ok(()) }
    }

    /// The entry's content where it is stored uncompressed.
    pub(crate) fn stored(&self, item: Item) -> Result<Option<Slice<'s>>, ZipError> {
        if item.method != CompressionMethod::STORE || item.is_encrypted {
            return Ok(None);
        }
        let (start, end) = self.archive.get_entry(item.place)?.compressed_data_range();
        Ok(Some(self.source.part(start, end.saturating_sub(start))))
    }

    /// Gives the entry's inflated content to `take` piece by piece until that says no; checks its length and CRC when it came to its end.
    pub(crate) fn inflate<E: From<ZipError>>(
        &self,
        item: Item,
        take: &mut dyn FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        if item.is_encrypted {
            return Err(ZipError::Method.into());
        }
        let entry = self.archive.get_entry(item.place).map_err(ZipError::from)?;
        match item.method {
            CompressionMethod::STORE => pump(&entry, entry.reader(), take),
            CompressionMethod::DEFLATE => pump(&entry, flate2::read::DeflateDecoder::new(entry.reader()), take),
            _ => Err(ZipError::Method.into()),
        }
    }
}

fn pump<E: From<ZipError>>(
    entry: &ZipEntry<'_, Source<'_>>,
    content: impl Read,
    take: &mut dyn FnMut(&[u8]) -> Result<bool, E>,
) -> Result<(), E> {
    let mut content = entry.verifying_reader(content);
    let mut piece = vec![0; 32 << 10];
    loop {
        let n = content.read(&mut piece).map_err(ZipError::from)?;
        if n == 0 || !take(piece.get(..n).unwrap_or_default())? {
            return Ok(());
        }
    }
}
