//! The tables of a user's rule file.

use serde::Deserialize;
use toml::{Table, Value};

/// A file. Keys are in lower case.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct File {
    pub(super) rules: Vec<UserRule>,
    pub(super) allowlists: Vec<UserAllowlist>,
    /// gitleaks before v8.25.
    pub(super) allowlist: Option<UserAllowlist>,
    pub(super) extend: Extend,
    /// Betterleaks' filter of all rules.
    pub(super) filter: Option<String>,
    #[serde(flatten)]
    rest: Table,
}

/// What the file builds on.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Extend {
    pub(super) path: Option<String>,
    pub(super) url: String,
    #[serde(rename = "usedefault")]
    pub(super) use_default: bool,
    #[serde(rename = "disabledrules")]
    pub(super) disabled_rules: Vec<String>,
}

/// A rule.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct UserRule {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) regex: String,
    pub(super) path: String,
    #[serde(rename = "secretgroup")]
    pub(super) secret_group: usize,
    pub(super) entropy: Option<f64>,
    pub(super) keywords: Vec<String>,
    #[serde(rename = "tags")]
    _tags: Vec<String>,
    allowlists: Vec<UserAllowlist>,
    allowlist: Option<UserAllowlist>,
    pub(super) required: Vec<UserRequired>,
    #[serde(rename = "skipreport")]
    pub(super) skip_report: bool,
    pub(super) specificity: Option<i64>,
    pub(super) filter: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) confidence: Option<String>,
    pub(super) validator: Option<String>,
    pub(super) binary: bool,
    pub(super) remediation: String,
    pub(super) rotation: String,
    pub(super) source: String,
    pub(super) examples: Vec<String>,
    pub(super) counter_examples: Vec<String>,
    #[serde(flatten)]
    rest: Table,
}

/// What must be found near.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct UserRequired {
    pub(super) id: String,
    #[serde(rename = "withinlines")]
    pub(super) within_lines: Option<u32>,
    #[serde(rename = "withincolumns")]
    pub(super) within_columns: Option<u32>,
}

/// What is not reported.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct UserAllowlist {
    #[serde(rename = "description")]
    pub(super) _description: String,
    pub(super) condition: String,
    pub(super) commits: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) regexes: Vec<String>,
    #[serde(rename = "regextarget")]
    pub(super) regex_target: String,
    pub(super) stopwords: Vec<String>,
    #[serde(rename = "targetrules")]
    pub(super) target_rules: Vec<String>,
    #[serde(flatten)]
    pub(super) rest: Table,
}

impl File {
    /// Parses a file; the error is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table: Table = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        lower(table).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// Keys that mean nothing to us; a title and the like mean nothing to anyone.
    pub(super) fn unknown_keys(&self) -> impl Iterator<Item = &str> {
        let known = ["title", "description", "minversion", "betterleaksminversion"];
        self.rest.keys().map(String::as_str).filter(move |key| !known.contains(key))
    }
}

impl UserRule {
    /// Keys that mean nothing to us.
    pub(super) fn unknown_keys(&self) -> Vec<String> {
        self.rest.keys().cloned().collect()
    }

    pub(super) fn take_allowlists(&mut self) -> Vec<UserAllowlist> {
        self.allowlists.drain(..).chain(self.allowlist.take()).collect()
    }

    /// It only changes another rule of its id.
    pub(super) fn changes_only(&self) -> bool {
        self.regex.is_empty() && self.path.is_empty()
    }

    /// Takes what a later file says of the same rule.
    pub(super) fn merge(&mut self, later: Self) {
        for (own, new) in [
            (&mut self.description, later.description),
            (&mut self.regex, later.regex),
            (&mut self.path, later.path),
            (&mut self.remediation, later.remediation),
            (&mut self.rotation, later.rotation),
            (&mut self.source, later.source),
        ] {
            if !new.is_empty() {
                *own = new;
            }
        }
        if later.secret_group > 0 {
            self.secret_group = later.secret_group;
        }
        self.entropy = later.entropy.or(self.entropy);
        self.specificity = later.specificity.or(self.specificity);
        self.filter = later.filter.or(self.filter.take());
        self.severity = later.severity.or(self.severity.take());
        self.confidence = later.confidence.or(self.confidence.take());
        self.validator = later.validator.or(self.validator.take());
        self.skip_report |= later.skip_report;
        self.binary |= later.binary;
        self.keywords.extend(later.keywords);
        self.required.extend(later.required);
        self.allowlists.extend(later.allowlists.into_iter().chain(later.allowlist));
        self.examples.extend(later.examples);
        self.counter_examples.extend(later.counter_examples);
        self.rest.extend(later.rest);
    }
}

/// A table with its keys in lower case, those of tables in it too.
fn lower(table: Table) -> Table {
    table.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), lower_value(value))).collect()
}

fn lower_value(value: Value) -> Value {
    match value {
        Value::Table(table) => Value::Table(lower(table)),
        Value::Array(values) => Value::Array(values.into_iter().map(lower_value).collect()),
        other => other,
    }
}
