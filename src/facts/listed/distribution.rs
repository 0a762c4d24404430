//! The distribution that a bill is about.

use std::collections::{BTreeMap, BTreeSet};

use super::super::purl_parse::ParsedPurl;
use super::OsRelease;
use crate::source::sbom::Component;

/// Trivy's names of distributions, and what os-release(5) calls them (Trivy `pkg/fanal/types/const.go`).
const OTHER_NAMES: [(&str, &str); 9] = [
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("cbl-mariner", "mariner"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("oracle", "ol"),
    ("redhat", "rhel"),
    ("slem", "sl-micro"),
    ("suse linux enterprise server", "sles"),
];

/// The distribution: the component that says so, else what most OS packages say.
pub(super) fn of<'a>(
    component: Option<&Component>,
    packages: impl Iterator<Item = &'a ParsedPurl>,
) -> Option<OsRelease> {
    let told = component.map(release);
    if told.as_ref().is_some_and(|os| !os.version_id.is_empty()) {
        return told;
    }
    let mut votes: BTreeMap<(String, String), (usize, OsRelease)> = BTreeMap::new();
    for os in packages.filter_map(|parsed| parsed.distribution.as_ref()) {
        let os = OsRelease { id: name(&os.id).to_owned(), ..os.clone() };
        votes.entry((os.id.clone(), os.version_id.clone())).or_insert((0, os)).0 += 1;
    }
    let most = votes.into_values().max_by_key(|(count, os)| (!os.version_id.is_empty(), *count)).map(|(_, os)| os);
    // A component without a version is still right about the name.
    match (told, most) {
        (Some(told), Some(most)) if told.id == most.id => Some(most),
        (told, most) => told.or(most),
    }
}

fn release(component: &Component) -> OsRelease {
    let said = |key: &str, otherwise: &str| component.property(key).unwrap_or(otherwise).to_owned();
    let version = component.version.split_whitespace().next().unwrap_or_default();
    OsRelease {
        id: name(&said("syft:distro:id", &component.name).to_ascii_lowercase()).to_owned(),
        version_id: said("syft:distro:versionID", version),
        codename: said("syft:distro:versionCodename", ""),
        pretty_name: said("imgguard:os:name", component.property("syft:distro:prettyName").unwrap_or_default()),
        id_like: Vec::new(),
    }
}

/// The channels that a distribution takes, as our own bills write them.
pub(super) fn channels(component: &Component) -> Vec<String> {
    let named = component.property("imgguard:os:channels").unwrap_or_default().split(", ");
    let named: BTreeSet<&str> = named.filter(|name| !name.is_empty()).collect();
    named.into_iter().map(str::to_owned).collect()
}

fn name(id: &str) -> &str {
    OTHER_NAMES.iter().find(|(other, _)| *other == id).map_or(id, |(_, name)| name)
}

/// Whether a package of `other` is one of `os`: `debian-12.5` is of Debian 12. What is not said differs in nothing.
pub(super) fn is_same(os: &OsRelease, other: &OsRelease) -> bool {
    let begins =
        |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let (left, right) = (os.version_id.as_str(), other.version_id.as_str());
    let is_unsaid = left.is_empty() || right.is_empty();
    (os.id == name(&other.id) || is_vendor(&os.id, &other.id))
        && (is_unsaid || begins(left, right) || begins(right, left))
}

/// Whether `namespace` is the vendor of the distribution `id` rather than its name: `pkg:rpm/opensuse/…` of `opensuse-leap`, `pkg:rpm/suse/…` of `sles`.
fn is_vendor(id: &str, namespace: &str) -> bool {
    id.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('-')) || (namespace == "suse" && id.starts_with('s'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(id: &str, version_id: &str) -> OsRelease {
        OsRelease { id: id.into(), version_id: version_id.into(), ..OsRelease::default() }
    }

    #[test]
    fn releases_are_compared_as_far_as_they_are_said() {
        for (left, right, same) in [
            (("debian", "12"), ("debian", "12.5"), true),
            (("debian", "12"), ("debian", ""), true),
            (("debian", "12"), ("debian", "11"), false),
            (("debian", "1"), ("debian", "12"), false),
            (("debian", "12"), ("ubuntu", "12"), false),
            (("almalinux", "9.4"), ("alma", "9.4"), true),
            (("opensuse-leap", "15.5"), ("opensuse", "15.5"), true),
            (("sles", "15.5"), ("suse", "15.5"), true),
        ] {
            assert_eq!(is_same(&os(left.0, left.1), &os(right.0, right.1)), same, "{left:?} {right:?}");
        }
    }
}
