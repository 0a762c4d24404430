//! The product tree: product ids ▸ what they are made of. An id is looked up, never taken apart: modules and epochs have colons in them.

use std::collections::HashMap;

use serde::Deserialize;

use crate::advisory::osv::{Text, null_as_default};

/// Deepest chain of relationships: package in module in stream.
const MAX_CHAIN: usize = 4;

/// Deepest branch that is looked into; real trees have four levels. `serde_json` bounds what can be parsed.
const MAX_DEPTH: usize = 32;

/// Branches and relationships of a document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProductTree<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    branches: Vec<Branch<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    full_product_names: Vec<FullProduct<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    relationships: Vec<Relationship<'a>>,
}

#[derive(Debug, Deserialize)]
struct Branch<'a> {
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    branches: Vec<Self>,
    #[serde(borrow, default)]
    product: Option<FullProduct<'a>>,
}

#[derive(Debug, Deserialize)]
struct FullProduct<'a> {
    #[serde(borrow)]
    product_id: Text<'a>,
    #[serde(borrow, default)]
    product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Helper<'a> {
    #[serde(borrow, default)]
    cpe: Option<Text<'a>>,
    #[serde(borrow, default)]
    purl: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    purls: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Relationship<'a> {
    #[serde(borrow)]
    full_product_name: FullProduct<'a>,
    #[serde(borrow)]
    product_reference: Text<'a>,
    #[serde(borrow)]
    relates_to_product_reference: Text<'a>,
}

/// Products by id.
pub(crate) struct Products<'a> {
    helpers: HashMap<&'a str, &'a Helper<'a>>,
    parents: HashMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> ProductTree<'a> {
    pub(super) fn products(&'a self) -> Products<'a> {
        let mut products = Products { helpers: HashMap::new(), parents: HashMap::new() };
        products.collect(&self.branches, 0);
        self.full_product_names.iter().for_each(|product| products.add(product));
        for relationship in &self.relationships {
            let joined = &relationship.full_product_name;
            products.add(joined);
            let parts = (relationship.product_reference.as_str(), relationship.relates_to_product_reference.as_str());
            products.parents.insert(joined.product_id.as_str(), parts);
        }
        products
    }
}

impl<'a> Products<'a> {
    fn collect(&mut self, branches: &'a [Branch<'a>], depth: usize) {
        for branch in branches.iter().filter(|_| depth < MAX_DEPTH) {
            if let Some(product) = &branch.product {
                self.add(product);
            }
            self.collect(&branch.branches, depth + 1);
        }
    }

    fn add(&mut self, product: &'a FullProduct<'a>) {
        if let Some(helper) = &product.product_identification_helper {
            self.helpers.insert(product.product_id.as_str(), helper);
        }
    }

    /// What a relationship's product is made of: the component, and what it is part of. `None` for any other product.
    pub(crate) fn parts(&self, id: &str) -> Option<(&'a str, &'a str)> {
        self.parents.get(id).copied()
    }

    /// The ids that a product id is made of: component, what it is part of, what that is part of. A chain that goes on is not followed.
    pub(crate) fn chain<'i>(&self, id: &'i str) -> Vec<&'i str>
    where
        'a: 'i,
    {
        let mut chain = Vec::new();
        let mut id = id;
        while let Some((component, parent)) = self.parts(id) {
            if chain.len() >= MAX_CHAIN {
                return Vec::new();
            }
            chain.push(component);
            id = parent;
        }
        chain.push(id);
        chain
    }

    /// The CPE of a product.
    pub(crate) fn cpe(&self, id: &str) -> Option<&'a str> {
        self.helpers.get(id).and_then(|helper| helper.cpe.as_ref()).map(Text::as_str)
    }

    /// The package URL of a product.
    pub(crate) fn purl(&self, id: &str) -> Option<&'a str> {
        self.helpers.get(id).and_then(|helper| helper.purl.as_ref()).map(Text::as_str)
    }

    /// All package URLs of a product.
    pub(crate) fn purls(&self, id: &str) -> impl Iterator<Item = &'a str> {
        let helper = self.helpers.get(id).copied();
        helper.into_iter().flat_map(|helper| helper.purl.iter().chain(&helper.purls)).map(Text::as_str)
    }
}
