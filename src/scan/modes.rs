//! What the mode, the owner and the attributes of an entry show.

use crate::facts::access::{Access, AccessNotes, GROUP_WRITES, Noted, OTHERS_WRITE};
use crate::facts::{FilePath, PrivilegedFile};
use crate::inspect::sensitive;
use crate::layer::{Entry, EntryKind};

/// Notes who may change or read an entry, where that may matter.
pub(super) fn note_access(notes: &mut AccessNotes, entry: &Entry<'_>) {
    notes.forget(entry.path);
    let noted = match entry.kind {
        EntryKind::Directory if entry.mode & (GROUP_WRITES | OTHERS_WRITE) != 0 || entry.uid != 0 => Noted::Folder,
        EntryKind::File | EntryKind::HardLink if is_sensitive(entry) => Noted::Sensitive,
        EntryKind::File | EntryKind::HardLink if entry.mode & OTHERS_WRITE != 0 => Noted::Writable,
        _ => return,
    };
    notes.note(entry.path, noted, access(entry));
}

/// An empty file holds nothing and gives no rights; a hard link has no size of its own.
fn is_sensitive(entry: &Entry<'_>) -> bool {
    sensitive::by_name(entry.path).is_some() && (entry.size > 0 || entry.kind == EntryKind::HardLink)
}

/// Notes a file in which a secret was found.
pub(super) fn note_secret_file(notes: &mut AccessNotes, entry: &Entry<'_>) {
    notes.note(entry.path, Noted::Sensitive, access(entry));
}

fn access(entry: &Entry<'_>) -> Access {
    Access { mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid }
}

/// What rights the entry gives to whoever runs it, if any.
pub(super) fn privileges(entry: &Entry<'_>) -> Option<PrivilegedFile> {
    let capabilities = entry.capability.map_or(0, permitted_capabilities);
    let set_id = entry.mode & 0o6000 != 0 && entry.mode & 0o111 != 0;
    let is_program = matches!(entry.kind, EntryKind::File | EntryKind::HardLink) && (set_id || capabilities != 0);
    is_program.then(|| PrivilegedFile {
        path: FilePath::new(entry.path),
        mode: entry.mode,
        uid: entry.uid,
        capabilities,
    })
}

/// The permitted set of a `security.capability` attribute (`struct vfs_cap_data`, revisions 1 to 3; Linux `include/uapi/linux/capability.h`).
fn permitted_capabilities(attribute: &[u8]) -> u64 {
    let word = |at: usize| attribute.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let low = u64::from(word(4));
    match word(0) >> 24 {
        1 => low,
        2 | 3 => low | u64::from(word(12)) << 32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_attribute() {
        // setcap cap_net_raw+ep: revision 2 with the effective bit, permitted bit 13.
        let attribute = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(permitted_capabilities(&attribute), 1 << 13);
        assert_eq!(permitted_capabilities(b"short"), 0);
    }
}
