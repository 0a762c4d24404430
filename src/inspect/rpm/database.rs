//! Which form a database has, and the one loop over its headers with the bounds that hold for all forms.

use std::io;

use super::files::{PathAccount, RpmFiles};
use super::header::{Header, HeaderError};
use super::{RpmPackage, bdb, ndb, sqlite};
use crate::layer::view::ReadAt;

/// Most headers of one database, damaged ones included. Images have hundreds, a full desktop a few thousand.
pub const MAX_PACKAGES: u64 = 100_000;

/// Most bytes of joined paths of one database, 1 GiB. The largest images have 3 million files, at 100 bytes each that is 300 MB; a
/// crafted header can make its paths a thousand times longer than itself, since they share directories.
pub const MAX_PATH_TEXT_BYTES: u64 = 1 << 30;

/// How rpm keeps its database on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// `rpmdb.sqlite`: Fedora since 33, RHEL 9 and later, Mariner and Azure Linux.
    Sqlite,
    /// `Packages.db`: SUSE since 15.
    Ndb,
    /// `Packages`, a Berkeley DB hash: RHEL up to 8, Amazon Linux 2.
    Bdb,
}

/// Tells the form from the first bytes of the file; 16 suffice.
#[must_use]
pub fn detect(head: &[u8]) -> Option<Backend> {
    if head.starts_with(sqlite::MAGIC) {
        Some(Backend::Sqlite)
    } else if head.starts_with(ndb::MAGIC) {
        Some(Backend::Ndb)
    } else {
        bdb::byte_order(head).map(|_| Backend::Bdb)
    }
}

/// One package and the paths it owns.
#[derive(Debug)]
pub struct RpmEntry<'a> {
    /// The package.
    pub package: RpmPackage,
    /// Its paths; nothing is joined before it is asked for.
    pub files: RpmFiles<'a>,
}

/// What was read, and what could not be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Packages handed out.
    pub packages: u64,
    /// Imported public keys (`gpg-pubkey`), which [`read`] leaves out.
    pub public_keys: u64,
    /// Headers that could not be read, and packages handed out without files because their file list could not be.
    pub damaged: u64,
    /// The first of those.
    pub first_damage: Option<Damage>,
    /// Paths left out because they are unsafe or their parts are missing, among those that were asked for.
    pub dropped_paths: u64,
}

/// Where and why a header could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("header at byte {offset}: {reason}")]
pub struct Damage {
    /// Offset in the file of the row, slot or item that holds the header.
    pub offset: u64,
    /// Why.
    pub reason: HeaderError,
}

/// Why a database could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpmError {
    /// The temporary copy could not be read.
    #[error("the copy of the database could not be read")]
    Io(#[from] io::Error),
    /// None of the known magic numbers.
    #[error("not an rpm database of a known form")]
    UnknownForm,
    /// A variant of the form that rpm does not write.
    #[error("{form} with {field} {value} is not supported")]
    Unsupported {
        /// The form.
        form: &'static str,
        /// Which field of its first page.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// A reference to a page that the file does not have: the file was cut off, or the reference lies.
    #[error("page {page} is not in the file")]
    PageOutOfRange {
        /// Number of the page.
        page: u64,
    },
    /// A cycle, or two references to one page.
    #[error("page {page} is used twice")]
    PageReused {
        /// Number of the page.
        page: u64,
    },
    /// A page whose content does not follow the format.
    #[error("page {page}: {reason}")]
    BadPage {
        /// Number of the page.
        page: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// An NDB slot that does not follow the format.
    #[error("slot {slot}: {reason}")]
    BadSlot {
        /// Number of the slot, from 0 after the two that the file's header takes.
        slot: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// SQLite without rpm's table.
    #[error("the database has no table `Packages`")]
    NoPackagesTable,
    /// More headers than [`MAX_PACKAGES`].
    #[error("the database has more than {MAX_PACKAGES} packages")]
    TooManyPackages,
    /// The headers overlap: together they are longer than the file.
    #[error("the headers are together longer than the file")]
    OverlappingHeaders,
    /// More path text than [`MAX_PATH_TEXT_BYTES`].
    #[error("the paths of the packages have together more than {MAX_PATH_TEXT_BYTES} bytes")]
    TooMuchPathText,
}

/// One stored header, as a backend finds it.
pub(super) struct Record<'a> {
    /// Where it is in the file.
    pub(super) offset: u64,
    /// How many bytes of the file it takes.
    pub(super) stored: u64,
    /// The blob.
    pub(super) blob: Result<&'a [u8], HeaderError>,
}

/// What a backend gives its records to; an error ends the walk.
pub(super) type Sink<'a> = dyn FnMut(Record<'_>) -> Result<(), RpmError> + 'a;

/// Calls `each` for every installed package in the order of the database, but not for public keys, which rpm keeps as packages named
/// `gpg-pubkey` (`rpm -qa` lists them). Memory is bounded by one header, its directories and one bit a page; what is read and copied
/// by the length of the file.
///
/// # Errors
/// When the structure cannot be followed to its end. What `each` was called with before is what could be read. A single damaged header
/// is no error but counted in the [`Summary`].
pub fn read(db: &dyn ReadAt, each: &mut dyn FnMut(RpmEntry<'_>)) -> Result<Summary, RpmError> {
    Reading::new(db, each, false).run()
}

/// As [`read`], but with the public keys, as `rpm -qa` lists them.
///
/// # Errors
/// As [`read`].
pub fn read_with_public_keys(db: &dyn ReadAt, each: &mut dyn FnMut(RpmEntry<'_>)) -> Result<Summary, RpmError> {
    Reading::new(db, each, true).run()
}

/// State of one reading.
struct Reading<'a> {
    db: &'a dyn ReadAt,
    each: &'a mut dyn FnMut(RpmEntry<'_>),
    with_public_keys: bool,
    records: u64,
    /// Bytes of the file that headers may still take.
    bytes_left: u64,
    paths: PathAccount,
    summary: Summary,
}

impl<'a> Reading<'a> {
    fn new(db: &'a dyn ReadAt, each: &'a mut dyn FnMut(RpmEntry<'_>), with_public_keys: bool) -> Self {
        Self {
            db,
            each,
            with_public_keys,
            records: 0,
            bytes_left: db.len(),
            paths: PathAccount::new(MAX_PATH_TEXT_BYTES),
            summary: Summary::default(),
        }
    }

    fn run(mut self) -> Result<Summary, RpmError> {
        let db = self.db;
        let mut head = [0; 16];
        if db.len() < head.len() as u64 {
            return Err(RpmError::UnknownForm);
        }
        db.read_exact_at(0, &mut head)?;
        let walk = match detect(&head).ok_or(RpmError::UnknownForm)? {
            Backend::Sqlite => sqlite::walk,
            Backend::Ndb => ndb::walk,
            Backend::Bdb => bdb::walk,
        };
        walk(db, &mut |record| self.record(&record))?;
        self.summary.dropped_paths = self.paths.dropped.get();
        Ok(self.summary)
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), RpmError> {
        self.records += 1;
        if self.records > MAX_PACKAGES {
            return Err(RpmError::TooManyPackages);
        }
        let left = self.bytes_left.checked_sub(record.stored);
        self.bytes_left = left.ok_or(RpmError::OverlappingHeaders)?;
        if let Err(reason) = record.blob.and_then(|blob| self.header(record.offset, blob)) {
            self.damage(record.offset, reason);
        }
        if self.paths.exhausted.get() {
            return Err(RpmError::TooMuchPathText);
        }
        Ok(())
    }

    /// Hands out the package of one header; where only the file list is damaged, without files.
    fn header(&mut self, offset: u64, blob: &[u8]) -> Result<(), HeaderError> {
        let header = Header::parse(blob)?;
        let package = header.package()?;
        if package.is_public_key() {
            self.summary.public_keys += 1;
            if !self.with_public_keys {
                return Ok(());
            }
        }
        let files = RpmFiles::of(&header, &self.paths);
        let damage = files.as_ref().err().copied();
        let files = files.unwrap_or_else(|_| RpmFiles::none(&self.paths));
        self.summary.packages += 1;
        (self.each)(RpmEntry { package, files });
        if let Some(reason) = damage {
            self.damage(offset, reason);
        }
        Ok(())
    }

    fn damage(&mut self, offset: u64, reason: HeaderError) {
        self.summary.damaged += 1;
        self.summary.first_damage.get_or_insert(Damage { offset, reason });
    }
}
