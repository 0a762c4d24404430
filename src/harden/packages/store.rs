//! Where packages come from: a folder of this machine, or a mirror over HTTP. What a file must be is known before it is opened, by its digest.

use std::fs::File;
use std::io::{self, BufRead as _, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{StatusCode, Url};
use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::layer::{Entry, EntryKind, FileView, Gather, Slice, path};
use crate::nested::reader;
use crate::net::{Request, Transport};

const WINDOW_BYTES: usize = 256 << 10;

/// Largest package. The largest of Debian (games' data, debug symbols) have 1.5 GB.
const MAX_PACKAGE_BYTES: u64 = 2 << 30;

/// A folder or mirror.
#[derive(Clone)]
pub enum Store {
    /// A folder.
    Folder(PathBuf),
    /// A mirror.
    Mirror {
        /// Its root, below which the packages are.
        root: Url,
        /// Folder of the Release file below it, with its slash; empty where it is the root's own.
        release: String,
        /// The one transport of the run.
        transport: Arc<Transport>,
    },
}

/// Why a file of a store is not there or not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("there is no such file")]
    Missing,
    #[error("its name `{0}` leads out of the repository")]
    Name(String),
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    #[error("it has the SHA-256 {actual}, not {expected}: it is damaged or was replaced")]
    Digest { expected: String, actual: String },
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Net(#[from] crate::net::NetError),
    #[error("the server answers {0}")]
    Status(StatusCode),
}

impl Store {
    /// A mirror by the address of its index: for Debian `https://deb.debian.org/debian/dists/bookworm`, whose packages are named from the folder above `dists`; for Alpine the folder above the
    /// architectures.
    #[must_use]
    pub fn mirror(url: &Url, transport: Arc<Transport>) -> Self {
        let (mut root, path) = (url.clone(), url.path().to_owned());
        let release = path.find("/dists/").map(|at| {
            root.set_path(path.get(..at).unwrap_or_default());
            format!("{}/", path.get(at + 1..).unwrap_or_default().trim_end_matches('/'))
        });
        Self::Mirror { root, release: release.unwrap_or_default(), transport }
    }

    /// How people name it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Mirror { root, .. } => root.to_string().trim_end_matches('/').to_owned(),
        }
    }

    /// A small file, whole.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.stream(name, &mut |piece| {
            if bytes.len() as u64 + piece.len() as u64 > limit {
                return Err(StoreError::TooLarge(limit));
            }
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// A small file, whole, that must have this SHA-256 (in lower-case hex).
    pub(super) fn read_proved(&self, name: &str, sha256: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read(name, limit)?;
        same(sha256, &hex(&Sha256::digest(&bytes)))?;
        Ok(bytes)
    }

    /// A package that must have this SHA-256 (in lower-case hex).
    pub(super) fn package(&self, name: &str, sha256: &str) -> Result<Package, StoreError> {
        let package = self.any_package(name)?;
        same(sha256, &hex(&package.sha256))?;
        Ok(package)
    }

    /// A package that has to prove itself. What is given out is a copy, so that nobody can change it after it was proved.
    pub(super) fn any_package(&self, name: &str) -> Result<Package, StoreError> {
        let (mut gather, mut hash, mut length) = (Gather::default(), Sha256::new(), 0);
        gather.start(0);
        self.stream(name, &mut |piece| {
            length += piece.len() as u64;
            if length > MAX_PACKAGE_BYTES {
                return Err(StoreError::TooLarge(MAX_PACKAGE_BYTES));
            }
            hash.update(piece);
            gather.push(piece);
            Ok(())
        })?;
        Ok(Package { gather, sha256: hash.finalize().into() })
    }

    /// Names of the files in a folder of the store, sorted; none of a mirror, which has no list.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let Self::Folder(root) = self else { return Ok(Vec::new()) };
        let entries = match std::fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        let names: io::Result<Vec<Option<String>>> = names.collect();
        let mut names: Vec<String> = names?.into_iter().flatten().collect();
        names.sort();
        Ok(names)
    }

    fn stream(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if !path::is_normal(name.as_bytes()) || name.contains(['\\', '\n']) {
            return Err(StoreError::Name(name.escape_debug().to_string()));
        }
        match self {
            Self::Folder(root) => read_file(&root.join(name), take),
            Self::Mirror { root, transport, .. } => download(root, transport, name, take),
        }
    }
}

fn read_file(path: &Path, take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing,
        _ => error.into(),
    })?;
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        match file.read(&mut window) {
            Ok(0) => return Ok(()),
            Ok(length) => take(window.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn download(
    base: &Url,
    transport: &Transport,
    name: &str,
    take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut url = base.clone();
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(name.split('/'));
    }
    transport.block_on(async {
        let mut answer = transport.send(&Request::get(url, "reading packages")).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(StoreError::Missing),
            status => return Err(StoreError::Status(status)),
        }
        while let Some(piece) = answer.chunk().await? {
            take(&piece)?;
        }
        Ok(())
    })
}

fn same(expected: &str, actual: &str) -> Result<(), StoreError> {
    if expected == actual {
        return Ok(());
    }
    Err(StoreError::Digest { expected: expected.to_owned(), actual: actual.to_owned() })
}

/// The SHA-256 of a part of a package, in lower-case hex.
pub(super) fn sha256_of(part: Slice<'_>) -> io::Result<String> {
    let (mut stream, mut hash) = (reader(part), Sha256::new());
    loop {
        let window = stream.fill_buf()?;
        if window.is_empty() {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(window);
        let length = window.len();
        stream.consume(length);
    }
}

/// The bytes of a package.
pub(super) struct Package {
    gather: Gather,
    sha256: [u8; 32],
}

impl Package {
    /// The digest of all of it.
    pub(super) fn sha256(&self) -> &[u8] {
        &self.sha256
    }

    /// Its bytes.
    pub(super) fn view(&mut self) -> io::Result<FileView<'_>> {
        let entry =
            Entry { path: b"", kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };
        self.gather.view(entry)
    }
}
