//! The trusted root and the signing configuration of a Sigstore instance, from its TUF repository.
//!
//! In: where the repository is, the root of its metadata that the user trusts, a time. Out: a file that its signers stand for today. Who could serve an older file, withhold a newer one, or put in
//! one of their own is what TUF is about: metadata is signed, has versions that never go back (the cache remembers them) and ends on a day. `sigstore-tuf` does all that; here are the places that
//! it reads from.
//!
//! Source: TUF specification 1.0, §5 "Detailed client workflow"; `sigstore/root-signing`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{StatusCode, Url};
use sha2::Digest as _;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, FileStore, MetadataStore, Repository, StoreRepository, Updater, UpdaterConfig};

use crate::net::{Request, Transport};

/// Largest root of metadata that a user gives, in bytes; Sigstore's has 6 KiB.
pub const MAX_METADATA_BYTES: u64 = 512_000;

/// Largest file that is fetched, in bytes.
const MAX_TARGET_BYTES: u64 = 1 << 20;

/// The file that says whom to trust.
pub const TRUSTED_ROOT: &str = "trusted_root.json";

/// The file that says where to sign.
pub const SIGNING_CONFIG: &str = "signing_config.v0.2.json";

/// Where a repository is.
pub enum Mirror {
    /// On a server.
    Web(Url, Arc<Transport>),
    /// In a folder of this machine, as it is on a server.
    Folder(PathBuf),
    /// Only in the cache: what was fetched last, as long as it holds.
    Cache,
}

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// The repository, or what is left of it in the cache, does not hold.
    #[error("{0}")]
    Repository(String),
    /// Its metadata has ended: nobody stands for it any more.
    #[error("its metadata has expired: {0}")]
    Expired(String),
    /// It could not be reached or read.
    #[error("{0}")]
    Unreachable(String),
    /// The machinery that waits could not be started.
    #[error("the network could not be started: {0}")]
    Start(String),
}

impl From<Error> for TufError {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        match error {
            Error::Expired { .. } => Self::Expired(text),
            Error::Transport { .. } | Error::Io { .. } => Self::Unreachable(text),
            _ => Self::Repository(text),
        }
    }
}

/// Gives the files of these names. `root` is the metadata root that is trusted, of any age: newer ones are followed. `cache` is a folder for this repository alone, which keeps what was verified.
///
/// # Errors
/// When the repository cannot be reached, goes back, has ended, or is not what the root stands for.
pub fn targets(
    mirror: Mirror,
    root: &[u8],
    cache: Option<&Path>,
    names: &[&str],
    now: jiff::Timestamp,
) -> Result<Vec<Vec<u8>>, TufError> {
    let transport = if let Mirror::Web(_, transport) = &mirror { Some(transport.clone()) } else { None };
    let store = cache.map(FileStore::new);
    let updater = match mirror {
        Mirror::Web(base, transport) => Updater::new(Web { base, transport }, root)?,
        Mirror::Folder(folder) => Updater::new(Folder(FileStore::new(folder)), root)?,
        Mirror::Cache => match &store {
            Some(store) => Updater::new(Cached(StoreRepository::new(store.clone())), root)?,
            None => return Err(TufError::Unreachable("there is no cache to read it from".into())),
        },
    };
    let mut config = UpdaterConfig::default();
    config.target_max_length = MAX_TARGET_BYTES;
    let updater = updater.with_config(config);
    let mut updater = if let Some(store) = store { updater.with_store(store) } else { updater };
    let work = async move {
        updater.refresh(now).await?;
        let mut files = Vec::new();
        for name in names {
            files.push(updater.get_target(name, now).await?);
        }
        Ok(files)
    };
    match transport {
        Some(transport) => transport.block_on(work),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.map_err(|error| TufError::Start(error.to_string()))?.block_on(work)
        }
    }
}

/// The folder of a repository below the one for all, by its place.
#[must_use]
pub fn cache_of(folder: &Path, place: &str) -> PathBuf {
    let hash = sha2::Sha256::digest(place.trim_end_matches('/'));
    folder.join(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>())
}

struct Web {
    base: Url,
    transport: Arc<Transport>,
}

impl Web {
    async fn fetch(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let text = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let url: Url =
            text.parse().map_err(|_| Error::transport(format!("`{}` is no address of a file", text.escape_debug())))?;
        if url.scheme() != "https" && !self.transport.settings().allows_plain_http(&url) {
            return Err(Error::transport(format!("`{url}` cannot be used without TLS")));
        }
        let answer = self.transport.send(&Request::get(url, "fetching trusted roots")).await;
        let mut answer = answer.map_err(|error| Error::transport(error.to_string()))?;
        match answer.status() {
            StatusCode::OK => {}
            // Object stores that may not be listed say so of what is not there.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(None),
            status => return Err(Error::transport(format!("`{}` answered {status} for `{path}`", answer.host()))),
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let bytes = answer.body(limit).await.map_err(|error| Error::transport(error.to_string()))?;
        if bytes.len() > limit {
            return Err(Error::transport(format!("`{path}` is larger than {limit} bytes")));
        }
        Ok(Some(bytes))
    }
}

impl Repository for Web {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        Box::pin(self.fetch(name, limit))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.fetch(&format!("targets/{path}"), limit).await })
    }
}

/// A copy of a server's files.
struct Folder(FileStore);

impl Folder {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.0.load(name)? {
            Some(bytes) if bytes.len() as u64 > limit => {
                Err(Error::transport(format!("`{name}` is larger than {limit} bytes")))
            }
            found => Ok(found),
        }
    }
}

impl Repository for Folder {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        let read = self.read(name, limit);
        Box::pin(async move { read })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        let read = self.read(&format!("targets/{path}"), limit);
        Box::pin(async move { read })
    }
}

/// What was fetched before. The cache has no newer roots to follow, and names without versions.
struct Cached(StoreRepository<FileStore>);

impl Repository for Cached {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        if name.ends_with(".root.json") {
            return Box::pin(async { Ok(None) });
        }
        // `12.snapshot.json` is kept as `snapshot.json`.
        let plain = name.split_once('.').filter(|(version, _)| version.bytes().all(|byte| byte.is_ascii_digit()));
        self.0.fetch_metadata(plain.map_or(name, |(_, plain)| plain), limit)
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        // `DIGEST.name` is kept as `name`.
        let plain = path.split_once('.').map_or(path, |(_, plain)| plain);
        self.0.fetch_target(plain, limit)
    }
}
