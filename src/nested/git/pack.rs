//! Packs: many objects in one file, most of them as deltas to others of it.
//!
//! Objects are read in the order of the file, which needs no index. The object that a delta is made for is found by the distance to it and put together
//! anew unless it is among the last ones; that costs time, which counts against the layer's allowance, and no memory.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};

use super::delta;
use super::{ID_BYTES, Kind, hex, id};
use crate::layer::{ReadAt as _, Slice};
use crate::nested::{Allowance, NestedError};

/// Magic, version and number of objects.
const HEADER_BYTES: u64 = 12;

/// Longest entry header: type and length, then the distance to a base.
const MAX_ENTRY_HEADER: usize = 32;

/// Largest object that is put together from deltas, and largest delta. Git itself makes none of files over 512 MiB (`core.bigFileThreshold`); secrets are in far smaller ones.
const MAX_OBJECT: usize = 4 << 20;

/// Most deltas from an object to its base: git's own limit (`--depth` of git-pack-objects).
const MAX_CHAIN: usize = 4095;

/// Bytes of deltas of one chain, and of objects that were put together last.
const MAX_CHAIN_BYTES: usize = 4 << 20;
const CACHE_BYTES: usize = 4 << 20;

/// Most objects whose place is kept by their name; with room for the table 5 MB. A delta to one that came after them cannot be read, which is told.
const MAX_NAMES: usize = 100_000;

const INPUT_BYTES: usize = 32 << 10;

/// The first bytes are those of a pack that can be read.
pub(in crate::nested) fn is_pack(head: &[u8]) -> bool {
    head.starts_with(b"PACK\0\0\0\x02") || head.starts_with(b"PACK\0\0\0\x03")
}

/// How an entry is stored.
enum Stored {
    Whole(Kind),
    /// As a delta to the entry that begins so many bytes before it.
    Delta {
        distance: u64,
    },
    /// As a delta to an object that only its name tells: in packs of old servers, and of clients that do not understand distances.
    Named([u8; ID_BYTES]),
}

struct EntryHeader {
    stored: Stored,
    size: u64,
    /// Where its stream begins.
    content: u64,
}

/// An object of a pack.
pub(in crate::nested) struct Object {
    pub(in crate::nested) kind: Kind,
    /// Its name, in hex.
    pub(in crate::nested) id: String,
    pub(in crate::nested) content: Rc<Vec<u8>>,
}

/// A pack that is read from its start.
pub(in crate::nested) struct Pack<'s> {
    source: Slice<'s>,
    at: u64,
    left: u32,
    cache: VecDeque<(u64, Kind, Rc<Vec<u8>>)>,
    cached_bytes: usize,
    /// Where the objects that were read begin.
    places: HashMap<[u8; ID_BYTES], u64>,
}

const DAMAGED: NestedError = NestedError::Damaged("git pack");

impl<'s> Pack<'s> {
    pub(in crate::nested) fn open(source: Slice<'s>) -> Result<Self, NestedError> {
        let mut header = [0; HEADER_BYTES as usize];
        source.read_exact_at(0, &mut header).map_err(|_| DAMAGED)?;
        let count = header.last_chunk::<4>().map_or(0, |count| u32::from_be_bytes(*count));
        let (cache, places) = (VecDeque::new(), HashMap::new());
        Ok(Self { source, at: HEADER_BYTES, left: count, cache, cached_bytes: 0, places })
    }

    /// The next object, or why it could not be read; none at the end, and after an entry that cannot be passed over.
    pub(in crate::nested) fn next(&mut self, allowance: &mut Allowance) -> Option<Result<Object, NestedError>> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        let read = self.read(at, allowance);
        if read.is_err() && self.at == at {
            self.left = 0;
        }
        Some(read.map(|(kind, content)| {
            let id = id(kind, &content);
            if self.places.len() < MAX_NAMES {
                self.places.insert(id, at);
            }
            Object { kind, id: hex(id), content }
        }))
    }

    /// Where the object begins that the entry at `at` is a delta to; none of an entry that is whole.
    fn base(&self, at: u64, stored: &Stored) -> Result<Option<u64>, NestedError> {
        match stored {
            Stored::Whole(_) => Ok(None),
            Stored::Delta { distance } => at.checked_sub(*distance).map(Some).ok_or(DAMAGED),
            // One in front of what is read, so that no chain comes back to where it was.
            Stored::Named(id) => {
                let place = self.places.get(id).copied().filter(|place| *place < at);
                place.map(Some).ok_or(NestedError::Damaged("git pack's base"))
            }
        }
    }

    /// Reads the entry at `at`, the next one.
    fn read(&mut self, at: u64, allowance: &mut Allowance) -> Result<(Kind, Rc<Vec<u8>>), NestedError> {
        allowance.member()?;
        let header = self.header(at)?;
        let (content, end) = self.inflate(&header, allowance)?;
        self.at = end;
        let content = content.ok_or(NestedError::TooLarge(MAX_OBJECT as u64))?;
        let (kind, content) = match (self.base(at, &header.stored)?, header.stored) {
            (Some(base), _) => {
                let (kind, base) = self.resolve(base, content.len(), allowance)?;
                (kind, self.apply(&base, &content, allowance)?)
            }
            (None, Stored::Whole(kind)) => (kind, content),
            (None, _) => return Err(DAMAGED),
        };
        Ok((kind, self.remember(at, kind, content)))
    }

    /// The object at `at`, put together from its base and the deltas between them, `held` bytes of which are in memory.
    fn resolve(&mut self, at: u64, held: usize, allowance: &mut Allowance) -> Result<(Kind, Rc<Vec<u8>>), NestedError> {
        let (mut at, mut held) = (at, held);
        let mut chain = Vec::new();
        let (kind, mut object) = loop {
            if let Some((_, kind, content)) = self.cache.iter().find(|(place, ..)| *place == at) {
                break (*kind, content.clone());
            }
            let header = self.header(at)?;
            let content = self.inflate(&header, allowance)?.0.ok_or(NestedError::TooLarge(MAX_OBJECT as u64))?;
            if let Stored::Whole(kind) = header.stored {
                break (kind, self.remember(at, kind, content));
            }
            held += content.len();
            chain.push((at, content));
            if held > MAX_CHAIN_BYTES || chain.len() > MAX_CHAIN {
                return Err(NestedError::TooLarge(MAX_CHAIN_BYTES as u64));
            }
            at = self.base(at, &header.stored)?.ok_or(DAMAGED)?;
        };
        while let Some((at, delta)) = chain.pop() {
            let made = self.apply(&object, &delta, allowance)?;
            object = self.remember(at, kind, made);
        }
        Ok((kind, object))
    }

    fn apply(&self, base: &[u8], delta: &[u8], allowance: &mut Allowance) -> Result<Vec<u8>, NestedError> {
        let made = delta::apply(base, delta, MAX_OBJECT).ok_or(NestedError::Damaged("git delta"))?;
        allowance.charge(made.len() as u64)?;
        Ok(made)
    }

    /// Keeps an object for the deltas that follow.
    fn remember(&mut self, at: u64, kind: Kind, content: Vec<u8>) -> Rc<Vec<u8>> {
        let content = Rc::new(content);
        self.cached_bytes += content.len();
        self.cache.push_front((at, kind, content.clone()));
        // At most so many entries that looking through them costs less than putting one together.
        while self.cached_bytes > CACHE_BYTES || self.cache.len() > 256 {
            let Some((.., oldest)) = self.cache.pop_back() else { break };
            self.cached_bytes -= oldest.len();
        }
        content
    }

    fn header(&self, at: u64) -> Result<EntryHeader, NestedError> {
        let mut bytes = [0; MAX_ENTRY_HEADER];
        let length = self.source.read_at(at, &mut bytes)?;
        let mut rest = bytes.get(..length).unwrap_or_default().iter();
        let mut next = || rest.next().copied().ok_or(DAMAGED);
        let first = next()?;
        let (mut size, mut shift, mut byte) = (u64::from(first & 0x0f), 4, first);
        while byte & 0x80 != 0 && shift < 60 {
            byte = next()?;
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
        }
        let stored = match first >> 4 & 7 {
            1 => Stored::Whole(Kind::Commit),
            2 => Stored::Whole(Kind::Tree),
            3 => Stored::Whole(Kind::Blob),
            4 => Stored::Whole(Kind::Tag),
            6 => {
                byte = next()?;
                let mut distance = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    distance = distance.checked_add(1).and_then(|d| d.checked_mul(128)).ok_or(DAMAGED)?;
                    distance += u64::from(byte & 0x7f);
                }
                // An entry that is its own base, or lies in front of the first, is none.
                Stored::Delta { distance: Some(distance).filter(|distance| *distance > 0).ok_or(DAMAGED)? }
            }
            7 => {
                let mut id = [0; ID_BYTES];
                for byte in &mut id {
                    *byte = next()?;
                }
                Stored::Named(id)
            }
            _ => return Err(DAMAGED),
        };
        let used = length - rest.len();
        Ok(EntryHeader { stored, size, content: at + used as u64 })
    }

    /// Inflates an entry (none where it is larger than [`MAX_OBJECT`]), and tells where it ends.
    fn inflate(&self, header: &EntryHeader, allowance: &mut Allowance) -> Result<(Option<Vec<u8>>, u64), NestedError> {
        let is_kept = header.size <= MAX_OBJECT as u64;
        let mut content = Vec::new();
        let mut inflater = Decompress::new(true);
        let mut input = vec![0; INPUT_BYTES.min(usize::try_from(self.source.len()).unwrap_or(INPUT_BYTES))];
        let mut output = vec![0; INPUT_BYTES];
        loop {
            let used = inflater.total_in();
            let before = inflater.total_out();
            let length = self.source.read_at(header.content + used, &mut input)?;
            let input = input.get(..length).unwrap_or_default();
            let status = inflater.decompress(input, &mut output, FlushDecompress::None).map_err(|_| DAMAGED)?;
            let made = usize::try_from(inflater.total_out() - before).unwrap_or(usize::MAX);
            allowance.charge(made as u64)?;
            if inflater.total_out() > header.size {
                return Err(DAMAGED);
            }
            if is_kept {
                content.extend_from_slice(output.get(..made).unwrap_or_default());
            }
            if status == Status::StreamEnd {
                let end = header.content + inflater.total_in();
                let is_whole = inflater.total_out() == header.size;
                return if is_whole { Ok((is_kept.then_some(content), end)) } else { Err(DAMAGED) };
            }
            if made == 0 && inflater.total_in() == used {
                return Err(DAMAGED);
            }
        }
    }
}
