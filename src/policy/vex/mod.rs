//! VEX: what somebody who looked says of a vulnerability in a product. Statements set findings aside before gates see them; reports keep them with the reason.
//!
//! | file | format |
//! |---|---|
//! | `openvex` | OpenVEX 0.0.1 to 0.2.0 |
//! | `csaf` | CSAF 2.0 and 2.1, profile VEX |
//! | `cyclonedx` | CycloneDX with `vulnerabilities[].analysis` |
//! | `product` | which product a statement is about |
//!
//! In: files. Out: for a finding in an image the [`Decision`] of the newest statement that is about both. `not_affected` and `fixed` set aside; `affected` and
//! `under_investigation` take back what an older statement said. A statement about a product that we cannot tell to be this image or package does nothing: too little is
//! set aside rather than too much.

mod csaf;
mod cyclonedx;
mod openvex;
mod product;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use product::Subject;
use product::{Identifier, Product};

/// Largest document, in bytes. Red Hat's largest has 30 MB.
pub const MAX_VEX_BYTES: u64 = 64 << 20;

/// Most statements of a run. A hub of every Debian package has fewer.
const MAX_STATEMENTS: usize = 2_000_000;

/// All statements of a run.
#[derive(Debug, Default, Clone)]
pub struct Vex {
    statements: Vec<Statement>,
    /// Places in `statements`, by the ids that these are about.
    by_id: BTreeMap<String, Vec<usize>>,
}

/// One statement about one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    /// The vulnerability's id, and other ids that the statement gives it.
    ids: Vec<String>,
    products: Vec<Product>,
    status: Status,
    /// Why, as the document says.
    reason: Option<String>,
    /// Who says it: the author, and the document.
    by: String,
    /// RFC 3339; a later statement wins.
    time: String,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

impl Status {
    /// OpenVEX's word.
    fn from_word(word: &str) -> Result<Self, serde_json::Error> {
        match word {
            "not_affected" => Ok(Self::NotAffected),
            "affected" => Ok(Self::Affected),
            "fixed" => Ok(Self::Fixed),
            "under_investigation" => Ok(Self::UnderInvestigation),
            other => Err(serde::de::Error::custom(format!("the status `{other}` is not known"))),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::NotAffected => "not affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under investigation",
        }
    }

    fn sets_aside(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// Why a finding is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who says so.
    pub by: String,
    /// What, and why.
    pub reason: String,
}

/// Why a document is no VEX.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// Not JSON, or not of the format's shape.
    #[error("not a document of its format")]
    Malformed(#[from] serde_json::Error),
    /// None of the formats.
    #[error("neither OpenVEX, nor CSAF, nor CycloneDX with vulnerabilities")]
    Unknown,
    /// More statements than a run keeps.
    #[error("more than {MAX_STATEMENTS} statements")]
    TooMany,
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "@context", default)]
    context: Option<String>,
    #[serde(default)]
    document: Option<serde::de::IgnoredAny>,
    #[serde(rename = "bomFormat", default)]
    bom_format: Option<String>,
}

impl Vex {
    /// Reads one document; `name` stands in reports.
    ///
    /// # Errors
    /// When it is none of the formats, or malformed.
    pub fn add(&mut self, bytes: &[u8], name: &str) -> Result<(), VexError> {
        let text = std::str::from_utf8(bytes).map_err(<serde_json::Error as serde::de::Error>::custom)?;
        let probe: Probe = serde_json::from_str(text)?;
        let statements = match probe {
            Probe { context: Some(context), .. } if context.contains("openvex") => openvex::read(text, name)?,
            Probe { document: Some(_), .. } => csaf::read(text, name)?,
            Probe { bom_format: Some(format), .. } if format == "CycloneDX" => cyclonedx::read(bytes, name)?,
            _ => return Err(VexError::Unknown),
        };
        if self.statements.len() + statements.len() > MAX_STATEMENTS {
            return Err(VexError::TooMany);
        }
        for statement in statements {
            for id in &statement.ids {
                self.by_id.entry(id.clone()).or_default().push(self.statements.len());
            }
            self.statements.push(statement);
        }
        Ok(())
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The decision about a vulnerability, by any of its `ids`, in a package of an image.
    #[must_use]
    pub fn decide(&self, ids: &[&str], package: &str, subject: &Subject<'_>) -> Option<Decision> {
        let package = Identifier::parse(package);
        let places = ids.iter().filter_map(|id| self.by_id.get(*id)).flatten();
        let is_about = |(_, statement): &(usize, &Statement)| {
            statement.products.iter().any(|product| product.covers(&package, subject))
        };
        // Of statements of one time the later in the documents wins.
        let (_, newest) = places
            .filter_map(|place| Some((*place, self.statements.get(*place)?)))
            .filter(is_about)
            .max_by(|(at, a), (later, b)| a.time.cmp(&b.time).then(at.cmp(later)))?;
        let reason = newest.reason.as_deref().unwrap_or("no justification given");
        newest
            .status
            .sets_aside()
            .then(|| Decision { by: newest.by.clone(), reason: format!("{}: {reason}", newest.status.word()) })
    }
}

/// `author (file)`.
fn by(author: Option<&str>, name: &str) -> String {
    match author.map(str::trim).filter(|author| !author.is_empty()) {
        Some(author) => format!("{author} ({name})"),
        None => name.to_owned(),
    }
}

/// UTC with full length, so that times compare as texts; what is no time is the oldest.
fn comparable(time: Option<&str>) -> String {
    let time: Option<jiff::Timestamp> = time.and_then(|time| time.parse().ok());
    time.map(|time| format!("{time:.9}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
