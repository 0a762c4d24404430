//! Bitnami's order: SemVer with a revision of the packaging, `1.2.3-4`, which counts only where both sides have one.
//!
//! Bitnami's own comparison puts `1.2.3-4` above `1.2.3`. Most of its records name upstream's versions: under that order, `last_affected: 1.2.3` would leave out every image,
//! since each has a revision. A few records name revisions (`fixed: 4.6.0-1`); there it counts. Java's `1.8.0_131` is `8.0.131` in Bitnami's records.
//!
//! Source: `bitnami/go-version`; `bitnami/vulndb`; JEP 223.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed, semver};

pub(super) static SCHEME: Scheme = Scheme { name: "bitnami", ecosystems: &["Bitnami"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (java(left.trim()), java(right.trim()));
    let ((a, revision_a), (b, revision_b)) = (split_revision(&a), split_revision(&b));
    let revision = || match (revision_a, revision_b) {
        (Some(a), Some(b)) => digits::compare(a.as_bytes(), b.as_bytes()),
        _ => Ordering::Equal,
    };
    match (semver::parse(a), semver::parse(b)) {
        (Some(a), Some(b)) => Ok(semver::compare(&a, &b).then_with(revision)),
        (None, _) => Err(malformed(left, &SCHEME)),
        (_, None) => Err(malformed(right, &SCHEME)),
    }
}

/// Splits the digits after the last dash off.
fn split_revision(version: &str) -> (&str, Option<&str>) {
    match version.rsplit_once('-') {
        Some((version, revision)) if !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit()) => {
            (version, Some(revision))
        }
        _ => (version, None),
    }
}

/// `1.8.0_131` and `1.8.0_131-b11` as `8.0.131`; all else as it is.
fn java(version: &str) -> Cow<'_, str> {
    let update = || {
        let (numbers, update) = version.strip_prefix("1.")?.split_once('_')?;
        let update = digits::split(update.as_bytes()).0;
        let update = std::str::from_utf8(update).ok().filter(|update| !update.is_empty())?;
        Some(format!("{numbers}.{update}"))
    };
    update().map_or(version.into(), Cow::Owned)
}
