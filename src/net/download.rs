//! Whole files: only when they changed, from where a broken download stopped, and never half.
//!
//! Source: RFC 9110 §13 (conditional requests), §14 (ranges).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

use super::{Answer, NetError, Request, Transport, excerpt};

/// How often a download that breaks off is taken up again in one run.
const MAX_BREAKS: u32 = 5;

/// What a server said of a file, by which it tells later whether that changed. Kept as sent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What came of a download.
#[derive(Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// The file is still as the validators say.
    Unchanged,
    /// The file was replaced.
    New {
        /// What the server says of it.
        validators: Validators,
        /// Its length.
        bytes: u64,
    },
}

/// Why a file could not be downloaded; what was there before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No answer.
    #[error(transparent)]
    Net(#[from] NetError),
    /// An answer that is no file.
    #[error("`{host}` answers {status} for `{url}`{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Refused {
        /// Who answered.
        host: String,
        /// The URL, without its query.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it says, short and printable.
        said: String,
    },
    /// More than we are willing to keep.
    #[error("`{url}` has more than {limit} bytes")]
    TooLarge {
        /// The URL, without its query.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// One file to be had.
pub struct Download<'a> {
    /// From where.
    pub url: Url,
    /// To where. Beside it, a name with `.part` holds what has come so far.
    pub path: &'a Path,
    /// What is known of the file at `path`; not believed when there is none.
    pub known: &'a Validators,
    /// Most bytes.
    pub limit: u64,
    /// Told of bytes as they come.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Transport {
    /// Brings a file up to date. It is replaced in one step when all of it has come; what came of a broken download serves the next one.
    ///
    /// # Errors
    /// When it cannot be had or written; the file that was there stays.
    pub async fn download(&self, download: &Download<'_>, phase: &'static str) -> Result<Downloaded, DownloadError> {
        let mut part = Part::open(download.path)?;
        let mut breaks = 0;
        loop {
            let request = Request { headers: part.headers(download), ..Request::get(download.url.clone(), phase) };
            let answer = self.send(&request).await?;
            match answer.status() {
                StatusCode::NOT_MODIFIED => return Ok(Downloaded::Unchanged),
                StatusCode::PARTIAL_CONTENT if part.continues(&answer) => {}
                // What we have is whole or from another file: once more from the start.
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if part.length > 0 => {
                    part.restart(Validators::default())?;
                    continue;
                }
                StatusCode::OK => part.restart(validators(answer.headers()))?,
                _ => return Err(refused(answer, &download.url).await),
            }
            match part.take(answer, download).await {
                Err(DownloadError::Net(error)) if error.is_passing() && breaks < MAX_BREAKS => {
                    self.back_off(download.url.host_str().unwrap_or_default(), phase, breaks).await?;
                    breaks += 1;
                }
                Err(error) => return Err(error),
                Ok(()) => return part.finish(download.path),
            }
        }
    }

    /// Length of a file in bytes, where the server tells it; nothing of it is kept.
    ///
    /// # Errors
    /// As [`Transport::download`].
    pub async fn size(&self, url: &Url, phase: &'static str) -> Result<Option<u64>, DownloadError> {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        let answer = self.send(&Request { headers, ..Request::get(url.clone(), phase) }).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer.content_length()),
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                Ok(range.and_then(|range| range.rsplit_once('/')).and_then(|(_, total)| total.parse().ok()))
            }
            _ => Err(refused(answer, url).await),
        }
    }

    /// A small file as bytes.
    ///
    /// # Errors
    /// As [`Transport::download`].
    pub async fn fetch(&self, url: &Url, limit: u64, phase: &'static str) -> Result<Vec<u8>, DownloadError> {
        let mut answer = self.send(&Request::get(url.clone(), phase)).await?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer, url).await);
        }
        let body = answer.body(usize::try_from(limit).unwrap_or(usize::MAX)).await?;
        if body.len() as u64 > limit {
            return Err(DownloadError::TooLarge { url: shown(url), limit });
        }
        Ok(body)
    }
}

/// What has come of a file so far, with what the server said of it then.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    validators: Validators,
}

impl Part {
    fn open(target: &Path) -> Result<Self, DownloadError> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = target.with_file_name(name);
        let failed = |source| DownloadError::Write { path: path.clone(), source };
        let file = OpenOptions::new().append(true).read(true).create(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let said = fs::read(said_of(&path)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self { path: path.clone(), file, length, validators: said.unwrap_or_default() })
    }

    /// A range where the rest can be told to belong to what we have, else the condition under which the whole file is wanted.
    fn headers(&self, download: &Download<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        };
        // Weak tags say that two files mean the same, not that their bytes are the same (RFC 9110 §13.1.5).
        let strong = self.validators.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        match strong {
            Some(etag) if self.length > 0 => {
                set(RANGE, &format!("bytes={}-", self.length));
                set(IF_RANGE, etag);
            }
            _ if download.path.is_file() => {
                download.known.etag.iter().for_each(|etag| set(IF_NONE_MATCH, etag));
                download.known.last_modified.iter().for_each(|date| set(IF_MODIFIED_SINCE, date));
            }
            _ => {}
        }
        headers
    }

    /// Whether a partial answer begins where we stopped.
    fn continues(&self, answer: &Answer) -> bool {
        let range = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let first = range.strip_prefix("bytes ").and_then(|range| range.split_once('-')).map(|(first, _)| first);
        first.and_then(|first| first.parse().ok()) == Some(self.length)
    }

    fn restart(&mut self, validators: Validators) -> Result<(), DownloadError> {
        let failed = |source| DownloadError::Write { path: self.path.clone(), source };
        self.file.set_len(0).map_err(failed)?;
        // Said before the first byte is there: bytes never stand beside what was said of others.
        let said = serde_json::to_vec(&validators).map_err(|error| failed(error.into()))?;
        fs::write(said_of(&self.path), said).map_err(failed)?;
        (self.length, self.validators) = (0, validators);
        Ok(())
    }

    async fn take(&mut self, mut answer: Answer, download: &Download<'_>) -> Result<(), DownloadError> {
        let too_large = || DownloadError::TooLarge { url: shown(&download.url), limit: download.limit };
        if answer.content_length().is_some_and(|length| length > download.limit.saturating_sub(self.length)) {
            return Err(too_large());
        }
        while let Some(chunk) = answer.chunk().await? {
            self.length += chunk.len() as u64;
            if self.length > download.limit {
                return Err(too_large());
            }
            let failed = |source| DownloadError::Write { path: self.path.clone(), source };
            self.file.write_all(&chunk).map_err(failed)?;
            (download.progress)(chunk.len() as u64);
        }
        Ok(())
    }

    fn finish(self, target: &Path) -> Result<Downloaded, DownloadError> {
        let failed = |source| DownloadError::Write { path: target.to_owned(), source };
        self.file.sync_all().map_err(failed)?;
        fs::rename(&self.path, target).map_err(failed)?;
        let _ = fs::remove_file(said_of(&self.path));
        Ok(Downloaded::New { validators: self.validators, bytes: self.length })
    }
}

/// Where the validators of a part are kept.
fn said_of(part: &Path) -> PathBuf {
    part.with_extension("part.json")
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
}

async fn refused(mut answer: Answer, url: &Url) -> DownloadError {
    let (host, status) = (answer.host().to_owned(), answer.status().as_u16());
    DownloadError::Refused { host, url: shown(url), status, said: excerpt(&answer.message().await) }
}

/// Queries can hold credentials and are not told.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    let _ = url.set_password(None);
    url.to_string()
}
