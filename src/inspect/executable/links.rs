//! What an ELF file asks the dynamic loader for.
//!
//! Source: System V ABI, chapter 5 "Dynamic Section"; ld.so(8) for the search folders.

use crate::facts::loading::Linkage;
use crate::layer::{ReadAt as _, Slice};

use super::Program;

/// Most libraries and folders that are kept of one file; Debian's largest needs 120.
const MAX_NAMES: usize = 512;

/// Longest name or list of folders.
const MAX_NAME_BYTES: usize = 4096;

/// One of the dynamic section's entries that tell where a name is.
pub(super) enum Entry {
    /// A library (`DT_NEEDED`); its name's place in the string table.
    Needed(u64),
    /// Folders (`DT_RUNPATH`, `DT_RPATH`), likewise.
    Search(u64),
    /// Address of the string table (`DT_STRTAB`).
    Strings(u64),
}

/// The names that `program`'s dynamic section points to; what is cut short is left out, as the loader would refuse the file.
pub(super) fn linkage(program: &Program, file: Slice<'_>) -> Option<Linkage> {
    let strings = program.dynamic.iter().find_map(|entry| match entry {
        Entry::Strings(address) => program.offset_of(*address),
        _ => None,
    });
    let name = |at: &u64| Some(text(file, strings?.checked_add(*at)?, MAX_NAME_BYTES)).flatten();
    let interpreter = program
        .interpreter
        .and_then(|(at, length)| text(file, at, MAX_NAME_BYTES.min(usize::try_from(length).unwrap_or(usize::MAX))));
    let mut linkage = Linkage { interpreter, ..Linkage::default() };
    for entry in program.dynamic.iter().take(MAX_NAMES) {
        match entry {
            Entry::Needed(at) => linkage.needed.extend(name(at)),
            Entry::Search(at) => {
                let folders = name(at).unwrap_or_default();
                linkage.search.extend(folders.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned));
            }
            Entry::Strings(_) => {}
        }
    }
    (linkage != Linkage::default()).then_some(linkage)
}

/// The text at `at`, up to its zero.
fn text(file: Slice<'_>, at: u64, limit: usize) -> Option<String> {
    // Most names are short, so a little is read first.
    [64, MAX_NAME_BYTES].iter().find_map(|size| {
        let mut buffer = vec![0; limit.min(*size)];
        let read = file.read_at(at, &mut buffer).ok()?;
        let bytes = buffer.get(..read)?;
        let end = memchr::memchr(0, bytes)?;
        (end > 0).then(|| String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
    })
}
