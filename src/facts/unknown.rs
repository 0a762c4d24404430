//! What should have been understood and was not, with the reason: part of every answer.

use serde::{Deserialize, Serialize};

use super::FilePath;

/// Whether an answer is still complete without it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The platform is not complete and the exit code is 3: manifest, configuration, layer, tar, package database, and every limit that was passed.
    Required,
    /// One malformed nested file; language trees ship broken ones on purpose.
    Optional,
}

/// One thing that could not be read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Unknown {
    /// Whether the answer is complete without it.
    pub effect: Effect,
    /// The file, where it is one.
    pub path: Option<FilePath>,
    /// Which inspector or stage could not read it.
    pub by: String,
    /// Why, in words for people.
    pub reason: String,
}
