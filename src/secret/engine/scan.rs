//! A file's bytes to its secrets, in chunks of any size.
//!
//! Bytes are put together into blocks whose borders depend only on the file, so the caller's chunks cannot change a result. A literal is
//! looked at only when everything that a match may need behind it is there, and enough of what came before is kept; so blocks cannot
//! change one either. Credential files are also gathered whole and parsed at their end.

mod encoding;
mod look;
mod whole;

use std::ops::Range;

use encoding::{Encoding, HEAD};

use crate::facts::SecretFact;
use crate::secret::engine::encoded::{Escapes, MAX_RUN, Progress, Run};
use crate::secret::engine::window::MAX_LOOKBACK;
use crate::secret::found::Findings;
use crate::secret::key::MAX_KEY;
use crate::secret::key::file::Format;
use crate::secret::parse::{self, Kind};
use crate::secret::{Scanner, assign};

/// Bytes that are searched at a time; large enough that what is kept from block to block is little.
const BLOCK: usize = 256 << 10;

/// Bytes kept of what was searched: a match may start so far before its literal, and its neighbours are looked at.
const LOOKBEHIND: usize = 4 << 10;

/// Bytes that must follow a literal before it is looked at.
const LOOKAHEAD: usize = MAX_KEY;

const CAPACITY: usize = LOOKBEHIND + BLOCK + LOOKAHEAD;

/// Largest credential file that is parsed; all known ones are far smaller, and a larger one is still searched for tokens.
pub(crate) const MAX_PARSED: usize = 1 << 20;

/// Bytes that regexes may look at in one file, and the share of it that a longer file adds. Real files need a hundredth of this; a file
/// made of nothing but literals would otherwise cost thousands of times its size.
const WORK: u64 = 8 << 20;
const WORK_PER_BYTE: u64 = 2;

/// How far from its id the secret half of a key pair is looked for.
const PAIR_DISTANCE: usize = 512;

const _: () =
    assert!(MAX_LOOKBACK <= LOOKBEHIND && super::literals::MAX_LITERAL <= LOOKBEHIND && PAIR_DISTANCE <= LOOKBEHIND);
const _: () = assert!(MAX_RUN + LOOKBEHIND <= LOOKAHEAD);

/// What a worker keeps from file to file; at most 1.4 MB.
#[derive(Default)]
pub struct Scratch {
    buffer: Vec<u8>,
    gathered: Vec<u8>,
    path: Vec<u8>,
}

impl Drop for Scratch {
    /// What was read may hold secrets.
    fn drop(&mut self) {
        for buffer in [&mut self.buffer, &mut self.gathered] {
            zeroize::Zeroize::zeroize(buffer);
        }
    }
}

/// Scans one file after the other: [`begin`](Self::begin), [`feed`](Self::feed) and [`skip`](Self::skip), [`finish`](Self::finish).
pub struct FileScan<'s> {
    scanner: &'s Scanner,
    scratch: &'s mut Scratch,
    encoding: Encoding,
    kind: Option<&'static Kind>,
    /// What the first bytes say of a file of keys; none before they are there.
    keys: Option<Option<&'static Format>>,
    /// Place in the file of the buffer's first byte; in characters for UTF-16.
    base: u64,
    /// Bytes of the buffer that were searched.
    searched: usize,
    /// Half a character of UTF-16.
    half: Option<u8>,
    /// Line of `line_at`, from 1.
    line: u32,
    line_at: usize,
    work: u64,
    /// Settings are written in it.
    has_settings: bool,
    /// How far base64 and hex were decoded.
    progress: Progress,
    /// How far escapes were.
    escapes: Escapes,
    /// What the buffer that is searched was decoded from, and its line.
    decoded: Option<(Run, u32)>,
    /// Where in the file each rule that looks everywhere goes on.
    resume: Vec<u64>,
    found: Findings,
    unread: Option<&'static str>,
    /// Facts keep the secrets in clear.
    reveals: bool,
}

impl<'s> FileScan<'s> {
    pub(crate) fn new(scanner: &'s Scanner, scratch: &'s mut Scratch) -> Self {
        let mut scan = Self {
            scanner,
            scratch,
            encoding: Encoding::Undecided,
            kind: None,
            keys: None,
            base: 0,
            searched: 0,
            half: None,
            line: 1,
            line_at: 0,
            work: 0,
            has_settings: false,
            progress: Progress::default(),
            escapes: Escapes::default(),
            decoded: None,
            resume: Vec::new(),
            found: Findings::default(),
            unread: None,
            reveals: false,
        };
        scan.begin(b"", 0);
        scan
    }

    /// With every secret in clear beside its fact, for a run that was asked for that.
    #[must_use]
    pub fn revealing(mut self, reveals: bool) -> Self {
        self.reveals = reveals;
        self
    }

    /// Starts a file; what was fed of another and not finished is forgotten. `path` has no leading slash; `size` is what its header says.
    pub fn begin(&mut self, path: &[u8], size: u64) {
        self.scratch.buffer.clear();
        self.scratch.gathered.clear();
        self.scratch.path.clear();
        self.scratch.path.extend_from_slice(path);
        (self.encoding, self.half) = (Encoding::Undecided, None);
        (self.base, self.searched, self.line, self.line_at) = (0, 0, 1, 0);
        self.work = WORK;
        (self.progress, self.escapes) = (Progress::default(), Escapes::default());
        self.resume.clear();
        self.found.clear();
        self.unread = None;
        self.kind = parse::kind_of(path);
        self.has_settings = assign::holds_settings(path);
        self.keys = None;
        if size > MAX_PARSED as u64 {
            self.give_up_parsing();
        }
    }

    /// Takes the file's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.gather(bytes);
        self.work = self.work.saturating_add(WORK_PER_BYTE * bytes.len() as u64);
        let mut rest = bytes;
        while !rest.is_empty() && !self.found.is_full() {
            rest = if let Encoding::Utf16 { big_endian } = self.encoding {
                self.take_utf16(rest, big_endian)
            } else {
                self.take(rest)
            };
            if self.scratch.buffer.len() >= CAPACITY {
                self.search(false);
            }
        }
    }

    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let room = CAPACITY.saturating_sub(self.scratch.buffer.len());
        let (taken, rest) = bytes.split_at(room.min(bytes.len()));
        self.scratch.buffer.extend_from_slice(taken);
        rest
    }

    /// Takes a hole of zeros without looking at all of it.
    pub fn skip(&mut self, length: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        // Enough to decide what the file is, and to end whatever was begun; the hole's other zeros cannot be part of a secret.
        let near = length.min((LOOKAHEAD + HEAD) as u64);
        let mut left = near;
        while left > 0 {
            let taken = left.min(ZEROS.len() as u64);
            self.feed(ZEROS.get(..usize::try_from(taken).unwrap_or_default()).unwrap_or_default());
            left -= taken;
        }
        let far = length - near;
        if far == 0 {
            return;
        }
        if far > MAX_PARSED as u64 {
            self.give_up_parsing();
        }
        self.search(true);
        let unit = if matches!(self.encoding, Encoding::Utf16 { .. }) { 2 } else { 1 };
        self.base += self.scratch.buffer.len() as u64 + far / unit;
        self.scratch.buffer.clear();
        (self.searched, self.line_at) = (0, 0);
    }

    /// The file's secrets, in the order of their places.
    pub fn finish(&mut self) -> Vec<SecretFact> {
        self.search(true);
        self.read_keys();
        self.parse();
        self.find_file();
        if self.found.is_full() {
            self.unread = Some("the file holds more secrets than are listed");
        }
        let stretch = if matches!(self.encoding, Encoding::Utf16 { .. }) { 2 } else { 1 };
        let mut facts = self.found.facts(&self.scanner.rules, stretch);
        if !self.reveals {
            facts.iter_mut().for_each(|fact| fact.value = None);
        }
        facts
    }

    /// Instead of [`finish`](Self::finish): where the secrets of a text stand, in bytes, those of low confidence too.
    pub(crate) fn finish_ranges(&mut self) -> Vec<Range<usize>> {
        self.search(true);
        self.found.ranges()
    }

    /// After [`finish`](Self::finish): what of the file was not looked at as it should have been, and why.
    #[must_use]
    pub fn unread(&self) -> Option<&'static str> {
        self.unread
    }

    /// Searches what the buffer holds, as far as enough follows; all of it at the end.
    fn search(&mut self, last: bool) {
        if self.encoding == Encoding::Undecided {
            self.decide();
            if !last && self.scratch.buffer.len() < CAPACITY {
                return;
            }
        }
        let buffer = std::mem::take(&mut self.scratch.buffer);
        let end = if last { buffer.len() } else { buffer.len().saturating_sub(LOOKAHEAD) };
        let scanner = self.scanner;
        if self.base == 0 && self.searched == 0 {
            self.search_start(&buffer);
        }
        let from = self.searched;
        scanner.literals.find(&buffer, from, end, |literal, at| {
            self.hit(&buffer, literal, at);
            !self.found.is_full()
        });
        self.search_encoded(&buffer, from, end);
        self.search_everywhere(&buffer, end);
        self.scratch.buffer = buffer;
        self.searched = end;
        if !last {
            self.forget(end.saturating_sub(LOOKBEHIND));
        }
    }

    /// Runs the regexes that no literal leads to, over what starts before `end`.
    fn search_everywhere(&mut self, buffer: &[u8], end: usize) {
        let scanner = self.scanner;
        for (slot, index) in scanner.everywhere.iter().enumerate() {
            let Some(rule) = scanner.rules.get(*index) else { continue };
            let Some(compiled) = rule.compiled() else { continue };
            if self.encoding == Encoding::Binary && !rule.info.binary {
                continue;
            }
            let resume = self.resume.get(slot).copied().unwrap_or_default();
            let mut at = usize::try_from(resume.saturating_sub(self.base)).unwrap_or(end);
            while !self.found.is_full()
                && let Some(found) = compiled.find_anywhere(buffer, (at, end), rule.secret_group(), &mut self.work)
            {
                at = found.whole.end;
                self.report(buffer, *index, rule, &found, 0);
            }
            if self.work < compiled.work() as u64 {
                self.unread = Some("the file holds too many beginnings of secrets; not all of them were looked at");
            }
            let resume = self.base + at.max(end) as u64;
            match self.resume.get_mut(slot) {
                Some(place) => *place = resume,
                None => self.resume.push(resume),
            }
        }
    }

    /// Literals that need a byte before them are also looked for where there is none.
    fn search_start(&mut self, buffer: &[u8]) {
        let scanner = self.scanner;
        for (rule, length) in scanner.literals.at_start(buffer) {
            self.look(buffer, rule, 0, length);
        }
    }

    /// Decodes what is encoded in `from..to` of the buffer and searches it.
    fn search_encoded(&mut self, buffer: &[u8], from: usize, to: usize) {
        while !self.found.is_full()
            && let Some(run) = self.progress.next_run(buffer, self.base, from, to)
        {
            self.search_run(buffer, run);
        }
        // What compiled code has of these is chance.
        while self.encoding != Encoding::Binary
            && !self.found.is_full()
            && let Some(run) = self.escapes.next_run(buffer, self.base, from, to)
        {
            self.search_run(buffer, run);
        }
        self.decoded = None;
    }

    /// Searches what was decoded from a part of the buffer.
    fn search_run(&mut self, buffer: &[u8], mut run: Run) {
        let scanner = self.scanner;
        let line = line_at(buffer, (self.line, self.line_at), run.start);
        let text = std::mem::take(&mut run.text);
        self.decoded = Some((run, line));
        self.search_start(&text);
        scanner.literals.find(&text, 0, text.len(), |literal, at| {
            self.hit(&text, literal, at);
            !self.found.is_full()
        });
    }

    /// Drops the buffer's first `count` bytes.
    fn forget(&mut self, count: usize) {
        self.count_lines(count);
        self.scratch.buffer.drain(..count);
        self.base += count as u64;
        self.searched -= count;
        self.line_at = self.line_at.saturating_sub(count);
    }

    /// Brings the line counter to a place in the buffer.
    fn count_lines(&mut self, to: usize) {
        self.line = line_at(&self.scratch.buffer, (self.line, self.line_at), to);
        self.line_at = to;
    }
}

/// The line of a place, from the line of another.
fn line_at(buffer: &[u8], (line, at): (u32, usize), to: usize) -> u32 {
    let between = buffer.get(at.min(to)..at.max(to)).unwrap_or_default();
    let count = u32::try_from(memchr::memchr_iter(b'\n', between).count()).unwrap_or(u32::MAX);
    if to >= at { line.saturating_add(count) } else { line.saturating_sub(count) }
}
