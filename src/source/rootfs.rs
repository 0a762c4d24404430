//! `dir:PATH`: the unpacked files of a root filesystem, and layers that an engine keeps as a folder.
//!
//! In: a folder. Out: for `dir:` an [`Image`] of one pseudo layer, and [`walk`], which gives a folder's entries to a [`Visitor`] as if they streamed from a layer: sorted by name, a folder
//! before what is in it. Every step goes from an open folder to a name in it and never through a symbolic link, so that a tree that changes meanwhile cannot lead out of itself. Devices, FIFOs and
//! sockets are not opened. A folder is pinned by no digest.
//!
//! overlayfs's own marks are given as the whiteouts that a layer would have: a character device 0/0, and the attribute `overlay.opaque` (Linux
//! `Documentation/filesystems/overlayfs.rst`; fuse-overlayfs's `user.fuseoverlayfs.opaque`). Each name of a hard-linked file is an entry with content.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, fstat, openat, readlinkat, statat};

use super::{Blobs, Content, Documents, Image, Layer, Manifest, Place, SourceError};
use crate::layer::inflate::WINDOW_BYTES;
use crate::layer::path::{MAX_PATH_BYTES, Whiteout, whiteout};
use crate::layer::{Entry, EntryKind, LayerError, MAX_ENTRIES, Visitor};
use crate::oci::{ImageConfig, Platform};

/// Deepest folder that is entered; each takes a file descriptor, of which a process commonly has 1024. Deepest seen in images: 35 (nested `node_modules`).
const MAX_DEPTH: usize = 128;

/// Most names of one folder, which are held to be sorted. The largest seen in images have 30 000.
const MAX_FOLDER_NAMES: usize = 1 << 20;

/// Longest attribute that is looked at: `security.capability` has at most 24 bytes, the overlay marks one.
const MAX_ATTRIBUTE_BYTES: usize = 64;

/// Attributes that say that a folder hides those below it, with the value `y`.
const OPAQUE: [&str; 3] = ["trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque"];

/// Why an entry of a folder was left out.
#[derive(Debug, thiserror::Error)]
enum Skip {
    /// The operating system says no.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
    /// Deeper than [`MAX_DEPTH`].
    #[error("folders are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More names than [`MAX_FOLDER_NAMES`].
    #[error("the folder has more than {MAX_FOLDER_NAMES} names")]
    TooWide,
    /// Longer than a path can be.
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    PathTooLong,
    /// Another file took its place, or it was cut.
    #[error("it changed while it was read")]
    Changed,
    /// A file with content whose name in a layer would be a whiteout.
    #[error("a name that begins with `.wh.` is a whiteout in a layer, but this is not an empty file")]
    WhiteoutName,
}

impl From<rustix::io::Errno> for Skip {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Opens a root filesystem as an image of one layer, without configuration; its CPU is not known.
///
/// # Errors
/// When `path` is no folder that can be opened.
pub fn open(path: &Path, reference: &str) -> Result<Image, SourceError> {
    open_root(path)?;
    let layer =
        Layer { digest: None, size: 0, media_type: String::new(), diff_id: None, place: Place::Tree(path.to_owned()) };
    let platform = Platform { os: "linux".into(), architecture: "unknown".into(), variant: String::new() };
    let manifest = Manifest {
        platform,
        digest: None,
        annotations: BTreeMap::new(),
        config: ImageConfig::default(),
        documents: Documents::default(),
        layers: vec![layer],
        listing: None,
    };
    Ok(Image {
        reference: reference.to_owned(),
        transport: "dir",
        digest: None,
        media_type: String::new(),
        annotations: BTreeMap::new(),
        index: None,
        offered: Vec::new(),
        manifests: vec![manifest],
        attached: Vec::new(),
        blobs: Arc::new(Trees),
    })
}

/// Gives trees as they are.
struct Trees;

impl Blobs for Trees {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        match &layer.place {
            Place::Tree(path) => Ok(Content::Tree(path.clone())),
            _ => Err(SourceError::NotFound { what: "a layer that is not a folder".into(), place: "dir".into() }),
        }
    }
}

fn open_root(path: &Path) -> Result<OwnedFd, SourceError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::NOENT => SourceError::NotFound { what: "folder".into(), place: path.display().to_string() },
        other => SourceError::Io { path: path.to_owned(), source: other.into() },
    })
}

/// Gives every entry below `root` to `visitor`. What could not be read goes to [`Visitor::skipped`]; the text is why the walk ended before all was seen, where it did.
///
/// # Errors
/// When the root itself cannot be opened.
pub fn walk(root: &Path, visitor: &mut dyn Visitor) -> Result<Option<String>, LayerError> {
    let folder = open_root(root)?;
    let mut walk = Walk { visitor, entries: 0, buffer: vec![0; WINDOW_BYTES] };
    if is_opaque(folder.as_fd()) {
        walk.mark(b".wh..wh..opq");
    }
    walk.folder(folder, &mut Vec::new(), 0);
    Ok((walk.entries > MAX_ENTRIES)
        .then(|| format!("the folder has more than {MAX_ENTRIES} entries; the others were not read")))
}

struct Walk<'v> {
    visitor: &'v mut dyn Visitor,
    entries: u64,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// All entries of an open folder whose path is `path`, which is as it was at the end.
    fn folder(&mut self, folder: OwnedFd, path: &mut Vec<u8>, depth: usize) {
        let names = match sorted_names(folder.as_fd()) {
            Ok(names) => names,
            Err(skip) => return self.skip(path, &skip),
        };
        let length = path.len();
        for name in names {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return;
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            if let Err(skip) = self.entry(folder.as_fd(), &name, path, depth) {
                self.skip(path, &skip);
            }
            path.truncate(length);
        }
    }

    fn entry(&mut self, folder: BorrowedFd<'_>, name: &[u8], path: &mut Vec<u8>, depth: usize) -> Result<(), Skip> {
        if path.len() > MAX_PATH_BYTES {
            return Err(Skip::PathTooLong);
        }
        let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if whiteout(path) != Whiteout::None && !(kind == FileType::RegularFile && stat.st_size == 0) {
            return Err(Skip::WhiteoutName);
        }
        match kind {
            FileType::Directory => self.enter(folder, name, path, depth),
            FileType::RegularFile => self.file(folder, name, path),
            FileType::Symlink => {
                let target = readlinkat(folder, name, Vec::new())?;
                self.visitor.entry(&Entry { link: target.as_bytes(), ..entry(path, EntryKind::Symlink, &stat) });
                self.visitor.end();
                Ok(())
            }
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                let at = path.len() - name.len();
                let marked = [path.get(..at).unwrap_or_default(), b".wh.", name].concat();
                self.mark(&marked);
                Ok(())
            }
            _ => {
                self.visitor.entry(&entry(path, EntryKind::Special, &stat));
                self.visitor.end();
                Ok(())
            }
        }
    }

    fn enter(&mut self, folder: BorrowedFd<'_>, name: &[u8], path: &mut Vec<u8>, depth: usize) -> Result<(), Skip> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(folder, name, flags, Mode::empty())?;
        let stat = fstat(&opened)?;
        self.visitor.entry(&entry(path, EntryKind::Directory, &stat));
        self.visitor.end();
        if is_opaque(opened.as_fd()) {
            self.mark(&[path.as_slice(), b"/.wh..wh..opq"].concat());
        }
        if !self.visitor.enters(path) {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(Skip::TooDeep);
        }
        self.folder(opened, path, depth + 1);
        Ok(())
    }

    fn file(&mut self, folder: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<(), Skip> {
        // Between the look and the opening the file may have become a FIFO.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = openat(folder, name, flags, Mode::empty())?;
        let stat = fstat(&opened)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Skip::Changed);
        }
        let mut value = [0; MAX_ATTRIBUTE_BYTES];
        let capability = attribute(opened.as_fd(), "security.capability", &mut value);
        let entry = Entry { capability, ..entry(path, EntryKind::File, &stat) };
        let mut left = entry.size;
        self.visitor.entry(&entry);
        let mut file = std::fs::File::from(opened);
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            match file.read(self.buffer.get_mut(..room).unwrap_or_default()) {
                Ok(0) => return Err(Skip::Changed),
                Ok(n) => {
                    self.visitor.data(self.buffer.get(..n).unwrap_or_default());
                    left -= n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.visitor.end();
        Ok(())
    }

    /// An empty file with the name of a whiteout.
    fn mark(&mut self, path: &[u8]) {
        self.visitor.entry(&Entry {
            path,
            kind: EntryKind::File,
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            link: b"",
            capability: None,
        });
        self.visitor.end();
    }

    fn skip(&mut self, path: &[u8], skip: &Skip) {
        self.visitor.skipped(path, &skip.to_string());
    }
}

fn entry<'a>(path: &'a [u8], kind: EntryKind, stat: &Stat) -> Entry<'a> {
    let size = if kind == EntryKind::File { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
    let (uid, gid) = (u64::from(stat.st_uid), u64::from(stat.st_gid));
    Entry { path, kind, size, mode: stat.st_mode & 0o7777, uid, gid, link: b"", capability: None }
}

fn sorted_names(folder: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Skip> {
    let mut names = Vec::new();
    for item in Dir::read_from(folder)? {
        let item = item?;
        let name = item.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        if names.len() == MAX_FOLDER_NAMES {
            return Err(Skip::TooWide);
        }
        names.push(name.to_vec());
    }
    names.sort_unstable();
    Ok(names)
}

fn is_opaque(folder: BorrowedFd<'_>) -> bool {
    let mut value = [0; MAX_ATTRIBUTE_BYTES];
    OPAQUE.iter().any(|name| attribute(folder, name, &mut value) == Some(b"y"))
}

/// An attribute's value; none where there is none, or none that fits.
fn attribute<'a>(file: BorrowedFd<'_>, name: &str, value: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = fgetxattr(file, name, &mut *value).ok()?;
    value.get(..length)
}
