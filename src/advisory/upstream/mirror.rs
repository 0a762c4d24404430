//! A folder with the files of upstreams as they were when it was last updated.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{Addresses, Archive, Files, Upstream, csaf, osv, repository, upstream};
use crate::advisory::feed::DOCUMENTS;
use crate::net::{Download, DownloadError, Downloaded, Transport, Validators};

/// Largest plain file. Debian's tracker has 70 MB, OVAL files of distributions up to 500 MB.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// Layout of the state file.
const FORMAT: u32 = 1;

/// A mirror folder, locked while this exists.
#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    state: State,
    _lock: File,
}

/// What is known of the folder's files, by path below the folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    format: u32,
    files: BTreeMap<String, Validators>,
    /// By ecosystem or upstream: the newest change that what is kept holds.
    synced: BTreeMap<String, Timestamp>,
}

/// One thing to keep up to date: an ecosystem of OSV, or a plain file.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who publishes it.
    pub upstream: &'static Upstream,
    /// The path below the upstream's base; for OSV the ecosystem's folder.
    pub path: &'a str,
}

/// What an update did to one [`Wanted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing is newer.
    Unchanged,
    /// So many single records.
    Records(usize),
    /// The whole file, of so many bytes.
    Whole(u64),
}

/// One updated item.
#[derive(Debug)]
pub struct Updated {
    /// The file, to be imported.
    pub file: PathBuf,
    /// What happened to it.
    pub change: Change,
}

/// Why a mirror could not be updated. Files that were updated before stay; a store is only made of a whole update.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// A file could not be had.
    #[error("`{name}` could not be updated")]
    Download {
        /// The upstream and the file.
        name: String,
        /// Why.
        #[source]
        source: Box<DownloadError>,
    },
    /// What came is not what the upstream publishes.
    #[error("`{name}` is not what it should be: {reason}")]
    Malformed {
        /// The upstream and the file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A feed that lost much: a truncated or hostile copy looks like that.
    #[error("`{name}` has {now} records, {before} when it was last updated")]
    Shrunk {
        /// The upstream and the file.
        name: String,
        /// Records before.
        before: usize,
        /// Records now.
        now: usize,
    },
    /// The folder cannot be used.
    #[error("the folder `{}` cannot be used", path.display())]
    Folder {
        /// Folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process updates the folder.
    #[error("another process is updating `{}`", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// An address that is none.
    #[error("`{0}` is not an address")]
    Address(String),
}

impl Mirror {
    /// Opens or makes the folder, which belongs to its user alone.
    ///
    /// # Errors
    /// When the folder cannot be written or another process has it.
    pub fn open(folder: &Path) -> Result<Self, UpdateError> {
        let failed = |source| UpdateError::Folder { path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        if let Err(error) = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            let is_held = error == rustix::io::Errno::WOULDBLOCK;
            return Err(if is_held { UpdateError::Locked { path: folder.to_owned() } } else { failed(error.into()) });
        }
        // What another format says is not understood: everything is fetched anew.
        let known = fs::read(folder.join("state.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let state = known.filter(|state: &State| state.format == FORMAT).unwrap_or_default();
        Ok(Self { folder: folder.to_owned(), state, _lock: lock })
    }

    /// What the folder holds already, as a next update wants it again.
    #[must_use]
    pub fn held(&self) -> BTreeSet<(&'static str, String)> {
        let of = |file: &String| {
            let (name, path) = file.split_once('/')?;
            let upstream = upstream(name)?;
            let path = match upstream.files {
                Files::Osv => path.split('/').next()?.to_owned(),
                Files::Csaf(_) => DOCUMENTS.to_owned(),
                Files::Repositories(_) => repository::list_of(path)?,
                _ => path.to_owned(),
            };
            Some((upstream.name, path))
        };
        self.state.files.keys().filter_map(of).collect()
    }

    /// The files that the folder holds, as an import takes them.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let of = |(name, path): &(&'static str, String)| {
            let upstream = upstream(name)?;
            Some(self.folder.join(name).join(file_of(Wanted { upstream, path })))
        };
        self.held().iter().filter_map(of).filter(|file| file.exists()).collect()
    }

    /// Bytes that an update of `wanted` would fetch at most, where the server tells: nothing is kept.
    ///
    /// # Errors
    /// When the upstream does not answer.
    pub fn size(
        &self,
        transport: &Transport,
        wanted: Wanted<'_>,
        addresses: &Addresses,
    ) -> Result<Option<u64>, UpdateError> {
        let Some(file) = measured(wanted) else { return Ok(None) };
        let url = address(wanted.upstream, &file, addresses)?;
        let size = transport.block_on(transport.size(&url, "asking for a size"));
        size.map_err(|source| UpdateError::Download { name: name_of(wanted), source: Box::new(source) })
    }

    /// Brings one thing up to date.
    ///
    /// # Errors
    /// When it cannot be had, or lost so many records that it is not believed; what was there before stays.
    pub fn update(
        &mut self,
        transport: &Transport,
        wanted: Wanted<'_>,
        addresses: &Addresses,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Updated, UpdateError> {
        let file = self.folder.join(wanted.upstream.name).join(file_of(wanted));
        let mut session = Session { mirror: self, transport, wanted, addresses, progress };
        let change = match wanted.upstream.files {
            Files::Osv => osv::update(&mut session)?,
            Files::Csaf(provider) => csaf::update(&mut session, provider)?,
            Files::Repositories(_) => repository::update(&mut session)?,
            Files::ByHand | Files::Plain(_) | Files::ByRelease(_) => session.file(wanted.path, MAX_FILE_BYTES)?,
        };
        Ok(Updated { file, change })
    }

    fn save(&mut self) -> Result<(), UpdateError> {
        self.state.format = FORMAT;
        let path = self.folder.join("state.json");
        let write = || {
            let mut aside = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer(&mut aside, &self.state)?;
            aside.flush()?;
            aside.persist(&path).map_err(|error| error.error)
        };
        write().map(drop).map_err(|source| UpdateError::Folder { path: path.clone(), source })
    }
}

/// The update of one thing.
pub(super) struct Session<'a> {
    mirror: &'a mut Mirror,
    pub(super) transport: &'a Transport,
    pub(super) wanted: Wanted<'a>,
    addresses: &'a Addresses,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Session<'_> {
    /// Downloads a file of the upstream if it changed, and notes what the server says of it.
    pub(super) fn file(&mut self, path: &str, limit: u64) -> Result<Change, UpdateError> {
        self.fetch(path, path, limit)
    }

    /// As [`Self::file`], for one that has another path here.
    pub(super) fn fetch(&mut self, remote: &str, local: &str, limit: u64) -> Result<Change, UpdateError> {
        let (url, target) = (self.url(remote)?, self.local(local));
        let folder = target.parent().unwrap_or(&self.mirror.folder);
        let failed = |source| UpdateError::Folder { path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let key = format!("{}/{local}", self.wanted.upstream.name);
        let known = self.mirror.state.files.get(&key).cloned().unwrap_or_default();
        let download = Download { url, path: &target, known: &known, limit, progress: self.progress };
        let fetched = self.transport.block_on(self.transport.download(&download, "updating advisories"));
        match fetched.map_err(|source| self.failed(source))? {
            Downloaded::Unchanged => Ok(Change::Unchanged),
            Downloaded::New { validators, bytes } => {
                self.mirror.state.files.insert(key, validators);
                self.mirror.save()?;
                Ok(Change::Whole(bytes))
            }
        }
    }

    /// Makes the next update fetch a file whole.
    pub(super) fn forget(&mut self, path: &str) -> Result<(), UpdateError> {
        self.mirror.state.files.remove(&format!("{}/{path}", self.wanted.upstream.name));
        self.mirror.save()
    }

    /// The newest change that the records hold.
    pub(super) fn synced(&self) -> Option<Timestamp> {
        self.mirror.state.synced.get(&self.sync_key()).copied()
    }

    pub(super) fn set_synced(&mut self, newest: Timestamp) -> Result<(), UpdateError> {
        self.mirror.state.synced.insert(self.sync_key(), newest);
        self.mirror.save()
    }

    /// Makes the next update begin anew.
    pub(super) fn unsync(&mut self) -> Result<(), UpdateError> {
        self.mirror.state.synced.remove(&self.sync_key());
        self.mirror.save()
    }

    /// OSV's ecosystems are known by their names, others by their upstream.
    fn sync_key(&self) -> String {
        match self.wanted.upstream.files {
            Files::Osv => self.wanted.path.to_owned(),
            _ => format!("{}/{}", self.wanted.upstream.name, self.wanted.path),
        }
    }

    /// When a file was last changed, as its server said.
    pub(super) fn last_modified(&self, local: &str) -> Option<Timestamp> {
        let key = format!("{}/{local}", self.wanted.upstream.name);
        let said = self.mirror.state.files.get(&key)?.last_modified.as_deref()?;
        jiff::fmt::rfc2822::parse(said).ok().map(|time| time.timestamp())
    }

    pub(super) fn url(&self, path: &str) -> Result<Url, UpdateError> {
        address(self.wanted.upstream, path, self.addresses)
    }

    pub(super) fn local(&self, path: &str) -> PathBuf {
        self.mirror.folder.join(self.wanted.upstream.name).join(path)
    }

    pub(super) fn failed(&self, source: DownloadError) -> UpdateError {
        UpdateError::Download { name: name_of(self.wanted), source: Box::new(source) }
    }

    pub(super) fn malformed(&self, reason: impl Into<String>) -> UpdateError {
        UpdateError::Malformed { name: name_of(self.wanted), reason: reason.into() }
    }
}

/// The file that a thing ends up in, below the upstream's folder; of a CSAF provider it is a folder.
fn file_of(wanted: Wanted<'_>) -> String {
    match wanted.upstream.files {
        Files::Osv => format!("{}/all.zip", wanted.path),
        Files::Repositories(_) => repository::file_of(wanted.path),
        _ => wanted.path.to_owned(),
    }
}

/// The file by whose size people judge what a thing costs, below the upstream's base; none where only an answer tells it.
fn measured(wanted: Wanted<'_>) -> Option<String> {
    match wanted.upstream.files {
        Files::Repositories(_) => None,
        Files::Csaf(provider) => match provider.archive {
            Archive::Named(name) => Some(name.to_owned()),
            Archive::ToldBy(_) => None,
        },
        _ => Some(file_of(wanted)),
    }
}

pub(super) fn name_of(wanted: Wanted<'_>) -> String {
    format!("{}: {}", wanted.upstream.name, wanted.path)
}

/// The address of a file: path segments are encoded, so that a name never leads out of the base.
fn address(upstream: &Upstream, path: &str, addresses: &Addresses) -> Result<Url, UpdateError> {
    let known = || Url::parse(upstream.base).map_err(|_| UpdateError::Address(upstream.base.to_owned()));
    let mut url = addresses.get(upstream.name).cloned().map_or_else(known, Ok)?;
    if url.cannot_be_a_base() {
        return Err(UpdateError::Address(url.to_string()));
    }
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        segments.extend(path.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")));
    }
    Ok(url)
}
