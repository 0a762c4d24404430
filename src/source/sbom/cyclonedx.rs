//! CycloneDX 1.2 to 1.7 as JSON.
//!
//! Source: ECMA-424 and the schemas `bom-1.2.schema.json` to `bom-1.7.schema.json`. A component that does not follow them is counted and passed over: bills of other
//! tools have such.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Bill, Component, Relation, Role, malformed};
use crate::source::SourceError;

/// Deepest nesting of components that is followed.
const MAX_DEPTH: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    bom_format: Option<String>,
    spec_version: Option<String>,
    #[serde(borrow, default)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow, default)]
    components: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    dependencies: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    compositions: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    component: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawComponent<'a> {
    #[serde(default)]
    r#type: String,
    #[serde(rename = "bom-ref")]
    bom_ref: Option<String>,
    group: Option<String>,
    name: String,
    version: Option<String>,
    purl: Option<String>,
    scope: Option<String>,
    publisher: Option<String>,
    supplier: Option<Organization>,
    #[serde(default, deserialize_with = "or_default")]
    licenses: Vec<License>,
    #[serde(default, deserialize_with = "or_default")]
    hashes: Vec<Hash>,
    #[serde(default, deserialize_with = "or_default")]
    properties: Vec<Property>,
    evidence: Option<Evidence>,
    #[serde(borrow, default)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Organization {
    name: Option<String>,
}

#[derive(Deserialize)]
struct License {
    expression: Option<String>,
    license: Option<NamedLicense>,
}

#[derive(Deserialize)]
struct NamedLicense {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    value: String,
}

#[derive(Deserialize)]
struct Evidence {
    #[serde(default, deserialize_with = "or_default")]
    occurrences: Vec<Occurrence>,
}

#[derive(Deserialize)]
struct Occurrence {
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    r#ref: String,
    #[serde(default, deserialize_with = "or_default")]
    depends_on: Vec<String>,
}

#[derive(Deserialize)]
struct Composition {
    aggregate: String,
    #[serde(default, deserialize_with = "or_default")]
    assemblies: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    dependencies: Vec<String>,
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Bill, SourceError> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|error| malformed(format!("it is no CycloneDX: {error}")))?;
    let version = document.spec_version.unwrap_or_default();
    // 1.0 and 1.1 had no JSON form.
    if document.bom_format.as_deref() != Some("CycloneDX") || !version.starts_with("1.") {
        return Err(malformed(
            "it is neither CycloneDX 1 nor SPDX 2; `syft convert` and `trivy sbom --format` write both from other files",
        ));
    }
    let mut reading = Reading::default();
    reading.bill.format = format!("CycloneDX {version}");
    reading.bill.media_type = "application/vnd.cyclonedx+json";
    let subject = document.metadata.and_then(|metadata| metadata.component);
    for component in subject.into_iter().chain(document.components.unwrap_or_default()) {
        reading.component(component, None, 0);
    }
    for dependency in document.dependencies.unwrap_or_default() {
        if let Ok(dependency) = serde_json::from_str(dependency.get()) {
            reading.dependency(&dependency);
        }
    }
    for composition in document.compositions.unwrap_or_default() {
        if let Ok(composition) = serde_json::from_str(composition.get()) {
            reading.bill.incomplete.extend(shortfall(&composition));
        }
    }
    Ok(reading.bill)
}

#[derive(Default)]
struct Reading {
    bill: Bill,
    by_ref: HashMap<String, usize>,
}

impl Reading {
    fn component(&mut self, raw: &RawValue, parent: Option<usize>, depth: usize) {
        let parsed = serde_json::from_str::<RawComponent<'_>>(raw.get()).ok().filter(|_| depth < MAX_DEPTH);
        let Some(mut raw) = parsed else {
            self.bill.malformed += 1;
            return;
        };
        let (name, nested) = (raw.bom_ref.take(), raw.components.take().unwrap_or_default());
        let component = component(raw);
        if component.is_oversized() {
            self.bill.malformed += 1;
            return;
        }
        let place = self.bill.components.len();
        self.bill.components.push(component);
        self.by_ref.extend(name.map(|name| (name, place)));
        self.bill.relations.extend(parent.map(|from| Relation { from, to: place, owns: false }));
        for inner in nested {
            self.component(inner, Some(place), depth + 1);
        }
    }

    fn dependency(&mut self, dependency: &Dependency) {
        let Some(from) = self.by_ref.get(&dependency.r#ref).copied() else { return };
        let known = dependency.depends_on.iter().filter_map(|name| self.by_ref.get(name).copied());
        self.bill.relations.extend(known.map(|to| Relation { from, to, owns: false }));
    }
}

fn component(raw: RawComponent<'_>) -> Component {
    let is_container = raw.r#type == "container";
    let sha256 = raw.hashes.iter().find(|hash| hash.alg == "SHA-256" && is_container);
    let license = |license: License| {
        let named = |license: NamedLicense| license.id.or(license.name);
        license.expression.or_else(|| license.license.and_then(named))
    };
    Component {
        role: role(&raw.r#type),
        name: raw.name,
        group: raw.group.filter(|group| !group.is_empty()),
        version: raw.version.unwrap_or_default(),
        purl: raw.purl.filter(|purl| !purl.is_empty()),
        digest: sha256.and_then(|hash| format!("sha256:{}", hash.content).parse().ok()),
        is_excluded: raw.scope.as_deref() == Some("excluded"),
        licenses: raw.licenses.into_iter().filter_map(license).collect(),
        supplier: raw.supplier.and_then(|supplier| supplier.name).or(raw.publisher),
        paths: raw
            .evidence
            .into_iter()
            .flat_map(|evidence| evidence.occurrences)
            .filter_map(|place| place.location)
            .collect(),
        properties: raw.properties.into_iter().map(|property| (property.name, property.value)).collect(),
    }
}

fn role(kind: &str) -> Role {
    match kind {
        "library" | "framework" | "" => Role::Package,
        "application" | "platform" => Role::Application,
        "operating-system" => Role::OperatingSystem,
        "container" => Role::Container,
        _ => Role::Other,
    }
}

/// What a composition lacks, in words; none where it claims to be complete, or speaks of relations that nobody looks at.
fn shortfall(composition: &Composition) -> Option<String> {
    let about_relations = composition.assemblies.is_empty() && !composition.dependencies.is_empty();
    let claims_all = matches!(composition.aggregate.as_str(), "complete" | "not_specified");
    (!claims_all && !about_relations).then(|| composition.aggregate.replace('_', " "))
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
