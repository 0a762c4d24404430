//! CSAF documents (`advisory::csaf`), as vendors publish their VEX.
//!
//! Source: OASIS CSAF 2.0, section 4.5 (profile VEX).

use super::{Identifier, Product, Statement, Status, VexError, by, comparable};
use crate::advisory::csaf::{Csaf, Flaw, ProductStatus, Products};
use crate::advisory::osv::Text;

pub(super) fn read(text: &str, name: &str) -> Result<Vec<Statement>, VexError> {
    let csaf = Csaf::parse(text)?;
    let head = &csaf.document;
    let publisher = head.publisher.as_ref().and_then(|publisher| publisher.name.as_ref());
    let by = by(publisher.map(Text::as_str), name);
    let time = comparable(head.tracking.current_release_date.as_ref().map(Text::as_str));
    let products = csaf.products();
    let mut statements = Vec::new();
    for flaw in &csaf.vulnerabilities {
        let ids: Vec<String> =
            flaw.cve.iter().chain(flaw.ids.iter().map(|id| &id.text)).map(|id| id.as_str().to_owned()).collect();
        for (status, members) in flaw.product_status.iter().flat_map(groups) {
            for member in members.iter().map(Text::as_str) {
                let product = product(&products, member);
                if product.identifiers.is_empty() && product.parts.is_empty() {
                    continue;
                }
                statements.push(Statement {
                    ids: ids.clone(),
                    products: vec![product],
                    status,
                    reason: reason(flaw, member),
                    by: by.clone(),
                    time: time.clone(),
                });
            }
        }
    }
    Ok(statements)
}

/// `recommended` and `first_affected` say nothing of the product that carries them.
fn groups<'s, 'a>(status: &'s ProductStatus<'a>) -> [(Status, &'s [Text<'a>]); 6] {
    [
        (Status::Fixed, &status.first_fixed),
        (Status::Fixed, &status.fixed),
        (Status::Affected, &status.known_affected),
        (Status::NotAffected, &status.known_not_affected),
        (Status::Affected, &status.last_affected),
        (Status::UnderInvestigation, &status.under_investigation),
    ]
}

fn reason(flaw: &Flaw<'_>, product: &str) -> Option<String> {
    let is_about = |ids: &[Text<'_>]| ids.is_empty() || ids.iter().any(|id| id.as_str() == product);
    let flag = flaw.flags.iter().filter(|flag| is_about(&flag.product_ids)).find_map(|flag| flag.label.as_ref());
    let threats = || flaw.threats.iter().filter(|threat| is_about(&threat.product_ids));
    let text = flag.or_else(|| threats().find_map(|threat| threat.details.as_ref()));
    text.map(|text| text.as_str().to_owned())
}

/// A product by its id. A relationship makes one of a part within another.
fn product(products: &Products<'_>, id: &str) -> Product {
    let identifiers = |id: &str| products.purls(id).map(Identifier::parse).collect();
    match products.parts(id) {
        Some((part, whole)) => Product::new(identifiers(whole), identifiers(part)),
        None => Product::new(identifiers(id), Vec::new()),
    }
}
