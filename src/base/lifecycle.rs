//! Until when the distribution and the runtimes of an image get fixes.
//!
//! In: what an image holds, an advisory store with endoflife.date's data, a date. Out: what has ended, or ends soon. No catalogue is needed.

use jiff::civil::Date;

use crate::advisory::exploitation::date;
use crate::advisory::lifecycle::End;
use crate::advisory::{AdvisoryError, Store};
use crate::facts::{InstalledPackage, Inventory, OsRelease, PackageKind};

/// How many days before its end a product is worth a warning.
pub const WARN_DAYS: i32 = 90;

/// Products whose name at endoflife.date is not that of the image, the `ID` of os-release or the program.
const PRODUCTS: &[(&str, &str)] = &[
    ("alpine", "alpine-linux"),
    ("node", "nodejs"),
    ("golang", "go"),
    ("rocky", "rocky-linux"),
    ("rockylinux", "rocky-linux"),
    ("amzn", "amazon-linux"),
    ("amazonlinux", "amazon-linux"),
    ("ol", "oracle-linux"),
    ("oraclelinux", "oracle-linux"),
    ("opensuse-leap", "opensuse"),
    ("photon", "vmware-photon"),
    ("postgres", "postgresql"),
    ("apache", "apache-http-server"),
];

/// Programs that are runtimes or servers of their own; others (OpenSSL, busybox) are parts of something, whose end says little of the image.
const RUNTIMES: &[&str] = &[
    "python",
    "node",
    "ruby",
    "php",
    "perl",
    "nginx",
    "apache",
    "redis",
    "valkey",
    "postgresql",
    "mariadb",
    "haproxy",
    "memcached",
    "erlang",
    "bun",
    "deno",
    "julia",
    "golang",
];

/// Names of releases that tags say in place of numbers.
const RELEASES: &[(&str, &str)] = &[
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("jammy", "22.04"),
    ("noble", "24.04"),
];

/// endoflife.date's name of a product.
#[must_use]
pub fn product(name: &str) -> &str {
    PRODUCTS.iter().find(|(known, _)| *known == name).map_or(name, |(_, product)| product)
}

/// The number of a release that has a name.
#[must_use]
pub fn release(word: &str) -> &str {
    RELEASES.iter().find(|(known, _)| *known == word).map_or(word, |(_, version)| version)
}

/// A product of an image, and how its cycle of releases ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// endoflife.date's name, `debian`.
    pub product: String,
    /// The cycle, `12`.
    pub cycle: String,
    /// The end of security support.
    pub security: End,
    /// The end of support that must be paid for or asked for.
    pub extended: End,
    /// The package that is the product; none for the distribution.
    pub package: Option<usize>,
}

/// How support stands at a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It goes on.
    Supported,
    /// It ends within so many days.
    EndsSoon,
    /// It has ended.
    Ended,
}

impl Support {
    /// How it stands at a date; a product without a known end is supported.
    #[must_use]
    pub fn standing(&self, at: Date) -> Standing {
        if self.security.is_over(at) == Some(true) {
            return Standing::Ended;
        }
        let left = self.ends_on().and_then(|end| end.since(at).ok()).map(|span| span.get_days());
        if left.is_some_and(|days| days <= WARN_DAYS) { Standing::EndsSoon } else { Standing::Supported }
    }

    /// The day of its end, where one is known.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        day(self.security)
    }

    /// The last day of extended support, where that goes on.
    #[must_use]
    pub fn extended_until(&self, at: Date) -> Option<Date> {
        day(self.extended).filter(|end| *end > at)
    }
}

fn day(end: End) -> Option<Date> {
    match end {
        End::On(days) => date(days),
        End::Unstated | End::Open | End::Ended => None,
    }
}

/// The support of an image's distribution and of its runtimes.
///
/// # Errors
/// When the store is damaged.
pub fn support(store: &Store, inventory: &Inventory) -> Result<Vec<Support>, AdvisoryError> {
    let mut found: Vec<Support> = Vec::new();
    if let Some(os) = &inventory.os {
        found.extend(cycle(store, os_product(os), &os.version_id, None)?);
    }
    for (number, package) in inventory.packages.iter().enumerate() {
        let Some(name) = runtime(package) else { continue };
        let support = cycle(store, product(name), &package.fact.version, Some(number))?;
        // A program and its library are one product.
        found.extend(support.filter(|new| !found.iter().any(|old| is_same(old, new))));
    }
    Ok(found)
}

fn is_same(one: &Support, other: &Support) -> bool {
    (&one.product, &one.cycle) == (&other.product, &other.cycle)
}

/// The distribution's own name; CentOS Stream calls itself `centos`.
fn os_product(os: &OsRelease) -> &str {
    if os.id == "centos" && os.pretty_name.contains("Stream") { "centos-stream" } else { product(&os.id) }
}

/// The program that a package is, where nobody but its own project supports it: what the distribution ships has the distribution's support.
fn runtime(package: &InstalledPackage) -> Option<&str> {
    let is_own = matches!(package.fact.kind, PackageKind::Generic | PackageKind::Bitnami) && package.owner.is_none();
    let name = package.fact.name.as_str();
    (is_own && RUNTIMES.contains(&name)).then_some(name)
}

fn cycle(
    store: &Store,
    product: &str,
    version: &str,
    package: Option<usize>,
) -> Result<Option<Support>, AdvisoryError> {
    let Some(lifecycle) = store.lifecycle(product)? else { return Ok(None) };
    let support = lifecycle.cycle(version).map(|cycle| Support {
        product: product.to_owned(),
        cycle: cycle.name.clone(),
        security: cycle.security,
        extended: cycle.extended,
        package,
    });
    Ok(support)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn ends(security: End) -> Support {
        Support { product: "debian".into(), cycle: "12".into(), security, extended: End::Unstated, package: None }
    }

    #[test]
    fn a_warning_comes_ahead_of_the_end() {
        // 1970-04-11 is day 100.
        let support = ends(End::On(100));
        let at = |month, day| support.standing(date(1970, month, day));
        assert_eq!([at(1, 10), at(1, 11), at(4, 10)], [Standing::Supported, Standing::EndsSoon, Standing::EndsSoon]);
        assert_eq!([at(4, 11), at(4, 12)], [Standing::Ended, Standing::Ended]);
        for open in [End::Open, End::Unstated] {
            assert_eq!(ends(open).standing(date(2100, 1, 1)), Standing::Supported);
        }
        assert_eq!(ends(End::Ended).standing(date(1970, 1, 1)), Standing::Ended);
    }
}
