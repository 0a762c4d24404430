//! Packages that are named twice: by a record, and by less sure evidence.

use std::collections::{HashMap, HashSet};

use super::super::purl::purl;
use super::super::{Evidence, Inventory, PackageFact};

/// Where each folder is a package of its own, with all that is in it.
const NIX_STORE: &[u8] = b"nix/store/";

/// Drops what is only known by its content, or listed in somebody's bill of materials, where a record names it too or an OS package owns the file.
pub(super) fn drop_doubled(inventory: &mut Inventory) {
    let mut recorded: HashSet<String> = HashSet::new();
    let mut versions: HashMap<String, Vec<&str>> = HashMap::new();
    for package in &inventory.packages {
        let fact = &package.fact;
        if fact.evidence == Evidence::Record {
            recorded.insert(identity(fact));
        }
        if fact.evidence != Evidence::Content && !fact.kind.is_os() {
            versions.entry(fact.name.to_ascii_lowercase()).or_default().push(&fact.version);
        }
    }
    let is_doubled = |package: &super::super::InstalledPackage| {
        let fact = &package.fact;
        match fact.evidence {
            Evidence::Record => false,
            Evidence::Listed => recorded.contains(&identity(fact)),
            Evidence::Content => {
                let others = versions.get(&fact.name).map(Vec::as_slice).unwrap_or_default();
                package.owner.is_some()
                    || package.path.as_bytes().starts_with(NIX_STORE)
                    || others.iter().any(|version| is_build_of(version, &fact.version))
            }
        }
    };
    let kept: Vec<bool> = inventory.packages.iter().map(|package| !is_doubled(package)).collect();
    let mut kept = kept.into_iter();
    inventory.packages.retain(|_| kept.next().unwrap_or(true));
}

/// Kind, name and version, spelled as in a purl: a bill of materials has no other spelling.
fn identity(fact: &PackageFact) -> String {
    purl(&PackageFact::new(fact.kind, fact.name.as_str(), fact.version.as_str()), None)
}

/// Whether `version` is upstream's version with nothing or a packager's revision behind it: `3.11.5-1`, `3.11.5+deb`.
fn is_build_of(version: &str, upstream: &str) -> bool {
    version
        .strip_prefix(upstream)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit() || next == '.'))
}

#[cfg(test)]
mod tests {
    use super::super::super::{FilePath, InstalledPackage, PackageKind};
    use super::*;

    fn package(
        kind: PackageKind,
        name: &str,
        version: &str,
        evidence: Evidence,
        owner: Option<&str>,
    ) -> InstalledPackage {
        InstalledPackage {
            fact: PackageFact { evidence, ..PackageFact::new(kind, name, version) },
            path: FilePath::new(b"usr/bin/x"),
            layer: 0,
            owner: owner.map(str::to_owned),
            is_program: false,
            loaded: None,
        }
    }

    #[test]
    fn only_what_nothing_surer_names_is_kept() {
        use Evidence::{Content, Listed, Record};
        use PackageKind::{Conda, Deb, Generic, Npm, PyPi};
        let mut inventory = Inventory {
            packages: vec![
                package(Deb, "curl", "7.88.1-10", Record, None),
                package(Generic, "curl", "7.88.1", Content, Some("curl")),
                package(Generic, "curl", "8.5.0", Content, None),
                package(Conda, "python", "3.11.5", Record, None),
                package(Generic, "python", "3.11.5", Content, None),
                package(Generic, "python", "3.11.55", Content, None),
                package(Npm, "a", "1.0.0", Record, None),
                package(Npm, "a", "1.0.0", Listed, None),
                package(PyPi, "A_b.c", "2", Record, None),
                package(PyPi, "a-b-c", "2", Listed, None),
                package(PyPi, "a", "1.0.0", Listed, None),
            ],
            ..Inventory::default()
        };
        drop_doubled(&mut inventory);
        let left: Vec<_> =
            inventory.packages.iter().map(|p| (p.fact.kind, p.fact.version.as_str(), p.fact.evidence)).collect();
        assert_eq!(
            left,
            [
                (Deb, "7.88.1-10", Record),
                (Generic, "8.5.0", Content),
                (Conda, "3.11.5", Record),
                (Generic, "3.11.55", Content),
                (Npm, "1.0.0", Record),
                (PyPi, "2", Record),
                (PyPi, "1.0.0", Listed)
            ]
        );
    }
}
