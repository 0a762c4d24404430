//! Git's objects: what a checkout that was copied into an image still knows of every commit.
//!
//! Sources: gitformat-pack(5) (versions 2 and 3), gitformat-loose(5).

mod delta;
mod pack;

pub(super) use pack::{Pack, is_pack};

use std::io::{BufRead, Read};

use sha1::{Digest as _, Sha1};

use super::NestedError;

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// Trees hold names only, and those of the files that are still there are paths of the image.
    pub(super) fn has_text(self) -> bool {
        self != Self::Tree
    }
}

/// Longest header of an object: the longest kind, a space, 20 digits and a zero.
const MAX_HEADER_BYTES: u64 = 28;

/// Whether a file of this name and beginning is a loose object: a zlib stream (RFC 1950) in `objects/ab/cdef…`.
pub(super) fn is_loose(path: &[u8], head: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let is_hex = |part: Option<&[u8]>, lengths: [usize; 2]| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.iter().all(u8::is_ascii_hexdigit))
    };
    // The rest of a SHA-1 or SHA-256.
    let is_named = is_hex(parts.next(), [38, 62]) && is_hex(parts.next(), [2, 2]) && parts.next() == Some(b"objects");
    let is_zlib = head.first_chunk::<2>().is_some_and(|first| first[0] == 0x78 && u16::from_be_bytes(*first) % 31 == 0);
    is_named && is_zlib
}

/// Reads the header in front of a loose object's content.
pub(super) fn loose_header(content: &mut impl BufRead) -> Result<Kind, NestedError> {
    let mut header = Vec::new();
    content.take(MAX_HEADER_BYTES).read_until(0, &mut header)?;
    let kinds = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];
    let is = |kind: &Kind| header.strip_prefix(kind.name().as_bytes()).is_some_and(|rest| rest.starts_with(b" "));
    let kind = kinds.into_iter().find(is);
    kind.filter(|_| header.ends_with(b"\0")).ok_or(NestedError::Damaged("git object"))
}

/// Bytes of an object's name. Packs of repositories with SHA-256 look the same but for the names in them, which are no longer found then.
const ID_BYTES: usize = 20;

/// An object's name.
fn id(kind: Kind, content: &[u8]) -> [u8; ID_BYTES] {
    let mut hasher = Sha1::new();
    hasher.update(format!("{} {}\0", kind.name(), content.len()));
    hasher.update(content);
    hasher.finalize().into()
}

/// A name as git shows it.
fn hex(id: [u8; ID_BYTES]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
