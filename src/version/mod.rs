//! How versions sort: one file a scheme, two texts in, an order out. Nothing here knows packages or advisories.
//!
//! A comparator never panics and never guesses: what it cannot read is a [`VersionError`], which a matcher reports and does not take for "not affected". Numbers of any
//! length compare by value, without conversion. OSV's `introduced: "0"` is below every version and is the caller's business.

mod apk;
mod bitnami;
mod conan;
mod cran;
mod deb;
mod digits;
mod go;
mod maven;
mod nuget;
mod packagist;
mod pacman;
mod pep440;
mod portage;
mod pub_dev;
mod rpm;
mod rubygems;
mod semver;

use std::cmp::Ordering;

/// Longest version that is compared, in bytes. The longest in public advisories has 120; a longer one is an attack on the comparison's time.
pub const MAX_VERSION_BYTES: usize = 1024;

/// How the versions of one family of ecosystems sort.
#[derive(Debug)]
pub struct Scheme {
    /// Stable name, `deb`.
    pub name: &'static str,
    /// OSV ecosystems (the part before the colon) whose versions sort like this.
    pub ecosystems: &'static [&'static str],
    order: fn(&str, &str) -> Result<Ordering, VersionError>,
}

/// Every scheme.
pub static SCHEMES: &[&Scheme] = &[
    &apk::SCHEME,
    &bitnami::SCHEME,
    &conan::SCHEME,
    &cran::SCHEME,
    &deb::SCHEME,
    &go::SCHEME,
    &maven::SCHEME,
    &nuget::SCHEME,
    &packagist::SCHEME,
    &pacman::SCHEME,
    &pep440::SCHEME,
    &portage::SCHEME,
    &pub_dev::SCHEME,
    &rpm::SCHEME,
    &rubygems::SCHEME,
    &semver::SCHEME,
];

/// Why a version cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// There is nothing to compare.
    #[error("the version is empty")]
    Empty,
    /// Longer than [`MAX_VERSION_BYTES`].
    #[error("the version has {length} bytes; more than {MAX_VERSION_BYTES} are not compared")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// Not a version of the scheme.
    #[error("`{version}` is not a version of the scheme {scheme}")]
    Malformed {
        /// The version, shortened.
        version: String,
        /// The scheme's name.
        scheme: &'static str,
    },
}

impl Scheme {
    /// Where `left` stands to `right`.
    ///
    /// # Errors
    /// When one of them is empty, too long, or not a version of the scheme.
    pub fn compare(&self, left: &str, right: &str) -> Result<Ordering, VersionError> {
        for version in [left, right] {
            match version.len() {
                0 => return Err(VersionError::Empty),
                length if length > MAX_VERSION_BYTES => return Err(VersionError::TooLong { length }),
                _ => {}
            }
        }
        (self.order)(left, right)
    }
}

/// The scheme of an OSV ecosystem; what follows the first colon (`Debian:12`) does not matter.
#[must_use]
pub fn for_osv_ecosystem(ecosystem: &str) -> Option<&'static Scheme> {
    let base = ecosystem.split(':').next().unwrap_or_default();
    SCHEMES.iter().copied().find(|scheme| scheme.ecosystems.contains(&base))
}

/// The scheme of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().copied().find(|scheme| scheme.name == name)
}

fn malformed(version: &str, scheme: &Scheme) -> VersionError {
    VersionError::Malformed { version: version.chars().take(80).collect(), scheme: scheme.name }
}
