//! Components: the subject, its platforms, their operating systems, packages, and the tool that wrote the bill.

use super::Edition;
use super::model::{
    Component, Evidence, Hash, Identities, Identity, License as NamedLicense, LicenseChoice, Method, Occurrence,
    Organization, Property,
};
use crate::report::bom::license::License;
use crate::report::bom::properties::{self, of_os, of_package, of_platform};
use crate::report::bom::subject::Image;
use crate::report::contract::{Location, Os, Package, Platform, Report};

/// Places listed of one component; a package of a large monorepo may stand in thousands.
const MAX_OCCURRENCES: usize = 100;

pub(super) fn subject(name: String, report: &Report, image: &Image) -> Component {
    let subject = &report.subject;
    Component {
        r#type: if image.is_folder { "application" } else { "container" },
        bom_ref: Some(name),
        name: image.name.clone(),
        version: subject.digest.clone().or_else(|| image.tag.clone()),
        hashes: hash(subject.digest.as_deref()),
        purl: image.purl(subject.digest.as_deref(), None),
        properties: with_names(vec![("imgguard:reference".to_owned(), subject.reference.clone())]),
        ..Component::default()
    }
}

pub(super) fn platform(name: String, platform: &Platform, image: &Image) -> Component {
    let digest = platform.digest.as_deref();
    Component {
        r#type: "container",
        bom_ref: Some(name),
        name: image.name.clone(),
        version: digest.map(str::to_owned),
        hashes: hash(digest),
        purl: image.purl(digest, platform.platform.split('/').nth(1)),
        properties: with_names(of_platform(platform)),
        ..Component::default()
    }
}

pub(super) fn operating_system(name: String, os: &Os) -> Component {
    Component {
        r#type: "operating-system",
        bom_ref: Some(name),
        name: os.id.clone(),
        version: Some(os.version_id.clone()).filter(|version| !version.is_empty()),
        properties: with_names(of_os(os)),
        ..Component::default()
    }
}

/// `platforms` is how many the subject has.
pub(super) fn package(name: String, package: &Package, platforms: usize, edition: Edition) -> Component {
    let (group, short_name) = group_and_name(package);
    Component {
        r#type: "library",
        bom_ref: Some(name),
        supplier: package.vendor.clone().map(|name| Organization { name }),
        group,
        name: short_name,
        version: Some(package.version.clone()).filter(|version| !version.is_empty()),
        // "Components for test and other non-runtime purposes."
        scope: package.scope.as_ref().map(|_| "excluded"),
        licenses: licenses(&package.licenses),
        purl: Some(package.purl.clone()),
        evidence: Some(evidence(package, edition)),
        properties: with_names(of_package(package, platforms)),
        ..Component::default()
    }
}

pub(super) fn tool(report: &Report) -> Component {
    Component {
        r#type: "application",
        name: report.tool.name.clone(),
        version: Some(report.tool.version.clone()),
        ..Component::default()
    }
}

/// npm's scope is a group; Go's path is one name, as its users know it.
fn group_and_name(package: &Package) -> (Option<String>, String) {
    match package.name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (Some(scope.to_owned()), name.to_owned()),
        _ => (None, package.name.clone()),
    }
}

/// An expression may only stand alone; beside others it is a name.
fn licenses(declared: &[String]) -> Vec<LicenseChoice> {
    let named = |id: Option<String>, name: Option<String>| LicenseChoice {
        license: Some(NamedLicense { id, name }),
        expression: None,
    };
    let choice = |text: &String| match License::of(text) {
        License::Id(id) => named(Some(id), None),
        License::Expression(expression) if declared.len() == 1 => {
            LicenseChoice { license: None, expression: Some(expression) }
        }
        License::Expression(name) | License::Name(name) => named(None, Some(name)),
    };
    declared.iter().map(choice).collect()
}

/// Where the package was seen, and how sure that says that it is there.
fn evidence(package: &Package, edition: Edition) -> Evidence {
    let occurrence = |location: &Location| Occurrence {
        location: location.path.clone().unwrap_or_default(),
        // Since 1.6.
        additional_context: location
            .layer
            .as_ref()
            .filter(|_| edition == Edition::V1_6)
            .map(|layer| format!("layer {layer}")),
    };
    let (technique, confidence) = match package.evidence.as_str() {
        "content" => ("binary-analysis", 0.7),
        "listed" => ("other", 0.5),
        _ => ("manifest-analysis", 1.0),
    };
    let identity = Identity { field: "purl", confidence, methods: [Method { technique, confidence }] };
    Evidence {
        // 1.6 takes several.
        identity: match edition {
            Edition::V1_5 => Identities::One(identity),
            Edition::V1_6 => Identities::Several([identity]),
        },
        occurrences: package.locations.iter().take(MAX_OCCURRENCES).map(occurrence).collect(),
    }
}

fn with_names(properties: Vec<properties::Property>) -> Vec<Property> {
    properties.into_iter().map(|(name, value)| Property { name, value }).collect()
}

fn hash(digest: Option<&str>) -> Vec<Hash> {
    let of = |digest: &str| match digest.split_once(':')? {
        ("sha256", hex) => Some(Hash { alg: "SHA-256", content: hex.to_owned() }),
        ("sha512", hex) => Some(Hash { alg: "SHA-512", content: hex.to_owned() }),
        _ => None,
    };
    digest.and_then(of).into_iter().collect()
}
