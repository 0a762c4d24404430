//! CSAF documents, as vendors publish their VEX.
//!
//! Source: OASIS CSAF 2.0, sections 3.2.2 (product tree) and 3.2.3 (vulnerabilities); 4.5 (profile VEX).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Identifier, Product, Statement, Status, VexError, by, comparable};

/// Deepest branch of a product tree. Real ones have five levels.
const MAX_DEPTH: usize = 32;

#[derive(Deserialize)]
struct Document {
    document: Head,
    #[serde(default)]
    product_tree: ProductTree,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    publisher: Option<Publisher>,
    #[serde(default)]
    tracking: Option<Tracking>,
}

#[derive(Deserialize)]
struct Publisher {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Tracking {
    #[serde(default)]
    current_release_date: Option<String>,
}

#[derive(Deserialize, Default)]
struct ProductTree {
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    full_product_names: Vec<FullName>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branches: Vec<Self>,
    #[serde(default)]
    product: Option<FullName>,
}

#[derive(Deserialize)]
struct FullName {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Helper,
}

#[derive(Deserialize, Default)]
struct Helper {
    #[serde(default)]
    purl: Option<String>,
    /// CSAF 2.1.
    #[serde(default)]
    purls: Vec<String>,
}

#[derive(Deserialize)]
struct Relationship {
    product_reference: String,
    relates_to_product_reference: String,
    full_product_name: FullName,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<OtherId>,
    #[serde(default)]
    product_status: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    flags: Vec<Note>,
    #[serde(default)]
    threats: Vec<Note>,
}

#[derive(Deserialize)]
struct OtherId {
    text: String,
}

/// A flag or a threat; without products it is about all.
#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    product_ids: Vec<String>,
}

pub(super) fn read(bytes: &[u8], name: &str) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_slice(bytes)?;
    let publisher = document.document.publisher.and_then(|publisher| publisher.name);
    let by = by(publisher.as_deref(), name);
    let time = comparable(document.document.tracking.and_then(|tracking| tracking.current_release_date).as_deref());
    let products = products(&document.product_tree);
    let mut statements = Vec::new();
    for vulnerability in &document.vulnerabilities {
        let ids: Vec<String> =
            vulnerability.cve.iter().chain(vulnerability.ids.iter().map(|id| &id.text)).cloned().collect();
        for (group, members) in &vulnerability.product_status {
            let Some(status) = status(group) else { continue };
            for member in members {
                let Some(product) = products.get(member.as_str()) else { continue };
                statements.push(Statement {
                    ids: ids.clone(),
                    products: vec![product.clone()],
                    status,
                    reason: reason(vulnerability, member),
                    by: by.clone(),
                    time: time.clone(),
                });
            }
        }
    }
    Ok(statements)
}

/// `recommended` and `first_affected` say nothing of the product that carries them.
fn status(group: &str) -> Option<Status> {
    match group {
        "known_not_affected" => Some(Status::NotAffected),
        "fixed" | "first_fixed" => Some(Status::Fixed),
        "known_affected" | "last_affected" => Some(Status::Affected),
        "under_investigation" => Some(Status::UnderInvestigation),
        _ => None,
    }
}

fn reason(vulnerability: &Vulnerability, product: &str) -> Option<String> {
    let is_about = |note: &&Note| note.product_ids.is_empty() || note.product_ids.iter().any(|id| id == product);
    let flag = vulnerability.flags.iter().filter(is_about).find_map(|note| note.label.clone());
    flag.or_else(|| vulnerability.threats.iter().filter(is_about).find_map(|note| note.details.clone()))
}

/// Products by their ids. A relationship makes one of a part within another.
fn products(tree: &ProductTree) -> BTreeMap<&str, Product> {
    let mut names: BTreeMap<&str, Vec<Identifier>> = BTreeMap::new();
    let identifiers_of = |name: &FullName| -> Vec<Identifier> {
        let helper = &name.product_identification_helper;
        helper.purl.iter().chain(&helper.purls).map(|purl| Identifier::parse(purl)).collect()
    };
    let mut found = Vec::new();
    tree.branches.iter().for_each(|branch| collect(branch, 0, &mut found));
    for name in found.into_iter().chain(&tree.full_product_names) {
        names.insert(&name.product_id, identifiers_of(name));
    }
    let mut products: BTreeMap<&str, Product> =
        names.iter().map(|(id, identifiers)| (*id, Product::new(identifiers.clone(), Vec::new()))).collect();
    let identifiers = |id: &str| names.get(id).cloned().unwrap_or_default();
    for relationship in &tree.relationships {
        let whole = identifiers(&relationship.relates_to_product_reference);
        let part = identifiers(&relationship.product_reference);
        products.insert(&relationship.full_product_name.product_id, Product::new(whole, part));
    }
    products
}

fn collect<'a>(branch: &'a Branch, depth: usize, found: &mut Vec<&'a FullName>) {
    found.extend(&branch.product);
    if depth < MAX_DEPTH {
        branch.branches.iter().for_each(|inner| collect(inner, depth + 1, found));
    }
}
