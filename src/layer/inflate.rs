//! Stored bytes of a layer to tar bytes: gzip, zstd or none, told by the first bytes.
//!
//! In: any [`Read`]. Out: [`Inflate::next_window`] gives windows of at most [`WINDOW_BYTES`] of the uncompressed stream, and the
//! digest of the stored bytes is computed on the way. Memory does not depend on the layer's size.
//!
//! gzip (RFC 1952) is read member by member, as Go's `compress/gzip` does: another member may follow, anything else after the last one is an error.
//! The CRC-32 of a member is not computed, since the digest of the stored bytes covers it; its length field is checked. zstd (RFC 8878) frames
//! may follow each other and skippable frames are skipped, as `zstd:chunked` needs.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use super::LayerError;
use crate::digest::{Digest, Hasher};

/// Length of the window of uncompressed bytes. Smaller ones cost up to 10 % more CPU, larger ones gain nothing (measured at 32 KiB … 1 MiB).
pub const WINDOW_BYTES: usize = 256 << 10;

/// How much is read from the source at once.
const READ_BYTES: usize = 128 << 10;

/// Most uncompressed bytes of one layer. The largest published images have layers of tens of GB (machine-learning weights).
pub const MAX_UNPACKED_BYTES: u64 = 256 << 30;

/// Above [`RATIO_FROM_BYTES`] of output a layer may not be more than this many times larger than its stored bytes. Deflate cannot exceed 1032 (zlib's
/// documentation), so only a crafted zstd stream gets here.
pub const MAX_RATIO: u64 = 1100;

/// Output below this is never judged by its ratio: small layers of zeros are harmless.
pub const RATIO_FROM_BYTES: u64 = 1 << 30;

/// Largest zstd window, as a power of two: 128 MiB, the most that the zstd program itself accepts without being asked.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Longest gzip header that is read: the file name and comment in it have no length of their own.
const MAX_GZIP_HEADER_BYTES: usize = 64 << 10;

/// How the stored bytes are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compression {
    /// By the first bytes (at least 4 where the stream has them).
    #[must_use]
    pub fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame may come first (RFC 8878, 3.1.2).
            [low, 0x2a, 0x4d, 0x18, ..] if low & 0xf0 == 0x50 => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What a layer's media type says; none where it says nothing certain.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let kind = media_type.split(';').next().unwrap_or_default();
        if kind.ends_with("+gzip") || kind.ends_with(".tar.gzip") {
            Some(Self::Gzip)
        } else if kind.ends_with("+zstd") || kind.ends_with(".tar.zstd") {
            Some(Self::Zstd)
        } else if kind.ends_with(".tar") {
            Some(Self::None)
        } else {
            None
        }
    }

    /// The field's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The stored side: reads, counts and hashes.
struct Stored {
    reader: Box<dyn Read + Send>,
    hasher: Hasher,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    total: u64,
    /// More bytes than this are an error; the descriptor's size.
    limit: Option<u64>,
}

impl Stored {
    /// The bytes at hand; reads more only when there are none. Empty at the end of the stream.
    fn fill(&mut self) -> Result<&[u8], LayerError> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.read_some(0)?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// At least `wanted` bytes (at most the buffer), fewer only at the end of the stream.
    fn fill_at_least(&mut self, wanted: usize) -> Result<&[u8], LayerError> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < wanted.min(self.buffer.len()) {
                match self.read_some(self.end)? {
                    0 => break,
                    n => self.end += n,
                }
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn read_some(&mut self, at: usize) -> Result<usize, LayerError> {
        let room = self.buffer.get_mut(at..).unwrap_or_default();
        let n = loop {
            match self.reader.read(room) {
                Ok(n) => break n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::from_read(error)),
            }
        };
        self.hasher.update(room.get(..n).unwrap_or_default());
        self.total += n as u64;
        match self.limit {
            Some(limit) if self.total > limit => Err(LayerError::Size { expected: limit, actual: self.total }),
            _ => Ok(n),
        }
    }

    fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }
}

enum State {
    Plain,
    GzipHeader { first: bool },
    GzipBody { inflater: Decompress, produced: u64 },
    Zstd { decoder: ZstdDecoder<'static>, in_frame: bool },
    End,
}

/// The running decompression of one layer.
pub struct Inflate {
    stored: Stored,
    state: State,
    compression: Compression,
    unpacked: u64,
}

/// What a finished [`Inflate`] knows of the stored bytes.
#[derive(Debug)]
pub struct StoredFacts {
    /// Digest of every stored byte.
    pub digest: Digest,
    /// How many there were.
    pub bytes: u64,
    /// How many they became.
    pub unpacked: u64,
}

impl Inflate {
    /// Starts on a stream; reads its first bytes to tell the compression. `limit` is the descriptor's size and `hasher` of its digest's algorithm.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn new(reader: Box<dyn Read + Send>, hasher: Hasher, limit: Option<u64>) -> Result<Self, LayerError> {
        let buffer = vec![0; READ_BYTES].into_boxed_slice();
        let mut stored = Stored { reader, hasher, buffer, start: 0, end: 0, total: 0, limit };
        let compression = Compression::detect(stored.fill_at_least(4)?);
        let state = match compression {
            Compression::None => State::Plain,
            Compression::Gzip => State::GzipHeader { first: true },
            Compression::Zstd => State::Zstd { decoder: new_zstd()?, in_frame: false },
        };
        Ok(Self { stored, state, compression, unpacked: 0 })
    }

    /// How the stream is compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Fills `window` and returns how many bytes of it are used; 0 at the end of the stream.
    ///
    /// # Errors
    /// Damaged or cut compression, a limit passed, or the source failing.
    pub fn next_window(&mut self, window: &mut [u8]) -> Result<usize, LayerError> {
        let mut filled = 0;
        while filled < window.len() {
            let room = window.get_mut(filled..).unwrap_or_default();
            let (produced, more) = self.step(room)?;
            filled += produced;
            if !more {
                break;
            }
        }
        self.unpacked += filled as u64;
        if self.unpacked > MAX_UNPACKED_BYTES {
            return Err(LayerError::TooLarge { limit: MAX_UNPACKED_BYTES });
        }
        if self.unpacked > RATIO_FROM_BYTES && self.unpacked / MAX_RATIO > self.stored.total {
            return Err(LayerError::Ratio { limit: MAX_RATIO });
        }
        Ok(filled)
    }

    /// Reads whatever is left of the stored bytes, so that the digest covers all of them.
    ///
    /// # Errors
    /// When the source fails or gives more bytes than the descriptor's size.
    pub fn finish(mut self) -> Result<StoredFacts, LayerError> {
        loop {
            let n = self.stored.fill()?.len();
            if n == 0 {
                break;
            }
            self.stored.consume(n);
        }
        Ok(StoredFacts { digest: self.stored.hasher.finish(), bytes: self.stored.total, unpacked: self.unpacked })
    }

    /// One step: bytes written to `out`, and whether there may be more.
    fn step(&mut self, out: &mut [u8]) -> Result<(usize, bool), LayerError> {
        match &mut self.state {
            State::End => Ok((0, false)),
            State::Plain => {
                let input = self.stored.fill()?;
                let n = input.len().min(out.len());
                out.get_mut(..n).unwrap_or_default().copy_from_slice(input.get(..n).unwrap_or_default());
                self.stored.consume(n);
                Ok((n, n > 0))
            }
            State::GzipHeader { first } => {
                let first = *first;
                self.gzip_header(first)
            }
            State::GzipBody { .. } => self.gzip_body(out),
            State::Zstd { .. } => self.zstd(out),
        }
    }

    fn gzip_header(&mut self, first: bool) -> Result<(usize, bool), LayerError> {
        let input = self.stored.fill_at_least(MAX_GZIP_HEADER_BYTES)?;
        if input.is_empty() && !first {
            self.state = State::End;
            return Ok((0, false));
        }
        let length = gzip_header_length(input)?;
        self.stored.consume(length);
        self.state = State::GzipBody { inflater: Decompress::new(false), produced: 0 };
        Ok((0, true))
    }

    fn gzip_body(&mut self, out: &mut [u8]) -> Result<(usize, bool), LayerError> {
        let State::GzipBody { inflater, produced } = &mut self.state else { return Ok((0, false)) };
        let input = self.stored.fill()?;
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let at_end = input.is_empty();
        let status = inflater
            .decompress(input, out, FlushDecompress::None)
            .map_err(|_| LayerError::Compression("gzip data is damaged"))?;
        let used = usize::try_from(inflater.total_in() - before_in).unwrap_or(usize::MAX);
        let written = usize::try_from(inflater.total_out() - before_out).unwrap_or(usize::MAX);
        *produced += written as u64;
        let produced = *produced;
        self.stored.consume(used);
        if status == Status::StreamEnd {
            self.gzip_trailer(produced)?;
            self.state = State::GzipHeader { first: false };
        } else if at_end && written == 0 {
            return Err(LayerError::Compression("gzip stream is cut short"));
        }
        Ok((written, true))
    }

    /// CRC-32 (not checked, see the module) and the length modulo 2³².
    fn gzip_trailer(&mut self, produced: u64) -> Result<(), LayerError> {
        let trailer = self.stored.fill_at_least(8)?;
        let length = trailer.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let length = length.ok_or(LayerError::Compression("gzip stream is cut short"))?;
        if u64::from(length) != produced & 0xffff_ffff {
            return Err(LayerError::Compression("gzip member has another length than it says"));
        }
        self.stored.consume(8);
        Ok(())
    }

    fn zstd(&mut self, out: &mut [u8]) -> Result<(usize, bool), LayerError> {
        let State::Zstd { decoder, in_frame } = &mut self.state else { return Ok((0, false)) };
        let input = self.stored.fill()?;
        let at_end = input.is_empty();
        if at_end && !*in_frame {
            self.state = State::End;
            return Ok((0, false));
        }
        let mut source = InBuffer::around(input);
        let mut target = OutBuffer::around(out);
        let left = decoder
            .run(&mut source, &mut target)
            .map_err(|_| LayerError::Compression("zstd data is damaged or needs a window over 128 MiB"))?;
        *in_frame = left != 0;
        let (used, written) = (source.pos(), target.pos());
        if at_end && written == 0 && *in_frame {
            return Err(LayerError::Compression("zstd stream is cut short"));
        }
        self.stored.consume(used);
        Ok((written, true))
    }
}

fn new_zstd() -> Result<ZstdDecoder<'static>, LayerError> {
    let refused = |_| LayerError::Compression("zstd decoder could not start");
    let mut decoder = ZstdDecoder::new().map_err(refused)?;
    decoder.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(MAX_ZSTD_WINDOW_LOG)).map_err(refused)?;
    Ok(decoder)
}

/// Length of the gzip header at the start of `input` (RFC 1952, section 2.3).
fn gzip_header_length(input: &[u8]) -> Result<usize, LayerError> {
    const BAD: LayerError =
        LayerError::Compression("gzip header is damaged, or other data follows the last gzip member");
    let (Some([0x1f, 0x8b, 8, flags]), true) = (input.get(..4), input.len() >= 10) else { return Err(BAD) };
    let flags = *flags;
    if flags & 0xe0 != 0 {
        return Err(BAD);
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let length = input.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes).ok_or(BAD)?;
        at += 2 + usize::from(length);
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let rest = input.get(at..).ok_or(BAD)?;
            at += memchr::memchr(0, rest).ok_or(BAD)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    if at > input.len() { Err(BAD) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn unpack(bytes: &[u8]) -> Result<Vec<u8>, LayerError> {
        let mut inflate = Inflate::new(Box::new(std::io::Cursor::new(bytes.to_vec())), Hasher::sha256(), None)?;
        let mut out = Vec::new();
        let mut window = vec![0; 777];
        loop {
            let n = inflate.next_window(&mut window)?;
            if n == 0 {
                break;
            }
            out.extend_from_slice(&window[..n]);
        }
        let facts = inflate.finish()?;
        assert_eq!(facts.digest, Digest::sha256(bytes), "every stored byte is in the digest");
        assert_eq!(facts.unpacked, out.len() as u64);
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::GzBuilder::new().filename("x").comment("y").write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn sample() -> Vec<u8> {
        (0..300_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect()
    }

    #[test]
    fn reads_every_gzip_member() {
        let (a, b) = sample().split_at(100_001).clone_pair();
        assert_eq!(unpack(&[gzip(&a), gzip(b""), gzip(&b)].concat()).unwrap(), sample());
    }

    #[test]
    fn reads_every_zstd_frame_and_skips_the_skippable() {
        let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let frame = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
        let (a, b) = sample().split_at(100_001).clone_pair();
        assert_eq!(unpack(&[skippable.clone(), frame(&a), skippable, frame(&b)].concat()).unwrap(), sample());
    }

    #[test]
    fn plain_bytes_pass_through() {
        assert_eq!(unpack(&sample()).unwrap(), sample());
        assert_eq!(unpack(b"").unwrap(), b"");
    }

    #[test]
    fn damage_is_an_error_and_not_an_end() {
        let whole = gzip(&sample());
        for cut in [1, 9, 12, whole.len() / 2, whole.len() - 1] {
            assert!(unpack(&whole[..cut]).is_err() || cut == 1, "gzip cut at {cut}");
        }
        assert!(
            unpack(&[whole.as_slice(), b"trailing"].concat()).is_err(),
            "Go's reader refuses what follows the last member"
        );
        let mut lies = whole.clone();
        let last = lies.len() - 1;
        lies[last] ^= 1;
        assert!(unpack(&lies).is_err(), "length field");
        let frame = zstd::encode_all(&sample()[..], 3).unwrap();
        for cut in [5, frame.len() / 2, frame.len() - 1] {
            assert!(unpack(&frame[..cut]).is_err(), "zstd cut at {cut}");
        }
    }

    #[test]
    fn more_bytes_than_the_descriptor_says_stop_the_read() {
        let reader = Box::new(std::io::repeat(b'a'));
        let mut inflate = Inflate::new(reader, Hasher::sha256(), Some(1 << 20)).unwrap();
        let mut window = vec![0; WINDOW_BYTES];
        let error = loop {
            if let Err(error) = inflate.next_window(&mut window) {
                break error;
            }
        };
        assert!(matches!(error, LayerError::Size { expected, .. } if expected == 1 << 20));
    }

    trait ClonePair {
        fn clone_pair(self) -> (Vec<u8>, Vec<u8>);
    }
    impl ClonePair for (&[u8], &[u8]) {
        fn clone_pair(self) -> (Vec<u8>, Vec<u8>) {
            (self.0.to_vec(), self.1.to_vec())
        }
    }
}
