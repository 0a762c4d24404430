//! What the platforms of one image do not have in common and should: how it is run, and the versions of its packages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::PackageKind;
use crate::finding::{Finding, Kind, Location};
use crate::oci::RunConfig;

/// `platforms-differ`.
pub(super) static META: Meta = Meta {
    name: "platforms-differ",
    summary: "the platforms of an image are run in different ways, or have different versions of a package",
    doc: "**Reads** the configurations and OS packages of all Linux platforms of an index.\n\n**Reports** a user, command, folder, volume or port that not all of them have, and packages of the distribution in different versions: what was tested on one is not what runs on the other.\n\n\
          **Cannot see** a platform that is missing altogether, since nobody says which there should be.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

/// Packages that one finding names.
const MAX_NAMED: usize = 5;

/// Compares the platforms of an image.
#[must_use]
pub fn differences(subjects: &[Subject<'_>]) -> Vec<Finding> {
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
    findings.extend(versions(&linux));
    findings
}

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
    use std::collections::BTreeMap;

    use super::*;
    use crate::facts::{FilePath, InstalledPackage, Inventory, PackageFact};
    use crate::source::{Documents, Manifest};

    fn manifest(json: &str) -> Manifest {
        let config: crate::oci::ImageConfig = serde_json::from_str(json).unwrap();
        let platform = config.platform();
        Manifest {
            platform,
            digest: None,
            annotations: BTreeMap::new(),
            config,
            documents: Documents::default(),
            layers: Vec::new(),
            listing: None,
        }
    }

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
        let subject = |manifest, inventory| Subject { manifest, inventory, reference: None, has_config: true };
        let found = differences(&[subject(&amd, &old), subject(&arm, &new), subject(&windows, &new)]);
        let told: Vec<&str> = found.iter().map(|finding| finding.identity.as_str()).collect();
        assert_eq!(told, ["user", "packages"]);
        assert!(found[1].title.ends_with(": a"), "{}", found[1].title);
        assert!(differences(&[subject(&amd, &old), subject(&amd, &old)]).is_empty());
        assert!(differences(&[subject(&amd, &old)]).is_empty());
    }
}
