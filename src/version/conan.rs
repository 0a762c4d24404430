//! Conan's order: items between dots, a prerelease after the first `-`, build metadata, which orders, after the last `+`. Zeros at the end do not count.
//!
//! Conan compares two items as numbers if both are, else as texts, under which `9` is above `10a` and `10` above `9`. Here an item's leading number decides first, so that
//! OpenSSL's `1.1.1w` is above `1.1.1` and below `1.1.2`, as in Conan, and the order is one.
//!
//! Source: Conan 2 documentation, "Version ranges"; `conan.internal.model.version`.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits};

pub(super) static SCHEME: Scheme = Scheme { name: "conan", ecosystems: &["ConanCenter"], order };

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(left.trim()), Version::parse(right.trim()));
    let prerelease = match (a.prerelease, b.prerelease) {
        (Some(a), Some(b)) => items(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    let build = || match (a.build, b.build) {
        (Some(a), Some(b)) => items(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    Ok(items(a.main, b.main).then(prerelease).then_with(build))
}

struct Version<'a> {
    main: &'a str,
    prerelease: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (text, build) = text.rsplit_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (main, prerelease) = text.split_once('-').map_or((text, None), |(main, rest)| (main, Some(rest)));
        Self { main, prerelease, build }
    }
}

/// Items side by side; the side that ends first is below.
fn items(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (without_zeros(left).into_iter(), without_zeros(right).into_iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => item(x, y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn without_zeros(text: &str) -> Vec<&str> {
    let mut items: Vec<&str> = text.split('.').collect();
    while items.last().is_some_and(|item| !item.is_empty() && item.bytes().all(|byte| byte == b'0')) {
        items.pop();
    }
    items
}

/// The leading number, if both have one, then the rest; numbers are below texts.
fn item(left: &str, right: &str) -> Ordering {
    let ((a, rest_a), (b, rest_b)) = (digits::split(left.as_bytes()), digits::split(right.as_bytes()));
    a.is_empty().cmp(&b.is_empty()).then_with(|| digits::compare(a, b)).then_with(|| rest_a.cmp(rest_b))
}
