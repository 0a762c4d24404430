//! One entry of a layer, as an inspector sees it, whether it came from a tar stream or from a folder.

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// A file with content.
    File,
    /// Another name of a file in the same layer; [`Entry::link`] is its normalised path.
    HardLink,
    /// A symbolic link; [`Entry::link`] is its target as written.
    Symlink,
    /// A folder.
    Directory,
    /// A character or block device, a FIFO.
    Special,
}

/// The metadata of one entry. Paths are bytes: Linux file names need not be UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Normalised path without a leading slash: no `.`, no `..`, no empty part, no NUL.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// Length of the content in bytes; 0 for all but files.
    pub size: u64,
    /// Permission bits with setuid (0o4000), setgid (0o2000) and sticky (0o1000).
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// Target of a link, empty otherwise.
    pub link: &'a [u8],
    /// The raw `security.capability` attribute, where the entry has one.
    pub capability: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        match memchr::memrchr(b'/', self.path) {
            Some(slash) => self.path.get(slash + 1..).unwrap_or_default(),
            None => self.path,
        }
    }

    /// Whether it is a file with content.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}
