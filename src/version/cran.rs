//! Numbers between dots and dashes, one by one, as R and Haskell count: a version with more of them is above its beginning, so `1.0` is below `1.0.0`.
//!
//! Source: R `?numeric_version`, `utils::compareVersion`; Haskell Package Versioning Policy.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme =
    Scheme { name: "cran", ecosystems: &["CRAN", "Bioconductor", "Hackage", "GHC"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (mut a, mut b) = (numbers(left)?, numbers(right)?);
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ok(Ordering::Equal),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => digits::compare(x.as_bytes(), y.as_bytes()),
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
}

fn numbers(text: &str) -> Result<impl Iterator<Item = &str>, VersionError> {
    let parts = || text.trim().split(['.', '-']);
    if parts().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())) {
        Ok(parts())
    } else {
        Err(malformed(text, &SCHEME))
    }
}
