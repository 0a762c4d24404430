//! Waivers: findings that somebody answers for, until a day. One format for every kind of finding, in `.imgguard.toml` and in policies:
//!
//! ```toml
//! [[waiver]]
//! finding = "3f1c0a52b7d94e60"   # the id in the report; or
//! rule = "private-key"           # a rule or advisory id, everywhere or
//! path = "srv/tests/**"          # only in these files (`*` within a folder, `**` across; `env:NAME` and the like for the configuration)
//! reason = "a key for tests, known to no server"
//! owner = "team-a@acme.net"
//! expires = 2027-03-31           # the last day
//! ```
//!
//! An expired waiver counts for nothing and is told; one that fits no finding is told, too.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use serde::Deserialize;

use super::{PolicyError, line_of};
use crate::finding::{Finding, Location, SetAside};

/// Largest file of waivers, in bytes.
pub const MAX_WAIVER_BYTES: u64 = 1 << 20;

/// One waiver, checked.
#[derive(Clone, Debug)]
pub struct Waiver {
    subject: Subject,
    reason: String,
    owner: String,
    expires: Date,
}

/// What it is about.
#[derive(Clone, Debug)]
enum Subject {
    Finding(String),
    Rule { rule: String, path: Option<GlobMatcher> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWaiver {
    finding: Option<String>,
    rule: Option<String>,
    path: Option<String>,
    reason: String,
    owner: String,
    expires: toml::Value,
}

/// A file of waivers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    waiver: Vec<RawWaiver>,
}

/// Reads a file of waivers (`.imgguard.toml`).
///
/// # Errors
/// When it is malformed: unknown fields, no reason, owner or day, neither a finding nor a rule.
pub fn parse(text: &str) -> Result<Vec<Waiver>, PolicyError> {
    let raw: RawFile = toml::from_str(text)
        .map_err(|error| PolicyError::Waivers { line: line_of(text, &error), reason: error.message().to_owned() })?;
    raw.waiver.into_iter().map(Waiver::try_from).collect()
}

impl TryFrom<RawWaiver> for Waiver {
    type Error = PolicyError;

    fn try_from(raw: RawWaiver) -> Result<Self, PolicyError> {
        let named = raw.finding.clone().or(raw.rule.clone()).unwrap_or_default();
        let refused = |reason: String| PolicyError::Waiver { waiver: named.clone(), reason };
        for (field, value) in [("reason", &raw.reason), ("owner", &raw.owner)] {
            if value.trim().is_empty() {
                return Err(refused(format!("`{field}` is empty")));
            }
        }
        let expires = match &raw.expires {
            toml::Value::Datetime(day) => day.to_string().parse::<Date>().ok(),
            toml::Value::String(day) => day.parse::<Date>().ok(),
            _ => None,
        };
        let expires = expires.ok_or_else(|| refused("`expires` is no day, such as 2027-03-31".to_owned()))?;
        let subject = match (raw.finding, raw.rule, raw.path) {
            (Some(id), None, None) if is_id(&id) => Subject::Finding(id),
            (Some(_), None, None) => return Err(refused("`finding` is no id, which has 16 hex digits".to_owned())),
            (None, Some(rule), path) => {
                let path = path.map(|path| glob(&path)).transpose().map_err(|error| refused(error.to_string()))?;
                Subject::Rule { rule, path }
            }
            _ => return Err(refused("it needs either `finding`, or `rule` and, where it helps, `path`".to_owned())),
        };
        Ok(Self { subject, reason: raw.reason, owner: raw.owner, expires })
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    let pattern = pattern.trim_start_matches('/');
    Ok(GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher())
}

impl Waiver {
    /// Whether it is about this finding: with a path, every place of it must fit, so that a secret that appears elsewhere is told again.
    #[must_use]
    pub fn covers(&self, id: &str, finding: &Finding) -> bool {
        match &self.subject {
            Subject::Finding(known) => known == id,
            Subject::Rule { rule, path } => {
                let is_named = *rule == finding.rule || finding.aliases.contains(rule);
                is_named && path.as_ref().is_none_or(|path| is_within(path, finding))
            }
        }
    }

    /// Whether its last day is over.
    #[must_use]
    pub fn has_expired(&self, today: Date) -> bool {
        self.expires < today
    }

    /// What a finding is told to be set aside for.
    #[must_use]
    pub fn decision(&self) -> SetAside {
        let expires = Some(self.expires.to_string());
        SetAside { state: "waived", by: self.owner.clone(), reason: self.reason.clone(), expires }
    }
}

impl std::fmt::Display for Waiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.subject {
            Subject::Finding(id) => write!(f, "the waiver of {id}")?,
            Subject::Rule { rule, path: None } => write!(f, "the waiver of `{rule}`")?,
            Subject::Rule { rule, path: Some(path) } => write!(f, "the waiver of `{rule}` in `{}`", path.glob())?,
        }
        write!(f, " by {}", self.owner)
    }
}

fn is_within(path: &GlobMatcher, finding: &Finding) -> bool {
    let is_in = |location: &Location| path.is_match(Path::new(location.name().trim_start_matches('/')));
    !finding.locations.is_empty() && finding.locations.keys().all(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Severity;
    use crate::facts::FilePath;
    use crate::finding::{Kind, file};

    const TAIL: &str = "reason = 'r'\nowner = 'o'\nexpires = 2027-03-31\n";

    fn secret(places: &[&str]) -> Finding {
        let finding = Finding::new(Kind::Secret, "private-key", Severity::High, "", "x");
        places.iter().fold(finding, |finding, path| finding.at(file(&FilePath::new(path.as_bytes()), None, None, None)))
    }

    fn waiver(head: &str) -> Waiver {
        parse(&format!("[[waiver]]\n{head}\n{TAIL}")).unwrap().remove(0)
    }

    #[test]
    fn a_path_must_cover_every_place() {
        let waiver = waiver("rule = 'private-key'\npath = '/srv/tests/**'");
        assert!(waiver.covers("", &secret(&["srv/tests/a/b.key"])));
        assert!(!waiver.covers("", &secret(&["srv/tests/a.key", "etc/a.key"])), "a new place is told");
        assert!(!waiver.covers("", &secret(&[])));
        let one_folder = self::waiver("rule = 'private-key'\npath = 'srv/*'");
        assert!(!one_folder.covers("", &secret(&["srv/tests/a.key"])), "a star stays in its folder");
    }

    #[test]
    fn an_id_or_a_rule_covers_it_anywhere() {
        let finding = secret(&["etc/a.key"]);
        assert!(waiver(&format!("finding = '{}'", finding.id())).covers(&finding.id(), &finding));
        assert!(waiver("rule = 'private-key'").covers("", &finding));
        assert!(!waiver("rule = 'github-pat'").covers("", &finding));
    }

    #[test]
    fn the_last_day_still_counts() {
        let waiver = waiver("rule = 'private-key'");
        assert!(!waiver.has_expired("2027-03-31".parse().unwrap()));
        assert!(waiver.has_expired("2027-04-01".parse().unwrap()));
    }

    #[test]
    fn nobody_waives_without_a_name_a_reason_and_a_day() {
        for broken in [
            "finding = '0123456789abcdef'\nreason = 'r'\nowner = 'o'",
            "finding = '0123456789abcdef'\nreason = ' '\nowner = 'o'\nexpires = 2027-03-31",
            "finding = '0123456789abcdef'\nreason = 'r'\nexpires = 2027-03-31",
            "finding = '0123456789abcdef'\nreason = 'r'\nowner = 'o'\nexpires = 'never'",
            "finding = 'short'\nreason = 'r'\nowner = 'o'\nexpires = 2027-03-31",
            "path = 'a'\nreason = 'r'\nowner = 'o'\nexpires = 2027-03-31",
            "finding = '0123456789abcdef'\nrule = 'x'\nreason = 'r'\nowner = 'o'\nexpires = 2027-03-31",
            "rule = 'x'\npaths = 'a'\nreason = 'r'\nowner = 'o'\nexpires = 2027-03-31",
        ] {
            assert!(parse(&format!("[[waiver]]\n{broken}\n")).is_err(), "{broken}");
        }
        assert!(parse("[[waiver]]\nrule = 'x'\nreason = 'r'\nowner = 'o'\nexpires = '2027-03-31'\n").is_ok());
    }
}
