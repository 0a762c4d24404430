//! Databases of installed RPM packages, in the three forms that rpm keeps them on disk.
//!
//! In: random access to `rpmdb.sqlite` (SQLite), `Packages.db` (NDB, SUSE) or `Packages` (Berkeley DB hash, of either byte order). Out: one
//! [`RpmEntry`] a package, in the order of the database, and a [`Summary`]. All three hold the same thing, one header blob a package; `sqlite`, `ndb`
//! and `bdb` find the blobs, `header` and `files` read them, `database` ties them together.
//!
//! One header that cannot be read is counted and the next one is read; a structure that cannot be followed ends the reading with an
//! [`RpmError`]. Nothing is checked against signatures or digests, and no index table is read: an index can lie about the packages, which
//! rpm itself then rebuilds from the headers. SQLite's `-wal` file is not read: rpm empties it when it closes the database, so only an
//! image that was frozen in the middle of a transaction has one with content.

mod bdb;
mod database;
mod files;
mod header;
mod ndb;
mod package;
mod package_file;
mod pages;
mod sqlite;

pub use database::{
    Backend, Damage, MAX_PACKAGES, MAX_PATH_TEXT_BYTES, RpmEntry, RpmError, Summary, detect, read,
    read_with_public_keys,
};
pub use files::{MAX_ARRAY_ITEMS, RpmFile, RpmFiles};
pub use header::{HeaderError, MAX_HEADER_BYTES, MAX_INDEX_ENTRIES, MAX_STRING_BYTES};
pub use package::RpmPackage;
pub use package_file::{PackageFile, PackageFileError};
