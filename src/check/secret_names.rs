//! Environment variables and labels that are named like secrets.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::finding::{Finding, Kind, Location};

/// `secret-name`.
pub(super) struct SecretNames;

/// Name of the check.
pub const NAME: &str = "secret-name";

static META: Meta = Meta {
    name: NAME,
    summary: "an environment variable is named like a secret and has a value",
    doc: "**Reads** `Env` of the image configuration.\n\n**Reports** variables whose name holds a word such as PASSWORD, SECRET, TOKEN, API_KEY or CREDENTIAL and whose value is neither empty nor a placeholder; names that end in FILE, PATH, DIR, URL, NAME, TTL or the like point to a secret and hold none.\n\n\
          **Cannot see** secrets under harmless names; the secret rules look at the values.\n\n**Since** 0.1.0",
    aliases: &["CIS-4.10", "CIS-DI-0010", "DS-0031"],
    needs_config: true,
};

const WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
];

const POINTERS: &[&str] = &[
    "FILE",
    "FILES",
    "PATH",
    "DIR",
    "URL",
    "URI",
    "NAME",
    "ID",
    "TTL",
    "TYPE",
    "ENABLED",
    "EXPIRY",
    "EXPIRATION",
    "TIMEOUT",
    "LENGTH",
    "VERSION",
    "ALGORITHM",
    "HASH",
    "REQUIRED",
];

impl Check for SecretNames {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let env = subject.manifest.config.config.env.iter().filter_map(|pair| pair.split_once('='));
        let suspicious = env.filter(|(name, value)| holds_secret(name, value));
        suspicious
            .map(|(name, _)| {
                let title = format!("the environment variable `{name}` is named like a secret and has a value");
                let finding = Finding::new(Kind::Config, META.name, Severity::Medium, title, name)
                    .at(Location::Config(format!("env:{name}")));
                Finding { confidence: Confidence::Medium, ..finding }.advise(
                    "pass it when the container starts (a secret mount or --env-file), and rotate it if it was real",
                )
            })
            .collect()
    }
}

/// Whether a name says that its value is a secret, and the value may be one.
#[must_use]
pub fn holds_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) && !is_placeholder(value)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    WORDS.iter().any(|word| name.contains(word)) && !POINTERS.contains(&last)
}

fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    value.is_empty()
        || value.starts_with('$')
        || (value.starts_with('<') && value.ends_with('>'))
        || value.chars().all(|c| c == '*' || c == 'x' || c == 'X')
        || matches!(
            lower.as_str(),
            "true" | "false" | "yes" | "no" | "none" | "null" | "changeme" | "unset" | "0" | "1"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_point_are_no_secrets() {
        for (name, expected) in [
            ("POSTGRES_PASSWORD", true),
            ("POSTGRES_PASSWORD_FILE", false),
            ("API_KEY", true),
            ("GPG_KEY", false),
            ("TOKEN_TTL", false),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("PATH", false),
            ("KEYBOARD", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
        assert!(is_placeholder("${X}") && is_placeholder("xxxx") && is_placeholder("") && !is_placeholder("hunter2"));
    }
}
