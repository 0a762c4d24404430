//! Secrets in files: those that the detector knows, and values that only their names call so.

use super::Problem;
use crate::advisory::model::Severity;
use crate::facts::{Confidence, SecretFact};

/// What is said of a secret that stands under a name.
pub(in crate::lint) fn message(name: &str, fact: &SecretFact) -> String {
    let title = match fact.rule.as_str() {
        // Its words are about ARG alone.
        "build-argument" => "a value whose name says secret",
        rule => crate::secret::rule(rule).map_or(rule, |rule| rule.title.as_str()),
    };
    format!("{title} in `{name}`: {}", fact.masked)
}

/// A problem that is as bad and as sure as the secret, and whose line is not shown.
pub(in crate::lint) fn mark(problem: &mut Problem, fact: &SecretFact) {
    problem.confidence = fact.confidence;
    problem.severity = match fact.confidence {
        Confidence::High => Severity::Critical,
        Confidence::Medium => Severity::High,
        Confidence::Low => Severity::Low,
    };
    problem.is_secret = true;
}

/// Whether a variable is named like a secret and has a value that may be one. A path or an address says where a secret is, and what stands in for one is none.
pub(in crate::lint) fn is_set_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // Of credentials, what is named is mostly a file or an entry that holds them.
    let is_named = crate::secret::names_secret(name) && !upper.ends_with("CREDENTIALS") && !upper.ends_with("_PATH");
    is_named && !value.is_empty() && !is_pointer(value) && !stands_in(value)
}

/// A path or an address says where a secret is.
pub(in crate::lint) fn is_pointer(value: &str) -> bool {
    value.starts_with('/')
        || value.contains("://")
        || matches!(value, "true" | "false" | "yes" | "no" | "none" | "0" | "1")
}

/// `xxx`, `<password>`, `****`: nobody's secret.
fn stands_in(value: &str) -> bool {
    let first = value.chars().next();
    value.chars().all(|c| Some(c) == first)
        || (value.starts_with('<') && value.ends_with('>'))
        || value.starts_with('$')
        || value.contains("${")
}

#[cfg(test)]
mod tests {
    use super::is_set_secret;

    #[test]
    fn values_that_may_be_secrets() {
        for (name, value, expected) in [
            ("DB_PASSWD", "gitea", true),
            ("POSTGRES_PASSWORD", "nextcloud", true),
            ("API_TOKEN", "xxx", false),
            ("PASSWORD", "${PW}", false),
            ("PASSWORD", "", false),
            ("PASSWORD_FILE", "/run/secrets/x", false),
            ("SSL_KEY_CREDENTIALS", "kafka_ssl_key_creds", false),
            ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes", false),
            ("KEYBOARD", "de", false),
        ] {
            assert_eq!(is_set_secret(name, value), expected, "{name}={value}");
        }
    }
}
