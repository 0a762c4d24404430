//! Go build information in ELF, PE and Mach-O programs: the modules that a Go binary was built from.
//!
//! Source: Go's `debug/buildinfo` and `runtime/debug` packages (formats before and after Go 1.18).

use std::io::{self, Read, Seek, SeekFrom};

use object::Endianness;
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use object::read::macho::{MachHeader, Section as _, Segment as _};
use object::read::pe::ImageNtHeaders;
use object::read::{ReadCache, ReadRef};

use super::{InspectError, Inspector, Meta, text};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::view::ReadAt as _;
use crate::layer::{Entry, FileView};

/// A Go program or library.
pub(super) struct GoBuildInfo;

static META: Meta = Meta {
    name: "language/go-binary",
    summary: "Go modules compiled into programs",
    required: false,
    doc: "**Reads** ELF, PE and thin Mach-O programs and shared libraries of up to 2 GiB.\n\n**Reports** the main module, every dependency \
          (the replacement where another module replaces it) and Go's own standard library as `stdlib`, as `go version -m` names them.\n\n**Cannot see** modules of programs built \
          without module mode, of packed programs (which are told) and of universal Mach-O files.\n\n**Since** 0.1.0",
};

/// Most bytes that one header table may have; Go programs have a few KiB of headers.
const MAX_TABLE_BYTES: usize = 4 << 20;

/// How much of a data segment is searched where no section names the place. Go's linker puts the record at its start, but a C linker may put other data before it.
const MAX_SEARCH_BYTES: u64 = 64 << 20;

/// How much of it is searched at once, a multiple of the record's alignment.
const CHUNK_BYTES: u64 = 1 << 20;

/// Longest module list. Kubernetes, with some 250 modules, has 30 KiB.
const MAX_STRING_BYTES: u64 = 8 << 20;

/// Marks the record; it stands at an address that is a multiple of 16.
const MAGIC: &[u8] = b"\xff Go buildinf:";

impl Inspector for GoBuildInfo {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, _entry: &Entry<'_>, head: &[u8]) -> bool {
        match head {
            // ET_EXEC and ET_DYN; an object file or core dump is no program.
            [0x7f, b'E', b'L', b'F', _, order, ..] => {
                matches!((order, head.get(16..18)), (1, Some([2 | 3, 0])) | (2, Some([0, 2 | 3])))
            }
            [b'M', b'Z', ..] => head.len() >= 64,
            [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
            _ => false,
        }
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let Some(program) = Program::parse(file) else { return Ok(()) };
        match program.build_info(file)? {
            Some(info) => facts.extend(packages(&info)),
            None if is_packed(file)? => {
                return Err(InspectError::Malformed("packed with UPX: what it was built from cannot be seen"));
            }
            None => {}
        }
        Ok(())
    }
}

/// Whether UPX's mark stands among the headers (its `l_info` in ELF, its section names in PE).
fn is_packed(file: &FileView<'_>) -> io::Result<bool> {
    let mut head = [0; 1024];
    let n = file.read_at(0, &mut head)?;
    let head = head.get(..n).unwrap_or_default();
    Ok([&b"UPX!"[..], b"UPX0\0"].iter().any(|mark| memchr::memmem::find(head, mark).is_some()))
}

/// What of a program's headers is needed: where the record may be, and where addresses are in the file.
struct Program {
    /// File ranges to search, most likely first: offset and length.
    searched: Vec<(u64, u64)>,
    /// Address, file offset and file length of each loaded part.
    parts: Vec<(u64, u64, u64)>,
}

/// The two texts of the record.
struct BuildInfo {
    go_version: String,
    modules: String,
}

/// Reads a view for the `object` crate and refuses to read tables that no honest program has.
struct Tables<'v> {
    view: &'v FileView<'v>,
    at: u64,
}

impl Read for Tables<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.view.read_at(self.at, buffer)?;
        self.at += n as u64;
        Ok(n)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if buffer.len() > MAX_TABLE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.view.read_exact_at(self.at, buffer)?;
        self.at += buffer.len() as u64;
        Ok(())
    }
}

impl Seek for Tables<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?,
            SeekFrom::End(by) => self.view.len().checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?,
        };
        Ok(self.at)
    }
}

impl Program {
    /// None where the headers are not those of a program that could be Go's: odd files with a program's first bytes are everywhere in images.
    fn parse(file: &FileView<'_>) -> Option<Self> {
        let cache = ReadCache::new(Tables { view: file, at: 0 });
        let mut magic = [0; 5];
        file.read_at(0, &mut magic).ok()?;
        match magic {
            [0x7f, b'E', b'L', b'F', 1] => Self::elf::<object::elf::FileHeader32<Endianness>, _>(&cache),
            [0x7f, b'E', b'L', b'F', 2] => Self::elf::<object::elf::FileHeader64<Endianness>, _>(&cache),
            [b'M', b'Z', ..] => Self::pe(&cache),
            [0xfe, 0xed, 0xfa, 0xce, _] | [0xce, 0xfa, 0xed, 0xfe, _] => {
                Self::macho::<object::macho::MachHeader32<Endianness>, _>(&cache)
            }
            _ => Self::macho::<object::macho::MachHeader64<Endianness>, _>(&cache),
        }
    }

    fn elf<'d, H: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(data: R) -> Option<Self> {
        let header = H::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let mut program = Self { searched: Vec::new(), parts: Vec::new() };
        for part in header.program_headers(endian, data).ok()? {
            if part.p_type(endian) == object::elf::PT_LOAD {
                let (offset, length) = part.file_range(endian);
                program.parts.push((part.p_vaddr(endian).into(), offset, length));
                if part.p_flags(endian).contains(object::elf::PF_W) {
                    program.searched.push((offset, length));
                }
            }
        }
        if let Ok(sections) = header.sections(endian, data) {
            let named = sections.iter().find(|section| sections.section_name(endian, section) == Ok(b".go.buildinfo"));
            if let Some(range) = named.and_then(|section| section.file_range(endian)) {
                program.searched = vec![range];
            }
        }
        Some(program)
    }

    fn pe<'d, R: ReadRef<'d>>(data: R) -> Option<Self> {
        let dos = object::pe::ImageDosHeader::parse(data).ok()?;
        let mut offset = dos.nt_headers_offset().into();
        let wide = object::read::pe::optional_header_magic(data).ok()? == object::pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC;
        let (base, sections) = if wide {
            let (headers, _) = object::pe::ImageNtHeaders64::parse(data, &mut offset).ok()?;
            (headers.optional_header.image_base.get(object::LittleEndian), headers.sections(data, offset).ok()?)
        } else {
            let (headers, _) = object::pe::ImageNtHeaders32::parse(data, &mut offset).ok()?;
            (headers.optional_header.image_base.get(object::LittleEndian).into(), headers.sections(data, offset).ok()?)
        };
        let mut program = Self { searched: Vec::new(), parts: Vec::new() };
        for section in sections.iter() {
            let (offset, length) = section.pe_file_range();
            let address = base + u64::from(section.virtual_address.get(object::LittleEndian));
            program.parts.push((address, offset.into(), length.into()));
            let flags = section.characteristics.get(object::LittleEndian);
            // Initialised, readable, writable and nothing else: Go's data section, as debug/buildinfo finds it.
            if flags & (object::pe::IMAGE_SCN_CNT_INITIALIZED_DATA | object::pe::IMAGE_SCN_MEM_WRITE)
                == object::pe::IMAGE_SCN_CNT_INITIALIZED_DATA | object::pe::IMAGE_SCN_MEM_WRITE
            {
                program.searched.push((offset.into(), length.into()));
            }
        }
        Some(program)
    }

    fn macho<'d, H: MachHeader<Endian = Endianness>, R: ReadRef<'d>>(data: R) -> Option<Self> {
        let header = H::parse(data, 0).ok()?;
        let endian = header.endian().ok()?;
        let mut program = Self { searched: Vec::new(), parts: Vec::new() };
        let mut commands = header.load_commands(endian, data, 0).ok()?;
        while let Ok(Some(command)) = commands.next() {
            let Ok(Some((segment, section_data))) = H::Segment::from_command(command) else { continue };
            let (offset, length) = segment.file_range(endian);
            program.parts.push((segment.vmaddr(endian).into(), offset, length));
            for section in segment.sections(endian, section_data).ok()? {
                if section.name() == b"__go_buildinfo" {
                    program.searched = section.file_range(endian, section.offset(endian).into()).into_iter().collect();
                    return Some(program);
                }
            }
            if segment.name() == b"__DATA" {
                program.searched.push((offset, length));
            }
        }
        Some(program)
    }

    /// The record, where there is one.
    fn build_info(&self, file: &FileView<'_>) -> Result<Option<BuildInfo>, InspectError> {
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

    fn decode(&self, file: &FileView<'_>, at: u64) -> Result<Option<BuildInfo>, InspectError> {
        let mut header = [0; 32];
        let whole = file.read_at(at, &mut header)? == header.len();
        let info = if whole { self.strings(file, at, &header)? } else { None };
        info.map(Some).ok_or(InspectError::Malformed("its Go build information is damaged"))
    }

    /// The two texts that the record's header leads to.
    fn strings(&self, file: &FileView<'_>, at: u64, header: &[u8; 32]) -> io::Result<Option<BuildInfo>> {
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
    fn pointed_string(&self, file: &FileView<'_>, address: u64, size: u8, big: bool) -> io::Result<Option<Vec<u8>>> {
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

    fn offset_of(&self, address: u64) -> Option<u64> {
        let part = self.parts.iter().find(|(start, _, length)| address >= *start && address - start < *length)?;
        part.1.checked_add(address - part.0)
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
fn inline_string(file: &FileView<'_>, at: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
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

fn read_string(file: &FileView<'_>, at: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
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
fn packages(info: &BuildInfo) -> Vec<Fact> {
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
