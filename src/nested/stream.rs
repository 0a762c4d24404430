//! Compressed streams, told by their first bytes. Several members or streams after each other are one, as for the tools of each format.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (zstd), tukaani.org/xz/xz-file-format.txt, the bzip2 manual. All but zstd's decoder are pure Rust.

use std::io::{self, BufRead, Read};

/// Memory for xz's dictionary, in KiB: `xz -9` needs 64 MiB.
const MAX_XZ_KIB: u32 = 128 << 10;

/// Largest zstd window, as a power of two: 128 MiB, the most that the zstd program itself accepts without being asked.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// xz.
    Xz,
    /// bzip2.
    Bzip2,
}

impl Compression {
    /// By the first bytes; those of bzip2's first block too, since `BZh1` is also a text's beginning.
    #[must_use]
    pub fn detect(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // The digits of π begin a block, those of its root the end of an empty stream.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, ..] => Self::Bzip2,
            _ => return None,
        })
    }

    /// The end of a compressed file's name.
    fn extensions(self) -> &'static [&'static [u8]] {
        match self {
            Self::Gzip => &[b".gz"],
            Self::Zstd => &[b".zst", b".zstd"],
            Self::Xz => &[b".xz"],
            Self::Bzip2 => &[b".bz2"],
        }
    }

    /// The name of what a compressed file of this name holds; the same name where that does not tell.
    #[must_use]
    pub fn stem(self, name: &[u8]) -> &[u8] {
        self.extensions().iter().find_map(|end| name.strip_suffix(*end)).filter(|stem| !stem.is_empty()).unwrap_or(name)
    }
}

/// The uncompressed stream.
///
/// # Errors
/// The decoder could not start. Damage is told while reading, by all but gzip with the format's own checksums, too.
pub fn open<'r>(compression: Compression, stored: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(stored)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(stored)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(stored, true, MAX_XZ_KIB)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}
