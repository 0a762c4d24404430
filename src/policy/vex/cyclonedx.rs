//! CycloneDX documents that analyse vulnerabilities.
//!
//! Source: CycloneDX 1.6 JSON, `vulnerabilities[].analysis`, `vulnerabilities[].affects`, "BOM-Link".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Identifier, Product, Statement, Status, VexError, by, comparable};

/// Deepest nesting of components. Real bills of materials have a few levels.
const MAX_DEPTH: usize = 32;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    timestamp: Option<String>,
    supplier: Option<Named>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default)]
    bom_ref: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Self>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    updated: Option<String>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affects>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
struct Analysis {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(rename = "lastUpdated", default)]
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
}

pub(super) fn read(bytes: &[u8], name: &str) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_slice(bytes)?;
    let supplier = document.metadata.supplier.as_ref().and_then(|supplier| supplier.name.clone());
    let by = by(supplier.as_deref(), name);
    let mut purls = BTreeMap::new();
    let components = document.components.iter().chain(&document.metadata.component);
    components.for_each(|component| collect(component, 0, &mut purls));
    let statement = |vulnerability: &Vulnerability| {
        let analysis = vulnerability.analysis.as_ref()?;
        let times = [&analysis.last_updated, &vulnerability.updated, &document.metadata.timestamp];
        Some(Statement {
            ids: vulnerability.id.iter().chain(vulnerability.references.iter().map(|r| &r.id)).cloned().collect(),
            products: vulnerability.affects.iter().map(|affects| product(&affects.reference, &purls)).collect(),
            status: status(analysis.state.as_deref()?)?,
            reason: analysis.justification.clone().or_else(|| analysis.detail.clone()),
            by: by.clone(),
            time: comparable(times.into_iter().find_map(|time| time.as_deref())),
        })
    };
    Ok(document.vulnerabilities.iter().filter_map(statement).collect())
}

fn status(state: &str) -> Option<Status> {
    match state {
        "not_affected" | "false_positive" => Some(Status::NotAffected),
        "resolved" | "resolved_with_pedigree" => Some(Status::Fixed),
        "exploitable" => Some(Status::Affected),
        "in_triage" => Some(Status::UnderInvestigation),
        _ => None,
    }
}

fn collect<'a>(component: &'a Component, depth: usize, purls: &mut BTreeMap<&'a str, &'a str>) {
    if let (Some(bom_ref), Some(purl)) = (&component.bom_ref, &component.purl) {
        purls.insert(bom_ref, purl);
    }
    if depth < MAX_DEPTH {
        component.components.iter().for_each(|inner| collect(inner, depth + 1, purls));
    }
}

/// A reference within the document, or a BOM-Link, of which only what follows `#` is looked at: a purl, in most documents.
fn product(reference: &str, purls: &BTreeMap<&str, &str>) -> Product {
    let inner = match reference.strip_prefix("urn:cdx:") {
        Some(link) => link.split_once('#').map_or("", |(_, inner)| inner),
        None => reference,
    };
    Product::new(vec![Identifier::parse(purls.get(inner).copied().unwrap_or(inner))], Vec::new())
}
