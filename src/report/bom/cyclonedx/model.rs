//! The parts of CycloneDX that are written, as serde types; names are the specification's.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bom {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    pub(super) serial_number: String,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) compositions: Vec<Composition>,
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    pub(super) lifecycles: [Lifecycle; 1],
    pub(super) tools: Tools,
    pub(super) authors: Vec<Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Component>,
}

#[derive(Serialize)]
pub(super) struct Lifecycle {
    pub(super) phase: &'static str,
}

#[derive(Serialize)]
pub(super) struct Author {
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct Tools {
    pub(super) components: Vec<Component>,
}

#[derive(Serialize, Default)]
pub(super) struct Component {
    pub(super) r#type: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct Hash {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

#[derive(Serialize)]
pub(super) struct Organization {
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct LicenseChoice {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expression: Option<String>,
}

#[derive(Serialize)]
pub(super) struct License {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Evidence {
    pub(super) identity: Identities,
    pub(super) occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Identities {
    One(Identity),
    Several([Identity; 1]),
}

#[derive(Serialize)]
pub(super) struct Identity {
    pub(super) field: &'static str,
    pub(super) confidence: f64,
    pub(super) methods: [Method; 1],
}

#[derive(Serialize)]
pub(super) struct Method {
    pub(super) technique: &'static str,
    pub(super) confidence: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Occurrence {
    pub(super) location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_context: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    pub(super) r#ref: String,
    pub(super) depends_on: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Composition {
    pub(super) aggregate: &'static str,
    pub(super) assemblies: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Vulnerability {
    #[serde(rename = "bom-ref")]
    pub(super) bom_ref: String,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<VulnerabilitySource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<VulnerabilityReference>,
    pub(super) ratings: [Rating; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recommendation: Option<String>,
    pub(super) affects: Vec<Affects>,
    pub(super) properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct VulnerabilitySource {
    pub(super) name: &'static str,
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct VulnerabilityReference {
    pub(super) id: String,
    pub(super) source: VulnerabilitySource,
}

#[derive(Serialize)]
pub(super) struct Rating {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<f64>,
    pub(super) severity: &'static str,
}

#[derive(Serialize)]
pub(super) struct Affects {
    pub(super) r#ref: String,
}
