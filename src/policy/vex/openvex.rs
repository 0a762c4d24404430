//! OpenVEX.
//!
//! Source: <https://github.com/openvex/spec>, 0.2.0; 0.0.1 wrote the vulnerability as a text and products as texts.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Identifier, Product, Statement, Status, VexError, by, comparable};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    statements: Vec<RawStatement>,
}

#[derive(Deserialize)]
struct RawStatement {
    vulnerability: Vulnerability,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    products: Vec<RawProduct>,
    #[serde(default)]
    subcomponents: Vec<RawProduct>,
    status: Status,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    impact_statement: Option<String>,
    #[serde(default)]
    status_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Known {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawProduct {
    Name(String),
    Known {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        identifiers: BTreeMap<String, String>,
        #[serde(default)]
        subcomponents: Vec<Self>,
    },
}

pub(super) fn read(bytes: &[u8], name: &str) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_slice(bytes)?;
    let by = by(document.author.as_deref(), name);
    let of_document = document.last_updated.or(document.timestamp);
    let statement = |raw: RawStatement| {
        let time = raw.last_updated.or(raw.timestamp).or_else(|| of_document.clone());
        Statement {
            ids: ids(raw.vulnerability),
            products: raw.products.iter().map(|product| self::product(product, &raw.subcomponents)).collect(),
            status: raw.status,
            reason: raw.justification.or(raw.impact_statement).or(raw.status_notes),
            by: by.clone(),
            time: comparable(time.as_deref()),
        }
    };
    Ok(document.statements.into_iter().map(statement).collect())
}

fn ids(vulnerability: Vulnerability) -> Vec<String> {
    match vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Known { id, name, aliases } => name.into_iter().chain(id).chain(aliases).collect(),
    }
}

fn product(raw: &RawProduct, parts_of_statement: &[RawProduct]) -> Product {
    let parts = match raw {
        RawProduct::Known { subcomponents, .. } if !subcomponents.is_empty() => subcomponents,
        _ => parts_of_statement,
    };
    Product::new(identifiers(raw), parts.iter().flat_map(identifiers).collect())
}

fn identifiers(raw: &RawProduct) -> Vec<Identifier> {
    match raw {
        RawProduct::Name(name) => vec![Identifier::parse(name)],
        RawProduct::Known { id, identifiers, .. } => {
            id.iter().chain(identifiers.get("purl")).map(|text| Identifier::parse(text)).collect()
        }
    }
}
