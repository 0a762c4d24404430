//! CSAF documents as they are written: the head, the product tree, and each flaw's status of each product. What vendors mean by it is told in `feed::csaf`, what it
//! says of somebody's image in `policy::vex`; both read it here.
//!
//! Source: OASIS CSAF 2.0, sections 3.2.1 (document), 3.2.2 (product tree), 3.2.3 (vulnerabilities), <https://docs.oasis-open.org/csaf/csaf/v2.0/>; 2.1 adds `purls`.

mod tree;

use serde::Deserialize;

use super::osv::{Text, null_as_default};
pub(crate) use tree::Products;

/// A document.
#[derive(Debug, Deserialize)]
pub(crate) struct Csaf<'a> {
    #[serde(borrow)]
    pub(crate) document: Head<'a>,
    #[serde(borrow, default)]
    product_tree: tree::ProductTree<'a>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) vulnerabilities: Vec<Flaw<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    /// `csaf_vex` or `csaf_security_advisory`.
    #[serde(borrow, default)]
    pub(crate) category: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) aggregate_severity: Option<Aggregate<'a>>,
    #[serde(borrow, default)]
    pub(crate) publisher: Option<Publisher<'a>>,
    #[serde(borrow, default)]
    pub(crate) tracking: Tracking<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Aggregate<'a> {
    #[serde(borrow, default)]
    pub(crate) text: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Publisher<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tracking<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) status: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) initial_release_date: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) current_release_date: Option<Text<'a>>,
}

/// One flaw.
#[derive(Debug, Deserialize)]
pub(crate) struct Flaw<'a> {
    #[serde(borrow, default)]
    pub(crate) cve: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) ids: Vec<OtherId<'a>>,
    #[serde(borrow, default)]
    pub(crate) product_status: Option<ProductStatus<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) flags: Vec<Flag<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) remediations: Vec<Note<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) threats: Vec<Note<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) scores: Vec<Score<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OtherId<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

/// Product ids by status; section 3.2.3.9. `recommended` is where SUSE lists its fixes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductStatus<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) fixed: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) first_fixed: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) recommended: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) known_affected: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) last_affected: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) known_not_affected: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) under_investigation: Vec<Text<'a>>,
}

/// Why a product is not affected; without products it is about all.
#[derive(Debug, Deserialize)]
pub(crate) struct Flag<'a> {
    #[serde(borrow, default)]
    pub(crate) label: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) product_ids: Vec<Text<'a>>,
}

/// A remediation or a threat; without products it is about all.
#[derive(Debug, Deserialize)]
pub(crate) struct Note<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) details: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub(crate) product_ids: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Score<'a> {
    #[serde(borrow, default)]
    pub(crate) cvss_v2: Option<Vector<'a>>,
    #[serde(borrow, default)]
    pub(crate) cvss_v3: Option<Vector<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Vector<'a> {
    #[serde(borrow, default, rename = "vectorString")]
    pub(crate) text: Option<Text<'a>>,
}

impl<'a> Csaf<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// When it has not the shape of one.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text.trim_start_matches('\u{feff}'))
    }

    /// Its products by id.
    pub(crate) fn products(&'a self) -> Products<'a> {
        self.product_tree.products()
    }
}

/// The id of a document, of which nothing else is looked at.
pub(crate) fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        document: Head<'a>,
    }
    let document: Document<'_> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    document.document.tracking.id.map(|id| id.as_str().to_owned())
}
