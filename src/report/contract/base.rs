//! What a platform stands on.

use serde::{Deserialize, Serialize};

/// A base image, with what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// Its name, `docker.io/library/debian:12.5`; null where only a digest is told.
    pub name: Option<String>,
    /// Digest of its index or manifest.
    pub digest: Option<String>,
    /// `current`, `behind`, `eol` or `unknown`.
    pub status: String,
    /// The best piece of evidence, in words.
    pub evidence: String,
    /// Whether reading the layers proved it; what is not proven is a claim.
    pub verified: bool,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// How many of the first layers are proven to be its.
    pub layers: usize,
    /// Whether it is official, as the catalogue has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<bool>,
    /// Whether a signature hangs on it, as the catalogue has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// The line of a build file that takes this base and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Proven bases of fewer layers: what it stands on itself, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<LowerBase>,
    /// The newest base of the line, where there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<NewerBase>,
    /// Everything that speaks of a base, best first.
    pub statements: Vec<Statement>,
}

/// A base below the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowerBase {
    /// Its name.
    pub name: String,
    /// Digest of its index or manifest.
    pub digest: String,
    /// How many of the first layers are its.
    pub layers: usize,
}

/// A newer base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewerBase {
    /// Its name.
    pub name: String,
    /// Digest of its index or manifest.
    pub digest: String,
    /// How many images of the line came since, this one included.
    pub releases: usize,
    /// Days between both were built.
    pub days: Option<i32>,
    /// Open vulnerabilities of the image that it has not.
    pub fixes: Vec<Change>,
    /// Vulnerabilities that only it has.
    pub adds: Vec<Change>,
    /// The line of a build file that takes it.
    pub from: String,
}

/// A vulnerability that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Its advisory.
    pub rule: String,
    /// The id of its finding.
    pub finding: String,
}

/// A piece of evidence about a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// `layers`, `diff-ids`, `provenance`, `annotation`, `label`, `history` or `packages`.
    pub source: String,
    /// The name that it tells.
    pub name: Option<String>,
    /// The digest that it tells.
    pub digest: Option<String>,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// `proven`, `confirmed`, `unchecked` or `contradicted`.
    pub holds: String,
    /// In words.
    pub detail: String,
}

/// Until when a product of a platform gets fixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Support {
    /// endoflife.date's name of it.
    pub product: String,
    /// Its cycle of releases.
    pub cycle: String,
    /// `supported`, `ends_soon` or `ended`.
    pub status: String,
    /// The end of security support, `YYYY-MM-DD`, where one is known.
    pub ends: Option<String>,
    /// The end of support that may have to be paid or asked for, where that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<String>,
}
