//! What a bill of materials lists to an [`Inventory`]: its components as packages, its word on the distribution, and what of it has no place here.
//!
//! A component is a package by its package URL. What a purl does not tell is taken from the properties that tools add: ours (`imgguard:…`), Trivy's
//! (`aquasecurity:trivy:…`, in SPDX without that beginning), Syft's (`syft:…`).
//!
//! Sources: Trivy `pkg/sbom/core/bom.go` and `pkg/fanal/types/const.go`; Syft `syft/format/internal/cyclonedxutil` and `pkg/decode` of CycloneDX properties.

mod distribution;

use std::collections::BTreeMap;

use super::purl_parse::{self, ParsedPurl};
use super::{
    Effect, Evidence, FilePath, InstalledPackage, Inventory, OsRelease, PackageFact, PackageKind, Scope, SourcePackage,
    Unknown,
};
use crate::source::sbom::{Component, Listing, Role, SOURCE_INFO};

/// Who speaks in the unknowns.
const BY: &str = "sbom";

/// Most bytes of packages that are held beyond one entry a component: each further place of a component is a package again.
const MAX_REPEATED_BYTES: usize = 64 << 20;

/// Most reasons that are told apart; a hostile bill invents more.
const MAX_REASONS: usize = 50;

/// Where Trivy's properties stand in CycloneDX; in SPDX they have no such beginning.
const TRIVY: &str = "aquasecurity:trivy:";

/// The packages of a listing.
#[must_use]
pub fn inventory(listing: &Listing) -> Inventory {
    let mut gaps = Gaps::default();
    let mut listed = Vec::new();
    for (place, component) in listing.components.iter().enumerate() {
        match read(component) {
            Ok(Some(parsed)) => listed.push((place, component, parsed)),
            Ok(None) => {}
            Err(reason) => gaps.add(reason, component),
        }
    }
    let os = distribution::of(listing.os.as_ref(), listed.iter().map(|(_, _, parsed)| parsed));
    let mut packages = Vec::new();
    let mut left = MAX_REPEATED_BYTES;
    for (place, component, ParsedPurl { package, distribution }) in listed {
        match (&os, distribution) {
            (Some(os), Some(other)) if package.kind.is_os() && !distribution::is_same(os, &other) => {
                gaps.add(format!("packages of another distribution ({} {})", other.id, other.version_id), component);
            }
            _ => {
                let mut entries = installed(listing, place, component, &package);
                packages.extend(entries.next());
                let size = size(&package);
                for entry in entries {
                    let Some(rest) = left.checked_sub(size) else {
                        gaps.add("more places of packages than are read".into(), component);
                        break;
                    };
                    left = rest;
                    packages.push(entry);
                }
            }
        }
    }
    packages.sort();
    packages.dedup();
    let unknowns = gaps.unknowns(listing).map(|unknown| (None, unknown)).collect();
    let channels = listing.os.as_ref().map(distribution::channels).unwrap_or_default();
    Inventory { os, packages, unknowns, channels, ..Inventory::default() }
}

/// The package that a component of a bill inside an image is. What the bill says of its own evidence does not count there.
#[must_use]
pub fn package(component: &Component) -> Option<PackageFact> {
    let parsed = read(component).ok().flatten()?;
    Some(PackageFact { evidence: Evidence::Listed, ..parsed.package })
}

/// The package that a component is, with its distribution; none for one that is something else.
fn read(component: &Component) -> Result<Option<ParsedPurl>, String> {
    let Some(purl) = &component.purl else {
        let is_package = component.role == Role::Package;
        return if is_package { Err("components without a package URL".into()) } else { Ok(None) };
    };
    if matches!(component.role, Role::Container | Role::Other) {
        return Ok(None);
    }
    // Syft wrote `alpine` before the type was registered as `apk`.
    let purl = purl.strip_prefix("pkg:alpine/").map_or_else(|| purl.clone(), |rest| format!("pkg:apk/alpine/{rest}"));
    let mut parsed = purl_parse::parse(&purl).map_err(|error| error.to_string())?;
    // rpm keeps the keys that it trusts among its packages, and Syft lists them.
    if parsed.package.kind == PackageKind::Rpm && parsed.package.name == "gpg-pubkey" {
        return Ok(None);
    }
    complete(&mut parsed.package, component);
    Ok(Some(parsed))
}

/// Adds what the purl does not tell.
fn complete(package: &mut PackageFact, component: &Component) {
    if let Some(name) = spelled(package, component) {
        package.name = name;
    }
    if package.version.is_empty() {
        package.version.clone_from(&component.version);
    }
    let epoch = property(component, "Epoch").or_else(|| component.property("syft:metadata:epoch"));
    if let Some(epoch) = epoch.filter(|_| package.kind == PackageKind::Rpm && !package.version.contains(':')) {
        package.version = format!("{epoch}:{}", package.version);
    }
    if package.kind.is_os() {
        package.source = source(package, component).or_else(|| package.source.take());
    }
    let module =
        ["imgguard:module", "syft:metadata:modularityLabel"].into_iter().find_map(|name| component.property(name));
    let module = module.or_else(|| property(component, "Modularitylabel")).filter(|label| !label.is_empty());
    package.module = module.map(str::to_owned).or_else(|| package.module.take());
    package.licenses.clone_from(&component.licenses);
    package.vendor.clone_from(&component.supplier);
    if component.property("imgguard:scope") == Some("development") || component.is_excluded {
        package.scope = Scope::Development;
    }
    package.evidence = match component.property("imgguard:evidence") {
        Some("record") => Evidence::Record,
        Some("content") => Evidence::Content,
        _ => Evidence::Listed,
    };
}

/// A property of Trivy's.
fn property<'a>(component: &'a Component, name: &str) -> Option<&'a str> {
    let known = component.properties.iter().find(|(key, _)| key.strip_prefix(TRIVY).unwrap_or(key) == name);
    known.map(|(_, value)| value.as_str())
}

/// The component's own spelling of the purl's name, which has lost its case where older editions of the purl specification wanted that.
fn spelled(package: &PackageFact, component: &Component) -> Option<String> {
    let folded = |name: &str| match package.kind {
        PackageKind::PyPi => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        _ => name.to_ascii_lowercase(),
    };
    let separator = if package.kind == PackageKind::Maven { ":" } else { "/" };
    let grouped = component.group.as_ref().map(|group| format!("{group}{separator}{}", component.name));
    let spellings = [Some(component.name.clone()), grouped];
    spellings.into_iter().flatten().find(|name| folded(name) == folded(&package.name))
}

/// What the package was built from, by the tool's own words.
fn source(package: &PackageFact, component: &Component) -> Option<SourcePackage> {
    let (name, version) =
        ours(component).or_else(|| trivy(component)).or_else(|| syft(package, component)).or_else(|| {
            component.property(SOURCE_INFO)?.strip_prefix("built package from: ")?.split_once(' ').map(owned)
        })?;
    let says_more = !name.is_empty() && (name != package.name || version != package.version);
    says_more.then_some(SourcePackage { name, version })
}

fn owned((name, version): (&str, &str)) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

fn ours(component: &Component) -> Option<(String, String)> {
    component.property("imgguard:source")?.split_once('@').map(owned)
}

fn trivy(component: &Component) -> Option<(String, String)> {
    let name = property(component, "SrcName")?;
    let mut version = property(component, "SrcVersion").unwrap_or_default().to_owned();
    if let Some(release) = property(component, "SrcRelease") {
        version = format!("{version}-{release}");
    }
    if let Some(epoch) = property(component, "SrcEpoch") {
        version = format!("{epoch}:{version}");
    }
    Some((name.to_owned(), version))
}

fn syft(package: &PackageFact, component: &Component) -> Option<(String, String)> {
    let names = ["syft:metadata:source", "syft:metadata:originPackage"];
    let name = names.into_iter().find_map(|name| component.property(name))?;
    let version = component.property("syft:metadata:sourceVersion").unwrap_or(&package.version);
    Some(owned((name, version)))
}

/// About how many bytes a package takes.
fn size(package: &PackageFact) -> usize {
    let texts = [&package.name, &package.version].into_iter().chain(&package.licenses).chain(&package.vendor);
    size_of::<InstalledPackage>() + texts.map(String::len).sum::<usize>()
}

/// One entry a file that the component was seen in.
fn installed<'a>(
    listing: &'a Listing,
    place: usize,
    component: &'a Component,
    package: &'a PackageFact,
) -> impl Iterator<Item = InstalledPackage> + 'a {
    let is_syft_path = |key: &str| key.starts_with("syft:location:") && key.ends_with(":path");
    let is_path = move |key: &str| {
        is_syft_path(key) || matches!(key.strip_prefix(TRIVY).unwrap_or(key), "FilePath" | "imgguard:path")
    };
    let noted = component.properties.iter().filter(move |(key, _)| is_path(key)).map(|(_, value)| value.as_str());
    let mut paths: Vec<&str> = component.paths.iter().map(String::as_str).chain(noted).collect();
    if paths.is_empty() {
        paths.push(listing.file.rsplit('/').next().unwrap_or_default());
    }
    let owner = component.property("imgguard:owner").map(str::to_owned).or_else(|| listing.owners.get(&place).cloned());
    let owner = owner.filter(|_| !package.kind.is_os());
    let is_program = component.property("imgguard:program") == Some("true");
    let loaded = component.property("imgguard:loaded").and_then(|loaded| loaded.parse().ok());
    paths.into_iter().map(move |path| InstalledPackage {
        fact: package.clone(),
        path: normalised(path),
        layer: 0,
        owner: owner.clone(),
        is_program,
        loaded,
    })
}

/// A bill may say anything; a path here has no `..` and no slash at its ends.
fn normalised(path: &str) -> FilePath {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    FilePath::new(parts.collect::<Vec<_>>().join("/").as_bytes())
}

/// Components without a place, counted by the reason, with the first of them.
#[derive(Default)]
struct Gaps<'a>(BTreeMap<String, (usize, &'a str)>);

impl<'a> Gaps<'a> {
    fn add(&mut self, reason: String, component: &'a Component) {
        let is_new = !self.0.contains_key(&reason);
        let reason = if is_new && self.0.len() >= MAX_REASONS { "other reasons".to_owned() } else { reason };
        self.0.entry(reason).or_insert((0, &component.name)).0 += 1;
    }

    /// What is missing from the answer, and what the bill says of that itself.
    fn unknowns(self, listing: &Listing) -> impl Iterator<Item = Unknown> {
        let unknown = |effect, reason| Unknown { effect, path: None, by: BY.into(), reason };
        let unplaced = self.0.into_iter().map(move |(reason, (count, first))| {
            unknown(Effect::Optional, format!("{count} not checked: {reason}; the first is `{first}`"))
        });
        let malformed = (listing.malformed > 0).then(|| {
            let reason = format!("{} components do not follow {}", listing.malformed, listing.format);
            unknown(Effect::Optional, reason)
        });
        let incomplete = listing.incomplete.iter().map(move |word| {
            // Who does not know does not say that anything is missing.
            let effect = if word == "unknown" { Effect::Optional } else { Effect::Required };
            unknown(effect, format!("the bill of materials says of itself that it is not complete: {word}"))
        });
        unplaced.chain(malformed).chain(incomplete).collect::<Vec<_>>().into_iter()
    }
}
