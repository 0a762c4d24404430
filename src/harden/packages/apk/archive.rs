//! A package of Alpine (version 2): three gzip members, one behind the other, with signatures, what is said of the package, and its files.
//!
//! The signature is over the stored bytes of the second member; that has the SHA-256 of the stored bytes of the third (`datahash`). An index has two members, the second of which is signed.
//!
//! Source: apk-tools 2.14 `src/package.c`; Alpine wiki, "Apk spec".

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::Digest as _;

use super::super::store::sha256_of;
use super::super::unpack::{self, Kind, Member, Recorded, Spool, UnpackError};
use super::keys::{Keys, Signature};
use super::record::Record;
use crate::inspect::control::lines;
use crate::layer::{ReadAt, Slice};
use crate::nested::reader;
use crate::nested::stream::{self, Compression};

/// Largest of the first two members, stored and unpacked. An index of Alpine's main has 1 MiB stored and 5 MiB unpacked.
const MAX_STORED_BYTES: u64 = 64 << 20;
const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// Why a file is no package that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("it is no package of apk version 2: {0}")]
    Form(&'static str),
    #[error("{0}")]
    Signature(String),
    #[error("its files do not have the SHA-256 that is signed: it is damaged or was changed")]
    Data,
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Unpack(error.into())
    }
}

/// A file whose second member is signed by a given key.
pub(super) struct Signed<'s> {
    /// Files of the second member.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// `Q1` and base64 of the SHA-1 of its stored bytes, by which apk names a package.
    pub(super) checksum: String,
    /// The key.
    pub(super) signer: String,
    /// What follows.
    rest: Slice<'s>,
}

impl<'s> Signed<'s> {
    /// Reads the first two members.
    pub(super) fn open(file: &'s dyn ReadAt, keys: &Keys) -> Result<Self, ArchiveError> {
        let whole = Slice::whole(file);
        let first = member_length(whole)?;
        let signatures = files(whole.part(0, first))?;
        let rest = whole.part(first, whole.len());
        let second = member_length(rest)?;
        let stored = bytes(rest.part(0, second))?;
        let signatures: Vec<Signature> =
            signatures.into_iter().map(|(name, bytes)| Signature { name, bytes }).collect();
        let signer = keys.verify(&signatures, &stored).map_err(ArchiveError::Signature)?;
        let files = files(rest.part(0, second))?;
        let checksum = format!("Q1{}", STANDARD.encode(Sha1::digest(&stored)));
        Ok(Self { files, checksum, signer, rest: rest.part(second, rest.len()) })
    }

    /// What `.PKGINFO` says, as a record of the index; `size` is that of the whole file.
    pub(super) fn record(&self, size: u64) -> Result<Record, ArchiveError> {
        let info = self.info()?;
        let one = |key: &str| info.get(key).and_then(|values| values.first()).cloned().unwrap_or_default();
        let mut record = Record::default();
        record.push(b'C', self.checksum.clone());
        for (letter, key) in [(b'P', "pkgname"), (b'V', "pkgver"), (b'A', "arch")] {
            record.push(letter, one(key));
        }
        record.push(b'S', size.to_string());
        for (letter, key) in [(b'I', "size"), (b'T', "pkgdesc"), (b'U', "url"), (b'L', "license")] {
            record.push(letter, one(key));
        }
        for (letter, key) in [
            (b'o', "origin"),
            (b'm', "maintainer"),
            (b't', "builddate"),
            (b'c', "commit"),
            (b'k', "provider_priority"),
            (b'D', "depend"),
            (b'p', "provides"),
            (b'i', "install_if"),
            (b'r', "replaces"),
            (b'q', "replaces_priority"),
        ] {
            let value = info.get(key).map(|values| values.join(" ")).unwrap_or_default();
            if !value.is_empty() {
                record.push(letter, value);
            }
        }
        Ok(record)
    }

    fn info(&self) -> Result<BTreeMap<String, Vec<String>>, ArchiveError> {
        let text = self.files.get(".PKGINFO").ok_or(ArchiveError::Form("it has no .PKGINFO"))?;
        let text = std::str::from_utf8(text).map_err(|_| ArchiveError::Form(".PKGINFO is not UTF-8"))?;
        let mut info: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines(text.as_bytes()).filter_map(|line| std::str::from_utf8(line).ok()) {
            if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                info.entry(key.trim().to_owned()).or_default().push(value.trim().to_owned());
            }
        }
        Ok(info)
    }

    /// Scripts and triggers, by name: apk would run them.
    pub(super) fn scripts(&self) -> Result<Vec<String>, ArchiveError> {
        let scripts = self.files.keys().filter(|name| *name != ".PKGINFO").cloned();
        let triggers = self.info()?.contains_key("triggers").then(|| "triggers".to_owned());
        Ok(scripts.chain(triggers).collect())
    }

    /// The files, once their digest is verified; contents go to `spool`.
    pub(super) fn members(&self, spool: &mut Spool) -> Result<Vec<Member>, ArchiveError> {
        let expected = self.info()?.remove("datahash").and_then(|mut hashes| hashes.pop());
        let expected = expected.ok_or(ArchiveError::Form("it has no datahash"))?;
        if sha256_of(self.rest)? != expected {
            return Err(ArchiveError::Data);
        }
        let mut stream = stream::open(Compression::Gzip, reader(self.rest))?;
        Ok(unpack::members(&mut stream, Recorded::Sha1, spool)?)
    }
}

/// How many stored bytes the gzip member at the beginning has.
fn member_length(part: Slice<'_>) -> Result<u64, ArchiveError> {
    let mut head = [0; 3];
    let n = part.read_at(0, &mut head)?;
    if Compression::detect(head.get(..n).unwrap_or_default()) != Some(Compression::Gzip) {
        return Err(ArchiveError::Form("it does not consist of gzip members"));
    }
    let counting = Counting { stream: reader(part), taken: 0 };
    let mut decoder = flate2::bufread::GzDecoder::new(counting);
    let unpacked = io::copy(&mut (&mut decoder).take(MAX_UNPACKED_BYTES + 1), &mut io::sink())?;
    let taken = decoder.into_inner().taken;
    if unpacked > MAX_UNPACKED_BYTES || taken > MAX_STORED_BYTES {
        return Err(UnpackError::TooLarge(MAX_UNPACKED_BYTES).into());
    }
    Ok(taken)
}

/// Counts what is taken from a stream.
struct Counting<R> {
    stream: R,
    taken: u64,
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        self.taken += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stream.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.stream.consume(amount);
    }
}

/// The files of one of the first two members; their tar archives have no end mark.
fn files(member: Slice<'_>) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let mut spool = Spool::temporary()?;
    let mut stream = flate2::bufread::GzDecoder::new(reader(member));
    let members = unpack::members(&mut stream, Recorded::Sha1, &mut spool)?;
    let mut files = BTreeMap::new();
    for member in members {
        if let Kind::File(body, _) = &member.kind {
            files.insert(String::from_utf8_lossy(&member.path).into_owned(), spool.read(body)?);
        }
    }
    Ok(files)
}

fn bytes(part: Slice<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(part.len()).unwrap_or(0)];
    part.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}
