//! Dart's order: SemVer 2.0.0, but build metadata orders: `1.0.0` is below `1.0.0+1`.
//!
//! Source: Dart documentation, "Package versioning"; `Version.compareTo` of the package `pub_semver`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, malformed, semver};

pub(super) static SCHEME: Scheme = Scheme { name: "pub", ecosystems: &["Pub"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    match (semver::parse(left), semver::parse(right)) {
        (Some(a), Some(b)) => Ok(semver::compare(&a, &b).then_with(|| semver::identifiers(a.build, b.build))),
        (None, _) => Err(malformed(left, &SCHEME)),
        (_, None) => Err(malformed(right, &SCHEME)),
    }
}
