//! Installed packages to the contract.

use std::collections::BTreeMap;

use crate::advisory::ecosystem;
use crate::digest::Digest;
use crate::facts::purl::purl;
use crate::facts::{Evidence, Scope};
use crate::report::contract;
use crate::scan::run::ScannedImage;

/// The packages of all platforms; the same package on several is one entry.
pub(super) fn packages(scanned: &ScannedImage) -> Vec<contract::Package> {
    let mut packages: BTreeMap<(String, Option<String>), contract::Package> = BTreeMap::new();
    // Where in a package's list of places a path of a layer stands: a package may be in a hundred thousand.
    let mut places: BTreeMap<(String, Option<String>, contract::Location), usize> = BTreeMap::new();
    for platform in &scanned.platforms {
        let os = platform.inventory.os.as_ref();
        let name = platform.manifest.platform.to_string();
        for installed in &platform.inventory.packages {
            let fact = &installed.fact;
            let purl = purl(fact, os);
            let package = packages.entry((purl.clone(), installed.owner.clone())).or_insert_with(|| {
                let (source, version) = fact.source_or_self();
                contract::Package {
                    purl,
                    name: fact.name.clone(),
                    version: fact.version.clone(),
                    ecosystem: ecosystem_of(fact.kind, os),
                    source: contract::SourcePackage { name: source.to_owned(), version: version.to_owned() },
                    licenses: fact.licenses.clone(),
                    owner: installed.owner.clone(),
                    vendor: fact.vendor.clone(),
                    module: fact.module.clone(),
                    evidence: evidence(fact.evidence).to_owned(),
                    program: installed.is_program,
                    scope: (fact.scope == Scope::Development).then(|| "development".to_owned()),
                    loaded: installed.loaded,
                    platforms: Vec::new(),
                    locations: Vec::new(),
                }
            });
            package.loaded = either(package.loaded, installed.loaded);
            // What is a program here may be a dependency there; then its version is a real one.
            package.program &= installed.is_program;
            if fact.scope == Scope::Runtime {
                package.scope = None;
            }
            if !package.platforms.contains(&name) {
                package.platforms.push(name.clone());
            }
            let layer = platform.manifest.layers.get(installed.layer).and_then(|layer| layer.digest.as_ref());
            let location = contract::Location {
                path: Some(installed.place().to_string()),
                layer: layer.map(Digest::to_string),
                layer_index: layer.map(|_| installed.layer),
                ..contract::Location::default()
            };
            let number = *places
                .entry((package.purl.clone(), package.owner.clone(), location.clone()))
                .or_insert(package.locations.len());
            match package.locations.get_mut(number) {
                Some(known) => known.platforms.push(name.clone()),
                None => package.locations.push(contract::Location { platforms: vec![name.clone()], ..location }),
            }
        }
    }
    packages.into_values().collect()
}

/// Of two platforms or places: loaded in one of them is loaded, and not to know of one is not to know.
pub(super) fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    if one == Some(true) || other == Some(true) { Some(true) } else { one.and(other) }
}

fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Record => "record",
        Evidence::Content => "content",
        Evidence::Listed => "listed",
    }
}

fn ecosystem_of(kind: crate::facts::PackageKind, os: Option<&crate::facts::OsRelease>) -> String {
    let named = || {
        let os = os?;
        let version_id = Some(os.version_id.as_str()).filter(|version| !version.is_empty());
        ecosystem::of_os(&ecosystem::OsRelease { id: &os.id, version_id, ..ecosystem::OsRelease::default() })
    };
    match ecosystem::of_language(kind) {
        Some(language) => language.to_owned(),
        None => named().unwrap_or_else(|| format!("{kind:?}").to_ascii_lowercase()),
    }
}
