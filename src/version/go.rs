//! Go's order: SemVer with a leading `v`. `+incompatible` is build metadata, pseudo-versions are prereleases, and the toolchain's own `go1.22rc1` is `1.22.0-rc.1`.
//!
//! Source: golang.org/x/mod/semver; Go Modules Reference, "Pseudo-versions"; `go/version`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed, semver};

pub(super) static SCHEME: Scheme = Scheme { name: "go", ecosystems: &["Go"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (spelled_out(left), spelled_out(right));
    match (semver::parse(&a), semver::parse(&b)) {
        (Some(a), Some(b)) => Ok(semver::compare(&a, &b)),
        (None, _) => Err(malformed(left, &SCHEME)),
        (_, None) => Err(malformed(right, &SCHEME)),
    }
}

/// `go1.22rc1` and `1.22rc1` as `1.22-rc.1`; all else as it is.
fn spelled_out(version: &str) -> std::borrow::Cow<'_, str> {
    let bare = version.trim().strip_prefix("go").unwrap_or(version.trim());
    for word in ["rc", "beta"] {
        if let Some((numbers, number)) = bare.split_once(word) {
            let is_toolchain = numbers.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && digits::split(number.as_bytes()).1.is_empty()
                && !number.is_empty();
            if is_toolchain {
                return format!("{numbers}-{word}.{number}").into();
            }
        }
    }
    bare.into()
}
