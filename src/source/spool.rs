//! A stream to a seekable file that nobody else can see, for what cannot be read in one direction: an archive on standard input, compressed, or from an engine.
//!
//! In: any reader, whose gzip or zstd compression is taken off on the way. Out: an unlinked temporary file, or an anonymous file in memory where no
//! folder can be written; neither outlives the process. Nothing here knows what the bytes are.

use std::fs::File;
use std::io::{Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SourceError;
use crate::digest::Hasher;
use crate::layer::LayerError;
use crate::layer::inflate::{Compression, Inflate, WINDOW_BYTES};

/// Most bytes that are put aside on disk. The largest published images (machine-learning weights) have about 50 GB.
pub(super) const MAX_SPOOL_BYTES: u64 = 64 << 30;

/// Most bytes that are put aside in memory, where there is no folder to write to.
const MAX_MEMORY_BYTES: u64 = 1 << 30;

/// A file of uncompressed bytes that can be read at any place: `file` itself where it is not compressed.
pub(super) fn seekable(file: File, what: &str) -> Result<File, SourceError> {
    let io = |source| SourceError::Io { path: PathBuf::from(what), source };
    let mut head = [0; 6];
    let mut length = 0;
    while let Some(room) = head.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read_at(room, length as u64).map_err(io)? {
            0 => break,
            n => length += n,
        }
    }
    match compression(head.get(..length).unwrap_or_default(), what)? {
        Compression::None => Ok(file),
        _ => inflate_into(Box::new(file), Spool::new(what)?),
    }
}

/// Puts a stream aside, uncompressed.
pub(super) fn spool(mut reader: Box<dyn Read + Send>, what: &str) -> Result<File, SourceError> {
    let io = |source| read_error(source, what);
    let mut head = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut head).map_err(io)?;
    let found = compression(&head, what)?;
    let mut whole = std::io::Cursor::new(head).chain(reader);
    let mut spool = Spool::new(what)?;
    if found != Compression::None {
        return inflate_into(Box::new(whole), spool);
    }
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        match whole.read(&mut window) {
            Ok(0) => return spool.finish(),
            Ok(n) => spool.write(window.get(..n).unwrap_or_default())?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
}

/// What a file's first bytes say; formats that other tools can read and we cannot are told by name.
fn compression(head: &[u8], what: &str) -> Result<Compression, SourceError> {
    let other = match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0] => "xz",
        [b'B', b'Z', b'h', ..] => "bzip2",
        _ => return Ok(Compression::detect(head)),
    };
    Err(SourceError::Malformed {
        what: format!("`{what}`"),
        detail: format!("it is compressed with {other}; decompress it first"),
    })
}

fn inflate_into(reader: Box<dyn Read + Send>, mut spool: Spool) -> Result<File, SourceError> {
    let what = spool.what.clone();
    let run = || -> Result<(), LayerError> {
        let mut inflate = Inflate::new(reader, Hasher::sha256(), None)?;
        let mut window = vec![0; WINDOW_BYTES];
        loop {
            match inflate.next_window(&mut window)? {
                0 => return inflate.finish().map(|_| ()),
                n => spool.write(window.get(..n).unwrap_or_default())?,
            }
        }
    };
    run().map_err(|error| match error {
        LayerError::Source(source) => source,
        LayerError::Read(source) => SourceError::Io { path: PathBuf::from(&what), source },
        other => SourceError::Malformed { what: format!("`{what}`"), detail: other.to_string() },
    })?;
    spool.finish()
}

/// A [`SourceError`] travels inside an I/O error of a source's own reader.
fn read_error(error: std::io::Error, what: &str) -> SourceError {
    match error.downcast::<SourceError>() {
        Ok(source) => source,
        Err(source) => SourceError::Io { path: PathBuf::from(what), source },
    }
}

/// A growing file with a limit.
struct Spool {
    file: File,
    limit: u64,
    written: u64,
    what: String,
}

impl Spool {
    fn new(what: &str) -> Result<Self, SourceError> {
        let on_disk = if std::env::var_os("TMPDIR").is_some() {
            tempfile::tempfile()
        } else {
            tempfile::tempfile_in("/var/tmp").or_else(|_| tempfile::tempfile())
        };
        let (file, limit) = match on_disk {
            Ok(file) => (file, MAX_SPOOL_BYTES),
            Err(_) => (
                memory_file().map_err(|source| SourceError::Io { path: "a temporary file".into(), source })?,
                MAX_MEMORY_BYTES,
            ),
        };
        Ok(Self { file, limit, written: 0, what: what.to_owned() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            return Err(SourceError::TooLarge { what: format!("`{}`", self.what), limit: self.limit });
        }
        self.file.write_all(bytes).map_err(|source| SourceError::Io { path: "a temporary file".into(), source })
    }

    fn finish(mut self) -> Result<File, SourceError> {
        self.file.rewind().map_err(|source| SourceError::Io { path: "a temporary file".into(), source })?;
        Ok(self.file)
    }
}

fn memory_file() -> std::io::Result<File> {
    let descriptor = rustix::fs::memfd_create("imgguard", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(File::from(descriptor))
}

/// A part of a file, read without moving the file's own position: several are read at once.
pub(super) struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Section {
    /// The `length` bytes from `offset`; a file that is shorter just ends.
    pub(super) fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { file, at: offset, end: offset.saturating_add(length) }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let n = self.file.read_at(buffer.get_mut(..room).unwrap_or_default(), self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The bytes of standard input from where it stands, as a seekable file: the file itself where it is one.
pub(super) fn standard_input() -> Result<File, SourceError> {
    use std::os::fd::AsFd as _;
    const NAME: &str = "standard input";
    let io = |source| SourceError::Io { path: Path::new(NAME).to_owned(), source };
    let mut file = File::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(io)?);
    let is_file = file.metadata().map_err(io)?.is_file();
    if is_file && file.stream_position().map_err(io)? == 0 {
        return seekable(file, NAME);
    }
    spool(Box::new(file), NAME)
}
