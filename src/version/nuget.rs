//! NuGet's order: SemVer 2.0.0 with an optional fourth number; letters of a prerelease compare without their case, build metadata does not order.
//!
//! Source: NuGet documentation, "Package versioning"; `NuGet.Versioning.VersionComparer`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, malformed, semver};

pub(super) static SCHEME: Scheme = Scheme { name: "nuget", ecosystems: &["NuGet"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    match (semver::parse(&a), semver::parse(&b)) {
        (Some(a), Some(b)) => Ok(semver::compare(&a, &b)),
        (None, _) => Err(malformed(left, &SCHEME)),
        (_, None) => Err(malformed(right, &SCHEME)),
    }
}
