//! Secrets in files: those that the detector knows, and values that only their names call so.

use super::Problem;
use crate::advisory::model::Severity;
use crate::facts::{Confidence, SecretFact};

/// Names whose files hold secrets and nothing else.
const NAMES: &[&str] = &[
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    "credentials.json",
    ".vault-token",
    "kubeconfig",
    "terraform.tfstate",
    ".dockercfg",
];

/// Endings of files that do.
const ENDINGS: &[&str] = &[
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ovpn",
    "/.aws/credentials",
    "/.docker/config.json",
    "/.kube/config",
    "/.ssh",
    "/.gnupg",
];

/// Words behind `.env.` of files that hold none: examples, and what is encrypted or made from elsewhere.
const NO_ENV: &[&str] = &[
    "age",
    "ci",
    "default",
    "defaults",
    "dist",
    "enc",
    "encrypted",
    "example",
    "gpg",
    "j2",
    "sample",
    "schema",
    "sops",
    "template",
    "test",
    "testing",
    "tmpl",
    "tpl",
    "vault",
];

/// Whether a file is `.env`, or one of it for an environment (`.env.production`).
pub(in crate::lint) fn is_env_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name == ".env"
        || name.strip_prefix(".env.").is_some_and(|rest| {
            !rest.split(['.', '-', '_']).any(|word| NO_ENV.contains(&word.to_ascii_lowercase().as_str()))
        })
}

/// Whether a file of that name holds secrets.
pub(in crate::lint) fn holds_secrets(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let slashed = format!("/{path}");
    NAMES.contains(&name) || is_env_file(path) || ENDINGS.iter().any(|end| slashed.ends_with(end))
}

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
