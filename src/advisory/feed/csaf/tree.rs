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
pub(in crate::advisory::feed) struct Products<'a> {
    helpers: HashMap<&'a str, &'a Helper<'a>>,
    parents: HashMap<&'a str, (&'a str, &'a str)>,
}

/// A package of an ecosystem, as a product id names it.
pub(in crate::advisory::feed) struct Package {
    /// Ecosystem with release and channel.
    pub(super) ecosystem: String,
    /// Binary or source package.
    pub(super) name: String,
    /// `epoch:version-release`; `None` where the id is about every version, or its version is not the package's.
    pub(super) evr: Option<String>,
    /// `name:stream`.
    pub(super) module: Option<String>,
    /// Architecture, `src` for the source package, empty where none is named.
    pub(super) arch: String,
}

impl<'a> ProductTree<'a> {
    pub(super) fn products(&'a self) -> Products<'a> {
        let mut products = Products { helpers: HashMap::new(), parents: HashMap::new() };
        products.collect(&self.branches, 0);
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

    /// The ids that a product id is made of: component, what it is part of, what that is part of. A chain that goes on is not followed.
    pub(super) fn chain<'i>(&self, id: &'i str) -> Vec<&'i str>
    where
        'a: 'i,
    {
        let mut chain = Vec::new();
        let mut id = id;
        while let Some((component, parent)) = self.parents.get(id).copied() {
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
    pub(super) fn cpe(&self, id: &str) -> Option<&'a str> {
        self.helpers.get(id).and_then(|helper| helper.cpe.as_ref()).map(Text::as_str)
    }

    /// The package URL of a product.
    pub(super) fn purl(&self, id: &str) -> Option<&'a str> {
        self.helpers.get(id).and_then(|helper| helper.purl.as_ref()).map(Text::as_str)
    }
}
