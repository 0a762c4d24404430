//! Passwords that everybody has, and values that only point to a secret.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The list; its text is part of the rules' revision.
pub(in crate::secret) const SOURCE: &str = include_str!("../../../policies/secrets/default-passwords.toml");

/// Longest password of the list.
const MAX_LENGTH: usize = 32;

#[derive(Deserialize)]
struct List {
    /// Password in lower case, and whose it is.
    passwords: BTreeMap<String, String>,
}

/// A password that a product sets or documents by itself.
pub(super) fn is_default_password(value: &[u8]) -> bool {
    static LIST: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let list = LIST.get_or_init(|| toml::from_str::<List>(SOURCE).map(|list| list.passwords).unwrap_or_default());
    let short = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_LENGTH);
    short.is_some_and(|text| list.contains_key(&text.to_ascii_lowercase()))
}

/// How values begin that name the place of a secret, or hold one that is encrypted for somebody: secret managers' own words for it.
const REFERENCES: &[&[u8]] = &[
    b"!vault",
    b"!ref",
    b"!sub",
    b"!env",
    b"!secret",
    b"!getatt",
    b"!join",
    b"!importvalue",
    b"$ansible_vault",
    b"$__file{",
    b"$__env{",
    b"akv:",
    b"arn:aws:",
    b"aws-sm:",
    b"awssm://",
    b"bws:",
    b"data.",
    b"dapr:",
    b"doppler://",
    b"enc(",
    b"enc[",
    b"encrypted:",
    b"env(",
    b"env.",
    b"env:",
    b"env[",
    b"env://",
    b"file(",
    b"file:",
    b"gcp-sm:",
    b"getenv(",
    b"keyring:",
    b"keyvault:",
    b"kms:",
    b"lookup(",
    b"op://",
    b"os.environ",
    b"os.getenv",
    b"pass:",
    b"process.env",
    b"projects/",
    b"ref+",
    b"secret://",
    b"secretref:",
    b"secrets.",
    b"sm://",
    b"ssm:",
    b"summon:",
    b"var.",
    b"vault:",
    b"vault://",
    b"vault(",
];

/// Whether a value only points to a secret, or is sealed for a key that is elsewhere.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let head = value.get(..value.len().min(16)).unwrap_or_default().to_ascii_lowercase();
    REFERENCES.iter().any(|start| head.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_lower_case_and_short() {
        assert!(
            is_default_password(b"changeme") && is_default_password(b"Postgres") && !is_default_password(b"hunter2")
        );
        let list: List = toml::from_str(SOURCE).unwrap();
        for password in list.passwords.keys() {
            assert!(password.len() <= MAX_LENGTH && *password == password.to_ascii_lowercase(), "{password}");
        }
    }

    #[test]
    fn references_are_told() {
        for value in [
            "op://vault/item/field",
            "!vault |",
            "ENC[AES256_GCM,data:x]",
            "vault:secret/data/app#pw",
            "ref+awsssm://x",
        ] {
            assert!(is_reference(value.as_bytes()), "{value}");
        }
        assert!(!is_reference(b"vaultier-than-thou") && !is_reference(b"s3cr3t!pw"));
    }
}
