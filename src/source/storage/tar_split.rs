//! A layer's tar stream, put together again byte for byte from its headers in `ID.tar-split.gz` and the files of its folder.
//!
//! In: the two. Out: the bytes that were unpacked when the layer was stored, so that they can be checked against the diff ID. Source: vbatts/tar-split `tar/storage/entry.go`:
//! lines of JSON, `type` 2 with raw bytes as `payload`, `type` 1 with the `name` and `size` of a file whose content comes next.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::MultiGzDecoder;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use serde::Deserialize;

use crate::layer::MAX_ENTRIES;
use crate::source::SourceError;

/// Longest line. The longest payload is a PAX header of 1 MiB (Go's limit) or as much padding, in base64, with its blocks.
const MAX_LINE_BYTES: u64 = 8 << 20;

/// One line.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: String,
    /// The name in base64 where it is not UTF-8.
    #[serde(default)]
    name_raw: Option<String>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    payload: Option<String>,
}

/// The stream.
pub(super) struct TarSplit {
    lines: BufReader<MultiGzDecoder<File>>,
    folder: OwnedFd,
    lines_left: u64,
    line: Vec<u8>,
    /// Raw bytes at hand, and how many were given.
    segment: Vec<u8>,
    given: usize,
    /// The file at hand, and how much of it is still to come.
    content: Option<(File, u64)>,
}

impl TarSplit {
    /// The stream of the headers in `split` and the files of `folder`.
    pub(super) fn open(split: &Path, folder: &Path) -> Result<Self, SourceError> {
        let file = crate::source::layout::open_regular(split)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(folder, flags, Mode::empty())
            .map_err(|error| SourceError::Io { path: folder.to_owned(), source: error.into() })?;
        Ok(Self {
            lines: BufReader::new(MultiGzDecoder::new(file)),
            folder: opened,
            lines_left: MAX_ENTRIES * 2,
            line: Vec::new(),
            segment: Vec::new(),
            given: 0,
            content: None,
        })
    }

    /// Goes to the next line; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.lines_left = self.lines_left.checked_sub(1).ok_or_else(|| malformed("it has too many lines"))?;
        self.lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(false);
        }
        if self.line.last() != Some(&b'\n') {
            return Err(malformed("a line is cut short or too long"));
        }
        let line: Line = serde_json::from_slice(&self.line).map_err(|error| malformed(&error.to_string()))?;
        match line.kind {
            2 => {
                let payload = line.payload.unwrap_or_default();
                self.segment.clear();
                self.given = 0;
                BASE64.decode_vec(payload, &mut self.segment).map_err(|error| malformed(&error.to_string()))?;
            }
            1 if line.size > 0 => {
                let name = match line.name_raw {
                    Some(raw) => BASE64.decode(raw).map_err(|error| malformed(&error.to_string()))?,
                    None => line.name.into_bytes(),
                };
                self.content = Some((self.open_file(&name, line.size)?, line.size));
            }
            1 => {}
            other => return Err(malformed(&format!("a line has the unknown type {other}"))),
        }
        Ok(true)
    }

    fn open_file(&self, name: &[u8], size: u64) -> io::Result<File> {
        let shown = || String::from_utf8_lossy(name).chars().take(160).collect::<String>();
        let refused = |source: io::Error| io::Error::other(SourceError::Io { path: shown().into(), source });
        let file = File::from(open_inside(&self.folder, name).map_err(refused)?);
        let metadata = file.metadata().map_err(refused)?;
        if !metadata.is_file() {
            return Err(malformed(&format!("`{}` is not a regular file", shown())));
        }
        if metadata.len() != size {
            return Err(io::Error::other(SourceError::SizeMismatch {
                what: format!("stored file `{}`", shown()),
                expected: size,
                actual: metadata.len(),
            }));
        }
        Ok(file)
    }
}

/// Opens a file of a layer's folder; links in it lead where they lead inside the image, never out of the folder.
fn open_inside(folder: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat2(folder, name, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS) {
        // Linux before 5.6, or a sandbox that does not know the call: step by step and through no link at all.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {}
        other => return Ok(other?),
    }
    let mut at = folder.as_fd().try_clone_to_owned()?;
    let mut parts = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).peekable();
    while let Some(part) = parts.next() {
        if part == b".." {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let step = if parts.peek().is_some() { OFlags::DIRECTORY } else { OFlags::empty() };
        at = openat(&at, part, flags | step | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(at)
}

fn malformed(detail: &str) -> io::Error {
    io::Error::other(SourceError::Malformed {
        what: "the store's record of the layer (tar-split)".into(),
        detail: detail.to_owned(),
    })
}

impl Read for TarSplit {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let rest = self.segment.get(self.given..).unwrap_or_default();
            if !rest.is_empty() {
                let n = rest.len().min(buffer.len());
                buffer.get_mut(..n).unwrap_or_default().copy_from_slice(rest.get(..n).unwrap_or_default());
                self.given += n;
                return Ok(n);
            }
            if let Some((file, left)) = &mut self.content {
                let room = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                let n = file.read(buffer.get_mut(..room).unwrap_or_default())?;
                *left -= n as u64;
                let done = *left == 0;
                if done {
                    self.content = None;
                } else if n == 0 {
                    return Err(malformed("a stored file was cut while it was read"));
                }
                return Ok(n);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}
