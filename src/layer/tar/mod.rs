//! A push parser for tar streams that borrows file contents from the window it is fed and holds nothing else.
//!
//! In: windows of any length, down to single bytes. Out: calls of a [`Sink`] in the order of the stream. The truth is what a container engine unpacks, and Docker and
//! containerd unpack with Go's `archive/tar`: what its `Reader` accepts is accepted here with the same names and sizes, what it rejects is a [`TarError`]. Global
//! PAX headers are skipped, as both engines do.
//!
//! Sources: Go 1.26 `archive/tar` (`reader.go`, `strconv.go`, `format.go`); POSIX.1-2024 `pax`; GNU tar manual, "Sparse formats".

mod header;
mod pax;
mod sparse;

use std::ops::ControlFlow;

use header::{Block, Format};
use pax::Records;
use sparse::{MapText, SparseMap};

/// Length of a block; everything in a tar stream is padded to it.
const BLOCK: usize = 512;

/// Longest PAX header, long name or sparse map: Go's `maxSpecialFileSize`.
const MAX_SPECIAL_BYTES: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A file with content.
    Regular,
    /// Another name of an earlier file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A folder.
    Directory,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A FIFO.
    Fifo,
}

/// One entry. Names are as the archive has them, not yet normalised.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Name.
    pub path: &'a [u8],
    /// Target of a link, empty otherwise.
    pub link_target: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// Length of the content in bytes, holes included.
    pub size: u64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Numeric owner; a negative one is 0.
    pub uid: u64,
    /// Numeric group; a negative one is 0.
    pub gid: u64,
    /// The `security.capability` attribute.
    pub capability: Option<&'a [u8]>,
}

/// Sees the entries of a stream in order: `entry`, then `data` and `hole` in turn for its content, then `end_entry`.
pub trait Sink {
    /// A new entry begins; `Break` stops the parser, which then takes no more input.
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()>;
    /// The next bytes of the content.
    fn data(&mut self, bytes: &[u8]);
    /// The next `length` bytes of the content are zeros that the archive does not hold.
    fn hole(&mut self, length: u64);
    /// The entry is complete.
    fn end_entry(&mut self);
}

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Whether there was an end mark (Go accepts a stream that just ends between entries).
    pub marked: bool,
    /// Bytes after the end mark, which no engine looks at.
    pub trailing: u64,
}

/// Why a stream is not one that an engine unpacks. `at` is the offset in the stream, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The checksum of a header does not fit.
    #[error("header at byte {at} has a wrong checksum")]
    Checksum {
        /// Where.
        at: u64,
    },
    /// A number of a header cannot be read, or a length is negative.
    #[error("header at byte {at} has an invalid {field}")]
    Field {
        /// Where.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// A type that engines do not unpack.
    #[error("header at byte {at} has the type {kind:#04x}, which engines refuse")]
    Kind {
        /// Where.
        at: u64,
        /// The type flag.
        kind: u8,
    },
    /// One block of zeros and then something else.
    #[error("the end mark at byte {at} is only half there")]
    HalfEnd {
        /// Where.
        at: u64,
    },
    /// A malformed PAX record.
    #[error("PAX header at byte {at} is malformed")]
    Pax {
        /// Where.
        at: u64,
    },
    /// A PAX header, long name or sparse map over 1 MiB.
    #[error("extended header at byte {at} has {size} bytes; more than {limit} are refused")]
    TooLong {
        /// Where.
        at: u64,
        /// Its length.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A sparse map that contradicts itself or the data.
    #[error("sparse map of the entry at byte {at} is malformed")]
    Sparse {
        /// Where.
        at: u64,
    },
    /// The stream ends inside an entry.
    #[error("the stream is cut short at byte {at}")]
    Cut {
        /// Where.
        at: u64,
    },
}

/// The running parser.
pub struct Parser {
    state: State,
    /// Bytes of the stream so far.
    offset: u64,
    /// A block that is split over windows.
    block: [u8; BLOCK],
    block_filled: usize,
    /// The header being worked on, where a sparse map follows it.
    header: Block,
    header_at: u64,
    /// What extended headers say of the next entry.
    pending: Pending,
    /// Text of the extended header being read.
    special: Vec<u8>,
    name: Vec<u8>,
}

#[derive(Default)]
struct Pending {
    records: Records,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Pax,
    Global,
    LongName,
    LongLink,
}

enum State {
    Header,
    /// One block of zeros was read.
    HalfEnd,
    Special { kind: Special, left: u64, padding: u64 },
    /// Old GNU: blocks with more of the map follow the header.
    SparseBlocks { map: SparseMap, physical: u64, logical: u64 },
    /// PAX 1.0: the map stands in front of the data.
    SparseText { text: MapText, physical: u64, read: u64, logical: u64 },
    Data { left: u64, padding: u64, map: Option<SparseMap> },
    Padding { left: u64 },
    End { trailing: u64 },
    Stopped,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Header,
            offset: 0,
            block: [0; BLOCK],
            block_filled: 0,
            header: Block::default(),
            header_at: 0,
            pending: Pending::default(),
            special: Vec::new(),
            name: Vec::new(),
        }
    }

    /// Feeds the next bytes of the stream.
    ///
    /// # Errors
    /// The first thing that Go's reader would refuse; the parser is then of no further use.
    pub fn push(&mut self, window: &[u8], sink: &mut dyn Sink) -> Result<(), TarError> {
        let mut rest = window;
        while !rest.is_empty() {
            let used = self.step(rest, sink)?;
            self.offset += used as u64;
            rest = rest.get(used..).unwrap_or_default();
            self.finish_special()?;
            self.settle(sink);
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When it ends inside an entry.
    pub fn finish(&mut self) -> Result<End, TarError> {
        match self.state {
            State::End { trailing } => Ok(End { marked: true, trailing }),
            State::Stopped => Ok(End { marked: false, trailing: 0 }),
            // Go reads the padding of the last entry as far as it goes.
            State::Header | State::HalfEnd if self.block_filled == 0 => Ok(End { marked: false, trailing: 0 }),
            State::Padding { .. } => Ok(End { marked: false, trailing: 0 }),
            _ => Err(TarError::Cut { at: self.offset }),
        }
    }

    /// Takes some of `rest`; returns how much.
    fn step(&mut self, rest: &[u8], sink: &mut dyn Sink) -> Result<usize, TarError> {
        match &mut self.state {
            State::Header => self.with_block(rest, |parser, block| parser.on_header(block, sink)),
            State::HalfEnd => self.with_block(rest, |parser, block| {
                if !block.is_zero() {
                    return Err(TarError::HalfEnd { at: parser.offset });
                }
                parser.state = State::End { trailing: 0 };
                Ok(())
            }),
            State::Special { left, .. } => {
                let n = clamp(*left, rest);
                *left -= n as u64;
                self.special.extend_from_slice(rest.get(..n).unwrap_or_default());
                Ok(n)
            }
            State::SparseBlocks { .. } => self.with_block(rest, |parser, block| parser.on_sparse_block(block, sink)),
            State::SparseText { .. } => self.with_block(rest, |parser, block| parser.on_sparse_text(block, sink)),
            State::Data { left, map, .. } => {
                let n = clamp(*left, rest);
                *left -= n as u64;
                let bytes = rest.get(..n).unwrap_or_default();
                match map {
                    None => sink.data(bytes),
                    Some(map) => map.deliver(bytes, sink),
                }
                Ok(n)
            }
            State::Padding { left } => {
                let n = clamp(*left, rest);
                *left -= n as u64;
                Ok(n)
            }
            State::End { trailing } => {
                *trailing += rest.len() as u64;
                Ok(rest.len())
            }
            State::Stopped => Ok(rest.len()),
        }
    }

    /// Leaves states that have nothing left to read.
    fn settle(&mut self, sink: &mut dyn Sink) {
        if let State::Data { left: 0, padding, map } = &mut self.state {
            if let Some(map) = map {
                map.finish(sink);
            }
            sink.end_entry();
            self.state = State::Padding { left: *padding };
        }
        if let State::Padding { left: 0 } = self.state {
            self.state = State::Header;
        }
    }

    /// Calls `then` once a whole block is there; copies one block, which costs nothing beside the checksum.
    fn with_block(
        &mut self,
        rest: &[u8],
        then: impl FnOnce(&mut Self, &Block) -> Result<(), TarError>,
    ) -> Result<usize, TarError> {
        let n = (BLOCK - self.block_filled).min(rest.len());
        let room = self.block.get_mut(self.block_filled..self.block_filled + n).unwrap_or_default();
        room.copy_from_slice(rest.get(..n).unwrap_or_default());
        self.block_filled += n;
        if self.block_filled == BLOCK {
            self.block_filled = 0;
            let block = Block(self.block);
            self.offset += n as u64;
            let outcome = then(self, &block);
            self.offset -= n as u64;
            outcome?;
        }
        Ok(n)
    }

    fn on_header(&mut self, block: &Block, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.offset - BLOCK as u64;
        if block.is_zero() {
            self.state = State::HalfEnd;
            return Ok(());
        }
        if !block.checksum_fits() {
            return Err(TarError::Checksum { at });
        }
        self.header = block.clone();
        self.header_at = at;
        block.check_numbers(at)?;
        let special = match block.type_flag() {
            b'x' => Special::Pax,
            b'g' => Special::Global,
            b'L' => Special::LongName,
            b'K' => Special::LongLink,
            _ => return self.on_entry(sink),
        };
        let size = block.size(at)?;
        if size > MAX_SPECIAL_BYTES {
            return Err(TarError::TooLong { at, size, limit: MAX_SPECIAL_BYTES });
        }
        self.special.clear();
        self.state = State::Special { kind: special, left: size, padding: padding(size) };
        Ok(())
    }

    /// Puts a finished extended header to use.
    fn finish_special(&mut self) -> Result<(), TarError> {
        let State::Special { kind, left: 0, padding } = self.state else { return Ok(()) };
        let until_nul = |text: &[u8]| text.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        match kind {
            Special::Pax => self.pending.records = Records::parse(&self.special, self.header_at)?,
            Special::Global => {
                // Go hands a global header out as an entry of its own and forgets what came before it.
                Records::parse(&self.special, self.header_at)?.check(self.header_at)?;
                self.pending = Pending::default();
            }
            Special::LongName => self.pending.long_name = until_nul(&self.special),
            Special::LongLink => self.pending.long_link = until_nul(&self.special),
        }
        self.state = if padding == 0 { State::Header } else { State::Padding { left: padding } };
        Ok(())
    }

    /// A header that is an entry: settles its size and sparse map before it is handed out.
    fn on_entry(&mut self, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.header_at;
        let header_only = is_header_only(self.header.type_flag());
        if !header_only {
            self.header.size(at)?;
        }
        let records = &self.pending.records;
        records.check(at)?;
        let stated = match records.size(at)? {
            Some(size) => size,
            None => self.header.size_or_negative(at)?,
        };
        let physical = if header_only { 0 } else { u64::try_from(stated).map_err(|_| TarError::Field { at, field: "size" })? };
        let logical = u64::try_from(stated).unwrap_or(0);
        if self.header.type_flag() == b'S' {
            return self.on_gnu_sparse(physical, sink);
        }
        let Some(version) = records.sparse_version() else { return self.hand_out(physical, logical, None, sink) };
        let logical = records.sparse_size(at)?.unwrap_or(logical);
        if header_only {
            return Err(TarError::Sparse { at });
        }
        if version == pax::SparseVersion::InData {
            self.state = State::SparseText { text: MapText::default(), physical, read: 0, logical };
            return Ok(());
        }
        let map = SparseMap::from_pairs(&records.sparse_pairs(at)?, logical).ok_or(TarError::Sparse { at })?;
        self.hand_out(physical, logical, Some(map), sink)
    }

    fn on_gnu_sparse(&mut self, physical: u64, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.header_at;
        if self.header.format() != Format::Gnu {
            return Err(TarError::Sparse { at });
        }
        let logical = self.header.gnu_real_size().and_then(|size| u64::try_from(size).ok()).ok_or(TarError::Field { at, field: "real size" })?;
        let mut map = SparseMap::default();
        map.add_entries(self.header.gnu_sparse_entries()).ok_or(TarError::Sparse { at })?;
        if self.header.gnu_is_extended() {
            self.state = State::SparseBlocks { map, physical, logical };
            return Ok(());
        }
        self.hand_out_sparse(map, physical, logical, sink)
    }

    fn on_sparse_block(&mut self, block: &Block, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.header_at;
        let State::SparseBlocks { map, physical, logical } = std::mem::replace(&mut self.state, State::Stopped) else { return Ok(()) };
        let mut map = map;
        map.add_entries(block.extension_entries()).ok_or(TarError::Sparse { at })?;
        if map.stored_bytes() > MAX_SPECIAL_BYTES {
            return Err(TarError::TooLong { at, size: map.stored_bytes(), limit: MAX_SPECIAL_BYTES });
        }
        if block.extension_is_extended() {
            self.state = State::SparseBlocks { map, physical, logical };
            return Ok(());
        }
        self.hand_out_sparse(map, physical, logical, sink)
    }

    fn on_sparse_text(&mut self, block: &Block, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.header_at;
        let State::SparseText { text, physical, read, logical } = std::mem::replace(&mut self.state, State::Stopped) else { return Ok(()) };
        let mut text = text;
        let read = read + BLOCK as u64;
        // The map's blocks are part of the data.
        if read > physical {
            return Err(TarError::Cut { at: self.offset });
        }
        if read > MAX_SPECIAL_BYTES {
            return Err(TarError::TooLong { at, size: read, limit: MAX_SPECIAL_BYTES });
        }
        let Some(pairs) = text.push(&block.0).ok_or(TarError::Sparse { at })? else {
            self.state = State::SparseText { text, physical, read, logical };
            return Ok(());
        };
        let map = SparseMap::from_pairs(&pairs, logical).ok_or(TarError::Sparse { at })?;
        self.hand_out_at(physical - read, padding(physical), logical, Some(map), sink)
    }

    fn hand_out_sparse(&mut self, map: SparseMap, physical: u64, logical: u64, sink: &mut dyn Sink) -> Result<(), TarError> {
        let map = map.checked(logical).ok_or(TarError::Sparse { at: self.header_at })?;
        self.hand_out(physical, logical, Some(map), sink)
    }

    fn hand_out(&mut self, physical: u64, logical: u64, map: Option<SparseMap>, sink: &mut dyn Sink) -> Result<(), TarError> {
        self.hand_out_at(physical, padding(physical), logical, map, sink)
    }

    fn hand_out_at(&mut self, left: u64, padding: u64, logical: u64, map: Option<SparseMap>, sink: &mut dyn Sink) -> Result<(), TarError> {
        let at = self.header_at;
        // A map that asks for more or less data than there is makes Go's reader fail while the file is copied.
        if map.as_ref().is_some_and(|map| map.data_bytes() != left) {
            return Err(TarError::Sparse { at });
        }
        let pending = std::mem::take(&mut self.pending);
        self.header.name(&mut self.name);
        let records = &pending.records;
        let mut path = records.path().unwrap_or(&self.name);
        if !pending.long_name.is_empty() {
            path = &pending.long_name;
        }
        // `typeflag` NUL is decided by the name before the sparse name replaces it.
        let kind = self.header.kind(path).ok_or(TarError::Kind { at, kind: self.header.type_flag() })?;
        if map.is_some() {
            path = records.sparse_name().unwrap_or(path);
        }
        let mut link_target = records.link_path().unwrap_or_else(|| self.header.link_name());
        if !pending.long_link.is_empty() {
            link_target = &pending.long_link;
        }
        let (uid, gid) = (records.uid(at)?.unwrap_or(self.header.uid()), records.gid(at)?.unwrap_or(self.header.gid()));
        let header = Header {
            path,
            link_target: if matches!(kind, EntryKind::HardLink | EntryKind::Symlink) { link_target } else { b"" },
            kind,
            size: if kind == EntryKind::Regular { logical } else { 0 },
            mode: self.header.mode(),
            uid: u64::try_from(uid).unwrap_or(0),
            gid: u64::try_from(gid).unwrap_or(0),
            capability: records.capability(),
        };
        let flow = sink.entry(&header);
        self.name.clear();
        self.state = if flow.is_break() { State::Stopped } else { State::Data { left, padding, map } };
        Ok(())
    }
}

/// Types whose size field means nothing (Go's `isHeaderOnly`).
fn is_header_only(type_flag: u8) -> bool {
    matches!(type_flag, b'1'..=b'6')
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn clamp(left: u64, rest: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(rest.len())
}
