//! OpenVEX documents as they are written. What Canonical means by its own is told in `feed::openvex`, what one says of somebody's image in `policy::vex`; both read it
//! here.
//!
//! Source: <https://github.com/openvex/spec>, 0.2.0; 0.0.1 wrote the vulnerability as a text and products as texts. Canonical's of early 2025 wrap id and time into
//! `metadata`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::osv::null_as_default;

/// A document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenVex {
    #[serde(rename = "@id")]
    pub(crate) id: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) last_updated: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    #[serde(rename = "@id")]
    pub(crate) id: Option<String>,
    pub(crate) timestamp: Option<String>,
}

/// What is said of one vulnerability.
#[derive(Debug, Deserialize)]
pub(crate) struct Statement {
    pub(crate) vulnerability: Vulnerability,
    #[serde(default)]
    pub(crate) timestamp: Option<String>,
    #[serde(default)]
    pub(crate) last_updated: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) products: Vec<Component>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) subcomponents: Vec<Component>,
    /// `not_affected`, `affected`, `fixed` or `under_investigation`.
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) justification: Option<String>,
    #[serde(default)]
    pub(crate) impact_statement: Option<String>,
    #[serde(default)]
    pub(crate) action_statement: Option<String>,
    #[serde(default)]
    pub(crate) status_notes: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Vulnerability {
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

/// A product or a part of one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Component {
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

impl Vulnerability {
    /// Its name, id and aliases.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let (first, id, aliases) = match self {
            Self::Name(name) => (Some(name), None, [].as_slice()),
            Self::Known { id, name, aliases } => (name.as_ref(), id.as_ref(), aliases.as_slice()),
        };
        first.into_iter().chain(id).chain(aliases).map(String::as_str)
    }
}

impl Component {
    /// Its id and its package URL.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &str> {
        let (id, purl) = match self {
            Self::Name(name) => (Some(name), None),
            Self::Known { id, identifiers, .. } => (id.as_ref(), identifiers.get("purl")),
        };
        id.into_iter().chain(purl).map(String::as_str)
    }

    /// The parts that it names.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::Name(_) => &[],
            Self::Known { subcomponents, .. } => subcomponents,
        }
    }
}
