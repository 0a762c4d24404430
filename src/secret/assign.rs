//! Passwords and tokens of no known form: `password = value` where settings are written.
//!
//! Only a name tells that such a value is a secret, so this looks in files of settings alone, also in those that no parser knows. It is
//! code and no regex, since the words stand everywhere; the cheapest question comes first.

use std::ops::Range;

use super::parse;
use super::validate::{counts_up, entropy, is_hash, is_illustration, is_placeholder, looks_random, reads_as_words};
use crate::facts::Confidence;

/// The rule for what only a name says, where no parser knows the file.
const RULE: &str = "generic-secret";

/// Longest name and longest value.
const MAX_NAME: usize = 80;
const MAX_VALUE: usize = 200;

/// Spaces that may stand around the sign between both.
const MAX_SPACE: usize = 40;

/// Least bytes and least entropy (bits per byte) of a value that a generator made; `openssl rand -hex 8` has 16 and about 3.2.
const MIN_RANDOM: usize = 16;
const MIN_ENTROPY: f64 = 3.0;

/// Least bytes of a password that a person made up.
const MIN_PASSWORD: usize = 8;

/// Endings of files in which settings are written. Source code is none: there the words are names of variables.
const ENDINGS: &[&str] = &[
    "cfg",
    "cnf",
    "conf",
    "config",
    "env",
    "hcl",
    "ini",
    "json",
    "json5",
    "properties",
    "ps1",
    "sh",
    "tf",
    "tfvars",
    "toml",
    "yaml",
    "yml",
    "bash",
    "zsh",
    "service",
    "editorconfig",
];

/// Names of such files.
const NAMES: &[&str] = &["Dockerfile", "Containerfile", "Jenkinsfile", "Procfile", "Makefile", "environment"];

/// A secret behind its name.
#[derive(Debug)]
pub(super) struct Assignment {
    /// Id of the rule.
    pub(super) rule: &'static str,
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) confidence: Confidence,
}

/// Whether settings are written in the file at a path.
pub(super) fn holds_settings(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ending = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let known = |list: &[&str], text: &[u8]| list.iter().any(|known| text.eq_ignore_ascii_case(known.as_bytes()));
    known(ENDINGS, ending) || NAMES.iter().any(|known| name.starts_with(known.as_bytes()))
}

/// The assignment whose name holds the bytes at `at`.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Assignment> {
    let name = name_at(bytes, at)?;
    let value = value_behind(bytes, name.end)?;
    let (name_text, text) = (bytes.get(name.clone())?, bytes.get(value.clone())?);
    if !is_secret_name(name_text) || is_reference(text) {
        return None;
    }
    if parse::is_default_password(name_text, text) && is_password(name_text) {
        // Here it is what a manual says; where it takes effect, a parser or the image's own configuration tells it.
        return Some(Assignment { rule: parse::DEFAULT_PASSWORD, name, value, confidence: Confidence::Low });
    }
    let confidence = judge(name_text, text)?;
    Some(Assignment { rule: RULE, name, value, confidence })
}

/// Last words of names whose value is a secret.
const LAST_WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "CREDENTIALS",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "ACCESSKEY",
    "SECRET_KEY",
    "SECRETKEY",
    "PRIVATE_KEY",
    "AUTH_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "MASTER_KEY",
    "APP_KEY",
];

/// Tokens that mark a place in a list or one request, and open nothing.
const MARKS: &[&str] = &[
    "NEXT_TOKEN",
    "PAGE_TOKEN",
    "CONTINUATION_TOKEN",
    "REQUEST_TOKEN",
    "CHANGE_TOKEN",
    "CLIENT_TOKEN",
    "SYNC_TOKEN",
    "ACTION_TOKEN",
    "CANCEL_TOKEN",
    "TERM_TOKEN",
    "IDEMPOTENCY_TOKEN",
    "DESIGN_TOKEN",
];

/// A name that ends in what its value is; one that goes on (`PasswordLastUsed`) speaks of something else.
fn is_secret_name(name: &[u8]) -> bool {
    let words = parse::constant_case(name);
    let ends = |list: &[&str]| {
        list.iter().any(|end| {
            words.strip_suffix(end.as_bytes()).is_some_and(|before| before.is_empty() || before.ends_with(b"_"))
        })
    };
    ends(LAST_WORDS) && !ends(MARKS) && parse::names_secret(name)
}

/// The whole name around a word of it.
fn name_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let member = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = bytes.get(at.saturating_sub(MAX_NAME)..at)?;
    let start = at - before.iter().rev().take_while(|byte| member(byte)).count();
    let after = bytes.get(at..bytes.len().min(at + MAX_NAME))?;
    let end = at + after.iter().take_while(|byte| member(byte)).count();
    (end - start <= MAX_NAME).then_some(start..end)
}

/// The value behind a name and `=`, `:`, `:=` or `=>`, with or without quotes around either.
fn value_behind(bytes: &[u8], end: usize) -> Option<Range<usize>> {
    let mut at = end;
    let mut quoted_name = false;
    if matches!(bytes.get(at), Some(b'"' | b'\'')) {
        quoted_name = true;
        at += 1;
    }
    at = skip_space(bytes, at);
    at += match bytes.get(at..at + 2)? {
        b":=" | b"=>" => 2,
        // `==` compares, `::` is a path.
        [b'=', b'='] | [b':', b':'] => return None,
        [b'=' | b':', _] => 1,
        _ => return None,
    };
    at = skip_space(bytes, at);
    let rest = bytes.get(at..bytes.len().min(at + MAX_VALUE + 1))?;
    if let Some((quote @ (b'"' | b'\'' | b'`'), inner)) = rest.split_first() {
        let length = inner.iter().position(|byte| byte == quote || *byte == b'\n')?;
        return (inner.get(length) == Some(quote)).then(|| at + 1..at + 1 + length);
    }
    // JSON quotes its texts.
    if quoted_name {
        return None;
    }
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'"' | b'\'' | b'<' | b'&' | b')' | b'`')
    };
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    (length <= MAX_VALUE).then(|| at..at + length)
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..bytes.len().min(at + MAX_SPACE)).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// What points to a secret instead of being one: variables, templates, calls, paths, addresses.
fn is_reference(value: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    parse::is_reference(value)
        || value.iter().any(|byte| {
            matches!(byte, b'$' | b'(' | b'{' | b'<' | b'%' | b'|' | b'\\')
                || byte.is_ascii_whitespace()
                || !byte.is_ascii_graphic()
        })
        || has(b"://")
        || has(b"env.")
        || value.iter().filter(|byte| **byte == b'/').count() > 1 && value.len() < 32
        || value.starts_with(b"/")
        || value.starts_with(b"@")
        || value.starts_with(b"*")
        || value.starts_with(b"&")
        || value.starts_with(b"!")
        || value.starts_with(b"[")
        || is_path_expression(value)
}

/// A way through a document to a value (`Streams[-1].Name`; JMESPath, JSONPath): names between dots, at least one with an index.
fn is_path_expression(value: &[u8]) -> bool {
    let is_step = |step: &[u8]| {
        let (name, index) = step.split_at(step.iter().position(|byte| *byte == b'[').unwrap_or(step.len()));
        let is_index = matches!(index, [] | [b'[', .., b']']) && !index.iter().any(u8::is_ascii_alphabetic);
        name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(u8::is_ascii_alphanumeric) && is_index
    };
    (value.ends_with(b"]") || memchr::memmem::find(value, b"].").is_some())
        && value.split(|byte| *byte == b'.').all(is_step)
}

/// A name whose value a person may have made up.
fn is_password(name: &[u8]) -> bool {
    let upper = name.to_ascii_uppercase();
    [&b"PASS"[..], b"PWD"].iter().any(|word| memchr::memmem::find(&upper, word).is_some())
}

/// How sure: what a generator made, or a password that holds more than letters; none if it is a word.
fn judge(name: &[u8], value: &[u8]) -> Option<Confidence> {
    if is_placeholder(value) || is_hash(value) || value.eq_ignore_ascii_case(name) {
        return None;
    }
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let mixed = has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit);
    if !mixed || reads_as_words(value) {
        return None;
    }
    let random = value.len() >= MIN_RANDOM && entropy(value) >= MIN_ENTROPY;
    let made_up = is_illustration(value) || !random && counts_up(value);
    let password =
        is_password(name) && value.len() >= MIN_PASSWORD && (looks_random(value) || has(u8::is_ascii_punctuation));
    if (random || password) && !made_up { Some(Confidence::Medium) } else { Some(Confidence::Low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(&'static str, Confidence, &str)> {
        let at =
            ["password", "token", "secret", "api_key"].iter().find_map(|word| text.to_ascii_lowercase().find(word))?;
        let found = read(text.as_bytes(), at)?;
        Some((found.rule, found.confidence, &text[found.value]))
    }

    #[test]
    fn a_generated_value_behind_a_name_is_a_secret() {
        for (text, value) in [
            ("db_password = \"kf83jd02mx84hq71\"", "kf83jd02mx84hq71"),
            ("  authToken: 9f2c81ab3d7e44f0a1b6\n", "9f2c81ab3d7e44f0a1b6"),
            ("\"clientSecret\": \"Zk9mXq2LpR7vTn4sWc8b\",", "Zk9mXq2LpR7vTn4sWc8b"),
            ("spring.datasource.password=Xk29-lmq8!", "Xk29-lmq8!"),
            ("API_KEY := 'a8f5f167f44f4964e6c998dee827110c1'", "a8f5f167f44f4964e6c998dee827110c1"),
        ] {
            assert_eq!(found(text), Some((RULE, Confidence::Medium, value)), "{text}");
        }
    }

    #[test]
    fn references_words_and_examples_are_none() {
        for text in [
            "password: ${DB_PASSWORD}",
            "password: {{ .Values.password }}",
            "password: changeme-please-1",
            "token == \"kf83jd02mx84hq71\"",
            "secret: app-secret-name-v2",
            "secretKeyRef: backend-credentials-2",
            "NextToken: 9f2c81ab3d7e44f0a1b6",
            "PasswordLastUsed: 2015-05-06T22:33:44Z",
            "password_file: /run/secrets/db_password_1",
            "\"password\": passwordInput1Field",
            "token: process.env.TOKEN1234567890",
            "password: \"two words 12\"",
            "\"output_token\": \"Streams.Shards[-1].ShardId2\",",
            "api_key: ZXhhbXBsZS1lbmNvZGVk",
            "token_url=https://auth.acme.net/oauth2/token",
            "password",
            "password:",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn default_passwords_are_of_their_own_kind() {
        for text in ["POSTGRES_PASSWORD=postgres", "password: admin", "MYSQL_ROOT_PASSWORD: \"changeme\""] {
            assert_eq!(found(text).map(|found| found.0), Some(parse::DEFAULT_PASSWORD), "{text}");
        }
        assert_eq!(found("token: admin"), None);
    }

    #[test]
    fn what_manuals_write_is_of_low_confidence() {
        for text in [
            "password: Password123!",
            "admin_password: Ansible_T3st1",
            "password: P@ssw0rd2024",
            "password: Acme#123",
            "admin_password: \"acme-789!\"",
        ] {
            assert_eq!(found(text).map(|found| found.1), Some(Confidence::Low), "{text}");
        }
    }

    #[test]
    fn settings_are_known_by_their_files() {
        for path in ["app/application.yml", "srv/Dockerfile.prod", "etc/app.conf", "a/settings.JSON"] {
            assert!(holds_settings(path.as_bytes()), "{path}");
        }
        for path in ["", "app/main.py", "lib/index.js", "README.md", "usr/bin/app"] {
            assert!(!holds_settings(path.as_bytes()), "{path}");
        }
    }
}
