//! The running parser: what the next bytes of the stream are, and what becomes of them.

use super::header::{self, Format, RawHeader};
use super::pax::{Numbers, Records, SparseVersion};
use super::sparse::{MapProgress, SparseMap};
use super::{BLOCK, Block, End, EntryKind, Header, MAX_SPECIAL_BYTES, Sink, Span, TarError};

/// A push parser; feed it the stream with [`Parser::push`], then call [`Parser::finish`].
pub struct Parser {
    state: State,
    /// Bytes of the stream that were taken.
    offset: u64,
    /// A block that is split over windows, and how much of it is there.
    split: Block,
    split_filled: usize,
    /// Offset of the last header.
    header_at: u64,
    /// Offset of the first extended header of the next entry, where it has any.
    group_at: Option<u64>,
    /// The header of a sparse file while its map is read from blocks that follow it.
    held: Block,
    /// What extended headers say of the next entry.
    pending: Pending,
    map: SparseMap,
    /// Scratch for a name with a prefix.
    name: Vec<u8>,
}

#[derive(Default)]
struct Pending {
    records: Records,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
}

/// Extended headers: entries that describe the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Pax,
    Global,
    LongName,
    LongLink,
}

/// An entry that is about to be handed out, and how it lies in the archive.
#[derive(Clone, Copy)]
struct Upcoming {
    kind: EntryKind,
    uid: i64,
    gid: i64,
    mtime: i64,
    /// Stored bytes still to come.
    stored: u64,
    /// Bytes from their end to the next block.
    padding: u64,
    /// Length of the content with holes.
    logical: u64,
    /// Whether [`Parser::map`] tells where the stored bytes go.
    sparse: bool,
}

#[derive(Clone, Copy)]
enum State {
    Header,
    /// One block of zeros was read.
    HalfEnd,
    Special {
        kind: Special,
        left: u64,
        padding: u64,
    },
    /// Old GNU: blocks with more of the map follow the header.
    SparseBlocks(Upcoming),
    /// PAX 1.0: the map stands in front of the data.
    SparseText(Upcoming),
    Data {
        left: u64,
        padding: u64,
        sparse: bool,
    },
    Padding {
        left: u64,
    },
    End {
        trailing: u64,
    },
    /// The sink wanted no more.
    Stopped,
    Failed(TarError),
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
            split: [0; BLOCK],
            split_filled: 0,
            header_at: 0,
            group_at: None,
            held: [0; BLOCK],
            pending: Pending::default(),
            map: SparseMap::default(),
            name: Vec::new(),
        }
    }

    /// Feeds the next bytes of the stream.
    ///
    /// # Errors
    /// The first thing that Go's reader or both engines would refuse. Every later call gives the same error.
    pub fn push<S: Sink + ?Sized>(&mut self, window: &[u8], sink: &mut S) -> Result<(), TarError> {
        let mut rest = window;
        while !rest.is_empty() {
            match self.step(rest, sink) {
                Ok(used) => rest = rest.get(used..).unwrap_or_default(),
                Err(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When it ends inside an entry or a header, and what [`Parser::push`] failed with.
    pub fn finish(&mut self) -> Result<End, TarError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::End { trailing } => Ok(End { marked: true, trailing }),
            // Go takes an end between entries, also inside the padding of the last one.
            State::Stopped | State::Padding { .. } => Ok(End { marked: false, trailing: 0 }),
            State::Header | State::HalfEnd if self.split_filled == 0 => Ok(End { marked: false, trailing: 0 }),
            _ => Err(TarError::Cut { at: self.offset }),
        }
    }

    /// Whether the end mark was read: nothing that follows is looked at.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::End { .. })
    }

    /// Takes some of `rest`, which is not empty; returns how much.
    fn step<S: Sink + ?Sized>(&mut self, rest: &[u8], sink: &mut S) -> Result<usize, TarError> {
        let (left, padding) = match self.state {
            State::Header | State::HalfEnd | State::SparseBlocks(_) | State::SparseText(_) => {
                return self.take_block(rest, sink);
            }
            State::Failed(error) => return Err(error),
            State::Stopped => return Ok(rest.len()),
            State::End { trailing } => {
                self.state = State::End { trailing: trailing + rest.len() as u64 };
                return Ok(rest.len());
            }
            State::Padding { left } => (left, 0),
            State::Special { left, padding, .. } | State::Data { left, padding, .. } => (left, padding),
        };
        let n = clamp(left, rest);
        let (bytes, left) = (rest.get(..n).unwrap_or_default(), left - n as u64);
        self.offset += n as u64;
        match self.state {
            State::Special { kind, .. } => {
                self.pending.extend(kind, bytes);
                self.state = State::Special { kind, left, padding };
                if left == 0 {
                    self.finish_special(kind, padding)?;
                }
            }
            State::Data { sparse, .. } => {
                if sparse {
                    self.map.deliver(bytes, sink)
                } else {
                    sink.data(bytes)
                }
                self.state = State::Data { left, padding, sparse };
                if left == 0 {
                    self.finish_data(padding, sparse, sink);
                }
            }
            _ => self.pad(left),
        }
        Ok(n)
    }

    /// Takes a block in place, or piece by piece where it is split over windows.
    fn take_block<S: Sink + ?Sized>(&mut self, rest: &[u8], sink: &mut S) -> Result<usize, TarError> {
        if self.split_filled == 0
            && let Some(block) = rest.first_chunk()
        {
            self.offset += BLOCK as u64;
            self.on_block(block, sink)?;
            return Ok(BLOCK);
        }
        let n = (BLOCK - self.split_filled).min(rest.len());
        let room = self.split.get_mut(self.split_filled..self.split_filled + n).unwrap_or_default();
        room.copy_from_slice(rest.get(..n).unwrap_or_default());
        self.split_filled += n;
        self.offset += n as u64;
        if self.split_filled == BLOCK {
            self.split_filled = 0;
            let block = self.split;
            self.on_block(&block, sink)?;
        }
        Ok(n)
    }

    fn on_block<S: Sink + ?Sized>(&mut self, block: &Block, sink: &mut S) -> Result<(), TarError> {
        match self.state {
            State::SparseBlocks(upcoming) => {
                let (entries, more) = header::gnu_sparse_extension(block);
                let progress = self.map.add_old(entries, BLOCK as u64, more);
                self.on_map(progress, State::SparseBlocks(upcoming), upcoming, sink)
            }
            State::SparseText(upcoming) => {
                // The map's blocks are part of the stored bytes.
                let stored =
                    upcoming.stored.checked_sub(BLOCK as u64).ok_or(TarError::Sparse { at: self.header_at })?;
                let upcoming = Upcoming { stored, ..upcoming };
                let progress = self.map.add_text(block);
                self.on_map(progress, State::SparseText(upcoming), upcoming, sink)
            }
            State::HalfEnd if header::is_zero(block) => {
                self.state = State::End { trailing: 0 };
                Ok(())
            }
            State::HalfEnd => Err(TarError::HalfEnd { at: self.header_at }),
            _ => self.on_header(block, sink),
        }
    }

    fn on_header<S: Sink + ?Sized>(&mut self, block: &Block, sink: &mut S) -> Result<(), TarError> {
        self.header_at = self.offset - BLOCK as u64;
        if header::is_zero(block) {
            self.state = State::HalfEnd;
            return Ok(());
        }
        let raw = RawHeader::parse(block, self.header_at)?;
        match raw.type_flag {
            b'x' => self.begin_special(Special::Pax, &raw),
            b'g' => self.begin_special(Special::Global, &raw),
            b'L' => self.begin_special(Special::LongName, &raw),
            b'K' => self.begin_special(Special::LongLink, &raw),
            _ => self.on_entry(block, &raw, sink),
        }
    }

    fn begin_special(&mut self, kind: Special, raw: &RawHeader<'_>) -> Result<(), TarError> {
        let at = self.header_at;
        self.group_at.get_or_insert(at);
        let size = length(raw.size, at)?;
        if size > MAX_SPECIAL_BYTES {
            return Err(TarError::too_long(at, size));
        }
        match kind {
            Special::Pax | Special::Global => self.pending.records.clear(),
            Special::LongName => self.pending.long_name.clear(),
            Special::LongLink => self.pending.long_link.clear(),
        }
        self.state = State::Special { kind, left: size, padding: padding(size) };
        if size == 0 {
            self.finish_special(kind, 0)?;
        }
        Ok(())
    }

    /// Puts a finished extended header to use.
    fn finish_special(&mut self, kind: Special, padding: u64) -> Result<(), TarError> {
        match kind {
            Special::Pax => self.pending.records.parse(self.header_at)?,
            Special::Global => {
                self.pending.records.parse(self.header_at)?;
                // Go hands a global header out as an entry of its own and forgets what came before it.
                self.pending.clear();
                self.group_at = None;
            }
            Special::LongName => cut_at_nul(&mut self.pending.long_name),
            Special::LongLink => cut_at_nul(&mut self.pending.long_link),
        }
        self.pad(padding);
        Ok(())
    }

    /// A header that is an entry: settles its kind, size and sparse map before it is handed out.
    fn on_entry<S: Sink + ?Sized>(&mut self, block: &Block, raw: &RawHeader<'_>, sink: &mut S) -> Result<(), TarError> {
        let at = self.header_at;
        self.map.clear();
        let mut upcoming = self.settle(raw)?;
        if raw.type_flag == b'S' {
            return self.on_gnu_sparse(block, raw, upcoming, sink);
        }
        let Some(version) = self.pending.records.sparse_version() else { return self.hand_out(raw, upcoming, sink) };
        if !upcoming.kind.has_content() {
            return Err(TarError::Sparse { at });
        }
        upcoming.sparse = true;
        upcoming.logical = self.pending.records.sparse_size(at)?.unwrap_or(upcoming.stored);
        match version {
            SparseVersion::InData => {
                self.held = *block;
                self.state = State::SparseText(upcoming);
                Ok(())
            }
            SparseVersion::InHeader => {
                self.pending.records.sparse_pairs(self.map.parts()).ok_or(TarError::Sparse { at })?;
                self.hand_out(raw, upcoming, sink)
            }
        }
    }

    /// The kind and numbers of an entry, those of PAX records before the header's own.
    fn settle(&mut self, raw: &RawHeader<'_>) -> Result<Upcoming, TarError> {
        let at = self.header_at;
        // Before Go knows the kind it refuses a negative size of all types but those that never have content.
        if !matches!(raw.type_flag, b'1'..=b'6') {
            length(raw.size, at)?;
        }
        let Numbers { size, uid, gid } = self.pending.records.numbers(at)?;
        let names_folder = || self.pending.path(raw, &mut self.name).ends_with(b"/");
        let kind = raw.kind(names_folder).ok_or(TarError::Kind { at, kind: raw.type_flag })?;
        let stored = if kind.has_content() { length(size.unwrap_or(raw.size), at)? } else { 0 };
        Ok(Upcoming {
            kind,
            uid: uid.unwrap_or(raw.uid),
            gid: gid.unwrap_or(raw.gid),
            mtime: raw.mtime,
            stored,
            padding: padding(stored),
            logical: stored,
            sparse: false,
        })
    }

    fn on_gnu_sparse<S: Sink + ?Sized>(
        &mut self,
        block: &Block,
        raw: &RawHeader<'_>,
        upcoming: Upcoming,
        sink: &mut S,
    ) -> Result<(), TarError> {
        let at = self.header_at;
        // STAR uses the same type for another layout.
        if raw.format != Format::Gnu {
            return Err(TarError::Sparse { at });
        }
        let logical = raw.gnu_real_size().ok_or(TarError::Field { at, field: "real size" })?;
        let upcoming = Upcoming { logical, sparse: true, ..upcoming };
        self.held = *block;
        let (entries, more) = raw.gnu_sparse();
        let progress = self.map.add_old(entries, header::GNU_SPARSE_BYTES, more);
        self.on_map(progress, State::SparseBlocks(upcoming), upcoming, sink)
    }

    /// A sparse map was read on: waits in `more` for the rest, or hands out the header that was held back.
    fn on_map<S: Sink + ?Sized>(
        &mut self,
        progress: MapProgress,
        more: State,
        upcoming: Upcoming,
        sink: &mut S,
    ) -> Result<(), TarError> {
        let at = self.header_at;
        match progress {
            MapProgress::More => {
                self.state = more;
                Ok(())
            }
            MapProgress::TooLong => Err(TarError::too_long(at, MAX_SPECIAL_BYTES + 1)),
            MapProgress::Malformed => Err(TarError::Sparse { at }),
            MapProgress::Complete => {
                let held = self.held;
                self.hand_out(&RawHeader::parse(&held, at)?, upcoming, sink)
            }
        }
    }

    fn hand_out<S: Sink + ?Sized>(
        &mut self,
        raw: &RawHeader<'_>,
        upcoming: Upcoming,
        sink: &mut S,
    ) -> Result<(), TarError> {
        let at = self.header_at;
        if upcoming.sparse && !self.map.check(upcoming.logical, upcoming.stored) {
            return Err(TarError::Sparse { at });
        }
        let kind = upcoming.kind;
        let span = Span {
            start: self.group_at.take().unwrap_or(at),
            content: self.offset,
            end: self.offset.saturating_add(upcoming.stored).saturating_add(upcoming.padding),
        };
        let sparse_name = self.pending.records.sparse_name().filter(|_| upcoming.sparse && raw.type_flag != b'S');
        let header = Header {
            path: sparse_name.unwrap_or_else(|| self.pending.path(raw, &mut self.name)),
            link_target: if matches!(kind, EntryKind::HardLink | EntryKind::Symlink) {
                self.pending.link_target(raw)
            } else {
                b""
            },
            kind,
            size: upcoming.logical,
            mode: u32::try_from(raw.mode & 0o7777).unwrap_or(0),
            uid: owner(upcoming.uid),
            gid: owner(upcoming.gid),
            mtime: upcoming.mtime,
            capability: self.pending.records.capability(),
            span,
        };
        let flow = sink.entry(&header);
        self.pending.clear();
        if flow.is_break() {
            self.state = State::Stopped;
            return Ok(());
        }
        let Upcoming { stored, padding, sparse, .. } = upcoming;
        self.state = State::Data { left: stored, padding, sparse };
        if stored == 0 {
            self.finish_data(padding, sparse, sink);
        }
        Ok(())
    }

    fn finish_data<S: Sink + ?Sized>(&mut self, padding: u64, sparse: bool, sink: &mut S) {
        if sparse {
            self.map.finish(sink);
        }
        sink.end_entry();
        self.pad(padding);
    }

    fn pad(&mut self, left: u64) {
        self.state = if left == 0 { State::Header } else { State::Padding { left } };
    }
}

impl Pending {
    /// Forgets everything; the memory stays.
    fn clear(&mut self) {
        self.records.clear();
        self.long_name.clear();
        self.long_link.clear();
    }

    fn extend(&mut self, kind: Special, bytes: &[u8]) {
        match kind {
            Special::Pax | Special::Global => self.records.extend(bytes),
            Special::LongName => self.long_name.extend_from_slice(bytes),
            Special::LongLink => self.long_link.extend_from_slice(bytes),
        }
    }

    /// The name of the entry: a GNU long name before a PAX path before the header's own, as in Go.
    fn path<'n>(&'n self, raw: &RawHeader<'n>, joined: &'n mut Vec<u8>) -> &'n [u8] {
        match self.records.path() {
            _ if !self.long_name.is_empty() => &self.long_name,
            Some(path) => path,
            None => raw.name(joined),
        }
    }

    /// The target of a link, in the same order.
    fn link_target<'n>(&'n self, raw: &RawHeader<'n>) -> &'n [u8] {
        match self.records.link_path() {
            _ if !self.long_link.is_empty() => &self.long_link,
            Some(path) => path,
            None => raw.link_name(),
        }
    }
}

/// A length that must not be negative.
fn length(stated: i64, at: u64) -> Result<u64, TarError> {
    u64::try_from(stated).map_err(|_| TarError::Field { at, field: "size" })
}

/// An owner as the kernel takes it: `chown` has 32 bits, and -1 leaves the owner as it is, which is the engine itself.
fn owner(stated: i64) -> u64 {
    const LEAVE: u64 = 0xffff_ffff;
    match stated.cast_unsigned() & LEAVE {
        LEAVE => 0,
        id => id,
    }
}

fn cut_at_nul(text: &mut Vec<u8>) {
    text.truncate(header::until_nul(text).len());
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// As much of `rest` as belongs to the `left` bytes.
pub(super) fn clamp(left: u64, rest: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(rest.len())
}
