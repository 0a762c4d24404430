//! The tar archive of a package to its members, each with its content in the spool and its digest.
//!
//! The parser is the one that reads layers, so what it refuses is refused here. Beyond that a package has to name every member once, below the root, and to have nothing but files, links and
//! folders.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

use md5::Md5;
use sha1::Sha1;
use sha2::Digest as _;

use super::{Body, MAX_UNPACKED_BYTES};
use crate::facts::FilePath;
use crate::layer::path;
use crate::layer::tar::{EntryKind, Header, Parser, Sink, TarError};

const WINDOW_BYTES: usize = 64 << 10;

/// Most members of a package: Debian's largest (kernel headers, icon themes) have some 100,000.
const MAX_MEMBERS: usize = 1_000_000;

/// Contents of files, one after the other.
pub(super) struct Spool {
    file: File,
    length: u64,
}

impl Spool {
    /// One in an empty file, or in an unlinked temporary one.
    pub(super) fn over(file: File) -> Self {
        Self { file, length: 0 }
    }

    pub(super) fn temporary() -> io::Result<Self> {
        Ok(Self::over(tempfile::tempfile()?))
    }

    /// The content of a file, which the caller knows to be small.
    pub(super) fn read(&self, body: &Body) -> io::Result<Vec<u8>> {
        match body {
            Body::Bytes(bytes) => Ok(bytes.clone()),
            Body::Spooled { at, length } => {
                let mut bytes = vec![0; usize::try_from(*length).unwrap_or(0)];
                self.file.read_exact_at(&mut bytes, *at)?;
                Ok(bytes)
            }
        }
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// Which digest the package manager records of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recorded {
    /// dpkg's.
    Md5,
    /// apk's.
    Sha1,
}

/// One member of a package.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Normalised path; empty for the root itself.
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: i64,
    pub(super) capability: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A file, with its digest.
    File(Body, Vec<u8>),
    /// Another name of an earlier member, whose normalised path this is.
    HardLink(Vec<u8>),
    /// Its target.
    Symlink(Vec<u8>),
    Directory,
}

/// Why a package's archive is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    #[error("its archive is damaged: {0}")]
    Tar(#[from] TarError),
    #[error("its archive cannot be unpacked: {0}")]
    Read(#[from] io::Error),
    #[error("it has `{0}`, which leads out of the root or is no path")]
    Escape(FilePath),
    #[error("it has `{0}` twice")]
    Twice(FilePath),
    #[error("it has the device or FIFO `{0}`")]
    Special(FilePath),
    #[error("it has more than {MAX_MEMBERS} members")]
    TooMany,
    #[error("it unpacks to more than {0} bytes")]
    TooLarge(u64),
}

/// Reads a tar stream to its end; contents go to `spool`, which bounds them together with those of other packages.
pub(super) fn members(
    stream: &mut dyn Read,
    recorded: Recorded,
    spool: &mut Spool,
) -> Result<Vec<Member>, UnpackError> {
    let mut parser = Parser::new();
    let mut taker = Taker { recorded, spool, open: None, found: Vec::new(), seen: BTreeSet::new(), failed: None };
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        let length = match stream.read(&mut window) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        parser.push(window.get(..length).unwrap_or_default(), &mut taker)?;
        if let Some(error) = taker.failed.take() {
            return Err(error);
        }
    }
    parser.finish()?;
    taker.failed.map_or(Ok(taker.found), Err)
}

struct Taker<'s> {
    recorded: Recorded,
    spool: &'s mut Spool,
    /// A file whose content comes now: where it begins, and its digest so far.
    open: Option<(u64, Hash)>,
    found: Vec<Member>,
    seen: BTreeSet<Vec<u8>>,
    failed: Option<UnpackError>,
}

enum Hash {
    Md5(Md5),
    Sha1(Sha1),
}

impl Taker<'_> {
    fn begin(&mut self, header: &Header<'_>) -> Result<(), UnpackError> {
        let path = inside(header.path)?;
        if self.found.len() >= MAX_MEMBERS {
            return Err(UnpackError::TooMany);
        }
        if !self.seen.insert(path.clone()) {
            return Err(UnpackError::Twice(FilePath::new(&path)));
        }
        let kind = match header.kind {
            EntryKind::Regular => {
                let hash = match self.recorded {
                    Recorded::Md5 => Hash::Md5(Md5::new()),
                    Recorded::Sha1 => Hash::Sha1(Sha1::new()),
                };
                self.open = Some((self.spool.length, hash));
                Kind::File(Body::Spooled { at: self.spool.length, length: 0 }, Vec::new())
            }
            EntryKind::HardLink => Kind::HardLink(inside(header.link_target)?),
            EntryKind::Symlink => Kind::Symlink(header.link_target.to_vec()),
            EntryKind::Directory => Kind::Directory,
            EntryKind::CharDevice | EntryKind::BlockDevice | EntryKind::Fifo => {
                return Err(UnpackError::Special(FilePath::new(&path)));
            }
        };
        let capability = header.capability.map(<[u8]>::to_vec);
        self.found.push(Member {
            path,
            kind,
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
            mtime: header.mtime,
            capability,
        });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), UnpackError> {
        let Some((_, hash)) = &mut self.open else { return Ok(()) };
        match hash {
            Hash::Md5(hash) => hash.update(bytes),
            Hash::Sha1(hash) => hash.update(bytes),
        }
        self.spool.length += bytes.len() as u64;
        if self.spool.length > MAX_UNPACKED_BYTES {
            return Err(UnpackError::TooLarge(MAX_UNPACKED_BYTES));
        }
        Ok(self.spool.file.write_all(bytes)?)
    }

    fn zeros(&mut self, length: u64) -> Result<(), UnpackError> {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut left = length;
        while left > 0 {
            let n = left.min(ZEROS.len() as u64);
            self.write(ZEROS.get(..usize::try_from(n).unwrap_or(0)).unwrap_or_default())?;
            left -= n;
        }
        Ok(())
    }

    fn note(&mut self, outcome: Result<(), UnpackError>) {
        if let Err(error) = outcome {
            self.failed.get_or_insert(error);
        }
    }
}

impl Sink for Taker<'_> {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        let outcome = self.begin(header);
        self.note(outcome);
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn data(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            let outcome = self.write(bytes);
            self.note(outcome);
        }
    }

    fn hole(&mut self, length: u64) {
        if self.failed.is_none() {
            let outcome = self.zeros(length);
            self.note(outcome);
        }
    }

    fn end_entry(&mut self) {
        let Some((start, hash)) = self.open.take() else { return };
        let sum = match hash {
            Hash::Md5(hash) => hash.finalize().to_vec(),
            Hash::Sha1(hash) => hash.finalize().to_vec(),
        };
        if let Some(Member { kind: kind @ Kind::File(..), .. }) = self.found.last_mut() {
            *kind = Kind::File(Body::Spooled { at: start, length: self.spool.length - start }, sum);
        }
    }
}

/// A name of a package as a path of the image; one with `..` is no honest package's.
fn inside(name: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let mut normal = Vec::new();
    let climbs = name.split(|byte| *byte == b'/').any(|part| part == b"..");
    if climbs || name.is_empty() || path::normalise(name, &mut normal).is_err() {
        return Err(UnpackError::Escape(FilePath::new(name)));
    }
    Ok(normal)
}
