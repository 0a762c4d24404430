//! Packages of two platforms: by their purls without version and qualifiers, so that another version, architecture or release is a change and no other package.

use std::collections::{BTreeMap, BTreeSet};

use super::{PackageChange, PackageSummary, Packages};
use crate::report::contract::{Package, Report};
use crate::version;

type Versions<'a> = BTreeMap<&'a str, &'a Package>;

pub(super) fn packages((from, old): (&Report, &str), (to, new): (&Report, &str)) -> Packages {
    let (before, after) = (by_identity(from, old), by_identity(to, new));
    let mut packages = Packages { added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
    let identities: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for identity in identities {
        let none = Versions::new();
        let (old, new) = (before.get(identity).unwrap_or(&none), after.get(identity).unwrap_or(&none));
        let gone: Vec<&Package> = only(old, new);
        let come: Vec<&Package> = only(new, old);
        match (gone.as_slice(), come.as_slice()) {
            (gone, []) => packages.removed.extend(gone.iter().copied().map(summary)),
            ([], come) => packages.added.extend(come.iter().copied().map(summary)),
            (gone, [first, ..]) => packages.changed.push(change(gone, first, &come)),
        }
    }
    packages.added.sort();
    packages.removed.sort();
    packages.changed.sort();
    packages
}

/// Versions of each package of a platform.
fn by_identity<'a>(report: &'a Report, platform: &str) -> BTreeMap<&'a str, Versions<'a>> {
    let mut found: BTreeMap<&str, Versions<'_>> = BTreeMap::new();
    for package in report.packages.iter().filter(|package| package.platforms.iter().any(|name| name == platform)) {
        found.entry(identity(&package.purl)).or_default().insert(&package.version, package);
    }
    found
}

fn identity(purl: &str) -> &str {
    let whole = purl.split('?').next().unwrap_or(purl);
    whole.split('@').next().unwrap_or(whole)
}

fn only<'a>(these: &Versions<'a>, others: &Versions<'a>) -> Vec<&'a Package> {
    these.iter().filter(|(version, _)| !others.contains_key(*version)).map(|(_, package)| *package).collect()
}

fn summary(package: &Package) -> PackageSummary {
    PackageSummary {
        name: package.name.clone(),
        version: package.version.clone(),
        ecosystem: package.ecosystem.clone(),
        purl: package.purl.clone(),
    }
}

fn change(gone: &[&Package], first: &Package, come: &[&Package]) -> PackageChange {
    let versions = |packages: &[&Package]| packages.iter().map(|package| package.version.clone()).collect();
    PackageChange {
        name: first.name.clone(),
        ecosystem: first.ecosystem.clone(),
        from: versions(gone),
        to: versions(come),
        change: match (gone, come) {
            ([old], [new]) => direction(&old.version, new),
            _ => "changed",
        },
    }
}

fn direction(old: &str, new: &Package) -> &'static str {
    let scheme = version::for_osv_ecosystem(&new.ecosystem);
    match scheme.and_then(|scheme| scheme.compare(old, &new.version).ok()) {
        Some(std::cmp::Ordering::Less) => "upgraded",
        Some(std::cmp::Ordering::Greater) => "downgraded",
        _ => "changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_stays_the_same_in_another_version_or_architecture() {
        assert_eq!(identity("pkg:deb/debian/a@1:2-3?arch=amd64"), identity("pkg:deb/debian/a@1:2-4?arch=arm64"));
        assert_eq!(identity("pkg:npm/%40scope/tool@1"), "pkg:npm/%40scope/tool");
        assert_eq!(identity("pkg:golang/a.example/b"), "pkg:golang/a.example/b");
    }
}
