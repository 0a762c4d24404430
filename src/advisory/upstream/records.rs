//! Records fetched one by one, and the zip file that keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::mirror::{Session, UpdateError};

/// Largest single record.
const MAX_RECORD_BYTES: u64 = 32 << 20;

/// Requests for records at a time.
const CONNECTIONS: usize = 6;

/// The ids of a zip file's records; none where it cannot be read.
pub(super) fn ids_in(zip: &Path) -> Option<BTreeSet<String>> {
    let archive = ZipArchive::new(BufReader::new(File::open(zip).ok()?)).ok()?;
    let ids: BTreeSet<String> =
        archive.file_names().filter_map(|name| name.as_ref().ok()?.strip_suffix(".json").map(str::to_owned)).collect();
    (!ids.is_empty()).then_some(ids)
}

/// The records of these ids and addresses; `is_it` tells whether what came is the record of that id.
///
/// # Errors
/// When one cannot be had, or is another one: one missing record is enough to keep the store as it is.
pub(super) fn fetch(
    session: &Session<'_>,
    urls: &[(&str, Url)],
    is_it: impl Fn(&str, &[u8]) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, UpdateError> {
    let next = AtomicUsize::new(0);
    let transport = session.transport;
    let fetch = || {
        let mut records = Vec::new();
        while let Some((id, url)) = urls.get(next.fetch_add(1, Ordering::Relaxed)) {
            let fetched = transport.block_on(transport.fetch(url, MAX_RECORD_BYTES, "updating advisories"));
            let failed = fetched.is_err();
            records.push((*id, fetched));
            if failed {
                next.store(urls.len(), Ordering::Relaxed); // the others stop, too
            }
        }
        records
    };
    let fetched: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS.min(urls.len())).map(|_| scope.spawn(fetch)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    let mut records = BTreeMap::new();
    for (id, bytes) in fetched {
        let bytes = bytes.map_err(|source| session.failed(source))?;
        if !is_it(id, &bytes) {
            return Err(session.malformed(format!("the record `{id}` is another one")));
        }
        records.insert(id.to_owned(), bytes);
    }
    Ok(records)
}

/// Writes `zip` anew: `records` in place of theirs, the others copied as they are, those that are not `listed` left out. Where there is none it is made.
pub(super) fn rewrite(
    zip: &Path,
    records: &BTreeMap<String, Vec<u8>>,
    listed: impl Fn(&str) -> bool,
) -> std::io::Result<()> {
    let mut old = zip.is_file().then(|| ZipArchive::new(BufReader::new(File::open(zip)?))).transpose()?;
    let aside = tempfile::NamedTempFile::new_in(zip.parent().unwrap_or(Path::new(".")))?;
    let mut new = ZipWriter::new(BufWriter::new(aside));
    for number in 0..old.as_ref().map_or(0, ZipArchive::len) {
        let Some(old) = &mut old else { break };
        let entry = old.by_index_raw(number)?;
        let id = entry.name()?.strip_suffix(".json").map(str::to_owned);
        if id.is_some_and(|id| listed(&id) && !records.contains_key(&id)) {
            new.raw_copy_file(entry)?;
        }
    }
    let options = SimpleFileOptions::default();
    for (id, bytes) in records {
        new.start_file(format!("{id}.json"), options)?;
        new.write_all(bytes)?;
    }
    let aside = new.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    aside.as_file().sync_all()?;
    aside.persist(zip).map(drop).map_err(|error| error.error)
}
