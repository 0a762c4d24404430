//! SPDX 2.2 and 2.3 as JSON, and what both of SPDX's forms have in common.
//!
//! Source: SPDX specification 2.3, clauses 6, 7, 11 and 12, and its JSON schema. Other tools' habits: Trivy writes properties as `Key: value` into annotations (before
//! 0.56 into attribution texts) and tells roles by the beginning of an identifier; Syft marks the files of OS packages by a relationship of type `OTHER`.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Bill, Component, Relation, Role, malformed};
use crate::source::SourceError;

/// The property that carries a package's `sourceInfo`.
pub(crate) const SOURCE_INFO: &str = "spdx:sourceInfo";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: Option<String>,
    #[serde(borrow, default)]
    packages: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    relationships: Option<Vec<&'a RawValue>>,
}

/// A package of either form, before its role is known.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID", default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) version_info: Option<String>,
    pub(super) supplier: Option<String>,
    pub(super) source_info: Option<String>,
    pub(super) license_declared: Option<String>,
    pub(super) license_concluded: Option<String>,
    pub(super) primary_package_purpose: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) external_refs: Vec<ExternalRef>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) attribution_texts: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: String,
    pub(super) checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef {
    pub(super) reference_type: String,
    pub(super) reference_locator: String,
}

#[derive(Deserialize)]
pub(super) struct Annotation {
    pub(super) comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    pub(super) spdx_element_id: String,
    pub(super) relationship_type: String,
    pub(super) related_spdx_element: String,
    #[serde(default)]
    pub(super) comment: Option<String>,
}

/// Reads a document; none where it is no SPDX.
pub(super) fn parse(text: &str) -> Option<Result<Bill, SourceError>> {
    let document: Document<'_> = serde_json::from_str(text).ok()?;
    let version = document.spdx_version?;
    Some(read(&version, document.packages.unwrap_or_default(), &document.relationships.unwrap_or_default()))
}

fn read(version: &str, packages: Vec<&RawValue>, relationships: &[&RawValue]) -> Result<Bill, SourceError> {
    let mut reading = Reading::new(version, "application/spdx+json")?;
    for package in packages {
        match serde_json::from_str(package.get()) {
            Ok(package) => reading.package(package),
            Err(_) => reading.bill.malformed += 1,
        }
    }
    for relationship in relationships {
        if let Ok(relationship) = serde_json::from_str(relationship.get()) {
            reading.relationship(&relationship);
        }
    }
    Ok(reading.bill)
}

/// A document on its way to a bill.
pub(super) struct Reading {
    pub(super) bill: Bill,
    by_id: HashMap<String, usize>,
}

impl Reading {
    /// For a document of this version, `SPDX-2.3`.
    pub(super) fn new(version: &str, media_type: &'static str) -> Result<Self, SourceError> {
        if !version.starts_with("SPDX-2.") {
            return Err(malformed(format!("`{}` is not read; there are SPDX-2.2 and SPDX-2.3", shorten(version))));
        }
        let bill = Bill { format: version.replace('-', " "), media_type, ..Bill::default() };
        Ok(Self { bill, by_id: HashMap::new() })
    }

    pub(super) fn package(&mut self, package: Package) {
        let id = package.id.clone();
        let component = component(package);
        if component.is_oversized() {
            self.bill.malformed += 1;
            return;
        }
        self.by_id.insert(id, self.bill.components.len());
        self.bill.components.push(component);
    }

    pub(super) fn relationship(&mut self, relationship: &Relationship) {
        let place = |id: &str| self.by_id.get(id).copied();
        let (Some(left), Some(right)) =
            (place(&relationship.spdx_element_id), place(&relationship.related_spdx_element))
        else {
            return;
        };
        let owns = || relationship.comment.as_deref().is_some_and(|text| text.starts_with("ownership-by-file-overlap"));
        let relation = match relationship.relationship_type.as_str() {
            "CONTAINS" | "DEPENDS_ON" => Relation { from: left, to: right, owns: false },
            "CONTAINED_BY" | "DEPENDENCY_OF" => Relation { from: right, to: left, owns: false },
            "OTHER" if owns() => Relation { from: left, to: right, owns: true },
            _ => return,
        };
        self.bill.relations.push(relation);
    }
}

fn component(package: Package) -> Component {
    let role = role(&package);
    let purl = package.external_refs.into_iter().find(|reference| reference.reference_type == "purl");
    let sha256 = package.checksums.iter().find(|checksum| checksum.algorithm == "SHA256" && role == Role::Container);
    let says = |text: &String| !matches!(text.as_str(), "" | "NONE" | "NOASSERTION");
    let notes = package.annotations.into_iter().map(|annotation| annotation.comment).chain(package.attribution_texts);
    let mut properties: Vec<(String, String)> = notes.filter_map(|note| property(&note)).collect();
    properties.extend(package.source_info.map(|text| (SOURCE_INFO.to_owned(), text)));
    Component {
        role,
        name: package.name,
        group: None,
        version: package.version_info.unwrap_or_default(),
        purl: purl.map(|purl| purl.reference_locator),
        digest: sha256.and_then(|checksum| format!("sha256:{}", checksum.checksum_value).parse().ok()),
        is_excluded: false,
        licenses: package
            .license_declared
            .filter(says)
            .or(package.license_concluded.filter(says))
            .into_iter()
            .collect(),
        supplier: package.supplier.filter(says).map(|text| supplier(&text).to_owned()),
        paths: Vec::new(),
        properties,
    }
}

/// `Key: value`; a key has no space.
fn property(note: &str) -> Option<(String, String)> {
    let (key, value) = note.split_once(": ")?;
    (!key.contains(' ')).then(|| (key.to_owned(), value.to_owned()))
}

/// `Organization: Debian (mail@example.org)` without what it is.
fn supplier(text: &str) -> &str {
    let text = text.strip_prefix("Organization: ").or_else(|| text.strip_prefix("Person: ")).unwrap_or(text);
    text.trim()
}

fn role(package: &Package) -> Role {
    match package.primary_package_purpose.as_deref() {
        Some("OPERATING-SYSTEM" | "OPERATING_SYSTEM") => return Role::OperatingSystem,
        Some("CONTAINER") => return Role::Container,
        Some("APPLICATION") => return Role::Application,
        Some("FILE" | "SOURCE" | "ARCHIVE" | "DEVICE" | "FIRMWARE") => return Role::Other,
        _ => {}
    }
    let id = package.id.strip_prefix("SPDXRef-").unwrap_or(&package.id);
    match id.split('-').next() {
        Some("OperatingSystem") => Role::OperatingSystem,
        Some("ContainerImage") => Role::Container,
        Some("Application") => Role::Application,
        // Syft's and Trivy's names for what was scanned.
        Some("DocumentRoot" | "Filesystem" | "Repository") => Role::Other,
        _ => Role::Package,
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
