//! rpm's order: `[epoch:]version[-release]`. A missing epoch is 0, a missing release is below every release.
//!
//! Source: rpm-version(7); rpm `rpmio/rpmvercmp.c`, `rpmio/rpmver.c`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits, malformed};

pub(super) static SCHEME: Scheme = Scheme {
    name: "rpm",
    ecosystems: &[
        "AlmaLinux",
        "Azure Linux",
        "Mageia",
        "openEuler",
        "openSUSE",
        "Photon OS",
        "Red Hat",
        "Rocky Linux",
        "SUSE",
        "TuxCare",
        "CentOS",
        "Fedora",
        "Amazon Linux",
        "Oracle Linux",
    ],
    order,
};

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (parse(left)?, parse(right)?);
    let release = || match (a.release, b.release) {
        (Some(a), Some(b)) => segments(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    Ok(segments(a.epoch, b.epoch).then_with(|| segments(a.version, b.version)).then_with(release))
}

struct Version<'a> {
    epoch: &'a [u8],
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

fn parse(text: &str) -> Result<Version<'_>, VersionError> {
    let bytes = text.trim().as_bytes();
    let (epoch, rest) = match memchr::memchr(b':', bytes) {
        Some(colon) => (bytes.get(..colon).unwrap_or_default(), bytes.get(colon + 1..).unwrap_or_default()),
        None => (&b"0"[..], bytes),
    };
    if bytes.is_empty() {
        return Err(malformed(text, &SCHEME));
    }
    let epoch = if epoch.is_empty() || epoch == b"(none)" { b"0" } else { epoch };
    let (version, release) = match memchr::memrchr(b'-', rest) {
        Some(dash) => (rest.get(..dash).unwrap_or_default(), rest.get(dash + 1..)),
        None => (rest, None),
    };
    Ok(Version { epoch, version, release })
}

/// `rpmvercmp`.
fn segments(mut left: &[u8], mut right: &[u8]) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    loop {
        (left, right) = (skip_separators(left), skip_separators(right));
        // A tilde is below everything, even the end.
        match (left.first() == Some(&b'~'), right.first() == Some(&b'~')) {
            (true, true) => {
                (left, right) = (left.get(1..).unwrap_or_default(), right.get(1..).unwrap_or_default());
                continue;
            }
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        // A caret is above the end, and below everything else.
        match (left.first() == Some(&b'^'), right.first() == Some(&b'^')) {
            (true, true) => {
                (left, right) = (left.get(1..).unwrap_or_default(), right.get(1..).unwrap_or_default());
                continue;
            }
            (true, false) => return if right.is_empty() { Ordering::Greater } else { Ordering::Less },
            (false, true) => return if left.is_empty() { Ordering::Less } else { Ordering::Greater },
            (false, false) => {}
        }
        let (Some(first), false) = (left.first(), right.is_empty()) else {
            return left.len().min(1).cmp(&right.len().min(1));
        };
        let (a, b);
        if first.is_ascii_digit() {
            ((a, left), (b, right)) = (digits::split(left), digits::split(right));
            // Digits are above letters.
            if b.is_empty() {
                return Ordering::Greater;
            }
        } else {
            ((a, left), (b, right)) = (split_letters(left), split_letters(right));
            if b.is_empty() {
                return Ordering::Less;
            }
        }
        let order = if first.is_ascii_digit() { digits::compare(a, b) } else { a.cmp(b) };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    let skipped = text.iter().take_while(|b| !b.is_ascii_alphanumeric() && **b != b'~' && **b != b'^').count();
    text.get(skipped..).unwrap_or_default()
}

fn split_letters(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(text.len()))
}
