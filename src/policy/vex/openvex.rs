//! OpenVEX documents (`advisory::openvex`).

use super::{Identifier, Product, Statement, Status, VexError, by, comparable};
use crate::advisory::openvex::{Component, OpenVex, Statement as Written};

pub(super) fn read(text: &str, name: &str) -> Result<Vec<Statement>, VexError> {
    let document: OpenVex = serde_json::from_str(text)?;
    let by = by(document.author.as_deref(), name);
    let of_document = document.last_updated.or(document.timestamp);
    let statement = |written: Written| {
        let time = written.last_updated.as_deref().or(written.timestamp.as_deref()).or(of_document.as_deref());
        Ok(Statement {
            ids: written.vulnerability.ids().map(str::to_owned).collect(),
            products: written.products.iter().map(|product| self::product(product, &written.subcomponents)).collect(),
            status: Status::from_word(&written.status)?,
            time: comparable(time),
            reason: written.justification.or(written.impact_statement).or(written.status_notes),
            by: by.clone(),
        })
    };
    document.statements.into_iter().map(statement).collect()
}

fn product(written: &Component, parts_of_statement: &[Component]) -> Product {
    let parts = if written.parts().is_empty() { parts_of_statement } else { written.parts() };
    Product::new(identifiers(written), parts.iter().flat_map(identifiers).collect())
}

fn identifiers(written: &Component) -> Vec<Identifier> {
    written.identifiers().map(Identifier::parse).collect()
}
