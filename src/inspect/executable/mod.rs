//! ELF, PE and Mach-O programs: what their builds left in them ([`go`]'s modules and [`rust`]'s crates), and what ELF files ask the loader for ([`links`]).
//! Here are the headers.

mod go;
mod links;
mod rust;

use std::io::{self, Read, Seek, SeekFrom};

use object::Endianness;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _, SectionHeader as _};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section as _, Segment as _};
use object::read::pe::ImageNtHeaders;
use object::read::{ReadCache, ReadRef};

use super::{InspectError, Inspector, Meta};
use crate::facts::Fact;
use crate::facts::loading::Loading;
use crate::layer::{Entry, FileView, ReadAt as _, Slice};

/// A program or library.
pub(super) struct Executable;

static META: Meta = Meta {
    name: "language/program",
    summary: "Go modules and Rust crates compiled into programs, and the libraries that ELF files ask for",
    required: false,
    doc: "**Reads** ELF, PE and Mach-O programs and shared libraries of up to 2 GiB, each part of universal Mach-O files.\n\n**Reports** for Go the main module, every dependency \
          (the replacement where another module replaces it) and Go's own standard library as `stdlib`, as `go version -m` names them; for Rust the crates that `cargo auditable` recorded, \
          without those that only the build used; of ELF files the libraries that they need.\n\n**Cannot see** modules of Go programs built without module mode, crates of Rust programs built without `cargo auditable`, and \
          packed programs (which are told).\n\n**Since** 0.1.0",
};

/// Most bytes that one header table may have; Go programs have a few KiB of headers.
const MAX_TABLE_BYTES: usize = 4 << 20;

/// Most programs in a universal file. Class files begin with the same bytes, and have a version from 45 on in that place.
const MAX_PROGRAMS: u8 = 30;

impl Inspector for Executable {
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
            [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] => *count <= MAX_PROGRAMS,
            _ => false,
        }
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        for slice in slices(Slice::whole(file)) {
            for fact in compiled_in(slice)? {
                // The programs of a universal file are built from the same.
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
        }
        Ok(())
    }
}

/// What the build of one program recorded in it.
fn compiled_in(file: Slice<'_>) -> Result<Vec<Fact>, InspectError> {
    let Some(program) = Program::parse(file) else { return Ok(Vec::new()) };
    let mut facts = program.audit.map_or_else(|| Ok(Vec::new()), |place| rust::crates(file, place))?;
    facts.extend(links::linkage(&program, file).map(|linkage| Fact::Loading(Loading::Linked(linkage))));
    match program.build_info(file)? {
        Some(info) => facts.extend(go::packages(&info)),
        None if is_packed(file)? => {
            return Err(InspectError::Malformed("packed with UPX: what it was built from cannot be seen"));
        }
        None => {}
    }
    Ok(facts)
}

/// What an entry of the dynamic section says of names.
fn dynamic_entry<H: FileHeader<Endian = Endianness>>(entry: &H::Dyn, endian: Endianness) -> Option<links::Entry> {
    let value = entry.d_val(endian).into();
    match entry.d_tag(endian) {
        object::elf::DT_NEEDED => Some(links::Entry::Needed(value)),
        object::elf::DT_RUNPATH | object::elf::DT_RPATH => Some(links::Entry::Search(value)),
        object::elf::DT_STRTAB => Some(links::Entry::Strings(value)),
        _ => None,
    }
}

/// The programs of a universal Mach-O file, or the file itself.
///
/// Source: Apple's `mach-o/fat.h`.
fn slices(file: Slice<'_>) -> Vec<Slice<'_>> {
    let mut magic = [0; 4];
    let _ = file.read_at(0, &mut magic);
    let ranges = match magic {
        [0xca, 0xfe, 0xba, 0xbe] => ranges::<object::macho::FatArch32>(file),
        [0xca, 0xfe, 0xba, 0xbf] => ranges::<object::macho::FatArch64>(file),
        _ => return vec![file],
    };
    ranges.into_iter().map(|(start, length)| file.part(start, length)).collect()
}

fn ranges<F: FatArch>(file: Slice<'_>) -> Vec<(u64, u64)> {
    let cache = ReadCache::new(Tables { view: file, at: 0 });
    let universal = MachOFatFile::<F>::parse(&cache);
    universal.map_or_else(|_| Vec::new(), |universal| universal.arches().iter().map(F::file_range).collect())
}

/// Whether UPX's mark stands among the headers (its `l_info` in ELF, its section names in PE).
fn is_packed(file: Slice<'_>) -> io::Result<bool> {
    let mut head = [0; 1024];
    let n = file.read_at(0, &mut head)?;
    let head = head.get(..n).unwrap_or_default();
    Ok([&b"UPX!"[..], b"UPX0\0"].iter().any(|mark| memchr::memmem::find(head, mark).is_some()))
}

/// What of a program's headers is needed: where the records may be, and where addresses are in the file.
#[derive(Default)]
struct Program {
    /// File ranges to search for Go's record, most likely first: offset and length.
    searched: Vec<(u64, u64)>,
    /// The section with Rust's record.
    audit: Option<(u64, u64)>,
    /// Address, file offset and file length of each loaded part.
    parts: Vec<(u64, u64, u64)>,
    /// Of ELF: what the dynamic section points to.
    dynamic: Vec<links::Entry>,
    /// Of ELF: where the loader's name is.
    interpreter: Option<(u64, u64)>,
}

/// Reads a view for the `object` crate and refuses to read tables that no honest program has.
struct Tables<'v> {
    view: Slice<'v>,
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
    /// None where the headers are not those of a program: odd files with a program's first bytes are everywhere in images.
    fn parse(file: Slice<'_>) -> Option<Self> {
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
        let mut program = Self::default();
        for part in header.program_headers(endian, data).ok()? {
            if part.p_type(endian) == object::elf::PT_LOAD {
                let (offset, length) = part.file_range(endian);
                program.parts.push((part.p_vaddr(endian).into(), offset, length));
                if part.p_flags(endian).contains(object::elf::PF_W) {
                    program.searched.push((offset, length));
                }
            }
            if part.p_type(endian) == object::elf::PT_INTERP {
                program.interpreter = Some(part.file_range(endian));
            }
            if let Ok(Some(dynamic)) = part.dynamic(endian, data) {
                program.dynamic = dynamic.iter().filter_map(|entry| dynamic_entry::<H>(entry, endian)).collect();
            }
        }
        if let Ok(sections) = header.sections(endian, data) {
            let named = |name: &[u8]| {
                let section = sections.iter().find(|section| sections.section_name(endian, section) == Ok(name));
                section.and_then(|section| section.file_range(endian))
            };
            if let Some(range) = named(b".go.buildinfo") {
                program.searched = vec![range];
            }
            program.audit = named(rust::SECTION);
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
        let mut program = Self::default();
        for section in sections.iter() {
            let (offset, length) = section.pe_file_range();
            let address = base + u64::from(section.virtual_address.get(object::LittleEndian));
            program.parts.push((address, offset.into(), length.into()));
            if section.raw_name() == rust::SECTION {
                program.audit = Some((offset.into(), length.into()));
            }
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
        let mut program = Self::default();
        let mut named = None;
        let mut commands = header.load_commands(endian, data, 0).ok()?;
        while let Ok(Some(command)) = commands.next() {
            let Ok(Some((segment, section_data))) = H::Segment::from_command(command) else { continue };
            let (offset, length) = segment.file_range(endian);
            program.parts.push((segment.vmaddr(endian).into(), offset, length));
            for section in segment.sections(endian, section_data).ok()? {
                let range = section.file_range(endian, section.offset(endian).into());
                match section.name() {
                    b"__go_buildinfo" => named = range,
                    rust::SECTION => program.audit = range,
                    _ => {}
                }
            }
            if segment.name() == b"__DATA" {
                program.searched.push((offset, length));
            }
        }
        if let Some(range) = named {
            program.searched = vec![range];
        }
        Some(program)
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let part = self.parts.iter().find(|(start, _, length)| address >= *start && address - start < *length)?;
        part.1.checked_add(address - part.0)
    }
}

#[cfg(test)]
mod tests;
