//! Files of `NAME=value`: a name tells whether the value is a secret.

use super::{NotUnderstood, Sink, known, text_lines, unquote};
use crate::facts::Confidence;

/// Words of a name whose value is a secret.
const WORDS: &[&[u8]] = &[
    b"PASSWORD",
    b"PASSWD",
    b"PASSPHRASE",
    b"SECRET",
    b"TOKEN",
    b"API_KEY",
    b"APIKEY",
    b"ACCESS_KEY",
    b"ACCESSKEY",
    b"PRIVATE_KEY",
    b"PRIVATEKEY",
    b"CREDENTIAL",
    b"AUTH_KEY",
    b"ENCRYPTION_KEY",
    b"SIGNING_KEY",
    b"APP_KEY",
    b"MASTER_KEY",
    b"DB_PASS",
    b"_PASS",
    b"_PWD",
    b"CONNECTION_STRING",
];

/// Last words of a name that points to a secret or describes one.
const POINTERS: &[&[u8]] = &[
    b"FILE",
    b"PATH",
    b"DIR",
    b"URL",
    b"URI",
    b"NAME",
    b"ID",
    b"TTL",
    b"TYPE",
    b"ENABLED",
    b"EXPIRY",
    b"EXPIRATION",
    b"EXPIRES",
    b"TIMEOUT",
    b"LENGTH",
    b"VERSION",
    b"ALGORITHM",
    b"REQUIRED",
    b"HOST",
    b"PORT",
    b"ENDPOINT",
    b"ISSUER",
    b"HEADER",
    b"FIELD",
    b"PUBLIC",
    b"IN",
    b"LIFETIME",
    b"COUNT",
    b"MIN",
    b"MAX",
    b"SIZE",
    b"PREFIX",
    b"REF",
    b"LABEL",
    b"TITLE",
    b"TEXT",
    b"MESSAGE",
    b"HINT",
    b"PLACEHOLDER",
    b"DESCRIPTION",
    b"ERROR",
    b"PATTERN",
    b"REGEX",
    b"POLICY",
    b"ENCODER",
    b"FORMAT",
    b"COLUMN",
];

/// Least bytes of a value that counts: shorter ones are switches and numbers.
const MIN_VALUE: usize = 6;

/// A variable of this name holds a secret.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let name = constant_case(name);
    let last = name.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
    let has = |word: &&[u8]| memchr::memmem::find(&name, word).is_some();
    let public = memchr::memmem::find(&name, b"PUBLIC").is_some();
    // Helm's charts name a Secret that is there already.
    let elsewhere = name.starts_with(b"EXISTING_");
    !public && !elsewhere && !POINTERS.contains(&last) && (WORDS.iter().any(has) || name == b"PASS" || name == b"PWD")
}

/// `db.password`, `db-password` and `dbPassword` as `DB_PASSWORD`.
pub(super) fn constant_case(name: &[u8]) -> Vec<u8> {
    let mut words = Vec::with_capacity(name.len() + 4);
    let mut before = b'_';
    for byte in name {
        if before.is_ascii_lowercase() && byte.is_ascii_uppercase() {
            words.push(b'_');
        }
        words.push(if matches!(byte, b'-' | b'.') { b'_' } else { byte.to_ascii_uppercase() });
        before = *byte;
    }
    words
}

/// A value that only repeats what its name says it is (`password: password`), as documents write it.
pub(super) fn repeats(name: &[u8], value: &[u8]) -> bool {
    let (name, value) = (constant_case(name), value.to_ascii_uppercase());
    WORDS.contains(&value.as_slice()) && name.ends_with(&value)
}

/// A value that may be one: neither a number nor a path nor too short.
pub(super) fn is_value(value: &[u8]) -> bool {
    value.len() >= MIN_VALUE
        && !is_path(value)
        && !value.iter().all(u8::is_ascii_digit)
        && !value.iter().any(u8::is_ascii_whitespace)
}

/// An absolute path of more than one part.
pub(super) fn is_path(value: &[u8]) -> bool {
    value.first() == Some(&b'/') && value.iter().filter(|byte| **byte == b'/').count() > 1
}

/// `.env` files (the dialects of docker, dotenv and direnv agree on this much).
pub(super) fn dotenv(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    assignments(text, sink, "dotenv-credential");
    Ok(())
}

/// Gradle's properties (docs.gradle.org, "Build environment"): registry passwords, signing keys.
pub(super) fn gradle(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    assignments(text, sink, "gradle-credential");
    Ok(())
}

fn assignments(text: &[u8], sink: &mut Sink, rule: &'static str) {
    for line in text_lines(text) {
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        if line.starts_with(b"#") {
            continue;
        }
        let Some(equals) = memchr::memchr2(b'=', b':', line) else { continue };
        let (name, value) =
            (line.get(..equals).unwrap_or_default().trim_ascii(), value(line.get(equals + 1..).unwrap_or_default()));
        if is_secret(name) && (is_value(value) || known::is_default_password(value)) {
            sink.add(rule, name, value, Confidence::Medium);
        }
    }
}

/// A value without quotes, or without the comment behind it.
fn value(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    if let Some((quote @ (b'"' | b'\''), inner)) = text.split_first()
        && let Some(end) = memchr::memchr(*quote, inner)
    {
        return inner.get(..end).unwrap_or_default();
    }
    let end = memchr::memmem::find(text, b" #").unwrap_or(text.len());
    unquote(text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_from_pointers() {
        for (name, expected) in [
            ("DB_PASSWORD", true),
            ("DB_PASSWORD_FILE", false),
            ("spring.datasource.password", true),
            ("TOKEN_TTL", false),
            ("NEXT_PUBLIC_API_KEY", false),
            ("APP_KEY", true),
            ("KEYBOARD", false),
            ("JWT_SECRET", true),
            ("SECRET_NAME", false),
            ("SMTP_PASS", true),
            ("PWD", true),
            ("signing.keyId", false),
            ("dbAccessKey", true),
            ("tokenUrl", false),
        ] {
            assert_eq!(is_secret(name.as_bytes()), expected, "{name}");
        }
    }
}
