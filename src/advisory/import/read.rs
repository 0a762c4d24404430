//! A source's records as bytes, in bounded batches.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::path::Path;

use zip::ZipArchive;

use super::inputs::{Input, Kind, MAX_FILES};
use crate::advisory::error::{AdvisoryError, RecordError};
use crate::digest::{Digest, Hasher};

/// Largest record, in bytes. The largest in the data we tested with has 94 KB; Ubuntu's list every build of every release.
const MAX_RECORD_BYTES: u64 = 32 << 20;

/// Most inflated bytes of one zip file. The largest feed known, Ubuntu's, is reported to unpack to 17 GB.
const MAX_INFLATED_BYTES: u64 = 64 << 30;

/// A batch ends at this many bytes or records: enough for all cores, small beside the compiled records.
const BATCH_BYTES: usize = 32 << 20;
const BATCH_RECORDS: usize = 4096;

/// One record's bytes, or why there are none.
pub(super) struct RawRecord {
    pub(super) name: String,
    pub(super) bytes: Result<Vec<u8>, RecordError>,
}

/// Hands all records of a source to `take`, and returns the source's digest.
pub(super) fn each_batch(
    input: &Input,
    take: impl FnMut(Vec<RawRecord>) -> Result<(), AdvisoryError>,
) -> Result<Digest, AdvisoryError> {
    let mut batches = Batches { batch: Vec::new(), bytes: 0, take };
    let digest = match &input.kind {
        Kind::Zip => zip(&input.path, &mut batches)?,
        Kind::Files(files) => records(&input.path, files, &mut batches)?,
    };
    batches.flush()?;
    Ok(digest)
}

struct Batches<F> {
    batch: Vec<RawRecord>,
    bytes: usize,
    take: F,
}

impl<F: FnMut(Vec<RawRecord>) -> Result<(), AdvisoryError>> Batches<F> {
    fn push(&mut self, record: RawRecord) -> Result<(), AdvisoryError> {
        self.bytes += record.bytes.as_ref().map_or(0, Vec::len);
        self.batch.push(record);
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_RECORDS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), AdvisoryError> {
        self.bytes = 0;
        (self.take)(std::mem::take(&mut self.batch))
    }
}

fn zip(
    path: &Path,
    batches: &mut Batches<impl FnMut(Vec<RawRecord>) -> Result<(), AdvisoryError>>,
) -> Result<Digest, AdvisoryError> {
    let read_error = |source| AdvisoryError::Read { path: path.to_owned(), source };
    let limit = |what, limit| AdvisoryError::Limit { path: path.to_owned(), what, limit };
    let mut file = BufReader::new(File::open(path).map_err(read_error)?);
    let digest = hash(&mut file).map_err(read_error)?;
    file.rewind().map_err(read_error)?;
    let mut archive = ZipArchive::new(file).map_err(|source| AdvisoryError::Zip { path: path.to_owned(), source })?;
    if archive.len() > MAX_FILES {
        return Err(limit("entries", MAX_FILES as u64));
    }
    let mut inflated: u64 = 0;
    for number in 0..archive.len() {
        let Some(record) = entry(&mut archive, number) else {
            continue;
        };
        inflated += record.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        if inflated > MAX_INFLATED_BYTES {
            return Err(limit("inflated bytes", MAX_INFLATED_BYTES));
        }
        batches.push(record)?;
    }
    Ok(digest)
}

/// One entry, if it is a record. What the zip file says about its size is not believed.
fn entry(archive: &mut ZipArchive<BufReader<File>>, number: usize) -> Option<RawRecord> {
    let unnamed = || format!("entry {number}");
    let mut file = match archive.by_index(number) {
        Ok(file) => file,
        Err(error) => {
            return Some(RawRecord { name: unnamed(), bytes: Err(RecordError::Entry(error.into())) });
        }
    };
    let name = file.name().map_or_else(|_| unnamed(), |name| printable(&name));
    if file.is_dir() || (!name.ends_with(".json") && !name.starts_with("entry ")) {
        return None;
    }
    Some(RawRecord { name, bytes: bounded(&mut file) })
}

fn bounded(reader: &mut impl Read) -> Result<Vec<u8>, RecordError> {
    let mut bytes = Vec::new();
    reader.take(MAX_RECORD_BYTES + 1).read_to_end(&mut bytes).map_err(RecordError::Entry)?;
    if bytes.len() as u64 > MAX_RECORD_BYTES { Err(RecordError::TooLarge(MAX_RECORD_BYTES)) } else { Ok(bytes) }
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

fn hash(reader: &mut impl Read) -> std::io::Result<Digest> {
    let mut hasher = Hasher::sha256();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// Reads `files`; the digest is over each one's path below `folder` and its own digest.
fn records(
    folder: &Path,
    files: &[std::path::PathBuf],
    batches: &mut Batches<impl FnMut(Vec<RawRecord>) -> Result<(), AdvisoryError>>,
) -> Result<Digest, AdvisoryError> {
    let mut hasher = Hasher::sha256();
    for path in files {
        let mut file = File::open(path).map_err(|source| AdvisoryError::Read { path: path.clone(), source })?;
        let bytes = bounded(&mut file);
        let name = path
            .strip_prefix(folder)
            .ok()
            .filter(|rest| !rest.as_os_str().is_empty())
            .map_or_else(|| path.file_name().map(Path::new), Some);
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let content = bytes.as_ref().map_or_else(|_| String::new(), |bytes| Digest::sha256(bytes).to_string());
        hasher.update(format!("{name}\0{content}\n").as_bytes());
        batches.push(RawRecord { name: printable(&name), bytes })?;
    }
    Ok(hasher.finish())
}
