//! Records of the OSV schema 1.7.5, as borrowed serde types.
//!
//! In: the bytes of one JSON record. Out: its fields as written. Nothing is judged here: that is `feed::osv`'s work.
//!
//! The types are our own because every closed list of ecosystems loses whole records when OSV adds one. For the same reason a field that
//! we only look into (`database_specific`, `ecosystem_specific`) stays raw until it is asked for: odd content there never costs the record.
//!
//! Source: <https://ossf.github.io/osv-schema/> (1.7.5, 2026-01-21). Its required fields are `id` and `modified`; a record without a usable
//! `modified` is still read, since real feeds carry year 1.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::RecordError;

/// Longest id accepted, in bytes. The longest in the data we tested with has 64.
pub const MAX_ID_BYTES: usize = 256;

/// A text that borrows from the record where JSON escapes allow.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Text<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One OSV record. Prose (`details`, `references`, `credits`) is not read.
#[derive(Debug, Deserialize)]
pub struct Record<'a> {
    /// The record's own id.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// RFC 3339 time of the last change.
    #[serde(borrow, default)]
    pub modified: Option<Text<'a>>,
    /// RFC 3339 time of publication.
    #[serde(borrow, default)]
    pub published: Option<Text<'a>>,
    /// Set when the record was taken back.
    #[serde(borrow, default)]
    pub withdrawn: Option<Text<'a>>,
    /// Other ids of the same flaw: symmetric and transitive.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub aliases: Vec<Text<'a>>,
    /// Ids that this record is derived from: directed.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub upstream: Vec<Text<'a>>,
    /// Ids with some relation; for RHEL-like errata the CVEs that they fix.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub related: Vec<Text<'a>>,
    /// One line; read only for the severity word and the module stream that RHEL-like errata put there.
    #[serde(borrow, default)]
    pub summary: Option<Text<'a>>,
    /// Severities of the whole record.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub severity: Vec<Severity<'a>>,
    /// What is affected.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub affected: Vec<Affected<'a>>,
    /// Free-form content of the database.
    #[serde(borrow, default)]
    pub database_specific: Option<&'a RawValue>,
}

/// A severity: a CVSS vector, or a word of the distribution.
#[derive(Debug, Deserialize)]
pub struct Severity<'a> {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, `Ubuntu`, or something newer.
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// The vector or the word.
    #[serde(borrow)]
    pub score: Text<'a>,
}

/// Ranges and versions of one package.
#[derive(Debug, Deserialize)]
pub struct Affected<'a> {
    /// The package; absent where only a git repository is named.
    #[serde(borrow, default)]
    pub package: Option<Package<'a>>,
    /// Severities of this package only.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub severity: Vec<Severity<'a>>,
    /// Ranges of versions.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub ranges: Vec<Range<'a>>,
    /// Versions listed one by one.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub versions: Vec<Text<'a>>,
    /// Free-form content of the ecosystem.
    #[serde(borrow, default)]
    pub ecosystem_specific: Option<&'a RawValue>,
    /// Free-form content of the database.
    #[serde(borrow, default)]
    pub database_specific: Option<&'a RawValue>,
}

/// A package of an ecosystem.
#[derive(Debug, Deserialize)]
pub struct Package<'a> {
    /// The ecosystem with its release, as written: never a closed list.
    #[serde(borrow)]
    pub ecosystem: Text<'a>,
    /// The name, as written.
    #[serde(borrow)]
    pub name: Text<'a>,
}

/// A range of versions.
#[derive(Debug, Deserialize)]
pub struct Range<'a> {
    /// `SEMVER`, `ECOSYSTEM` or `GIT`.
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// The events, in no promised order.
    #[serde(borrow, default, deserialize_with = "null_as_default")]
    pub events: Vec<Event<'a>>,
}

/// One event of a range. The schema wants exactly one field; all that are there are honoured.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Event<'a> {
    /// First affected version; `0` lies below every version.
    #[serde(borrow, default)]
    pub introduced: Option<Text<'a>>,
    /// First version that is no longer affected.
    #[serde(borrow, default)]
    pub fixed: Option<Text<'a>>,
    /// Last affected version.
    #[serde(borrow, default)]
    pub last_affected: Option<Text<'a>>,
    /// Versions from here on are not described; `*` is infinity.
    #[serde(borrow, default)]
    pub limit: Option<Text<'a>>,
}

/// What we look for in the record's `database_specific`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RecordSpecific<'a> {
    /// GHSA and Bitnami: the severity as a word.
    #[serde(borrow)]
    pub severity: Option<Text<'a>>,
    /// RustSec: the record's licence.
    #[serde(borrow)]
    pub license: Option<Text<'a>>,
}

/// What we look for in an affected entry's `database_specific`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AffectedSpecific<'a> {
    /// GHSA: `<= 29.0` or `< x`, the bound that an open range lacks.
    #[serde(borrow)]
    pub last_known_affected_version_range: Option<Text<'a>>,
    /// RustSec: `unmaintained`, `unsound` or `notice`.
    #[serde(borrow)]
    pub informational: Option<Text<'a>>,
    /// Where the entry was taken from.
    #[serde(borrow)]
    pub source: Option<Text<'a>>,
}

/// What we look for in an affected entry's `ecosystem_specific`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EcosystemSpecific<'a> {
    /// Debian: `unimportant`, `low`, `medium`, `high`, `end-of-life`, `not yet assigned`.
    #[serde(borrow)]
    pub urgency: Option<Text<'a>>,
    /// Go: ranges in versions that are no semantic versions, or that nobody reviewed.
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub custom_ranges: Vec<Range<'a>>,
}

impl<'a> Record<'a> {
    /// Reads one record.
    ///
    /// # Errors
    /// When the bytes are no UTF-8, no JSON, not of the schema's shape, or the id cannot be shown safely.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::NotUtf8)?;
        let record: Self = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(RecordError::Json)?;
        if is_plain_id(record.id.as_str()) { Ok(record) } else { Err(RecordError::Id) }
    }
}

/// Reads the part of free-form content that we know; content of another shape counts as absent.
pub fn specific<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// Whether a text can be an id: short, printable ASCII, no spaces. Ids go into reports and terminals.
pub(crate) fn is_plain_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `null` where a list is expected means an empty list: several databases write it.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
