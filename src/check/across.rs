//! What the platforms of one image do not have in common and should: how it is run, and the versions of its packages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::PackageKind;
use crate::finding::{Finding, Kind, Location};
use crate::oci::{Platform, RunConfig};

/// `platforms-differ`.
pub(super) static META: Meta = Meta {
    name: "platforms-differ",
    summary: "the platforms of an image are run in different ways, are of different age, or have different versions of a package, or one is missing",
    doc: "**Reads** the configurations and OS packages of all Linux platforms of an index.\n\n**Reports** a user, command, folder, volume or port that not all of them have, and packages of the distribution in different versions: what was tested on one is not what runs on the other.\n\n\
          Dates of creation that are more than 30 days apart, and an index of several platforms that has no `linux/amd64` or no `linux/arm64`, which nearly all machines are.\n\n\
          **Cannot see** which platforms there should be besides.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

/// Packages that one finding names.
const MAX_NAMED: usize = 5;

/// Days between the dates of platforms that were built together.
const DAYS_APART: i64 = 30;

/// What nearly all machines are.
const COMMON: [&str; 2] = ["amd64", "arm64"];

/// Compares the platforms of an image, of which the index offers `offered`.
#[must_use]
pub fn differences(subjects: &[Subject<'_>], offered: &[Platform]) -> Vec<Finding> {
    let mut findings = between(subjects);
    findings.extend(missing(offered));
    findings
}

/// Common platforms that an index of several lacks.
fn missing(offered: &[Platform]) -> impl Iterator<Item = Finding> {
    let linux: BTreeSet<&str> = offered.iter().filter(|p| p.os == "linux").map(|p| p.architecture.as_str()).collect();
    let is_missing = |name: &&str| linux.len() > 1 && !linux.contains(*name);
    let finding = |name: &str| {
        let title = format!("the index has several platforms, and no linux/{name}");
        Finding::new(Kind::Config, META.name, Severity::Negligible, title, format!("missing:{name}"))
            .at(Location::Config("platforms".to_owned()))
            .advise(format!("build for linux/{name} too, or waive this where nobody runs the image there"))
    };
    let missing: Vec<Finding> = COMMON.iter().copied().filter(is_missing).map(finding).collect();
    missing.into_iter()
}

fn between(subjects: &[Subject<'_>]) -> Vec<Finding> {
    let linux: Vec<&Subject<'_>> =
        subjects.iter().filter(|subject| subject.has_config && subject.manifest.platform.os == "linux").collect();
    if linux.len() < 2 {
        return Vec::new();
    }
    let joined = |words: &[String]| words.join(" ");
    let aspects: [(&str, Severity, Vec<String>); 6] = [
        ("user", Severity::Medium, linux.iter().map(|subject| config(subject).user.clone()).collect()),
        ("entrypoint", Severity::Low, linux.iter().map(|subject| joined(&config(subject).entrypoint)).collect()),
        ("cmd", Severity::Low, linux.iter().map(|subject| joined(&config(subject).cmd)).collect()),
        ("working_dir", Severity::Low, linux.iter().map(|subject| config(subject).working_dir.clone()).collect()),
        ("exposed_ports", Severity::Low, linux.iter().map(|subject| names(&config(subject).exposed_ports)).collect()),
        ("volumes", Severity::Low, linux.iter().map(|subject| names(&config(subject).volumes)).collect()),
    ];
    let differing =
        aspects.into_iter().filter(|(_, _, values)| values.iter().any(|value| Some(value) != values.first()));
    let mut findings: Vec<Finding> = differing.map(|(aspect, severity, _)| aspect_finding(aspect, severity)).collect();
    findings.extend(ages(&linux));
    findings.extend(versions(&linux));
    findings
}

/// Platforms that were built long after others.
fn ages(linux: &[&Subject<'_>]) -> Option<Finding> {
    // Reproducible builds say the first date that their format has.
    let is_date = |time: &jiff::Timestamp| time.as_second() > FIRST_DATE;
    let created = |subject: &&Subject<'_>| subject.manifest.config.created.as_ref()?.parse::<jiff::Timestamp>().ok();
    let times: Vec<jiff::Timestamp> = linux.iter().filter_map(created).filter(is_date).collect();
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    let days = (last.as_second() - first.as_second()) / 86_400;
    if days <= DAYS_APART {
        return None;
    }
    let title = format!("the platforms were built {days} days apart");
    let finding = Finding::new(Kind::Config, META.name, Severity::Low, title, "created");
    Some(
        finding
            .at(Location::Config("created".into()))
            .advise("build all platforms in one run, so that all have the same fixes"),
    )
}

/// 2000-01-01, in seconds since the epoch.
const FIRST_DATE: i64 = 946_684_800;

fn config<'a>(subject: &Subject<'a>) -> &'a RunConfig {
    &subject.manifest.config.config
}

fn names<V>(map: &BTreeMap<String, V>) -> String {
    map.keys().cloned().collect::<Vec<_>>().join(" ")
}

fn aspect_finding(aspect: &str, severity: Severity) -> Finding {
    let title = format!("the platforms have not the same {}", aspect.replace('_', " "));
    Finding::new(Kind::Config, META.name, severity, title, aspect)
        .at(Location::Config(aspect.to_owned()))
        .advise("build all platforms from one Dockerfile; `imgguard diff IMAGE --platform A,B` shows what differs")
}

/// Packages of the distribution that all platforms have, in different versions.
fn versions(linux: &[&Subject<'_>]) -> Option<Finding> {
    let mut found: BTreeMap<(PackageKind, &str), Vec<BTreeSet<&str>>> = BTreeMap::new();
    for (index, subject) in linux.iter().enumerate() {
        for package in &subject.inventory.packages {
            let fact = &package.fact;
            if matches!(fact.kind, PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk) {
                let sets = found.entry((fact.kind, &fact.name)).or_default();
                sets.resize_with(linux.len(), BTreeSet::new);
                if let Some(set) = sets.get_mut(index) {
                    set.insert(&fact.version);
                }
            }
        }
    }
    let differs = |sets: &Vec<BTreeSet<&str>>| {
        sets.iter().all(|set| !set.is_empty()) && sets.iter().any(|set| Some(set) != sets.first())
    };
    let differing: Vec<&str> = found.iter().filter(|(_, sets)| differs(sets)).map(|((_, name), _)| *name).collect();
    if differing.is_empty() {
        return None;
    }
    let more = differing.len().saturating_sub(MAX_NAMED);
    let mut title = format!(
        "packages with another version on each platform: {}",
        differing.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ")
    );
    if more > 0 {
        title.push_str(&format!(" and {more} more"));
    }
    let finding = Finding::new(Kind::Config, META.name, Severity::Low, title, "packages");
    Some(
        finding
            .at(Location::Config("packages".into()))
            .advise("build all platforms in one run, so that they install from the same state of the archive"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{manifest, subject};
    use super::*;
    use crate::facts::{FilePath, InstalledPackage, Inventory, PackageFact};

    fn inventory(versions: &[(&str, &str)]) -> Inventory {
        let package = |(name, version): &(&str, &str)| InstalledPackage {
            fact: PackageFact::new(PackageKind::Deb, *name, *version),
            path: FilePath::new(b"var/lib/dpkg/status"),
            layer: 0,
            owner: None,
            is_program: false,
            loaded: None,
        };
        Inventory { packages: versions.iter().map(package).collect(), ..Inventory::default() }
    }

    #[test]
    fn users_and_versions_are_compared_on_linux_alone() {
        let amd = manifest(r#"{"os":"linux","architecture":"amd64","config":{"User":"1"}}"#);
        let arm = manifest(r#"{"os":"linux","architecture":"arm64","config":{"User":"0"}}"#);
        let windows = manifest(r#"{"os":"windows","architecture":"amd64","config":{"Cmd":["a"]}}"#);
        let (old, new) = (inventory(&[("a", "1"), ("b", "1")]), inventory(&[("a", "2"), ("b", "1"), ("c", "1")]));
        let found = differences(&[subject(&amd, &old), subject(&arm, &new), subject(&windows, &new)], &[]);
        let told: Vec<&str> = found.iter().map(|finding| finding.identity.as_str()).collect();
        assert_eq!(told, ["user", "packages"]);
        assert!(found[1].title.ends_with(": a"), "{}", found[1].title);
        assert!(differences(&[subject(&amd, &old), subject(&amd, &old)], &[]).is_empty());
        assert!(differences(&[subject(&amd, &old)], &[]).is_empty());
    }

    #[test]
    fn a_platform_may_be_old_or_missing() {
        let built = |day: &str| manifest(&format!(r#"{{"os":"linux","created":"{day}T00:00:00Z"}}"#));
        let inventory = Inventory::default();
        for (days, expected) in [
            (["2026-01-01", "2026-01-31"], vec![]),
            (["2026-01-01", "2026-02-01"], vec!["created"]),
            (["1970-01-01", "2026-02-01"], vec![]),
        ] {
            let manifests = days.map(built);
            let subjects: Vec<_> = manifests.iter().map(|manifest| subject(manifest, &inventory)).collect();
            let found = differences(&subjects, &[]);
            assert_eq!(found.iter().map(|finding| finding.identity.as_str()).collect::<Vec<_>>(), expected, "{days:?}");
        }
        for (offered, expected) in [
            (&["linux/amd64"][..], vec![]),
            (&["linux/amd64", "linux/arm64/v8", "linux/386"], vec![]),
            (&["linux/amd64", "linux/arm/v7"], vec!["missing:arm64"]),
            (&["linux/386", "linux/arm/v7", "windows/amd64"], vec!["missing:amd64", "missing:arm64"]),
        ] {
            let offered: Vec<Platform> = offered.iter().map(|platform| platform.parse().unwrap()).collect();
            let found = differences(&[], &offered);
            assert_eq!(found.iter().map(|finding| finding.identity.as_str()).collect::<Vec<_>>(), expected);
        }
    }
}
