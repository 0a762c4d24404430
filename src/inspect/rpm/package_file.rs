//! A package file, as far as its files begin: a lead that says nothing any more, a header of signatures, the header, the payload.
//!
//! Source: rpm's `docs/manual/format.md`; its `lib/package.cc` and `include/rpm/rpmtag.h`.

use super::RpmPackage;
use super::header::{Header, HeaderError, Kind, MAX_HEADER_BYTES, MAX_INDEX_ENTRIES, Tag, be32};
use crate::layer::view::ReadAt;

const LEAD_BYTES: u64 = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];

/// In front of each header: the magic number, version 1, four bytes that mean nothing.
const HEADER_MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];

/// Number of SHA-256 in `RPMTAG_PAYLOADDIGESTALGO` (RFC 9580 §9.5).
const SHA256: u32 = 8;

/// What a package file says before its files come. Nothing of it is verified.
#[derive(Clone, Debug)]
pub struct PackageFile {
    /// What the header says.
    pub package: RpmPackage,
    /// The header as it is signed, with its magic number.
    pub header: Vec<u8>,
    /// OpenPGP signatures of the header.
    pub signatures: Vec<Vec<u8>>,
    /// SHA-256 of the payload as it is stored, in hex, where the header has one (rpm 4.14 and later).
    pub payload_sha256: Option<String>,
    /// Where the payload begins.
    pub payload_at: u64,
}

/// Why a file is no package.
#[derive(Debug, thiserror::Error)]
pub enum PackageFileError {
    /// It does not begin like one, or its headers do not.
    #[error("it is no rpm package")]
    Form,
    /// A header of it cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It ends too early, or the temporary file failed.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl PackageFile {
    /// Reads lead and headers.
    ///
    /// # Errors
    /// When they are damaged, too large, or not there.
    pub fn read(file: &dyn ReadAt) -> Result<Self, PackageFileError> {
        let mut lead = [0; LEAD_MAGIC.len()];
        file.read_exact_at(0, &mut lead)?;
        if lead != LEAD_MAGIC {
            return Err(PackageFileError::Form);
        }
        let first = blob(file, LEAD_BYTES)?;
        let signatures = signatures(&Header::parse(first.get(HEADER_MAGIC.len()..).unwrap_or_default())?)?;
        // Only the header of signatures is padded.
        let start = LEAD_BYTES + (first.len() as u64).next_multiple_of(8);
        let header = blob(file, start)?;
        let parsed = Header::parse(header.get(HEADER_MAGIC.len()..).unwrap_or_default())?;
        let has_sha256 = parsed.number(Tag::PayloadDigestAlgorithm)? == Some(SHA256);
        let payload_sha256 = if has_sha256 { parsed.text(Tag::PayloadDigest)? } else { None };
        let package = parsed.package()?;
        let payload_at = start + header.len() as u64;
        Ok(Self { package, header, signatures, payload_sha256, payload_at })
    }
}

/// A header with its magic number.
fn blob(file: &dyn ReadAt, start: u64) -> Result<Vec<u8>, PackageFileError> {
    let mut head = [0; 16];
    file.read_exact_at(start, &mut head)?;
    if !head.starts_with(&HEADER_MAGIC) {
        return Err(PackageFileError::Form);
    }
    let (count, store) = (be32(&head, 8).unwrap_or(0), be32(&head, 12).unwrap_or(0));
    if count > MAX_INDEX_ENTRIES {
        return Err(HeaderError::TooManyEntries { count }.into());
    }
    let size = 16 + u64::from(count) * 16 + u64::from(store);
    let stored = file.len().saturating_sub(start);
    if size > MAX_HEADER_BYTES {
        return Err(HeaderError::TooLarge { size }.into());
    }
    if size > stored {
        return Err(HeaderError::Truncated { claimed: size, stored }.into());
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_exact_at(start, &mut bytes)?;
    Ok(bytes)
}

fn signatures(header: &Header<'_>) -> Result<Vec<Vec<u8>>, HeaderError> {
    let mut found = Vec::new();
    for tag in [Tag::SignatureDsa, Tag::SignatureRsa] {
        let (Some(values), Some(length)) = (header.values(tag, Kind::Binary)?, header.count(tag, Kind::Binary)?) else {
            continue;
        };
        let bytes = values.get(..length as usize).ok_or(HeaderError::OutOfRange { tag: tag as u32 })?;
        found.push(bytes.to_vec());
    }
    Ok(found)
}
