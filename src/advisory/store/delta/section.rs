//! The compressed parts of a delta.

use std::io::{Read as _, Write as _};

use super::DeltaError;

/// Largest inflated section, in bytes. A day's changes have some megabytes; where they would have more, the whole store is as quick.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// Largest inflated plan, in bytes: it needs six times that in memory.
pub(super) const MAX_PLAN_BYTES: usize = 32 << 20;

/// zstd level: made once, applied by everybody.
const LEVEL: i32 = 19;

/// Smallest and largest window of zstd, as powers of two; the largest costs whoever applies the delta 128 MiB.
const WINDOW: std::ops::RangeInclusive<u32> = 10..=27;

/// Inflated and stored length.
const LENGTHS: usize = 8;

/// Appends a section, compressed against `base`.
pub(crate) fn write(delta: &mut Vec<u8>, base: &[u8], content: &[u8]) -> std::io::Result<()> {
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, base)?;
    let reach = (base.len() + content.len()).max(1).ilog2() + 1;
    encoder.window_log(reach.clamp(*WINDOW.start(), *WINDOW.end()))?;
    encoder.long_distance_matching(true)?;
    encoder.write_all(content)?;
    let stored = encoder.finish()?;
    for length in [content.len(), stored.len()] {
        let length = u32::try_from(length).map_err(|_| std::io::Error::other("a section of a delta is too long"))?;
        delta.extend_from_slice(&length.to_le_bytes());
    }
    delta.extend_from_slice(&stored);
    Ok(())
}

/// Sections one after the other.
pub(crate) struct Sections<'a> {
    rest: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next section of at most `limit` bytes, which was compressed against `base`.
    pub(crate) fn next(&mut self, base: &[u8], limit: usize) -> Result<Vec<u8>, DeltaError> {
        const CUT: DeltaError = DeltaError::Damaged("it is cut");
        let (lengths, rest) = self.rest.split_first_chunk::<LENGTHS>().ok_or(CUT)?;
        let [a, b, c, d, e, f, g, h] = *lengths;
        let (inflated, stored) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
        if inflated > limit {
            return Err(DeltaError::Damaged("a section is too long"));
        }
        let (stored, rest) = rest.split_at_checked(stored).ok_or(CUT)?;
        self.rest = rest;
        inflate(stored, base, inflated)
    }

    /// Whether all were read.
    pub(crate) fn finish(self) -> Result<(), DeltaError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DeltaError::Damaged("it goes on after its end")) }
    }
}

/// Memory grows with what really comes, whatever length was promised.
fn inflate(stored: &[u8], base: &[u8], length: usize) -> Result<Vec<u8>, DeltaError> {
    let damaged = |_| DeltaError::Damaged("a section cannot be inflated");
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(stored, base).map_err(damaged)?;
    decoder.window_log_max(*WINDOW.end()).map_err(damaged)?;
    let mut content = Vec::new();
    decoder.take(length as u64 + 1).read_to_end(&mut content).map_err(damaged)?;
    if content.len() == length { Ok(content) } else { Err(DeltaError::Damaged("a section has another length")) }
}
