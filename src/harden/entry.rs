//! Entries that we write, and layers made of them.
//!
//! Headers are USTAR with PAX records for what does not fit there (POSIX.1-2024 `pax`): long or foreign names, extended attributes. The same entries give the same bytes.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::HardenError;
use super::stage::{LayerWriter, Packing, Stage, StagedLayer};
use crate::facts::FilePath;

/// Length of a block of a tar stream.
const BLOCK: usize = 512;

/// Longest name in a USTAR header without its prefix.
const NAME_BYTES: usize = 100;

/// An entry to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewEntry {
    /// Normalised path.
    pub path: FilePath,
    /// What it is.
    pub kind: NewKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: u64,
    /// Extended attributes by name: `security.capability`, `user.note`.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewKind {
    /// A file.
    File(NewContent),
    /// A folder.
    Directory,
    /// A symbolic link to this target, as it is to be written.
    Symlink(Vec<u8>),
    /// Another name of a file of the same layer that was written before.
    HardLink(FilePath),
    /// Nothing of the lower layers is left at this path.
    Whiteout,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewContent {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// A file of this length, such as one of [`Stage::file`].
    File(PathBuf, u64),
    /// A part of a file that holds many contents.
    Part {
        /// The file.
        file: SharedFile,
        /// Where the part begins.
        at: u64,
        /// Its length in bytes.
        length: u64,
    },
}

/// A temporary file whose parts are contents of entries; it goes when nobody holds it any more.
#[derive(Clone, Debug)]
pub struct SharedFile(pub Arc<File>);

impl PartialEq for SharedFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedFile {}

impl PartialOrd for SharedFile {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedFile {
    /// Files have no order of their own; entries differ by their paths first.
    fn cmp(&self, other: &Self) -> Ordering {
        Arc::as_ptr(&self.0).cmp(&Arc::as_ptr(&other.0))
    }
}

impl NewContent {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, length) | Self::Part { length, .. } => *length,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl NewEntry {
    /// Root's own entry without attributes.
    #[must_use]
    pub fn new(path: &[u8], kind: NewKind, mode: u32, mtime: u64) -> Self {
        Self { path: FilePath::new(path), kind, mode, uid: 0, gid: 0, mtime, xattrs: Vec::new() }
    }

    /// With an owner.
    #[must_use]
    pub fn owned(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }

    /// Writes headers and content.
    ///
    /// # Errors
    /// When its content cannot be read or the layer not be written.
    pub fn write(&self, layer: &mut LayerWriter<'_>) -> Result<(), HardenError> {
        let mut headers = Vec::new();
        self.headers(&mut headers);
        layer.write(&headers)?;
        let NewKind::File(content) = &self.kind else { return Ok(()) };
        match content {
            NewContent::Bytes(bytes) => layer.write(bytes)?,
            NewContent::File(path, length) => copy(path, *length, layer)?,
            NewContent::Part { file, at, length } => copy_part(file, *at, *length, layer)?,
        }
        let padding = usize::try_from(content.len().wrapping_neg() % BLOCK as u64).unwrap_or(0);
        layer.write([0; BLOCK].get(..padding).unwrap_or_default())
    }

    /// The blocks in front of the content.
    pub(super) fn headers(&self, out: &mut Vec<u8>) {
        let (name, link) = (self.stored_name(), self.stored_link());
        let mut records = Vec::new();
        for (key, value) in [("path", name.as_slice()), ("linkpath", link)] {
            // Other bytes than ASCII in the header itself are read in different ways.
            if value.len() > NAME_BYTES || !value.is_ascii() {
                record(&mut records, key, value);
            }
        }
        for (attribute, value) in &self.xattrs {
            record(&mut records, &format!("SCHILY.xattr.{attribute}"), value);
        }
        if !records.is_empty() {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::XHeader);
            header.set_mode(0o644);
            header.set_size(records.len() as u64);
            put(header.as_old_mut().name.as_mut_slice(), b"PaxHeaders/entry");
            header.set_cksum();
            out.extend_from_slice(header.as_bytes());
            records.resize(records.len().next_multiple_of(BLOCK), 0);
            out.extend_from_slice(&records);
        }
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(self.entry_type());
        header.set_mode(self.mode);
        header.set_uid(u64::from(self.uid));
        header.set_gid(u64::from(self.gid));
        header.set_mtime(self.mtime);
        header.set_size(if let NewKind::File(content) = &self.kind { content.len() } else { 0 });
        put(header.as_old_mut().name.as_mut_slice(), &name);
        put(header.as_old_mut().linkname.as_mut_slice(), link);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
    }

    /// The path as it stands in the archive: folders end with a slash, whiteouts have their prefix.
    fn stored_name(&self) -> Vec<u8> {
        let path = self.path.as_bytes();
        match &self.kind {
            NewKind::Directory => [path, b"/"].concat(),
            NewKind::Whiteout => {
                let at = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
                let (folder, name) = path.split_at_checked(at).unwrap_or_default();
                [folder, b".wh.", name].concat()
            }
            _ => path.to_vec(),
        }
    }

    fn stored_link(&self) -> &[u8] {
        match &self.kind {
            NewKind::Symlink(target) => target,
            NewKind::HardLink(target) => target.as_bytes(),
            _ => b"",
        }
    }

    fn entry_type(&self) -> tar::EntryType {
        match &self.kind {
            NewKind::File(_) | NewKind::Whiteout => tar::EntryType::Regular,
            NewKind::Directory => tar::EntryType::Directory,
            NewKind::Symlink(_) => tar::EntryType::Symlink,
            NewKind::HardLink(_) => tar::EntryType::Link,
        }
    }
}

/// Two blocks of zeros.
pub(super) const END_MARK: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// A layer of these entries, in this order; folders must come before what is in them, and files before hard links to them.
///
/// # Errors
/// When a content cannot be read or the layer not be written.
pub fn layer_of<'a>(
    entries: impl IntoIterator<Item = &'a NewEntry>,
    stage: &Stage,
    packing: Packing,
) -> Result<StagedLayer, HardenError> {
    let mut layer = stage.layer(packing)?;
    for entry in entries {
        entry.write(&mut layer)?;
    }
    layer.write(&END_MARK)?;
    layer.finish()
}

fn copy_part(file: &SharedFile, at: u64, length: u64, layer: &mut LayerWriter<'_>) -> Result<(), HardenError> {
    let failed = |source| HardenError::Stage { path: std::env::temp_dir(), source };
    let mut window = vec![0; 64 << 10];
    let mut done = 0;
    while done < length {
        let n = usize::try_from(length - done).unwrap_or(usize::MAX).min(window.len());
        let piece = window.get_mut(..n).unwrap_or_default();
        file.0.read_exact_at(piece, at + done).map_err(failed)?;
        layer.write(piece)?;
        done += n as u64;
    }
    Ok(())
}

fn copy(path: &PathBuf, length: u64, layer: &mut LayerWriter<'_>) -> Result<(), HardenError> {
    let failed = |source| HardenError::Stage { path: path.clone(), source };
    let mut file = File::open(path).map_err(failed)?.take(length);
    let mut window = vec![0; 64 << 10];
    let mut left = length;
    while left > 0 {
        let n = file.read(&mut window).map_err(failed)?;
        if n == 0 {
            return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
        }
        layer.write(window.get(..n).unwrap_or_default())?;
        left -= n as u64;
    }
    Ok(())
}

/// A PAX record, whose length counts its own digits.
fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// As much of `bytes` as there is room for.
fn put(field: &mut [u8], bytes: &[u8]) {
    for (to, from) in field.iter_mut().zip(bytes) {
        *to = *from;
    }
}
