//! Go build information: the modules that a Go program was built from.
//!
//! Source: Go's `debug/buildinfo` and `runtime/debug` packages (formats before and after Go 1.18).

use std::io;

use super::super::{InspectError, text};
use super::Program;
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{ReadAt as _, Slice};

/// How much of a data segment is searched where no section names the place. Go's linker puts the record at its start, but a C linker may put other data before it.
const MAX_SEARCH_BYTES: u64 = 64 << 20;

/// How much of it is searched at once, a multiple of the record's alignment.
const CHUNK_BYTES: u64 = 1 << 20;

/// Longest module list. Kubernetes, with some 250 modules, has 30 KiB.
const MAX_STRING_BYTES: u64 = 8 << 20;

/// Marks the record; it stands at an address that is a multiple of 16.
const MAGIC: &[u8] = b"\xff Go buildinf:";

/// The two texts of the record.
pub(super) struct BuildInfo {
    go_version: String,
    modules: String,
}

impl Program {
    /// The record, where there is one.
    pub(super) fn build_info(&self, file: Slice<'_>) -> Result<Option<BuildInfo>, InspectError> {
        let mut chunk = Vec::new();
        for (start, length) in &self.searched {
            let end = start.saturating_add((*length).min(MAX_SEARCH_BYTES)).min(file.len());
            let mut at = *start;
            while at < end {
                // The record's mark is aligned, so that it never goes over the end of a chunk.
                chunk.resize(usize::try_from(CHUNK_BYTES.min(end - at)).unwrap_or(0), 0);
                file.read_exact_at(at, &mut chunk)?;
                if let Some(mark) = memchr::memmem::find_iter(&chunk, MAGIC).find(|mark| mark % 16 == 0) {
                    return self.decode(file, at + mark as u64);
                }
                at += CHUNK_BYTES;
            }
        }
        Ok(None)
    }

    fn decode(&self, file: Slice<'_>, at: u64) -> Result<Option<BuildInfo>, InspectError> {
        let mut header = [0; 32];
        let whole = file.read_at(at, &mut header)? == header.len();
        let info = if whole { self.strings(file, at, &header)? } else { None };
        info.map(Some).ok_or(InspectError::Malformed("its Go build information is damaged"))
    }

    /// The two texts that the record's header leads to.
    fn strings(&self, file: Slice<'_>, at: u64, header: &[u8; 32]) -> io::Result<Option<BuildInfo>> {
        let (pointer_size, flags) = (header[14], header[15]);
        let (go_version, modules) = if flags & 2 != 0 {
            let Some((go_version, next)) = inline_string(file, at + 32)? else { return Ok(None) };
            let Some((modules, _)) = inline_string(file, next)? else { return Ok(None) };
            (go_version, modules)
        } else {
            let big = flags & 1 != 0;
            let Some(first) = pointer(&header[16..], pointer_size, big) else { return Ok(None) };
            let Some(second) =
                pointer(header.get(16 + usize::from(pointer_size)..).unwrap_or_default(), pointer_size, big)
            else {
                return Ok(None);
            };
            let Some(go_version) = self.pointed_string(file, first, pointer_size, big)? else { return Ok(None) };
            (go_version, self.pointed_string(file, second, pointer_size, big)?.unwrap_or_default())
        };
        if !go_version.starts_with(b"go") && !go_version.starts_with(b"devel") {
            return Ok(None);
        }
        Ok(Some(BuildInfo { go_version: text(&go_version), modules: text(unframed(&modules)) }))
    }

    /// A Go string header (address and length) at `address`.
    fn pointed_string(&self, file: Slice<'_>, address: u64, size: u8, big: bool) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; 16];
        let Some(at) = self.offset_of(address) else { return Ok(None) };
        let wanted = header.get_mut(..usize::from(size) * 2).unwrap_or_default();
        if file.read_at(at, wanted)? < wanted.len() {
            return Ok(None);
        }
        let data = pointer(&header, size, big).and_then(|data| self.offset_of(data));
        let length = pointer(header.get(usize::from(size)..).unwrap_or_default(), size, big);
        match (data, length) {
            (Some(data), Some(length)) if length <= MAX_STRING_BYTES => read_string(file, data, length),
            _ => Ok(None),
        }
    }
}

fn pointer(bytes: &[u8], size: u8, big: bool) -> Option<u64> {
    match (size, big) {
        (4, false) => Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into()),
        (4, true) => Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?).into()),
        (8, false) => Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)),
        (8, true) => Some(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?)),
        _ => None,
    }
}

/// A varint length and that many bytes; also where they end.
fn inline_string(file: Slice<'_>, at: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut prefix = [0; 10];
    let n = file.read_at(at, &mut prefix)?;
    let (mut length, mut used) = (0u64, 0u64);
    for (index, byte) in prefix.iter().take(n.min(5)).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        used += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if used == 0 || length > MAX_STRING_BYTES {
        return Ok(None);
    }
    let bytes = read_string(file, at + used, length)?;
    Ok(bytes.map(|bytes| (bytes, at + used + length)))
}

fn read_string(file: Slice<'_>, at: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    if at.checked_add(length).is_none_or(|end| end > file.len()) {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(at, &mut bytes)?;
    Ok(Some(bytes))
}

/// The module list stands between two 16-byte marks.
fn unframed(modules: &[u8]) -> &[u8] {
    let framed = modules.len() >= 33 && modules.get(modules.len() - 17) == Some(&b'\n');
    if framed { modules.get(16..modules.len() - 16).unwrap_or_default() } else { b"" }
}

/// The packages that a record names.
///
/// Source: Go's `runtime/debug.ParseBuildInfo`.
pub(super) fn packages(info: &BuildInfo) -> Vec<Fact> {
    let go = info.go_version.split_whitespace().next().unwrap_or_default();
    let stdlib = go.strip_prefix("go").map(|version| PackageFact::new(PackageKind::Go, "stdlib", version));
    let mut modules: Vec<(bool, &str, &str)> = Vec::new();
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next();
        let (Some(path), Some(version)) = (fields.next(), fields.next()) else { continue };
        match (kind, modules.last_mut()) {
            (Some("mod" | "dep"), _) if !path.is_empty() => modules.push((kind == Some("mod"), path, version)),
            // A replacement stands below what it replaces, and is what was compiled in. One in a folder has no name of its own.
            (Some("=>"), Some(last)) if !is_folder(path) => (last.1, last.2) = (path, version),
            _ => {}
        }
    }
    let fact = |(is_main, path, version): (bool, &str, &str)| {
        let package = PackageFact::new(PackageKind::Go, path, version);
        if is_main || version == DEVELOPMENT { Fact::Program(package) } else { Fact::Package(package) }
    };
    stdlib.map(Fact::Package).into_iter().chain(modules.into_iter().map(fact)).collect()
}

/// The version of a module that was built from a folder.
const DEVELOPMENT: &str = "(devel)";

/// Whether a replacement is a folder: module paths never begin so (Go modules reference, "`replace` directive").
fn is_folder(path: &str) -> bool {
    path.starts_with(['.', '/']) || path.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_modules_are_what_was_compiled_in() {
        let info = BuildInfo {
            go_version: "go1.22.3 X:boringcrypto".into(),
            modules: "path\texample.org/app\nmod\texample.org/app\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:=\n\
                      dep\ta.example/old\tv1.0.0\n=>\tb.example/new\tv1.2.0\th1:=\ndep\tc.example/near\tv1.1.0\n=>\t../near\t(devel)\t\n\
                      dep\td.example/work\t(devel)\t\nbuild\t-compiler=gc\n"
                .into(),
        };
        let shown: Vec<_> = packages(&info)
            .into_iter()
            .map(|fact| match fact {
                Fact::Package(package) => format!("{}@{}", package.name, package.version),
                Fact::Program(package) => format!("program {}@{}", package.name, package.version),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "stdlib@1.22.3",
                "program example.org/app@(devel)",
                "golang.org/x/net@v0.1.0",
                "b.example/new@v1.2.0",
                "c.example/near@v1.1.0",
                "program d.example/work@(devel)"
            ]
        );
    }
}
